"""Statement lines against what we know: matches, and the kind of every break."""

from __future__ import annotations

from datetime import date, timedelta

from invoicepay.domain.money import Money
from invoicepay.domain.reconciliation import (
    Break,
    BreakKind,
    CashItem,
    StatementLine,
    breaks_of,
    is_explained,
)

K = BreakKind
MONDAY = date(2026, 1, 5)


def usd(text: str) -> Money:
    amount = Money(text.lstrip("-"), "USD")
    return -amount if text.startswith("-") else amount


def item(id: str, amount: str, *, ref: str = "", day: int = 0, is_booked: bool = True) -> CashItem:
    on = MONDAY + timedelta(days=day)
    refs = frozenset({ref} - {""})
    due_on = on + timedelta(days=2)
    return CashItem(object_id=id, refs=refs, amount=usd(amount), on=on, due_on=due_on, is_booked=is_booked)


def line(ref: str, amount: str, *, day: int = 0) -> StatementLine:
    return StatementLine(ref=ref, amount=usd(amount), booked_on=MONDAY + timedelta(days=day))


def breaks(
    items: list[CashItem], lines: list[StatementLine], *, today: int = 0
) -> list[tuple[str, str, str]]:
    found: tuple[Break, ...] = breaks_of(items, lines, today=MONDAY + timedelta(days=today))
    return [(b.kind, b.object_id, b.amount.amount_text) for b in found]


def test_an_item_and_a_line_with_one_reference_and_amount_match() -> None:
    assert breaks([item("dep", "100", ref="r1")], [line("r1", "100", day=40)]) == []


def test_without_a_reference_amount_and_day_decide() -> None:
    assert breaks([item("dep", "100", day=2)], [line("", "100")]) == []
    assert len(breaks([item("dep", "100", day=4)], [line("", "100")], today=4)) == 2


def test_several_items_may_be_one_line_of_the_day() -> None:
    items = [item("a", "30"), item("b", "12.50"), item("c", "57.50")]

    assert breaks(items, [line("batch", "100")]) == []


def test_several_lines_may_be_one_item() -> None:
    assert breaks([item("a", "100")], [line("p1", "40"), line("p2", "60")]) == []
    assert breaks([item("a", "100", ref="r")], [line("r", "40"), line("r", "60")]) == []


def test_a_line_that_nobody_knows_is_missing_inside_and_money_in_comes_with_a_proposal() -> None:
    (found,) = breaks_of([], [line("x", "25")], today=MONDAY)

    assert (found.kind, found.object_id, found.amount) == (K.MISSING_INTERNAL, "x", usd("25"))
    assert found.proposal is not None
    assert found.proposal.rule == "P-07"


def test_money_that_left_unknown_to_us_comes_without_a_proposal() -> None:
    (found,) = breaks_of([], [line("x", "-25")], today=MONDAY)

    assert (found.kind, found.proposal) == (K.MISSING_INTERNAL, None)


def test_a_booked_item_without_a_line_is_a_matter_of_time_and_then_missing() -> None:
    known = [item("wdr", "-50", ref="w"), item("dep", "1", ref="d")]

    assert breaks(known, [line("d", "1")], today=2) == [(K.TIMING, "wdr", "50.00")]
    assert breaks(known, [line("d", "1")], today=3) == [(K.MISSING_EXTERNAL, "wdr", "50.00")]


def test_an_item_older_than_the_statement_is_not_missed() -> None:
    assert breaks([item("dep", "7", ref="d", day=-1)], [line("", "3")], today=9) == [
        (K.MISSING_INTERNAL, "", "3.00")
    ]


def test_money_that_the_bank_has_and_we_do_not_trust_yet_is_a_matter_of_time() -> None:
    received = item("dep", "80", ref="d", is_booked=False)

    assert breaks([received], [line("d", "80")]) == [(K.TIMING, "dep", "80.00")]


def test_money_on_its_way_that_no_statement_shows_is_no_break() -> None:
    assert breaks([item("wdr", "-80", ref="w", is_booked=False)], [line("", "3")]) == [
        (K.MISSING_INTERNAL, "", "3.00")
    ]


def test_another_amount_under_the_same_reference_is_an_amount_break() -> None:
    assert breaks([item("dep", "100", ref="r")], [line("r", "99.50")]) == [(K.AMOUNT, "r", "-0.50")]


def test_the_same_line_again_is_a_duplicate() -> None:
    assert breaks([item("dep", "100", ref="r")], [line("r", "100"), line("r", "100", day=1)]) == [
        (K.DUPLICATE, "r", "100.00")
    ]


def test_a_deposit_and_its_return_under_one_reference_match_one_by_one() -> None:
    both = [item("dep", "100", ref="r"), item("dep", "-100", ref="r", day=3)]

    assert breaks(both, [line("r", "100")], today=3) == [(K.TIMING, "dep", "100.00")]
    assert breaks(both, [line("r", "100"), line("r", "-100", day=3)], today=3) == []


def test_a_difference_is_explained_by_some_of_what_is_on_its_way() -> None:
    parts = [usd("10"), usd("25"), usd("-4")]

    assert is_explained(usd("6"), parts)
    assert is_explained(usd("31"), parts)
    assert not is_explained(usd("7"), parts)


def test_with_very_many_parts_only_none_or_all_of_them_explain() -> None:
    parts = [Money.from_micros(2**n, "USD") for n in range(40)]

    assert is_explained(Money.from_micros(2**40 - 1, "USD"), parts)
    assert not is_explained(Money.from_micros(5, "USD"), parts)
