"""Credit lots: which state follows which, in which order they pay, and that each adds up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product

import pytest

from invoicepay.domain.credits import (
    CREDIT,
    CreditCommand,
    CreditKind,
    CreditLot,
    CreditReason,
    CreditStatus,
    available_lots,
    expiring_lots,
    has_expired,
    in_order,
    new_lot,
    waiting_invoices,
)
from invoicepay.domain.money import Money
from invoicepay.domain.policies import CreditBacking
from invoicepay.errors import InvalidTransition
from tests.support.invoices import an_invoice

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EVERY_PAIR = list(product((None, *CreditStatus), CreditCommand))


def a_lot(
    id: str,
    *,
    kind: CreditKind = CreditKind.CASH,
    created_at: datetime = NOON,
    expires_at: datetime | None = None,
    customer_id: str = "ann",
    asset: str = "USD",
) -> CreditLot:
    lot = new_lot(
        id,
        enterprise_id="acme",
        customer_id=customer_id,
        amount=Money("10.00", asset),
        kind=kind,
        backing=CreditBacking.RING_FENCED if kind is CreditKind.CASH else CreditBacking.NONE,
        reason=CreditReason.OVERPAYMENT,
        payer_id=customer_id,
        expires_at=expires_at,
    )
    return replace(lot, created_at=created_at)


@pytest.mark.parametrize(("state", "command"), [pair for pair in EVERY_PAIR if pair not in CREDIT.table])
def test_every_transition_not_in_the_table_is_refused(
    state: CreditStatus | None, command: CreditCommand
) -> None:
    with pytest.raises(InvalidTransition):
        CREDIT.after(state, command)


def test_a_void_lot_never_comes_back() -> None:
    assert CREDIT.terminal == {CreditStatus.VOID}


def test_a_new_lot_has_everything_left() -> None:
    lot = a_lot("c")

    assert (lot.status, lot.remaining) == (CreditStatus.AVAILABLE, lot.amount)
    assert not any((lot.applied, lot.refunded, lot.expired, lot.voided))


def test_without_expiry_the_oldest_lot_pays_first() -> None:
    lots = [a_lot("c1", created_at=NOON), a_lot("c2", created_at=NOON - DAY), a_lot("c0", created_at=NOON)]

    assert [lot.id for lot in in_order(lots)] == ["c2", "c0", "c1"]


def test_the_order_is_expiry_then_goodwill_then_age_then_id() -> None:
    wanted = [
        a_lot("soon", expires_at=NOON + DAY),
        a_lot("later_goodwill", kind=CreditKind.NON_CASH, expires_at=NOON + 2 * DAY),
        a_lot("later_cash", expires_at=NOON + 2 * DAY, created_at=NOON - DAY),
        a_lot("goodwill", kind=CreditKind.NON_CASH, created_at=NOON),
        a_lot("old", created_at=NOON - DAY),
        a_lot("young_1", created_at=NOON),
        a_lot("young_2", created_at=NOON),
    ]

    for first in range(len(wanted)):
        shuffled = wanted[first:] + wanted[:first]
        assert in_order(shuffled) == wanted
    for three in permutations(wanted[:3]):
        assert in_order(three) == wanted[:3]


def test_the_search_never_crosses_customers_or_assets() -> None:
    mine = a_lot("mine")
    others = [a_lot("bens", customer_id="ben"), a_lot("chain", asset="USD.tempo")]

    assert available_lots("acme", "ann", "USD").pick([mine, *others]) == (mine,)


def test_a_lot_expires_at_the_instant_that_it_names() -> None:
    lot = a_lot("c", expires_at=NOON)

    assert not has_expired(lot, NOON - timedelta(microseconds=1))
    assert has_expired(lot, NOON)
    assert not has_expired(a_lot("d"), NOON)


def test_the_longest_overdue_lots_expire_first() -> None:
    lots = [
        a_lot("b", expires_at=NOON - DAY),
        a_lot("a", expires_at=NOON),
        a_lot("c"),
        a_lot("d", expires_at=NOON + DAY),
    ]

    assert [lot.id for lot in expiring_lots(NOON).pick(lots)] == ["b", "a"]
    assert [lot.id for lot in expiring_lots(NOON, limit=1).pick(lots)] == ["b"]


def test_of_invoices_due_together_the_lower_number_goes_first_also_past_four_digits() -> None:
    finalized = [
        an_invoice(id=f"inv_{n}", number=f"A-{9_998 + n}", finalized_at=NOON + n * DAY) for n in range(4)
    ]
    due = an_invoice(id="inv_due", number="A-20000", due_on=date(2026, 2, 1), finalized_at=NOON)

    ordered = waiting_invoices("acme", "ann", "USD").pick([*reversed(finalized), due])

    assert [invoice.number for invoice in ordered] == ["A-20000", "A-9998", "A-9999", "A-10000", "A-10001"]
