"""A reference that somebody forged reaches nothing of another tenant, and does not go unseen (S-02)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from invoicepay import InvoicePay, InvoicePayError, Policy, migrate
from invoicepay.errors import NotFound

TENANTS = ("north", "south")


@dataclass
class Two:
    """Two tenants in one database that have the same, and the hand of somebody who can write there."""

    pay: InvoicePay
    engine: Engine
    ids: dict[str, dict[str, str]]

    def forge(self, table: str, column: str, own: str, foreign: str) -> None:
        """Point a row of the south at something of the north."""
        statement = text(f"UPDATE {table} SET {column} = :foreign WHERE tenant_id = 'south' AND id = :own")
        with self.engine.begin() as connection:
            done = connection.execute(statement, {"foreign": foreign, "own": own})
        assert done.rowcount == 1

    def rows(self, tenant: str) -> dict[str, list[Any]]:
        """Everything that a tenant has."""
        with self.engine.connect() as connection:
            names = (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
                .scalars()
                .all()
            )
            kept = [name for name in names if name not in ("alembic_version", "schema_version")]
            return {name: _of(connection, name, tenant) for name in kept}


def _of(connection: Any, table: str, tenant: str) -> list[Any]:
    columns = [row[1] for row in connection.execute(text(f"PRAGMA table_info({table})"))]
    if "tenant_id" not in columns:
        return []
    found = connection.execute(text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": tenant})
    return list(found.all())


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    url = f"sqlite:///{tmp_path / 'pay.db'}"
    migrate(url)
    engine = create_engine(url)
    with InvoicePay(url) as pay:
        yield Two(pay, engine, {tenant: _furnished(pay.tenant(tenant)) for tenant in TENANTS})
    engine.dispose()


def _furnished(pay: InvoicePay) -> dict[str, str]:
    """One of each thing that refers to another."""
    pay.parties.register("acme", kind="enterprise", policy=Policy())
    for party in ("ann", "bob"):
        pay.parties.register(party)
    deposit = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD", account_token="ba_1"))
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", "50.00 USD")])
    payment = pay.invoices.pay(invoice, payer="ann", amount="60.00 USD")
    (lot,) = pay.credits.list(enterprise="acme", customer="ann")
    note = pay.invoices.credit_note(invoice, amount="5.00 USD", disposition="credit", reason="discount")
    (mint,) = pay.tokens.mints(party="ann")
    request = pay.requests.create("bob", "3.00 USD", payer="ann")
    pay.requests.approve(request, payer="ann")
    (transfer,) = pay.transfers.list(payer="ann")
    (effect, *_) = pay.effects.list(cause=deposit)
    return {
        "deposit": deposit.id,
        "reserve": deposit.reserve_id,
        "mint": mint.id,
        "invoice": invoice.id,
        "payment": payment.id,
        "lot": lot.id,
        "note": note.id,
        "request": request.id,
        "transfer": transfer.id,
        "effect": effect.id,
    }


FORGERIES = {
    "a payment of another's invoice": ("invoice_payments", "invoice_id", "payment", "invoice"),
    "a credit from another's payment": ("customer_credits", "source_id", "lot", "payment"),
    "a credit note on another's invoice": ("credit_notes", "invoice_id", "note", "invoice"),
    "a reserve behind another's deposit": ("fiat_reserves", "deposit_id", "reserve", "deposit"),
    "a mint of another's reserve": ("token_mints", "reserve_id", "mint", "reserve"),
    "a transfer for another's request": ("transfers", "request_id", "transfer", "request"),
    "an intent for another's deposit": ("effects", "cause_id", "effect", "deposit"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_reference_reaches_nothing_of_the_other_tenant(two: Two, what: str) -> None:
    table, column, own, foreign = FORGERIES[what]
    two.forge(table, column, two.ids["south"][own], two.ids["north"][foreign])
    before = two.rows("north")
    south, ids = two.pay.tenant("south"), two.ids["south"]

    for use in (
        lambda: south.invoices.refund(ids["invoice"], "1.00 USD"),
        lambda: south.invoices.void_credit_note(ids["note"]),
        lambda: south.payments.reverse(ids["payment"], approved_by="cfo", reason="forged"),
        lambda: south.credits.apply(two.ids["north"]["invoice"], credit=ids["lot"]),
        lambda: south.deposits.record_return(ids["deposit"], return_code="R01"),
        lambda: south.reserves.release(ids["reserve"]),
        lambda: south.effects.list(cause=two.ids["north"]["deposit"]),
        lambda: south.run_pending(),
    ):
        with suppress(InvoicePayError, AssertionError):
            use()

    assert two.rows("north") == before
    assert two.pay.tenant("north").invariants.check() == ()


@pytest.mark.parametrize("what", [what for what in FORGERIES if not what.startswith("an intent")])
def test_the_audit_tells_of_a_forged_reference(two: Two, what: str) -> None:
    assert two.pay.tenant("south").invariants.check() == ()
    table, column, own, foreign = FORGERIES[what]

    two.forge(table, column, two.ids["south"][own], two.ids["north"][foreign])

    assert two.pay.tenant("south").invariants.check() != ()


def test_a_party_of_another_tenant_under_the_same_id_is_another_party(two: Two) -> None:
    north, south = (two.pay.tenant(tenant) for tenant in TENANTS)

    south.parties.set_tier("ann", 2)
    south.wallets.freeze("ann", "USD", reason="court order")

    assert north.parties.get("ann").kyc_tier == 0
    assert north.wallets.get("ann").status == "active"
    with pytest.raises(NotFound):
        south.invoices.get(two.ids["north"]["invoice"])
