"""Invoices on memory: drafts, numbers, sending; the books stay right."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from invoicepay.domain.change import Change, Context, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.numbering import Numbered, NumberSeries, number_needs, series_id, take_number
from invoicepay.domain.parties import Actor, Party, PartyKind, Role
from invoicepay.domain.policies import AutoApply, Numbering, Policy, Programme
from invoicepay.errors import (
    CurrencyMismatch,
    IdempotencyConflict,
    InvalidIdentifier,
    InvalidInput,
    InvalidLine,
    InvalidText,
    InvalidTime,
    InvalidTransition,
    InvoiceExpired,
    InvoicePayError,
    NotAllowed,
    NotFound,
    SelfPayment,
    UnknownAsset,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.invoices import (
    DeleteDraft,
    FinalizeInvoice,
    SendInvoice,
    UpdateDraft,
)
from invoicepay.use_cases.invoices.draft import decide_create_draft
from invoicepay.use_cases.invoices.issue import ISSUE
from invoicepay.use_cases.parties import RegisterParty, register_party
from invoicepay.use_cases.perform import call_of, perform_many
from tests.support.invoice_desk import Shop, a_sale
from tests.support.invoices import usd

S = InvoiceStatus


def seen_of(*rows: Entity) -> Snapshot:
    seen = Snapshot(now=datetime(2026, 1, 5, tzinfo=UTC))
    seen.rows.update({(type(row), row.id): row for row in rows})
    return seen


def a_change(*rows: Entity) -> Change:
    seen = seen_of(*rows)
    context = Context(
        tenant_id="t",
        actor=Actor("acme", Role.PARTY),
        now=seen.now,
        key="k",
        programme=Programme(),
        new_id=lambda prefix: f"{prefix}_1",
        operation="invoices.create",
    )
    return Change(seen, context)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.assert_books_hold()


class TestDrafts:
    def test_a_draft_has_totals_and_no_number(self, shop: Shop) -> None:
        lines = (Line.of("Advice", "75.63 USD", tax_rate="0.19"),)

        draft = shop.draft(lines=lines, note="Thank you", reference="PO 7")

        assert (draft.status, draft.number) == (S.DRAFT, "")
        assert (draft.net, draft.tax, draft.total) == (usd("75.63"), usd("14.37"), usd("90.00"))
        assert (draft.note, draft.reference) == ("Thank you", "PO 7")

    def test_a_decision_called_twice_with_equal_values_gives_equal_drafts(self) -> None:
        acme = Party(id="acme", kind=PartyKind.ENTERPRISE)
        ann = Party(id="ann", kind=PartyKind.USER)

        first, second = (decide_create_draft(a_sale(), a_change(acme, ann)) for _ in range(2))

        assert first == second

    def test_due_in_days_counts_from_the_enterprises_local_date(self, shop: Shop) -> None:
        shop.clock.set("2026-01-05T23:30:00Z")
        spree = RegisterParty(party_id="spree", kind=PartyKind.ENTERPRISE, timezone="Europe/Berlin")
        shop.run(register_party(shop.deps, spree))

        draft = shop.draft(enterprise_id="spree", due_in_days=14)

        assert draft.due_on == date(2026, 1, 20)

    def test_an_update_changes_what_it_names_and_keeps_the_rest(self, shop: Shop) -> None:
        draft = shop.draft(note="Thank you", due_on=date(2026, 2, 1))
        command = UpdateDraft(invoice_id=draft.id, lines=(Line.of("More advice", "120.00 USD"),))

        updated = shop.run(invoices.update_draft(shop.deps, command))

        assert (updated.total, updated.remaining) == (usd("120.00"), usd("120.00"))
        assert (updated.note, updated.due_on) == ("Thank you", date(2026, 2, 1))

    def test_an_update_keeps_the_asset(self, shop: Shop) -> None:
        command = UpdateDraft(invoice_id=shop.draft().id, lines=(Line.of("Advice", "1.00 EUR"),))

        with pytest.raises(CurrencyMismatch):
            shop.run(invoices.update_draft(shop.deps, command))

    def test_a_deleted_draft_uses_no_number(self, shop: Shop) -> None:
        deleted = shop.run(invoices.delete_draft(shop.deps, DeleteDraft(invoice_id=shop.draft().id)))

        assert (deleted.status, deleted.number) == (S.DELETED, "")
        assert shop.issue().number == "A-0001"

    def test_what_is_finalized_is_neither_changed_nor_deleted(self, shop: Shop) -> None:
        invoice = shop.issue()

        with pytest.raises(InvalidTransition):
            shop.run(invoices.update_draft(shop.deps, UpdateDraft(invoice_id=invoice.id, note="x")))
        with pytest.raises(InvalidTransition):
            shop.run(invoices.delete_draft(shop.deps, DeleteDraft(invoice_id=invoice.id)))

    @pytest.mark.parametrize(
        ("terms", "error"),
        [
            ({"lines": ()}, InvalidLine),
            ({"lines": (Line(description="", unit_price=usd("1")),)}, InvalidLine),
            ({"lines": (Line.of("A", "1 USD"), Line.of("B", "1 EUR"))}, CurrencyMismatch),
            ({"lines": (Line.of("A", "1 USD.moon"),)}, UnknownAsset),
            ({"customer_id": "acme"}, SelfPayment),
            ({"customer_id": "nobody"}, NotFound),
            ({"enterprise_id": "nobody"}, NotFound),
            ({"enterprise_id": "ann", "customer_id": "acme"}, NotFound),
            ({"series": "a"}, InvalidIdentifier),
            ({"series": "CN"}, InvalidIdentifier),
            ({"note": "a\u202eb"}, InvalidText),
            ({"due_on": datetime(2026, 2, 1, tzinfo=UTC)}, InvalidTime),
            ({"due_on": date(2026, 2, 1), "due_in_days": 3}, InvalidInput),
            ({"due_in_days": -1}, InvalidTime),
            ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, InvalidTime),
            ({"expires_at": datetime(2027, 1, 1)}, InvalidTime),  # noqa: DTZ001 - that is the point
        ],
        ids=str,
    )
    def test_terms_that_are_not_valid_are_refused(
        self, shop: Shop, terms: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        with pytest.raises(error):
            shop.draft(**terms)

        assert shop.rows(Invoice) == ()

    def test_only_the_enterprise_or_an_operator_writes_invoices(self, shop: Shop) -> None:
        with pytest.raises(NotAllowed):
            shop.run(invoices.create_draft(shop.acting_as("ann"), a_sale()))

        assert shop.run(invoices.create_draft(shop.acting_as("acme"), a_sale())).status is S.DRAFT


class TestFinalizing:
    def test_p20_numbers_are_gapless_in_each_series(self, shop: Shop) -> None:
        first, second = shop.draft(), shop.draft()
        other = shop.issue(series="B")

        numbers = [
            shop.run(invoices.finalize_draft(shop.deps, FinalizeInvoice(invoice_id=draft.id))).number
            for draft in (second, first)
        ]

        assert (numbers, other.number) == (["A-0001", "A-0002"], "B-0001")

    def test_p20_nothing_is_booked_in_the_issuer_book(self, shop: Shop) -> None:
        invoice = shop.issue()

        assert (invoice.status, invoice.finalized_at) == (S.OPEN, shop.clock.now())
        assert shop.event_names(invoice.id) == ["invoice.created", "invoice.finalized"]
        assert shop.rules() == []

    def test_a_refused_command_gives_its_number_back(self, shop: Shop) -> None:
        shop.issue()
        with pytest.raises(NotFound):
            shop.issue(customer_id="nobody")

        assert shop.issue().number == "A-0002"

    def test_a_repeated_call_takes_no_second_number(self, shop: Shop) -> None:
        first, second = (
            shop.run(invoices.issue_invoice(shop.deps, a_sale(), key="order-7")) for _ in range(2)
        )

        assert (first.number, second.number, second.replayed) == ("A-0001", "A-0001", True)
        with pytest.raises(IdempotencyConflict):
            shop.run(invoices.issue_invoice(shop.deps, a_sale("99.00"), key="order-7"))

    def test_a_draft_is_finalized_once(self, shop: Shop) -> None:
        invoice = shop.issue()

        with pytest.raises(InvalidTransition):
            shop.run(invoices.finalize_draft(shop.deps, FinalizeInvoice(invoice_id=invoice.id)))

    def test_a_draft_whose_expiry_is_over_is_not_opened(self, shop: Shop) -> None:
        draft = shop.draft(expires_at=shop.clock.now() + timedelta(hours=1))
        shop.clock.advance(hours=1)

        with pytest.raises(InvoiceExpired):
            shop.run(invoices.finalize_draft(shop.deps, FinalizeInvoice(invoice_id=draft.id)))

    def test_a_total_of_zero_is_paid_at_once(self, shop: Shop) -> None:
        invoice = shop.issue("0.00")

        assert (invoice.status, invoice.number, invoice.paid_at) == (S.PAID, "A-0001", shop.clock.now())
        assert shop.event_names(invoice.id)[-2:] == ["invoice.finalized", "invoice.paid"]

    def test_p13_credit_pays_first(self, shop: Shop) -> None:
        shop.pay(shop.issue("80.00"), "100.00")

        invoice = shop.issue("30.00")

        assert (invoice.status, invoice.applied, invoice.remaining) == (
            S.PARTIALLY_PAID,
            usd("20.00"),
            usd("10.00"),
        )
        assert (shop.available("acme"), shop.fenced()) == (usd("100.00"), usd("0"))

    def test_p13_credit_waits_where_the_policy_is_manual(self) -> None:
        shop = Shop(Policy(auto_apply=AutoApply.MANUAL))
        shop.pay(shop.issue("80.00"), "100.00")

        invoice = shop.issue("30.00")

        assert (invoice.status, invoice.applied) == (S.OPEN, usd("0"))
        shop.assert_books_hold()

    def test_a_batch_numbers_in_order_and_skips_what_was_refused(self, shop: Shop) -> None:
        terms = [a_sale("1.00"), a_sale("2.00", customer_id="nobody"), a_sale("3.00")]
        calls = [call_of(shop.deps, ISSUE, one, None) for one in terms]

        first, refused, last = shop.run(perform_many(shop.deps, calls))

        assert (first.number, last.number) == ("A-0001", "A-0002")
        assert isinstance(refused, NotFound)


class TestBlocks:
    def test_block_numbers_are_unique_over_all_lanes_and_declare_their_gaps(self) -> None:
        shop = Shop(Policy(numbering=Numbering.BLOCK))
        for name in "abcdefghij":
            shop.user(name)

        issued = [shop.issue("1.00", customer_id=name) for name in "abcdefghij" for _ in range(3)]

        assert len({invoice.number for invoice in issued}) == 30
        series = shop.row(NumberSeries, "A/acme")
        assert series.numbering is Numbering.BLOCK
        shop.assert_books_hold()

    def test_a_lane_that_is_used_up_draws_the_next_block(self) -> None:
        wanted = Numbered(enterprise_id="acme", series="A", numbering=Numbering.BLOCK, spread="ann")
        used_up = NumberSeries(
            id=series_id("acme", wanted.lane),
            enterprise_id="acme",
            series=wanted.lane,
            next_number=501,
            block_end=500,
        )
        series = replace(used_up, id="A/acme", series="A", next_number=2001, block_end=0)
        change = a_change(used_up, series)

        numbers = [take_number(change, wanted), take_number(change, wanted)]

        assert numbers == ["A-2001", "A-2002"]
        assert change.get(NumberSeries, "A/acme").next_number == 2501

    def test_the_series_is_locked_only_when_a_lane_runs_low(self) -> None:
        wanted = Numbered(enterprise_id="acme", series="A", numbering=Numbering.BLOCK, spread="ann")
        lane = NumberSeries(
            id=series_id("acme", wanted.lane), enterprise_id="acme", series=wanted.lane, block_end=500
        )

        keys = [number_needs(wanted, seen_of(replace(lane, next_number=n))).rows for n in (400, 401)]

        assert [(NumberSeries, "A/acme") in each for each in keys] == [False, True]


class TestSending:
    def test_sending_marks_the_time_and_tells_the_host(self, shop: Shop) -> None:
        invoice = shop.issue()

        sent = shop.run(invoices.send_invoice(shop.deps, SendInvoice(invoice_id=invoice.id)))

        assert (sent.status, sent.sent_at) == (S.OPEN, shop.clock.now())
        assert shop.event_names(invoice.id)[-1] == "invoice.sent"

    def test_a_draft_is_not_sent(self, shop: Shop) -> None:
        with pytest.raises(InvalidTransition):
            shop.run(invoices.send_invoice(shop.deps, SendInvoice(invoice_id=shop.draft().id)))
