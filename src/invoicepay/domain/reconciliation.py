"""Bank statement against books: what matches, and what is left as a break with its kind (spec 10, INV-07)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.accounts import Posting
from invoicepay.domain.money import Money, total
from invoicepay.domain.postings import unmatched_received
from invoicepay.domain.shown import Shown

WINDOW_DAYS = 3
"""How far the bank's day and ours may be apart when only the amount speaks for a match."""
MOST_SUBSETS = 4_096


class BreakKind(StrEnum):
    """Why a statement and the books differ; `timing` clears by itself until its deadline."""

    TIMING = "timing"
    MISSING_INTERNAL = "missing_internal"
    MISSING_EXTERNAL = "missing_external"
    AMOUNT = "amount"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One line of the safeguarded account's bank statement.

    Attributes:
        ref: the bank's or the provider's reference; may be empty.
        amount: positive for money that came in, negative for money that left.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    ref: str
    amount: Money
    booked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CashItem:
    """One movement of cash as we know it.

    Attributes:
        refs: references under which the bank may show it.
        amount: positive for money that came in, negative for money that left.
        on: the bank's day, as far as we know it.
        due_on: until then a difference is a matter of time.
        is_booked: it is in 1000 or 1050 already; otherwise it is on its way there.
    """

    object_id: str
    refs: frozenset[str]
    amount: Money
    on: date
    due_on: date
    is_booked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Break(Shown):
    """A difference between the outside and the books.

    Attributes:
        object_id: ours, or the reference of the statement line.
        amount: what the outside has more than the books; negative when it has less.
        deadline: of a timing break; later it needs a person.
        proposal: a posting that would mend it, for an operator to command; never posted by itself.
    """

    kind: BreakKind
    object_id: str
    amount: Money
    message: str
    deadline: date | None = None
    proposal: Posting | None = None


def breaks_of(items: Iterable[CashItem], lines: Sequence[StatementLine], *, today: date) -> tuple[Break, ...]:
    """Match items and lines by reference, then by amount and day, then by sums of a day; name the rest.

    Items from before the first line may match, but are not missed: an earlier statement had them.
    """
    first = min(line.booked_on for line in lines)
    open_items, open_lines = list(items), list(lines)
    found: list[Break] = []
    for step in (_by_reference, _by_amount, _by_sum):
        found.extend(step(open_items, open_lines))
    found.extend(left for item in open_items for left in _left_item(item, first, today))
    found.extend(_left_line(line) for line in open_lines)
    return tuple(found)


def _by_reference(items: list[CashItem], lines: list[StatementLine]) -> Iterator[Break]:
    for ref in dict.fromkeys(line.ref for line in lines if line.ref):
        own_items = [item for item in items if ref in item.refs]
        own_lines = [line for line in lines if line.ref == ref]
        if own_items:
            yield from _within_reference(ref, own_items, own_lines, items, lines)


def _within_reference(
    ref: str,
    own_items: list[CashItem],
    own_lines: list[StatementLine],
    items: list[CashItem],
    lines: list[StatementLine],
) -> Iterator[Break]:
    """Equal amounts first, then sums; what is left of the lines is too much, too little or there twice."""
    matched: list[Money] = []
    for line in list(own_lines):
        item = next((item for item in own_items if item.amount == line.amount), None)
        if item is not None:
            matched.append(line.amount)
            own_items.remove(item)
            own_lines.remove(line)
            yield from _taken([item], [line], items, lines)
    if not own_lines:
        return
    seen = total((line.amount for line in own_lines), own_lines[0].amount.asset)
    known = total((item.amount for item in own_items), seen.asset)
    yield from _taken(own_items, own_lines, items, lines)
    if seen == known:
        return
    if not own_items and all(line.amount in matched for line in own_lines):
        kind, message = BreakKind.DUPLICATE, f"the bank shows {ref} more than once"
    else:
        kind, message = BreakKind.AMOUNT, f"the bank shows {seen} under {ref}, the books {known}"
    yield Break(kind=kind, object_id=ref, amount=seen - known, message=message)


