"""A Flask host: orders of its own and invoices of ours in one transaction, errors as problem documents.

See a conversation with it: python examples/flask_host.py, in a folder that may keep flask.db
"""

from typing import Any

from flask import Flask, Response, jsonify, request
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from invoicepay import InvoicePay, InvoicePayError


class Table(DeclarativeBase):
    """The host's own tables."""


class Order(Table):
    """What somebody ordered; its invoice is ours."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    item: Mapped[str]
    invoice_id: Mapped[str] = mapped_column(default="")


def app_around(engine: Engine, pay: InvoicePay) -> Flask:
    """The application over an engine of the host's, which has both its tables and ours."""
    app = Flask("shop")
    Table.metadata.create_all(engine)
    session = scoped_session(sessionmaker(engine))  # Flask-SQLAlchemy's db.session is one of these

    @app.teardown_appcontext
    def leave(_error: BaseException | None) -> None:
        session.remove()

    @app.errorhandler(InvoicePayError)
    def refuse(error: InvoicePayError) -> Response:
        answer = jsonify(error.to_problem())
        answer.status_code, answer.mimetype = error.http_status, "application/problem+json"
        return answer

    @app.post("/orders")
    def place() -> tuple[dict[str, Any], int]:
        customer, body = request.headers["X-User"], request.get_json()
        with session.begin():
            order = Order(customer=customer, item=body["item"])
            session.add(order)
            session.flush()
            tx = pay.bind(session)  # its calls are part of the session's transaction
            invoice = tx.invoices.issue(
                enterprise="shop", customer=customer, lines=[(body["item"], body["price"])]
            )
            tx.invoices.pay(invoice, payer=customer)
            order.invoice_id = invoice.id
        return pay.invoices.get(invoice).to_dict(), 201

    @app.get("/orders/count")
    def count() -> dict[str, int]:
        return {"orders": session.scalar(select(func.count()).select_from(Order)) or 0}

    @app.get("/invoices/<invoice_id>")
    def read(invoice_id: str) -> dict[str, Any]:
        return pay.acting_as(request.headers["X-User"]).invoices.get(invoice_id).to_dict()

    @app.post("/hooks/<provider>")
    def hook(provider: str) -> tuple[str, int]:
        pay.webhooks.receive(provider, headers=request.headers, body=request.get_data())
        return "", 204

    return app


def main() -> None:
    """Order something that she can pay, and something that she cannot."""
    engine = create_engine("sqlite:///flask.db")
    with InvoicePay(engine) as pay:
        pay.parties.register("shop", kind="enterprise")
        pay.parties.register("ann")
        pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
        web = app_around(engine, pay).test_client()
        for item, price in (("A chair", "29.00 USD"), ("A table", "290.00 USD")):
            answer = web.post("/orders", json={"item": item, "price": price}, headers={"X-User": "ann"})
            print(
                f"{item:8}", answer.status_code, answer.get_json().get("code") or answer.get_json()["status"]
            )
        print("orders  ", web.get("/orders/count").get_json()["orders"])
    engine.dispose()


if __name__ == "__main__":
    main()
