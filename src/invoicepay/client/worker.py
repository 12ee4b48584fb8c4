"""A worker: pass after pass over what waits, until it is told to stop."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from invoicepay.adapters.hosts import is_blocking
from invoicepay.adapters.system import elapsed_seconds
from invoicepay.client.base import Core
from invoicepay.domain.shape import whole
from invoicepay.errors import ConfigurationError, InvalidInput, InvoicePayError, NotAllowed
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.neighbours import Stages
from invoicepay.use_cases.pending import PendingSummary, run_pending_everywhere
from invoicepay.use_cases.schedules import run_due

log: logging.Logger = logging.getLogger("invoicepay.worker")

LONGEST_PAUSE_SECONDS = 30.0
"""Between passes that fail, such as while the database is away; the pause doubles up to here."""

LONGEST_POLL_SECONDS = 3_600
LONGEST_BILLING_SECONDS = 86_400

HOPELESS = (ConfigurationError, NotAllowed)
"""What the next pass would meet again, however long it waits: a closed client, an actor who may not."""

OnPass = Callable[[Mapping[str, PendingSummary]], object]
OnTrouble = Callable[[Exception], object]


class Worker:
    """Brings on what waits; any number of workers share the work, and one that is killed loses nothing."""

    def __init__(
        self,
        core: Core,
        *,
        poll_seconds: float,
        limit: int,
        everywhere: bool,
        bill_every_seconds: float | None = None,
        on_pass: OnPass | None,
        on_trouble: OnTrouble | None,
    ) -> None:
        whole(limit, "limit", least=1)
        _check_pause(poll_seconds, "poll_seconds", LONGEST_POLL_SECONDS)
        if bill_every_seconds is not None:
            _check_pause(bill_every_seconds, "bill_every_seconds", LONGEST_BILLING_SECONDS)
        self._core, self._limit, self._everywhere = core, limit, everywhere
        self._poll_seconds = self._pause = poll_seconds
        self._bill_every_seconds, self._bills_at = bill_every_seconds, 0.0
        self._on_pass, self._on_trouble = on_pass or _silent, on_trouble or _silent
        self._bell = _Bell()

    async def run_forever(self, *, handle_signals: bool = True) -> None:
        """Make passes until `stop`, or until SIGTERM or SIGINT; then end after the tenant at hand.

        A pass that fails is logged to `invoicepay.worker` and tried again after a pause that doubles up to
        30 seconds. A second signal does what it did before, which loses nothing.

        Args:
            handle_signals: False where somebody else takes them, such as a web server, and in a thread that
                is not the main one; call `stop` there.

        Raises:
            NotAllowed: the actor is a party.
            ConfigurationError: the client was closed, or it cannot work at all.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay(dispatch="deferred")
            >>> deposit = pay.deposits.initiate("ann", "50.00 USD")
            >>> worker = pay.worker(on_pass=lambda done: worker.stop())
            >>> worker.run_forever()
            >>> pay.effects.list().items[0].status
            <EffectStatus.ACCEPTED: 'accepted'>
        """
        await allow(self._core.deps, "run_pending_everywhere" if self._everywhere else "run_pending")
        if self._bill_every_seconds is not None:
            await allow(self._core.deps, "schedules.run_due")
        with self._bell.hung(), self._bell.listening(handle_signals):
            while not self._bell.has_rung:
                await self._bell.wait(await self._pass())

    def stop(self) -> None:
        """End after the tenant at hand, and stay ended; from any thread or handler. It waits for nothing."""
        self._bell.ring()

    async def _pass(self) -> float:
        """Work once; how long to wait before the next time."""
        try:
            fault = await self._bill()
            done = await self._work()
        except HOPELESS:
            raise
        except Exception as trouble:  # noqa: BLE001 - told, and tried again
            return self._after(trouble)
        self._on_pass(done)
        if fault is not None:
            return self._after(fault)
        self._pause = self._poll_seconds
        return 0.0 if has_moved(done) else self._poll_seconds

    async def _work(self) -> Mapping[str, PendingSummary]:
        core = self._core
        if not self._everywhere:
            return {core.wired.tenant_id: await core.run_pending(self._limit, until_quiet=False)}
        return await run_pending_everywhere(
            core.deps, self._limit, handlers=core.handlers, is_stopping=lambda: self._bell.has_rung
        )

    async def _bill(self) -> Exception | None:
        """Issue recurring invoices, where it is time to; what failed in a tenant holds up nothing else."""
        if self._bill_every_seconds is None or elapsed_seconds() < self._bills_at:
            return None
        deps, stages = self._core.deps, Stages()
        for tenant in await deps.repository.tenants() if self._everywhere else (deps.tenant_id,):
            if not self._bell.has_rung:
                await stages.done(run_due(replace(deps, tenant_id=tenant)), [])
        if stages.faults:
            return stages.faults[0]
        self._bills_at = elapsed_seconds() + self._bill_every_seconds
        return None

    def _after(self, trouble: Exception) -> float:
        """Tell of a pass that failed; each one after another waits twice as long."""
        if isinstance(trouble, InvoicePayError):
            log.warning("a pass was refused: %s", trouble.code)
        else:
            log.error("a pass broke; the next one goes on", exc_info=trouble)
        self._on_trouble(trouble)
        pause = self._pause
        self._pause = min(2 * pause, max(LONGEST_PAUSE_SECONDS, self._poll_seconds))
        return pause


def has_moved(done: Mapping[str, PendingSummary]) -> bool:
    """Whether a pass brought anything on, so that the next one may find more."""
    return sum(summary.moved - len(summary.refusals) for summary in done.values()) > 0


def _check_pause(seconds: float, name: str, most: int) -> None:
    if not isinstance(seconds, int | float) or not 0 < seconds <= most:
        raise InvalidInput(f"{name} is more than 0 and at most {most}", field=name)


def _silent(_told: Any) -> None:
    return


class _Bell:
    """Rings once, from a thread, a task or a signal handler, and ends a pause, however the host waits."""

    def __init__(self) -> None:
        self.has_rung = False
        self._rung: SimpleQueue[None] = SimpleQueue()  # takes from a signal handler, wherever it strikes
        self._wake: Callable[[], object] = lambda: self._rung.put(None)
        self._is_awake: Any = None

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Able to end the pauses of this host: of a thread that blocks, or of a task in its loop."""
        if is_blocking():
            yield
            return
        import asyncio

        loop, event = asyncio.get_running_loop(), asyncio.Event()
        before, self._is_awake = self._wake, event
        self._wake = lambda: loop.call_soon_threadsafe(event.set)
        try:
            yield
        finally:
            self._wake = before

    def ring(self) -> None:
        """No pass begins any more."""
        self.has_rung = True
        self._wake()

    async def wait(self, seconds: float) -> None:
        """Pause, unless it has rung."""
        if self.has_rung or not seconds:
            return
        if self._is_awake is None:
            _take(self._rung, seconds)
        else:
            await _awake(self._is_awake, seconds)

    @contextmanager
    def listening(self, handle_signals: bool) -> Iterator[None]:
        """Ring at SIGTERM and SIGINT; another signal of the kind then does what it did before."""
        if not handle_signals:
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def give_back() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def rung(_number: int, _frame: object) -> None:
            give_back()
            self.ring()

        for number in before:
            signal.signal(number, rung)
        try:
            yield
        finally:
            give_back()


def _take(rung: SimpleQueue[None], seconds: float) -> None:
    try:
        rung.get(timeout=seconds)
    except Empty:
        return


async def _awake(event: Any, seconds: float) -> None:
    import asyncio

    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
