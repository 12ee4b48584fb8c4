"""Whether a connection out of the pool still leads anywhere, mostly without asking the server."""

from __future__ import annotations

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from invoicepay.adapters.system import elapsed_seconds

IDLE_SECONDS = 5.0
"""After so long in the pool a connection is tried before it is used."""


def look_before_use(engine: Engine) -> None:
    """Try connections of the pool that were idle for long, or that the server has said something to.

    A server that ends or restarts says so on every connection, and the system knows what has arrived: that
    costs no round trip. Only a network that went silent is found by asking.
    """

    def used(_connection: Any, record: Any) -> None:
        record.info["used_at"] = elapsed_seconds()

    def look(connection: Any, record: Any, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or (elapsed_seconds() - used_at < IDLE_SECONDS and not _has_news(connection)):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the server has left") from error

    event.listen(engine, "checkin", used)
    event.listen(engine, "checkout", look)


def _has_news(connection: Any) -> bool:
    """Whether something has arrived: a farewell, hardly ever anything else."""
    driver = getattr(connection, "driver_connection", connection)
    if driver.closed:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([driver.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    return bool(poll.poll(0))
