"""A small business in a database, and what every error of a store must be."""

from __future__ import annotations

import asyncio
import gc
import os
import pwd
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay, InvoicePayError, migrate

PASSWORD = "hunter2-canary"
NOTE = "note-canary"
FACES = ("blocking", "awaiting")


@dataclass(frozen=True)
class Business:
    """Ann has money, and sends Bob a dollar at a time."""

    url: str
    face: str = "blocking"

    def open(self) -> None:
        """Make the tables, register the two and fund Ann."""
        migrate(self.url)
        with InvoicePay(self.url) as pay:
            pay.parties.register("ann")
            pay.parties.register("bob")
            pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD").id)

    def send(self, key: str = "order-1") -> str:
        """Send a dollar through a client of its own; returns the transfer's id."""
        if self.face == "awaiting":
            return asyncio.run(self._send(key))
        with InvoicePay(self.url) as pay:
            return send(pay, key)

    async def _send(self, key: str) -> str:
        before = set(threading.enumerate())
        try:
            async with AsyncInvoicePay(self.url) as pay:
                sent = await pay.transfers.send("ann", "bob", "1.00 USD", note=NOTE, idempotency_key=key)
                return sent.id
        finally:
            await _its_threads_end(before)

    def received(self) -> str:
        """What Bob has, with the books proven right."""
        with InvoicePay(self.url) as pay:
            assert pay.invariants.check() == ()
            assert pay.audit.verify()
            return str(pay.wallets.get("bob").available)


async def _its_threads_end(before: set[threading.Thread]) -> None:
    """Wait for threads of aiosqlite: each tells the loop of its end, in its own time."""
    for _ in range(3_000):
        begun = set(threading.enumerate()) - before
        if not any("_connection_worker_thread" in thread.name for thread in begun):
            return
        await asyncio.sleep(0.01)


def send(pay: InvoicePay, key: str = "order-1") -> str:
    """Ann sends Bob a dollar; returns the transfer's id."""
    return pay.transfers.send("ann", "bob", "1.00 USD", note=NOTE, idempotency_key=key).id


@contextmanager
def trouble(*kinds: type[InvoicePayError], names: str) -> Iterator[pytest.ExceptionInfo[InvoicePayError]]:
    """A call in this block ends in an error that names the next step and tells no secret.

    Args:
        names: what its message or hint must say.
    """
    with pytest.raises(kinds) as caught:
        yield caught
    error = caught.value
    assert names in f"{error.message} {error.hint}"
    said = f"{error} {error!r} {error.to_problem()} {error.details}"
    assert not [word for word in (PASSWORD, NOTE, "INSERT INTO", " FROM ", "CREATE ") if word in said]
    assert not [word for word in (PASSWORD, NOTE) if word in _causes(error)]


def _causes(error: BaseException) -> str:
    """What a logged traceback would show of the errors below."""
    texts, cause = "", error.__cause__
    while cause is not None:
        texts += f"{cause} {cause!r} "
        cause = cause.__cause__ or cause.__context__
    return texts


def integrity(path: Path) -> str:
    """What SQLite itself says of a file."""
    with closing(sqlite3.connect(path)) as connection:
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
        return str(said)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Be somebody whom permission bits bind: root becomes `nobody` for a while."""
    nobody = _nobody()
    if nobody is None:
        yield
        return
    _load_everything()
    gc.collect()  # what other tests left is given back while we may: semaphores belong to root
    os.setegid(nobody.pw_gid)
    os.seteuid(nobody.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that the ordinary user owns, outside the private ones of the test run."""
    folder = Path(tempfile.mkdtemp(prefix="invoicepay-store-"))
    nobody = _nobody()
    if nobody is not None:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    try:
        yield folder
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)


def _nobody() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


@cache
def _load_everything() -> None:
    """Import all that a business needs while it can be read: `nobody` may not see the interpreter."""
    with own_folder() as folder:
        business = Business(f"sqlite:///{folder / 'pay.db'}")
        business.open()
        business.send()
        business.received()
