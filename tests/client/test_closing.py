"""A client is closed once, with its copies; afterwards it says so instead of opening anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.errors import ConfigurationError


@pytest.fixture(params=["memory://", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return request.param if request.param != "sqlite" else f"sqlite:///{tmp_path / 'pay.db'}"


def test_closing_twice_is_closing_once(url: str) -> None:
    with InvoicePay(url) as pay:
        pay.parties.register("ann")
        pay.close()
    pay.close()

    assert repr(pay).endswith("closed>")


def test_a_closed_client_and_its_copies_take_no_calls(url: str) -> None:
    pay = InvoicePay(url)
    copies = [pay, pay.tenant("shop"), pay.acting_as("ann")]
    groups = [copy.invoices for copy in copies]
    copies[1].close()

    for group in groups:
        with pytest.raises(ConfigurationError, match="this client is closed") as caught:
            group.list()
        assert "Make a new client" in caught.value.hint
    with pytest.raises(ConfigurationError, match="this client is closed"):
        pay.run_pending()


def test_the_data_outlives_the_client_where_the_store_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    with InvoicePay(url) as pay:
        pay.parties.register("ann")

    with InvoicePay(url) as pay:
        assert pay.parties.get("ann").id == "ann"


def test_an_awaiting_client_closes_the_same_way(url: str) -> None:
    async def closed() -> None:
        async with AsyncInvoicePay(url) as pay:
            await pay.parties.register("ann")
        await pay.close()
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await pay.parties.get("ann")

    asyncio.run(closed())
