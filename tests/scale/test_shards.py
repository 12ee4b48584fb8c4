"""The router of the documentation over two servers: right books on each, nothing of each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.errors import StoreUnreachable
from tests.scale.pages import shown
from tests.scale.portable import TENANT_TABLES
from tests.support import postgres
from tests.support.postgres import PostgresServer
from tests.support.sql import execute

PLACES = {"north": "one", "south": "two", "east": "one", "west": "two"}


@pytest.fixture
def router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class that the page shows."""
    monkeypatch.chdir(tmp_path)
    (found,) = shown("scale-out.md", "Shards")
    return found


@pytest.fixture(scope="module")
def second_server() -> Iterator[PostgresServer]:
    """Another server, which the last test stops and starts."""
    with postgres.start() as server:
        yield server


def test_tenants_on_two_servers_have_right_books_and_nothing_of_each_other(
    router: Any, postgres_url: str, second_server: PostgresServer
) -> None:
    urls = {"one": postgres_url, "two": second_server.url(second_server.clone())}
    with ExitStack() as stack:
        for url in urls.values():
            migrate(url)
        shards = router(databases=urls, places=PLACES)
        stack.callback(shards.close)

        for tenant in PLACES:
            _loop(shards.pay_for(tenant))
        done = shards.run_pending()

        for tenant in PLACES:
            pay = shards.pay_for(tenant)
            assert pay.invariants.check() == ()
            assert pay.audit.verify()
            assert str(pay.wallets.get("ann").available) == "55.00 USD"
        for name, url in urls.items():
            own = {tenant for tenant, place in PLACES.items() if place == name}
            assert done[name].keys() == own
            assert {tenant: tables for tenant, tables in _found(url).items() if tenant not in own} == {}
            assert min(map(len, _found(url).values())) > 20, "so few tables show little"
        with pytest.raises(KeyError):
            shards.pay_for("nowhere")


def _loop(pay: InvoicePay) -> None:
    """Money in, a partial payment, one too much, credit used, money out."""
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    pay.sim.settle(pay.deposits.initiate("ann", "100.00 USD"))
    first = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "30.00 USD")])
    pay.invoices.pay(first, payer="ann", amount="10.00 USD")
    pay.invoices.pay(first, payer="ann", amount="35.00 USD")
    second = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "15.00 USD")])
    assert second.status == "paid", "credit pays first"
    pay.sim.settle_payout(pay.withdrawals.initiate("acme", "20.00 USD", account_token="ba_acme"))


def _found(url: str) -> dict[str, set[str]]:
    """Tables with rows of each tenant."""
    found: dict[str, set[str]] = {}
    for table in TENANT_TABLES:
        for row in execute(url, f"SELECT DISTINCT tenant_id FROM {table}"):
            found.setdefault(row.tenant_id, set()).add(table)
    return found


def test_when_one_server_is_down_tenants_of_the_other_go_on(
    router: Any, postgres_url: str, second_server: PostgresServer
) -> None:
    urls = {"one": postgres_url, "two": second_server.url(second_server.clone())}
    with ExitStack() as stack:
        for url in urls.values():
            migrate(url)
        shards = router(databases=urls, places=PLACES)
        stack.callback(shards.close)
        _loop(shards.pay_for("south"))

        second_server.halt()
        with pytest.raises(StoreUnreachable):
            shards.pay_for("south").parties.register("ben")
        _loop(shards.pay_for("north"))
        stack.enter_context(second_server.restarted())

        assert shards.pay_for("south").parties.register("ben").id == "ben"
        assert shards.pay_for("south").invariants.check() == ()
        assert shards.pay_for("south").audit.verify()
