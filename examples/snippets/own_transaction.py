"""Your rows and ours in one transaction: you commit, or roll back and leave nothing."""

import asyncio

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from invoicepay import AsyncInvoicePay, InvoicePay, Line, migrations


async def order(engine: AsyncEngine) -> str:
    """An invoice and its payment become part of what the session does."""
    async with AsyncInvoicePay(engine) as pay, AsyncSession(engine) as session, session.begin():
        tx = pay.bind(session)  # the host commits, the host rolls back
        invoice = await tx.invoices.issue(
            enterprise="acme", customer="ann", lines=[Line.of("Seat", "9.00 USD")]
        )
        await tx.invoices.pay(invoice.id, payer="ann", idempotency_key=f"pay-{invoice.id}")
    await engine.dispose()
    return invoice.id


def upgrade() -> None:
    """A revision in the host's own Alembic history."""
    migrations.upgrade(op.get_bind(), to=1, schema="billing")


# What such a host brings: a database with parties, and Alembic, which calls `upgrade`.
with InvoicePay("sqlite:///host.db") as pay:
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))

paid = asyncio.run(order(create_async_engine("sqlite+aiosqlite:///host.db")))
with InvoicePay("sqlite:///host.db") as pay:
    print(pay.invoices.get(paid).status)

engine = create_engine("sqlite:///new.db")
with engine.connect() as connection:
    connection.execute(text("ATTACH DATABASE 'billing.db' AS billing"))
    op = Operations(MigrationContext.configure(connection))
    upgrade()
    print(migrations.version(connection, schema="billing"))
engine.dispose()
