"""The host with tables of its own writes an order and its invoice together, or neither, on both databases."""

from __future__ import annotations

import runpy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.ext.asyncio import create_async_engine

from invoicepay import InvoicePay, migrate

HOST = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "fastapi_session.py"))
ANN = {"X-User": "ann"}
PATIENCE_SECONDS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("postgres_url")
    migrate(url)
    return url


def served(url: str) -> TestClient:
    return TestClient(HOST["app_around"](create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))))


@contextmanager
def opened(url: str) -> Iterator[TestClient]:
    """The host with a shop and a customer who has something."""
    with served(url) as web:
        assert web.portal is not None
        web.portal.call(HOST["open_shop"], web.app.state.pay)  # type: ignore[attr-defined]
        yield web


def place(web: TestClient, item: str, price: str) -> Any:
    return web.post("/orders", json={"item": item, "price": price}, headers=ANN)


def test_the_hosts_commit_leaves_all_of_it_and_its_rollback_nothing(url: str) -> None:
    with opened(url) as web:
        placed, refused = place(web, "A chair", "29.00 USD"), place(web, "A table", "290.00 USD")
        orders = web.get("/orders/count").json()

    assert (placed.status_code, placed.json()["status"]) == (201, "paid")
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_funds")
    assert orders == 1
    with InvoicePay(url) as pay:
        assert [invoice.note for invoice in pay.invoices.list()] == ["Order 1"]
        assert pay.invariants.check() == ()
        assert pay.audit.verify()


def test_a_restarted_host_goes_on_where_it_was(url: str) -> None:
    with opened(url) as web:
        place(web, "A chair", "29.00 USD")
    with InvoicePay(url, dispatch="deferred") as pay:  # came in while nobody worked
        waiting = pay.deposits.initiate("ann", "5.00 USD")

    with served(url) as again:
        assert place(again, "A stool", "19.00 USD").json()["number"] == "A-0002"
        assert again.get("/orders/count").json() == 2
        with InvoicePay(url, dispatch="deferred") as pay:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while pay.effects.list(cause=waiting).items[0].status == "planned":
                assert time.monotonic() < deadline, "the worker in the host's lifespan did not send it"
                time.sleep(0.02)
