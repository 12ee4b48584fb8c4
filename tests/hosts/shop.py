"""A host with a table of its own beside ours, and a count of every row in its database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, Integer, String, inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from invoicepay import InvoicePay, Programme

SETTINGS: dict[str, Any] = {
    "programme": Programme(unknown_parties="register"),
    "webhook_secret": b"w" * 32,
}
LINES = [("Hosting", "49.00 USD")]


class Base(DeclarativeBase):
    pass


class Order(Base):
    """What the host keeps itself."""

    __tablename__ = "shop_orders"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    item: Mapped[str] = mapped_column(String(40))


def rows(connection: Connection) -> dict[str, int]:
    """How many rows every table of the database has."""
    return {
        name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
        for name in inspect(connection).get_table_names()
    }


def counted(engine: Engine) -> dict[str, int]:
    """The same, in a transaction of its own."""
    with engine.connect() as connection:
        return rows(connection)


def opened(engine: Engine) -> InvoicePay:
    """A client on the host's engine; Ann has 20,000 dollars there, and the host its table."""
    Base.metadata.create_all(engine)
    pay = InvoicePay(engine, **SETTINGS)
    pay.sim.settle(pay.deposits.initiate("ann", "20000.00 USD"))
    return pay


def bought(pay: InvoicePay) -> str:
    """Two calls that belong together; the id of the paid invoice."""
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
    pay.invoices.pay(invoice, payer="ann")
    return invoice.id
