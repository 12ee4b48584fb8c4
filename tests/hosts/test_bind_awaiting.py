"""The same inside an awaiting host's transaction, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.errors import ConfigurationError, InsufficientFunds
from invoicepay.testing import AwaitingHost
from tests.hosts.shop import LINES, SETTINGS, Order, counted

Work = Callable[[AsyncEngine, AsyncInvoicePay], Awaitable[None]]


@pytest.fixture
def awaiting_url(engine: Engine, pay: InvoicePay) -> URL:
    """The same database for an awaiting driver; the blocking client has filled it."""
    is_sqlite = engine.dialect.name == "sqlite"
    return engine.url.set(drivername="sqlite+aiosqlite" if is_sqlite else "postgresql+psycopg")


@asynccontextmanager
async def host(url: URL) -> AsyncIterator[tuple[AsyncEngine, AsyncInvoicePay]]:
    """A host's engine and a client on it."""
    engine = create_async_engine(url)
    async with AsyncInvoicePay(engine, **SETTINGS) as pay:
        yield engine, pay
    await engine.dispose()


def run(url: URL, work: Work) -> None:
    async def worked() -> None:
        async with host(url) as (engine, pay):
            await work(engine, pay)

    awaiting = AwaitingHost()
    try:
        awaiting.run(worked())
    finally:
        awaiting.close()


async def bought(pay: AsyncInvoicePay) -> str:
    invoice = await pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
    await pay.invoices.pay(invoice, payer="ann")
    return invoice.id


@pytest.mark.parametrize("ends", ["commit", "rollback"])
@pytest.mark.parametrize("opened", [AsyncSession, async_scoped_session, "connection"])
def test_the_hosts_commit_keeps_all_and_its_rollback_leaves_nothing(
    engine: Engine, awaiting_url: URL, opened: Any, ends: str
) -> None:
    before = counted(engine)

    async def checkout(engine: AsyncEngine, pay: AsyncInvoicePay) -> None:
        async with _opened(engine, opened) as session:
            await session.execute(insert(Order).values(item="book"))
            await bought(pay.bind(session))
            await getattr(session, ends)()

    run(awaiting_url, checkout)

    after = counted(engine)
    assert (after == before) is (ends == "rollback")
    assert after["invoice_payments"] - before["invoice_payments"] == (ends == "commit")


def _opened(engine: AsyncEngine, opened: Any) -> Any:
    if opened == "connection":
        return engine.connect()
    if opened is AsyncSession:
        return AsyncSession(engine)

    @asynccontextmanager
    async def scoped() -> AsyncIterator[Any]:
        session = async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: "one")
        yield session
        await session.remove()

    return scoped()


def test_a_refused_call_leaves_the_hosts_transaction_as_it_was(awaiting_url: URL, pay: InvoicePay) -> None:
    made: list[str] = []

    async def checkout(engine: AsyncEngine, pay: AsyncInvoicePay) -> None:
        async with AsyncSession(engine) as session, session.begin():
            tx = pay.bind(session)
            invoice = await tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
            with pytest.raises(InsufficientFunds):
                await tx.invoices.pay(invoice, payer="poor")
            made.append(invoice.id)

    run(awaiting_url, checkout)

    assert pay.invoices.get(made[0]).status == "open"


def test_a_copy_is_of_no_use_after_its_transaction(awaiting_url: URL) -> None:
    async def checkout(engine: AsyncEngine, pay: AsyncInvoicePay) -> None:
        async with AsyncSession(engine) as session:
            tx = pay.bind(session)
            await bought(tx)
            await session.rollback()
            with pytest.raises(ConfigurationError, match="has ended"):
                await bought(tx)

    run(awaiting_url, checkout)


def test_a_transaction_of_ours_is_committed_at_its_end(awaiting_url: URL, pay: InvoicePay) -> None:
    made: list[str] = []

    async def checkout(_: AsyncEngine, pay: AsyncInvoicePay) -> None:
        async with pay.transaction() as tx:
            made.append(await bought(tx))
        with suppress(ZeroDivisionError):
            async with pay.transaction() as tx:
                made.append(await bought(tx))
                raise ZeroDivisionError

    run(awaiting_url, checkout)

    kept = {invoice.id for invoice in pay.invoices.list(customer="ann", limit=200)}
    assert [id in kept for id in made] == [True, False]


@pytest.mark.parametrize("opened", [AsyncSession, "connection"])
def test_a_call_that_is_cancelled_ends_as_cancelled_and_leaves_nothing(
    engine: Engine, awaiting_url: URL, opened: Any
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("whoever waits on SQLite cannot be cancelled")
    before = counted(engine)

    async def checkout(engine: AsyncEngine, pay: AsyncInvoicePay) -> None:
        async with _opened(engine, opened) as first, _opened(engine, opened) as second:
            await pay.bind(first).parties.register("dora")  # holds the head of the trail
            waiting = asyncio.create_task(bought(pay.bind(second)))
            await until_somebody_waits(engine)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await second.rollback()
            await first.rollback()

    run(awaiting_url, checkout)

    assert counted(engine) == before


async def until_somebody_waits(engine: AsyncEngine) -> None:
    """Return once a statement of another session waits for a lock."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with engine.connect() as looking:
        own = await looking.execution_options(isolation_level="AUTOCOMMIT")
        while not (await own.execute(waiting)).scalar_one():
            await asyncio.sleep(0.01)
