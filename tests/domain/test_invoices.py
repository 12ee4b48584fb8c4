"""Invoices: the table of states, what a settlement does, when something is overdue."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.invoices import (
    INVOICE,
    AgeingBucket,
    Invoice,
    InvoiceCommand,
    InvoiceStatus,
    RefundStatus,
    ageing_bucket,
    has_expired,
    is_overdue,
    open_amount,
    require_payable,
    settled_event,
    small_difference,
    with_payment,
)
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Late, Policy
from invoicepay.errors import InvalidTime, InvalidTransition, InvoiceAlreadyPaid, InvoiceExpired
from tests.support.invoices import an_invoice, usd

S = InvoiceStatus
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
NOTHING = usd("0")


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product([None, *InvoiceStatus], InvoiceCommand) if pair not in INVOICE.table],
    ids=str,
)
def test_every_transition_not_in_the_table_is_refused(
    state: InvoiceStatus | None, command: InvoiceCommand
) -> None:
    with pytest.raises(InvalidTransition):
        INVOICE.after(state, command)


def test_nothing_leads_out_of_a_void_or_deleted_invoice() -> None:
    ways_out = {
        (start, end) for start, _, end in INVOICE.edges if start in (S.VOID, S.DELETED) and start != end
    }

    assert ways_out == set()


def test_every_state_of_the_specification_can_be_reached() -> None:
    assert set(INVOICE.states) == set(InvoiceStatus)


def balanced(invoice: Invoice) -> bool:
    credited = invoice.credited_pre + invoice.credited_post
    return invoice.total == credited + invoice.applied + invoice.written_off + invoice.remaining


class TestSettling:
    def test_a_part_leaves_the_rest_open(self) -> None:
        after = with_payment(an_invoice(), usd("30.00"), NOTHING, now=NOON)

        assert (after.status, after.applied, after.remaining) == (
            S.PARTIALLY_PAID,
            usd("30.00"),
            usd("70.00"),
        )
        assert after.paid_at is None

    def test_the_rest_pays_it(self) -> None:
        part = with_payment(an_invoice(), usd("30.00"), NOTHING, now=NOON)

        after = with_payment(part, usd("70.00"), NOTHING, now=NOON)

        assert (after.status, after.remaining, after.paid_at) == (S.PAID, NOTHING, NOON)

    def test_e4_an_excess_is_counted_and_never_applied(self) -> None:
        eighty = an_invoice(S.OPEN, Line.of("Advice", "80.00 USD"))

        after = with_payment(eighty, usd("80.00"), usd("20.00"), now=NOON)

        assert (after.status, after.applied, after.overpaid) == (S.PAID, usd("80.00"), usd("20.00"))

    def test_p26_an_uncollectible_invoice_stays_so_until_nothing_remains(self) -> None:
        lost = an_invoice(S.UNCOLLECTIBLE)

        part = with_payment(lost, usd("40.00"), NOTHING, now=NOON)
        rest = with_payment(part, usd("60.00"), NOTHING, now=NOON)

        assert (part.status, rest.status) == (S.UNCOLLECTIBLE, S.PAID)

    def test_a_late_push_brings_an_expired_invoice_back(self) -> None:
        after = with_payment(an_invoice(S.EXPIRED), usd("40.00"), NOTHING, now=NOON, is_late=True)

        assert (after.status, after.is_late) == (S.PARTIALLY_PAID, True)

    @pytest.mark.parametrize("status", [S.PAID, S.VOID, S.EXPIRED])
    def test_what_is_all_excess_moves_no_state(self, status: InvoiceStatus) -> None:
        after = with_payment(an_invoice(status), NOTHING, usd("10.00"), now=NOON)

        assert (after.status, after.overpaid, after.applied) == (status, usd("10.00"), NOTHING)

    @pytest.mark.parametrize("status", [S.DRAFT, S.DELETED])
    def test_a_draft_takes_no_money(self, status: InvoiceStatus) -> None:
        with pytest.raises(InvalidTransition):
            with_payment(an_invoice(status), usd("1.00"), NOTHING, now=NOON)

    def test_what_was_pending_is_released(self) -> None:
        waiting = an_invoice(pending=usd("30.00"))

        after = with_payment(waiting, usd("30.00"), NOTHING, now=NOON, released=usd("30.00"))

        assert after.pending == NOTHING

    def test_p22_a_small_difference_closes_the_invoice(self) -> None:
        after = with_payment(an_invoice(), usd("99.95"), NOTHING, now=NOON, tolerance=usd("0.05"))

        assert (after.status, after.written_off, after.remaining) == (S.PAID, usd("0.05"), NOTHING)

    def test_p22_a_larger_difference_stays_open(self) -> None:
        after = with_payment(an_invoice(), usd("99.94"), NOTHING, now=NOON, tolerance=usd("0.05"))

        assert (after.status, after.written_off, after.remaining) == (S.PARTIALLY_PAID, NOTHING, usd("0.06"))

    @given(st.lists(st.integers(1, 4_000), max_size=6))
    def test_inv08_the_equation_holds_after_every_settlement(self, cents: list[int]) -> None:
        invoice = an_invoice()
        for amount in cents:
            paid = Money.from_micros(amount * 10_000, "USD")
            applied = min(paid, open_amount(invoice, NOON))
            invoice = with_payment(invoice, applied, paid - applied, now=NOON)

            assert balanced(invoice) and invoice.remaining >= NOTHING
            assert (invoice.status is S.PAID) is (not invoice.remaining)

    def test_the_tolerance_is_the_smaller_of_both_limits(self) -> None:
        policy = Policy(tolerance_micros=1_000_000, tolerance_bps=50)

        assert small_difference(an_invoice(), policy) == usd("0.50")
        assert small_difference(an_invoice(), Policy(tolerance_micros=1_000_000)) == NOTHING

    @pytest.mark.parametrize(
        ("status", "applied", "excess", "event"),
        [
            (S.OPEN, "30.00", "0", "invoice.partially_paid"),
            (S.OPEN, "100.00", "5.00", "invoice.paid"),
            (S.UNCOLLECTIBLE, "30.00", "0", "invoice.payment_recovered"),
            (S.PAID, "0", "5.00", "invoice.duplicate_payment"),
            (S.VOID, "0", "5.00", "invoice.overpaid"),
        ],
    )
    def test_each_settlement_has_its_event(
        self, status: InvoiceStatus, applied: str, excess: str, event: str
    ) -> None:
        before = an_invoice(status)

        after = with_payment(before, usd(applied), usd(excess), now=NOON)

        assert settled_event(before, after) == event


class TestWhatIsOpen:
    @pytest.mark.parametrize("status", [S.OPEN, S.PARTIALLY_PAID, S.UNCOLLECTIBLE])
    def test_a_pull_is_taken_while_something_is_due(self, status: InvoiceStatus) -> None:
        require_payable(an_invoice(status), NOON)

        assert open_amount(an_invoice(status), NOON) == usd("100.00")

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (S.PAID, InvoiceAlreadyPaid),
            (S.EXPIRED, InvoiceExpired),
            (S.DRAFT, InvalidTransition),
            (S.VOID, InvalidTransition),
            (S.DELETED, InvalidTransition),
        ],
    )
    def test_a_pull_that_finds_nothing_to_pay_is_told_why(
        self, status: InvoiceStatus, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            require_payable(an_invoice(status), NOON)

    def test_an_expiry_counts_from_its_instant_marked_or_not(self) -> None:
        invoice = an_invoice(expires_at=NOON)

        assert not has_expired(invoice, NOON - timedelta(microseconds=1))
        assert has_expired(invoice, NOON)
        with pytest.raises(InvoiceExpired):
            require_payable(invoice, NOON)

    def test_policy_decides_what_a_late_push_reduces(self) -> None:
        expired = an_invoice(S.EXPIRED)

        assert open_amount(expired, NOON, late=Late.ACCEPT) == usd("100.00")
        assert open_amount(expired, NOON, late=Late.CREDIT) == NOTHING

    @pytest.mark.parametrize("status", [S.PAID, S.VOID, S.DRAFT])
    def test_nothing_is_open_where_no_money_is_taken(self, status: InvoiceStatus) -> None:
        assert open_amount(an_invoice(status), NOON) == NOTHING


class TestOverdue:
    DUE = date(2026, 3, 10)

    @pytest.mark.parametrize(
        ("now", "timezone", "late"),
        [
            ("2026-03-10T23:59:59+00:00", "UTC", False),
            ("2026-03-11T00:00:00+00:00", "UTC", True),
            ("2026-03-10T22:59:59+00:00", "Europe/Berlin", False),
            ("2026-03-10T23:00:00+00:00", "Europe/Berlin", True),
            ("2026-03-11T04:00:00+00:00", "America/New_York", True),
            ("2026-03-11T03:59:59+00:00", "America/New_York", False),
        ],
    )
    def test_an_invoice_is_overdue_from_the_first_instant_after_its_local_due_date(
        self, now: str, timezone: str, late: bool
    ) -> None:
        invoice = an_invoice(due_on=self.DUE)

        assert is_overdue(invoice, datetime.fromisoformat(now), timezone) is late

    @pytest.mark.parametrize("status", [S.DRAFT, S.PAID, S.VOID, S.EXPIRED, S.UNCOLLECTIBLE])
    def test_only_what_waits_for_money_is_overdue(self, status: InvoiceStatus) -> None:
        assert not is_overdue(an_invoice(status, due_on=self.DUE), NOON + timedelta(days=9), "UTC")

    def test_what_has_no_due_date_is_never_overdue(self) -> None:
        assert not is_overdue(an_invoice(), NOON, "UTC")

    def test_an_unknown_zone_is_refused(self) -> None:
        with pytest.raises(InvalidTime):
            is_overdue(an_invoice(due_on=self.DUE), NOON, "Mars/Olympus")

    @pytest.mark.parametrize(
        ("days", "bucket"),
        [
            (0, AgeingBucket.CURRENT),
            (1, AgeingBucket.DAYS_1_30),
            (30, AgeingBucket.DAYS_1_30),
            (31, AgeingBucket.DAYS_31_60),
            (60, AgeingBucket.DAYS_31_60),
            (90, AgeingBucket.DAYS_61_90),
            (91, AgeingBucket.OVER_90),
        ],
    )
    def test_ageing_counts_days_past_due(self, days: int, bucket: AgeingBucket) -> None:
        invoice = an_invoice(due_on=self.DUE)

        assert ageing_bucket(invoice, NOON + timedelta(days=days), "UTC") is bucket


@pytest.mark.parametrize(
    ("credited", "applied", "status"),
    [
        ("0", "50.00", RefundStatus.NONE),
        ("45.00", "5.00", RefundStatus.PARTIAL),
        ("50.00", "0", RefundStatus.FULL),
    ],
)
def test_the_refund_status_is_read_off_the_amounts(credited: str, applied: str, status: RefundStatus) -> None:
    invoice = an_invoice(S.PAID, credited_post=usd(credited), applied=usd(applied), remaining=NOTHING)

    assert invoice.refund_status is status