def _by_amount(items: list[CashItem], lines: list[StatementLine]) -> Iterator[Break]:
    for line in list(lines):
        near = [item for item in items if item.amount == line.amount and _is_near(item, line)]
        if near:
            item = min(near, key=lambda item: (_apart(item, line), item.object_id))
            yield from _taken([item], [line], items, lines)


def _by_sum(items: list[CashItem], lines: list[StatementLine]) -> Iterator[Break]:
    """Several items in one line, or several lines for one item; all of one day and direction."""
    for line in list(lines):
        group = [item for item in items if item.on == line.booked_on and _same_way(item.amount, line.amount)]
        if _sum(group, lambda item: item.amount, line.amount):
            yield from _taken(group, [line], items, lines)
    for item in list(items):
        parts = [line for line in lines if line.booked_on == item.on and _same_way(line.amount, item.amount)]
        if _sum(parts, lambda line: line.amount, item.amount):
            yield from _taken([item], parts, items, lines)


def _sum(
    parts: Sequence[CashItem] | Sequence[StatementLine], amount: Callable[..., Money], whole: Money
) -> bool:
    return len(parts) > 1 and total((amount(part) for part in parts), whole.asset) == whole


def _same_way(one: Money, other: Money) -> bool:
    return (one.micros > 0) == (other.micros > 0)


def _apart(item: CashItem, line: StatementLine) -> int:
    return abs((item.on - line.booked_on).days)


def _is_near(item: CashItem, line: StatementLine) -> bool:
    return _apart(item, line) <= WINDOW_DAYS


def _taken(
    matched_items: Sequence[CashItem],
    matched_lines: Sequence[StatementLine],
    items: list[CashItem],
    lines: list[StatementLine],
) -> Iterator[Break]:
    """Remove a match; an item that only the bank has booked so far is a matter of time."""
    for line in matched_lines:
        lines.remove(line)
    for item in matched_items:
        items.remove(item)
        if not item.is_booked:
            yield _early(item)


def _early(item: CashItem) -> Break:
    """The bank has it, the books follow when it is final."""
    return Break(
        kind=BreakKind.TIMING,
        object_id=item.object_id,
        amount=item.amount,
        message=f"{item.amount} is with the bank and not final yet",
        deadline=item.due_on,
    )


def _left_item(item: CashItem, first: date, today: date) -> Iterator[Break]:
    """What the statement does not show, unless that is as it should be."""
    is_older = item.on < first
    if not item.is_booked:
        if is_older and item.amount.micros > 0:
            yield _early(item)
    elif not is_older:
        is_timing = today <= item.due_on
        yield Break(
            kind=BreakKind.TIMING if is_timing else BreakKind.MISSING_EXTERNAL,
            object_id=item.object_id,
            amount=-item.amount,
            message=f"{item.amount} is in the books and not on the statement",
            deadline=item.due_on if is_timing else None,
        )


def _left_line(line: StatementLine) -> Break:
    came_in = line.amount.micros > 0
    proposal = unmatched_received(line.amount.asset, line.amount.micros, memo=line.ref) if came_in else None
    return Break(
        kind=BreakKind.MISSING_INTERNAL,
        object_id=line.ref,
        amount=line.amount,
        message=f"{line.amount} is on the statement and not in the books",
        proposal=proposal,
    )


def is_explained(difference: Money, parts: Iterable[Money]) -> bool:
    """Whether some of the parts add up to the difference; with too many to try, only none or all of them."""
    amounts = [part.micros for part in parts]
    sums = {0}
    for amount in amounts:
        sums |= {known + amount for known in sums}
        if len(sums) > MOST_SUBSETS:
            return difference.micros in (0, sum(amounts))
    return difference.micros in sums
