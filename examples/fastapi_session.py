"""A web host with tables of its own: an order and its invoice are written in one transaction, or neither is.

See a conversation with it: python examples/fastapi_session.py, in a folder that may keep shop.db
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, Request
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from invoicepay import AsyncInvoicePay, Invoice, Money
from invoicepay.integrations.fastapi import install_error_handlers


class Table(DeclarativeBase):
    """The host's own tables."""


class Order(Table):
    """What somebody ordered; its invoice is ours."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    item: Mapped[str]
    invoice_id: Mapped[str] = mapped_column(default="")


class NewOrder(BaseModel):
    """An order that is paid at once."""

    item: str
    price: Money


def app_around(engine: AsyncEngine) -> FastAPI:
    """The application over an engine of the host's, which has both its tables and ours."""
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Table.metadata.create_all)
        async with AsyncInvoicePay(engine, dispatch="deferred") as pay:
            app.state.pay = pay
            worker = pay.worker(poll_seconds=1.0)
            working = asyncio.create_task(worker.run_forever(handle_signals=False))
            yield  # a server ends the requests at hand before it goes on
            worker.stop()
            await working
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)
    install_error_handlers(app)

    @app.post("/orders", status_code=201)
    async def place(new: NewOrder, x_user: Annotated[str, Header()], request: Request) -> Invoice:
        pay: AsyncInvoicePay = request.app.state.pay
        async with sessions.begin() as session:  # committed here, so before the answer leaves
            order = Order(customer=x_user, item=new.item)
            session.add(order)
            await session.flush()
            tx = pay.bind(session)  # its calls are part of the session's transaction
            invoice = await tx.invoices.issue(
                enterprise="shop", customer=x_user, lines=[(new.item, new.price)], note=f"Order {order.id}"
            )
            await tx.invoices.pay(invoice, payer=x_user)
            order.invoice_id = invoice.id
        return await pay.invoices.get(invoice)

    @app.get("/orders/count")
    async def count() -> int:
        async with sessions() as session:
            return await session.scalar(select(func.count()).select_from(Order)) or 0

    return app


async def open_shop(pay: AsyncInvoicePay) -> None:
    """The shop, a customer, and what she has."""
    await pay.parties.register("shop", kind="enterprise")
    await pay.parties.register("ann")
    deposit = await pay.deposits.initiate("ann", "50.00 USD")
    await pay.run_pending()  # asks the bank; the worker would, a little later
    await pay.sim.settle(deposit)


def main() -> None:
    """Order something that she can pay, and something that she cannot."""
    from fastapi.testclient import TestClient

    app = app_around(create_async_engine("sqlite+aiosqlite:///shop.db"))
    with TestClient(app) as web:
        assert web.portal is not None
        web.portal.call(open_shop, app.state.pay)
        for item, price in (("A chair", "29.00 USD"), ("A table", "290.00 USD")):
            answer = web.post("/orders", json={"item": item, "price": price}, headers={"X-User": "ann"})
            print(f"{item:8}", answer.status_code, answer.json().get("code") or answer.json()["status"])
        print("orders  ", web.get("/orders/count").json())


if __name__ == "__main__":
    main()
