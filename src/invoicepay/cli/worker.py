"""The worker: pass after pass over every tenant, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TextIO

from invoicepay.adapters.system import elapsed_seconds
from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.blocking import InvoicePay
from invoicepay.cli.telling import Telling
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.pending import PendingSummary

log = logging.getLogger("invoicepay.worker")

LONGEST_PAUSE_SECONDS = 30.0
"""Between passes that fail, such as while the database is away; the pause doubles up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to work; see `invoicepay worker --help`."""

    tenant: str | None = None
    limit: int = 100
    interval_seconds: float = 1.0
    heartbeat_seconds: float = 60.0
    once: bool = False
    as_json: bool = False


class Bell:
    """Rings once, from a signal handler; another signal of the kind then does what it always does."""

    def __init__(self) -> None:
        self.has_rung = False
        self._wake: Callable[[], object] = lambda: None

    def listen(self, wake: Callable[[], object]) -> None:
        """Ring at SIGTERM and SIGINT.

        Args:
            wake: ends a pause; called inside the handler.
        """
        self._wake = wake
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)

    def _ring(self, _number: int, _frame: object) -> None:
        self.has_rung = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._wake()


def work(pay: InvoicePay | AsyncInvoicePay, options: Options, out: TextIO) -> int:
    """Bring on what waits until told to stop; the client is closed at the end.

    Returns:
        0, or 1 where a single run (`once`) met trouble.
    """
    work = _Worker(options, Telling(out, as_json=options.as_json, pid=os.getpid()))
    if isinstance(pay, AsyncInvoicePay):
        return asyncio.run(work.await_all(pay))
    return work.block(pay)


class _Worker:
    """What one process does between its start and its end."""

    def __init__(self, options: Options, telling: Telling) -> None:
        self._options, self._telling, self._bell = options, telling, Bell()
        self._pause = options.interval_seconds
        self._told_at = elapsed_seconds()
        self._code = 0
        self._is_warm = False

    def block(self, pay: InvoicePay) -> int:
        """Work with a client that blocks."""
        rung: SimpleQueue[None] = SimpleQueue()  # may be put into by a signal handler, wherever it strikes
        self._bell.listen(lambda: rung.put(None))
        self._telling.started(str(pay))
        with pay:
            while not self._bell.has_rung:
                pause = self._after(self._blocking_pass(pay))
                if self._is_over(pause):
                    break
                _wait(rung, pause)
        return self._end()

    async def await_all(self, pay: AsyncInvoicePay) -> int:
        """Work with a client that awaits."""
        rung, loop = asyncio.Event(), asyncio.get_running_loop()
        self._bell.listen(lambda: loop.call_soon_threadsafe(rung.set))
        self._telling.started(str(pay))
        async with pay:
            while not self._bell.has_rung:
                pause = self._after(await self._awaiting_pass(pay))
                if self._is_over(pause):
                    break
                await _wait_for(rung, pause)
        return self._end()

    def _blocking_pass(self, pay: InvoicePay) -> Mapping[str, PendingSummary] | Exception:
        limit, tenant = self._options.limit, self._options.tenant
        try:
            if tenant is not None:
                return {tenant: pay.tenant(tenant).run_pending(limit=limit, until_quiet=False)}
            return pay.run_pending_everywhere(limit=limit, is_stopping=self._is_stopping)
        except Exception as trouble:  # noqa: BLE001 - told, and tried again
            return trouble

    async def _awaiting_pass(self, pay: AsyncInvoicePay) -> Mapping[str, PendingSummary] | Exception:
        limit, tenant = self._options.limit, self._options.tenant
        try:
            if tenant is not None:
                return {tenant: await pay.tenant(tenant).run_pending(limit=limit, until_quiet=False)}
            return await pay.run_pending_everywhere(limit=limit, is_stopping=self._is_stopping)
        except Exception as trouble:  # noqa: BLE001 - told, and tried again
            return trouble

    def _is_stopping(self) -> bool:
        return self._bell.has_rung

    def _after(self, outcome: Mapping[str, PendingSummary] | Exception) -> float:
        """Tell of a pass; how long to wait before the next one."""
        if not self._is_warm:
            gc.freeze()  # what the first pass has loaded stays, and need not be looked through again
            self._is_warm = True
        if isinstance(outcome, Exception):
            return self._after_trouble(outcome)
        self._pause = self._options.interval_seconds
        self._telling.count(outcome)
        moved = sum(summary.moved - len(summary.refusals) for summary in outcome.values())
        is_time = elapsed_seconds() - self._told_at >= self._options.heartbeat_seconds
        if is_time or self._telling.has_news:
            self._told_at = elapsed_seconds()
            self._telling.heartbeat()
        return 0.0 if moved > 0 else self._pause

    def _after_trouble(self, trouble: Exception) -> float:
        if not isinstance(trouble, InvoicePayError):
            log.error("a pass broke; the next one goes on", exc_info=trouble)
        self._telling.trouble(trouble)
        self._code = 1
        pause = self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return pause

    def _is_over(self, pause: float) -> bool:
        return self._options.once and pause > 0

    def _end(self) -> int:
        self._telling.stopped()
        return self._code if self._options.once else 0


def _wait(rung: SimpleQueue[None], seconds: float) -> None:
    if seconds:
        try:
            rung.get(timeout=seconds)
        except Empty:
            return


async def _wait_for(rung: asyncio.Event, seconds: float) -> None:
    if seconds:
        try:
            await asyncio.wait_for(rung.wait(), seconds)
        except TimeoutError:
            return
