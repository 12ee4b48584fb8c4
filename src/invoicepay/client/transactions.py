"""Several calls as one transaction: ours, which is committed at its end, or one of the host's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from invoicepay.errors import ConcurrentUpdate, ConfigurationError
from invoicepay.ports.repository import JoinsHosts
from invoicepay.use_cases.perform import to_begin_again

if TYPE_CHECKING:
    from invoicepay.client.base import Core


@asynccontextmanager
async def transaction(core: Core) -> AsyncIterator[Core]:
    """A transaction of ours, committed at the end, then what follows as after any call."""
    async with core.deps.repository.transaction() as whole:
        within = core.inside(whole)
        try:
            yield within
        finally:
            within.shared.is_closed = True
        try:
            await whole.commit()
        except ConcurrentUpdate as lost:
            raise to_begin_again(lost) from lost
    await core.follow_up()


def bound(core: Core, host: object) -> Core:
    """The client inside a transaction of the host's.

    Raises:
        ConfigurationError: the store has none, or the host's is none that can be joined.
    """
    repository = core.deps.repository
    if not isinstance(repository, JoinsHosts):
        raise ConfigurationError(
            f"{core.place} keeps its tables in no database that a session could share",
            hint="Make the client with the engine that the session works on: InvoicePay(engine).",
        )
    return core.inside(repository.bound(host))
