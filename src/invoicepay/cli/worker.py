"""The command `worker`: passes over every tenant until it is told to stop, and a word about them."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from invoicepay.adapters.system import elapsed_seconds
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.blocking import InvoicePay
from invoicepay.cli.telling import Telling
from invoicepay.client.worker import HOPELESS, has_moved
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.pending import PendingSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to work; see `invoicepay worker --help`."""

    tenant: str | None = None
    limit: int = 100
    interval_seconds: float = 1.0
    heartbeat_seconds: float = 60.0
    bill_every_seconds: float | None = None
    once: bool = False
    as_json: bool = False


def work(pay: InvoicePay | AsyncInvoicePay, options: Options, out: TextIO) -> int:
    """Bring on what waits until told to stop; the client is closed at the end.

    Returns:
        0; or 1 where it could not work at all, or a single run (`once`) met trouble.
    """
    session = _Session(options, Telling(out, as_json=options.as_json, pid=os.getpid()))
    session.telling.started(str(pay))
    try:
        if isinstance(pay, AsyncInvoicePay):
            asyncio.run(_await_all(pay, session))
        else:
            _block(pay, session)
    except HOPELESS as refused:
        session.refused(refused)
    session.telling.stopped()
    return session.code


def _block(pay: InvoicePay, session: _Session) -> None:
    with pay:
        serving = pay if session.options.tenant is None else pay.tenant(session.options.tenant)
        worker = serving.worker(**session.asked())
        session.stop = worker.stop
        worker.run_forever()


async def _await_all(pay: AsyncInvoicePay, session: _Session) -> None:
    async with pay:
        serving = pay if session.options.tenant is None else pay.tenant(session.options.tenant)
        worker = serving.worker(**session.asked())
        session.stop = worker.stop
        await worker.run_forever()


class _Session:
    """What one process tells between its start and its end, and with which exit code it ends."""

    def __init__(self, options: Options, telling: Telling) -> None:
        self.options, self.telling = options, telling
        self.code = 0
        self.stop: Callable[[], None] = lambda: None
        self._told_at = elapsed_seconds()
        self._is_warm = False

    def asked(self) -> dict[str, Any]:
        """How the worker is to work."""
        return {
            "poll_seconds": self.options.interval_seconds,
            "limit": self.options.limit,
            "everywhere": self.options.tenant is None,
            "bill_every_seconds": self.options.bill_every_seconds,
            "on_pass": self._passed,
            "on_trouble": self._troubled,
        }

    def refused(self, error: InvoicePayError) -> None:
        """It cannot work at all."""
        self.telling.trouble(error)
        self.code = 1

    def _passed(self, done: Mapping[str, PendingSummary]) -> None:
        self._warm_up()
        self.telling.count(done)
        is_time = elapsed_seconds() - self._told_at >= self.options.heartbeat_seconds
        if is_time or self.telling.has_news:
            self._told_at = elapsed_seconds()
            self.telling.heartbeat()
        if self.options.once and not has_moved(done):
            self.stop()

    def _troubled(self, trouble: Exception) -> None:
        self._warm_up()
        self.telling.trouble(trouble)
        if self.options.once:
            self.code = 1
            self.stop()

    def _warm_up(self) -> None:
        """What the first pass has loaded stays, and need not be looked through again."""
        if not self._is_warm:
            gc.freeze()
            self._is_warm = True
