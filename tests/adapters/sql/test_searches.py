"""Searches that run often go through an index, also when a tenant has many rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, event

from invoicepay.adapters.sql import migrate_url
from invoicepay.adapters.sql.finds import found
from invoicepay.adapters.sql.schema import Place, schema_of
from invoicepay.domain.allocations import allocations_of
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import available_lots, expiring_lots, waiting_invoices
from invoicepay.domain.deposits import Deposit, DepositStatus, UnmatchedFunds, latest_attestation
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, InboxMessage, InboxStatus, Observation
from invoicepay.domain.holds import Hold
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.needs import Find, find
from invoicepay.domain.payments import Payment, Receipt
from invoicepay.domain.requests import PaymentRequest, Transfer
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.use_cases.holds import expiring_holds
from invoicepay.use_cases.invoices.expiry import expiring
from invoicepay.use_cases.requests.ending import expiring_requests
from invoicepay.use_cases.requests.outcomes import due_transfers
from invoicepay.use_cases.schedules import due_schedules
from tests.support.sql import engine_for

NOW = datetime(2026, 1, 5, tzinfo=UTC)
REFERENCE = (("provider", "eq", "acme"), ("provider_ref", "eq", "r-1"))

SEARCHES: tuple[Find[Any], ...] = (
    allocations_of("inv_1"),
    available_lots("acme", "ann", "USD"),
    expiring_lots(NOW, limit=10),
    waiting_invoices("acme", "ann", "USD"),
    latest_attestation("USD"),
    expiring(NOW),
    expiring_holds(NOW),
    expiring_requests(NOW),
    due_transfers(NOW),
    due_schedules(NOW.date(), ""),
    find(Effect, status__in=(EffectStatus.PLANNED, EffectStatus.UNKNOWN), due_at__le=NOW, order=("due_at",)),
    find(Effect, cause_id="pmt_1", kind=EffectKind.TRANSFER),
    Find(Effect, (*REFERENCE, ("kind", "eq", EffectKind.PAYOUT))),
    find(Observation, effect_id="eff_1"),
    find(InboxMessage, status=InboxStatus.PARKED, created_at__ge=NOW),
    find(Deposit, status=DepositStatus.RECEIVED, confirm_at__le=NOW, id__gt="", order=("id",), limit=10),
    find(Invoice, enterprise_id="acme", order=("id",), limit=51),
    find(Invoice, customer_id="ann", status=InvoiceStatus.OPEN, order=("id",), limit=51),
    find(Invoice, enterprise_id="acme", series="A", number="A-0001"),
    find(CreditNote, invoice_id="inv_1"),
    find(Payment, invoice_id="inv_1", order=("id",), limit=51),
    find(Payment, payer_id="ann", order=("id",), limit=51),
    find(Mint, reserve_id="rsv_1"),
    *(Find(kind, REFERENCE) for kind in (Payment, Receipt, Deposit, Transfer, UnmatchedFunds)),
    *(find(kind, party_id="ann", order=("id",), limit=51) for kind in (Deposit, Mint, Burn, Withdrawal)),
    *(Find(PaymentRequest, ((by, "eq", "ann"),)) for by in ("payer_id", "requester_id", "parent_id")),
    *(Find(Transfer, ((by, "eq", "ann"),), limit=51) for by in ("payer_id", "payee_id")),
    find(Hold, owner_id="ann"),
)


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'pay.db'}"
    migrate_url(url)
    with engine_for(url) as engine, engine.connect() as connection:
        yield connection


@pytest.mark.parametrize("wanted", SEARCHES, ids=lambda wanted: f"{wanted.kind.KIND} {wanted.where}"[:60])
def test_a_search_goes_through_an_index(connection: Connection, wanted: Find[Any]) -> None:
    asked: list[tuple[str, Any]] = []
    listen = ("before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
    event.listen(connection, *listen)

    found(connection, Place(schema_of(), "acme"), wanted)

    event.remove(connection, *listen)
    ((statement, values),) = asked
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "tenant_id=? AND" in str(plan), plan
