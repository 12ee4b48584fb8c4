"""One client serves many tasks or many threads of a host, on every store, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay, migrate
from invoicepay.errors import InsufficientFunds

TASKS = 100
THREADS = 8
EACH = 6


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "memory":
        yield "memory://"
    elif request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'pay.db'}"
    else:
        url: str = request.getfixturevalue("postgres_url")
        migrate(url)
        yield url


async def opened(pay: AsyncInvoicePay, total: int) -> str:
    """An invoice, and somebody with as much money as it asks for."""
    await pay.parties.register("acme", kind="enterprise")
    await pay.parties.register("ann")
    deposit = await pay.deposits.initiate("ann", f"{total}.00 USD")
    await pay.sim.settle(deposit)
    lines = [("Seats", f"{total}.00 USD")]
    return (await pay.invoices.issue(enterprise="acme", customer="ann", lines=lines)).id


def test_a_hundred_tasks_pay_one_invoice_to_the_cent(url: str) -> None:
    async def paid_together() -> None:
        async with AsyncInvoicePay(url) as pay:
            invoice = await opened(pay, TASKS)

            await asyncio.gather(
                *(pay.invoices.pay(invoice, payer="ann", amount="1.00 USD") for _ in range(TASKS))
            )

            assert (await pay.invoices.get(invoice)).status == "paid"
            assert len([payment async for payment in await pay.payments.list(invoice=invoice)]) == TASKS
            assert str((await pay.wallets.get("acme")).available) == f"{TASKS}.00 USD"
            assert await pay.invariants.check() == ()
            assert await pay.audit.verify()

    asyncio.run(paid_together())


def test_tasks_that_share_a_key_pay_once(url: str) -> None:
    async def paid_once() -> None:
        async with AsyncInvoicePay(url) as pay:
            invoice = await opened(pay, 10)

            made = await asyncio.gather(
                *(pay.invoices.pay(invoice, payer="ann", idempotency_key="pay-1") for _ in range(10))
            )

            assert len({payment.id for payment in made}) == 1
            assert sum(not payment.replayed for payment in made) == 1

    asyncio.run(paid_once())


def test_more_tasks_than_money_are_refused_and_nothing_is_overdrawn(url: str) -> None:
    async def paid_out() -> None:
        async with AsyncInvoicePay(url) as pay:
            await opened(pay, 10)
            await pay.parties.register("ben")

            made = await asyncio.gather(
                *(pay.transfers.send("ann", "ben", "3.00 USD") for _ in range(9)), return_exceptions=True
            )

            refused = [answer for answer in made if isinstance(answer, InsufficientFunds)]
            assert len(refused) == 6
            assert str((await pay.wallets.get("ann")).available) == "1.00 USD"

    asyncio.run(paid_out())


def test_eight_threads_share_a_blocking_client(url: str) -> None:
    with InvoicePay(url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD"))
        invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seats", "100.00 USD")])

        def work(_thread: int) -> None:
            for _ in range(EACH):
                pay.invoices.pay(invoice, payer="ann", amount="1.00 USD")

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))

        assert str(pay.invoices.get(invoice).applied) == f"{THREADS * EACH}.00 USD"
        assert str(pay.wallets.get("ann").available) == f"{100 - THREADS * EACH}.00 USD"
        assert pay.invariants.check() == ()
        assert pay.audit.verify()


def test_the_blocking_client_works_inside_a_running_loop(url: str) -> None:
    async def cell() -> str:
        with InvoicePay(url) as pay:
            pay.parties.register("acme", kind="enterprise")
            pay.parties.register("ann")
            pay.sim.settle(pay.deposits.initiate("ann", "20.00 USD"))
            invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            await asyncio.sleep(0)
            return pay.invoices.pay(invoice, payer="ann").status

    assert asyncio.run(cell()) == "completed"


def test_an_awaiting_client_outlives_a_loop(tmp_path: Path) -> None:
    pay = AsyncInvoicePay(f"sqlite:///{tmp_path / 'pay.db'}")

    async def registered() -> str:
        return (await pay.parties.register("ann")).id

    assert asyncio.run(registered()) == asyncio.run(registered()) == "ann"
    asyncio.run(pay.close())


def test_workers_bring_on_every_tenant(url: str) -> None:
    with InvoicePay(url, dispatch="deferred") as pay:
        for shop in ("shop-a", "shop-b"):
            tenant = pay.tenant(shop)
            tenant.parties.register("ann")
            tenant.deposits.initiate("ann", "5.00 USD")

        done = pay.run_pending_everywhere()

        assert {shop: done[shop].sent for shop in ("shop-a", "shop-b")} == {"shop-a": 1, "shop-b": 1}
        assert [pay.tenant(shop).deposits.list(party="ann").items[0].status for shop in done] == [
            "pending"
        ] * 2
