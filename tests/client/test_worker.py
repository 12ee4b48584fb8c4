"""`pay.worker()` makes passes until it is told to stop, in a thread, a task or a process of the host's."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, Every, Invoice, InvoicePay, PendingSummary
from invoicepay.client import worker as worker_module
from invoicepay.errors import ConfigurationError, InvalidInput, NotAllowed, StoreUnreachable
from invoicepay.use_cases.perform import Deps

SOON, LATE = 0.01, 30.0
PATIENCE_SECONDS = 20


@pytest.fixture
def pay(tmp_path: Path) -> InvoicePay:
    """A client in whose two tenants a deposit waits to be sent."""
    pay = InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}", dispatch="deferred")
    for tenant in ("north", "south"):
        pay.tenant(tenant).parties.register("ann")
        pay.tenant(tenant).deposits.initiate("ann", "50.00 USD")
    return pay


def statuses(pay: InvoicePay) -> list[str]:
    return [pay.tenant(name).effects.list().items[0].status for name in ("north", "south")]


def moved(done: Mapping[str, PendingSummary]) -> int:
    return sum(summary.moved for summary in done.values())


def once_idle(then: Callable[[], object]) -> Callable[[Mapping[str, PendingSummary]], None]:
    """What a worker tells to: it does something after a pass that moved nothing."""

    def passed(done: Mapping[str, PendingSummary]) -> None:
        if not moved(done):
            then()

    return passed


def test_passes_follow_at_once_while_something_moves_and_then_wait(pay: InvoicePay) -> None:
    seen: list[int] = []

    def passed(done: Mapping[str, PendingSummary]) -> None:
        seen.append(moved(done))
        if not seen[-1]:
            worker.stop()

    worker = pay.worker(poll_seconds=LATE, on_pass=passed)
    worker.run_forever()

    assert statuses(pay) == ["accepted", "accepted"]
    assert seen[0] >= 2 and seen[-1] == 0


def test_a_worker_of_one_tenant_leaves_the_others_alone(pay: InvoicePay) -> None:
    north = pay.tenant("north")
    worker = north.worker(everywhere=False, on_pass=lambda done: worker.stop())

    worker.run_forever()

    assert statuses(pay) == ["accepted", "planned"]


def test_a_thread_that_waits_is_stopped_at_once_by_another(pay: InvoicePay) -> None:
    is_idle = threading.Event()
    worker = pay.worker(poll_seconds=LATE, on_pass=once_idle(is_idle.set))
    thread = threading.Thread(target=worker.run_forever, kwargs={"handle_signals": False})
    thread.start()
    assert is_idle.wait(PATIENCE_SECONDS)

    worker.stop()
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()


def test_a_task_that_waits_is_stopped_at_once_and_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    async def host() -> str:
        async with AsyncInvoicePay(f"sqlite:///{tmp_path / 'pay.db'}", dispatch="deferred") as pay:
            await pay.parties.register("ann")
            is_idle = asyncio.Event()
            worker = pay.worker(poll_seconds=SOON, on_pass=once_idle(is_idle.set))
            task = asyncio.create_task(worker.run_forever(handle_signals=False))
            await asyncio.wait_for(is_idle.wait(), PATIENCE_SECONDS)
            deposit = await pay.deposits.initiate("ann", "5.00 USD")
            while (await pay.effects.list(cause=deposit)).items[0].status == "planned":
                await asyncio.sleep(SOON)
            worker.stop()
            await asyncio.wait_for(task, PATIENCE_SECONDS)
            return (await pay.effects.list(cause=deposit)).items[0].status

    assert asyncio.run(host()) == "accepted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_handler_is_given_back(pay: InvoicePay, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    worker = pay.worker(poll_seconds=LATE, on_pass=once_idle(partial(os.kill, os.getpid(), number)))

    worker.run_forever()

    assert signal.getsignal(number) is before


def test_a_web_server_keeps_its_signals(pay: InvoicePay) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []

    def passed(_done: Mapping[str, PendingSummary]) -> None:
        seen.append(signal.getsignal(signal.SIGTERM))
        worker.stop()

    worker = pay.worker(on_pass=passed)
    worker.run_forever(handle_signals=False)

    assert seen == [before]


def test_a_store_that_is_away_is_told_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Exception] = []

    def troubled(error: Exception) -> None:
        told.append(error)
        if len(told) == 3:
            worker.stop()

    with InvoicePay("sqlite:////nowhere/pay.db") as pay:
        worker = pay.worker(poll_seconds=SOON, on_trouble=troubled)
        with caplog.at_level(logging.WARNING, "invoicepay.worker"):
            worker.run_forever()

    assert [type(error) for error in told] == [StoreUnreachable] * 3
    assert "store_unreachable" in caplog.text


def test_it_bills_what_is_due_in_every_tenant_where_that_is_asked(pay: InvoicePay) -> None:
    for tenant in ("north", "south"):
        of_tenant = pay.tenant(tenant)
        of_tenant.parties.register("acme", kind="enterprise")
        lines = [("Pro plan", "29.00 USD")]
        of_tenant.schedules.create(enterprise="acme", customer="ann", lines=lines, every=Every.month())

    def billed(every_seconds: float | None) -> list[int]:
        passes: list[object] = []

        def passed(done: object) -> None:
            passes.append(done)
            if len(passes) == 3:
                worker.stop()

        worker = pay.worker(poll_seconds=SOON, bill_every_seconds=every_seconds, on_pass=passed)
        worker.run_forever()
        return [len(pay.tenant(name).invoices.list().items) for name in ("north", "south")]

    assert billed(None) == [0, 0]
    assert billed(SOON) == [1, 1]  # however often it looked


def test_billing_that_breaks_in_one_tenant_holds_up_neither_the_other_nor_the_rest_of_the_pass(
    pay: InvoicePay, monkeypatch: pytest.MonkeyPatch
) -> None:
    billed: list[str] = []
    told: list[Exception] = []

    async def breaks_in_the_north(deps: Deps) -> list[Invoice]:
        billed.append(deps.tenant_id)
        if deps.tenant_id == "north":
            raise ZeroDivisionError
        return []

    def troubled(error: Exception) -> None:
        told.append(error)
        worker.stop()

    monkeypatch.setattr(worker_module, "run_due", breaks_in_the_north)
    worker = pay.worker(poll_seconds=SOON, bill_every_seconds=SOON, on_trouble=troubled)
    worker.run_forever()

    assert billed == ["north", "south"]
    assert [type(error) for error in told] == [ZeroDivisionError]
    assert statuses(pay) == ["accepted", "accepted"]


def test_a_closed_client_ends_its_worker_instead_of_trying_for_ever(pay: InvoicePay) -> None:
    worker = pay.worker(poll_seconds=SOON, on_pass=lambda done: pay.close())

    with pytest.raises(ConfigurationError, match="closed"):
        worker.run_forever()


def test_a_party_works_for_nobody(pay: InvoicePay) -> None:
    with pytest.raises(NotAllowed):
        pay.tenant("north").acting_as("ann").worker().run_forever()


def test_a_stopped_worker_stays_stopped(pay: InvoicePay) -> None:
    worker = pay.worker()
    worker.stop()

    worker.run_forever()

    assert statuses(pay) == ["planned", "planned"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("poll_seconds", value) for value in (0, -1.0, 3601, float("nan"), "1")]
    + [("bill_every_seconds", value) for value in (0, 86_401)]
    + [("limit", value) for value in (0, 1.5, True)],
)
def test_nonsense_is_refused_before_anything_runs(pay: InvoicePay, option: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=option):
        pay.worker(**{option: value})
