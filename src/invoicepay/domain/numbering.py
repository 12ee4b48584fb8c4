"""Document numbers: gapless in one row of a series, or in blocks that several lanes draw (spec 3.7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar
from zlib import crc32

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Numbering
from invoicepay.errors import InvalidIdentifier

CREDIT_NOTES = "CN"
"""The series of credit notes; invoices have their own."""
LANES = 8
"""Writers that number in blocks at the same time, at most."""
BLOCK = 500
"""Numbers that a lane draws from the series at once."""
HEADROOM = 100
"""A lane with fewer numbers left has the series at hand, so that one batch of commands never runs out."""

_SERIES = re.compile(r"[A-Z0-9]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSeries(Entity):
    """The next document number of an enterprise's series; with blocks also one row for each lane.

    Attributes:
        numbering: `block` declares that the series has gaps, also after a return to `gapless`.
        block_end: last number of the block that a lane drew; 0 for the series itself.
    """

    KIND: ClassVar[str] = "number_series"

    enterprise_id: str
    series: str
    next_number: int = 1
    numbering: Numbering = Numbering.GAPLESS
    block_end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """Which number is wanted.

    Attributes:
        spread: any text that differs between writers, such as the customer's id; it chooses the lane.
    """

    enterprise_id: str
    series: str
    numbering: Numbering
    spread: str

    @property
    def lane(self) -> str:
        """The lane's name, as a series of its own."""
        return f"{self.series}.{crc32(self.spread.encode()) % LANES}"


def series_id(enterprise_id: str, series: str) -> str:
    """The id of a series or lane."""
    return f"{series}/{enterprise_id}"


def invoice_series(series: str) -> str:
    """The name of an invoice series.

    Raises:
        InvalidIdentifier: not 1 to 16 capitals and digits, or the series of credit notes.
    """
    if not isinstance(series, str) or not _SERIES.fullmatch(series) or series == CREDIT_NOTES:
        raise InvalidIdentifier(f"a series has 1 to 16 capitals and digits and is not {CREDIT_NOTES}")
    return series


def number_needs(wanted: Numbered, seen: Snapshot) -> Needs:
    """The rows that `take_number` reads: one writer at a time, for gapless numbers on the series itself."""
    return need(*((NumberSeries, series_id(wanted.enterprise_id, name)) for name in _names(wanted, seen)))


def _names(wanted: Numbered, seen: Snapshot) -> Iterator[str]:
    if wanted.numbering is Numbering.GAPLESS:
        yield wanted.series
        return
    yield wanted.lane
    key = (NumberSeries, series_id(wanted.enterprise_id, wanted.lane))
    lane = seen.peek(*key)
    if seen.knows(*key) and (lane is None or lane.next_number + HEADROOM > lane.block_end):
        yield wanted.series


def take_number(change: Change, wanted: Numbered) -> str:
    """The next number, for example `A-0001`; given back if the transaction fails (INV-20)."""
    number = _next(change, wanted) if wanted.numbering is Numbering.GAPLESS else _next_of_lane(change, wanted)
    return f"{wanted.series}-{number:04}"


def _next(change: Change, wanted: Numbered, count: int = 1) -> int:
    series = _row(change, wanted, wanted.series)
    gapless = series.numbering is wanted.numbering is Numbering.GAPLESS
    declared = Numbering.GAPLESS if gapless else Numbering.BLOCK
    _store(change, replace(series, next_number=series.next_number + count, numbering=declared))
    return series.next_number


def _next_of_lane(change: Change, wanted: Numbered) -> int:
    lane = _row(change, wanted, wanted.lane)
    if lane.next_number > lane.block_end:
        first = _next(change, wanted, BLOCK)
        lane = replace(lane, next_number=first, block_end=first + BLOCK - 1, numbering=Numbering.BLOCK)
    _store(change, replace(lane, next_number=lane.next_number + 1))
    return lane.next_number


def _row(change: Change, wanted: Numbered, series: str) -> NumberSeries:
    id = series_id(wanted.enterprise_id, series)
    known = change.peek(NumberSeries, id)
    return known or NumberSeries(id=id, enterprise_id=wanted.enterprise_id, series=series)


def _store(change: Change, row: NumberSeries) -> None:
    if change.peek(NumberSeries, row.id) is None:
        change.add(row)
    else:
        change.put(row)
