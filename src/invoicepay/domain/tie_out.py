"""The tie-out of a token between books, positions and chain, as a value that draws itself (INV-07)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from invoicepay.domain.frames import data_frame
from invoicepay.domain.html import listing
from invoicepay.domain.money import Money, total
from invoicepay.domain.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletLine(Shown):
    """One wallet of an asset.

    Attributes:
        books: its tokens in the books, and what the books burned already and the chain has still to burn.
        position: what final effects say that the chain holds; where nothing is netted, the same as the books.
        leaving, arriving: on their way; the chain may have moved them, and nobody has said so yet.
        chain: what the provider says that the wallet holds at finality.
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "party_id",
        "books",
        "unsettled",
        "position",
        "leaving",
        "arriving",
        "chain",
        "unexplained",
    )

    party_id: str
    books: Money
    position: Money
    leaving: Money
    arriving: Money
    chain: Money

    @property
    def unsettled(self) -> Money:
        """What the next settlement run brings to the wallet; negative for what it takes."""
        return self.books - self.position

    @property
    def unexplained(self) -> Money:
        """What the chain has more (or, negative, less) than what is on its way can explain."""
        return _outside(self.chain, self.position - self.leaving, self.position + self.arriving)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTieOut(Shown):
    """Every wallet of an asset, and the supply, at one instant of the books.

    Attributes:
        supply: tokens outstanding at finality, as the provider says.
        minting, burning: under way on the token side.
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "asset",
        "at",
        "is_tied_out",
        "books",
        "unsettled",
        "positions",
        "supply",
        "unexplained",
        "lines",
    )

    asset: str
    at: datetime
    lines: tuple[WalletLine, ...]
    supply: Money
    minting: Money
    burning: Money

    @property
    def books(self) -> Money:
        """Tokens of all wallets in the books."""
        return total((line.books for line in self.lines), self.asset)

    @property
    def positions(self) -> Money:
        """What final effects say that the chain holds for all wallets."""
        return total((line.position for line in self.lines), self.asset)

    @property
    def unsettled(self) -> Money:
        """What a settlement run would move now."""
        nothing = Money.zero(self.asset)
        return total((max(line.unsettled, nothing) for line in self.lines), self.asset)

    @property
    def unexplained(self) -> Money:
        """What the supply has more (or, negative, less) than positions and what is under way explain."""
        return _outside(self.supply, self.positions - self.burning, self.positions + self.minting)

    @property
    def is_tied_out(self) -> bool:
        """Whether books, positions and chain agree but for what is unsettled or on its way."""
        is_whole = self.books == self.positions and not self.unexplained
        return is_whole and not any(line.unexplained for line in self.lines)

    def __str__(self) -> str:
        """A table in plain text: one row for each wallet, and the totals."""
        heads = ("wallet", "books", "unsettled", "position", "on its way", "chain", "")
        total_row = (
            "total",
            self.books,
            self.unsettled,
            self.positions,
            "",
            self.supply,
            _mark(self.unexplained),
        )
        return _aligned([heads, *(_row(line) for line in self.lines), total_row])

    def to_df(self) -> Any:
        """The wallets as a `pandas.DataFrame`, a row each; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(WalletLine, self.lines, WalletLine.SHOWN)

    def _repr_html_(self) -> str:
        """The wallets as a table, and below it the totals."""
        said = "tied out" if self.is_tied_out else "not tied out"
        totals = {"books": self.books, "unsettled": self.unsettled, "supply": self.supply}
        note = ", ".join(f"{name} {amount}" for name, amount in totals.items())
        return listing(self.lines, caption=f"{self.asset}: {said}", note=note)


def _outside(found: Money, least: Money, most: Money) -> Money:
    """How far a figure lies outside of bounds."""
    return found - most if found > most else found - least if found < least else Money.zero(found.asset)


def _row(line: WalletLine) -> tuple[object, ...]:
    way = line.arriving - line.leaving
    return (
        line.party_id,
        line.books,
        line.unsettled,
        line.position,
        way or "",
        line.chain,
        _mark(line.unexplained),
    )


def _mark(unexplained: Money) -> str:
    return f"off by {unexplained}" if unexplained else ""


def _aligned(rows: Iterable[Sequence[object]]) -> str:
    """The first column to the left, the others to the right; amounts without their asset."""
    texts = [[str(cell.amount) if isinstance(cell, Money) else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = (
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in texts
    )
    return "\n".join(lines)
