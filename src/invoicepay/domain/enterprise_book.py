"""An enterprise's own book: its chart of accounts, journal entries, balances and export rows (spec 2.2).

It is derived, never posted (decision D5): `enterprise_journal` makes the entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum
from typing import Any

from invoicepay.domain.frames import data_frame
from invoicepay.domain.money import Money, total
from invoicepay.domain.sheets import cell, sheet
from invoicepay.domain.shown import Shown
from invoicepay.domain.sums import summed
from invoicepay.errors import InvalidInput


class BookCode(IntEnum):
    """Account codes of an enterprise's book; 1600, 2500 and 2700 are kept by customer.

    4100 is for the enterprise's bookkeeper: unclaimed credit (2800) becomes income by law, not by itself.
    """

    TOKEN_HOLDINGS = 1500
    RECEIVABLE = 1600
    BANK = 1700
    REDEMPTION_RECEIVABLE = 1710
    TOKEN_CLEARING = 1790
    CUSTOMER_CREDIT = 2500
    TAX_PAYABLE = 2600
    REFUNDS_PAYABLE = 2700
    UNCLAIMED_CREDIT = 2800
    REVENUE = 4000
    SALES_ADJUSTMENTS = 4050
    CREDIT_BREAKAGE = 4100
    PROCESSING_FEES = 5100
    SMALL_DIFFERENCES = 5200
    BAD_DEBT = 5300
    GOODWILL = 5400

    @property
    def grows_by_debit(self) -> bool:
        """Assets, expenses and the contra-income 4050 do; liabilities and income do not."""
        return self < BookCode.CUSTOMER_CREDIT or self in _DEBIT_INCOME or self >= BookCode.PROCESSING_FEES


_DEBIT_INCOME = frozenset({BookCode.SALES_ADJUSTMENTS})
PER_CUSTOMER = frozenset({BookCode.RECEIVABLE, BookCode.CUSTOMER_CREDIT, BookCode.REFUNDS_PAYABLE})


@dataclass(frozen=True, slots=True, order=True)
class BookAccount:
    """An account of one enterprise's book, where the code says so of one customer."""

    enterprise_id: str
    code: BookCode
    asset: str
    customer_id: str = ""

    @property
    def name(self) -> str:
        """Readable name, for example `receivable:ann`."""
        name = self.code.name.lower()
        return f"{name}:{self.customer_id}" if self.customer_id else name


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: a debit above zero, a credit below."""

    account: BookAccount
    amount: Money

    @property
    def debit(self) -> Money:
        """The debited amount, or zero."""
        return max(self.amount, Money.zero(self.amount.asset))

    @property
    def credit(self) -> Money:
        """The credited amount, or zero."""
        return max(-self.amount, Money.zero(self.amount.asset))


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What one fact books.

    Attributes:
        rule: the specification's posting, for example `P-20`.
        source_id: the invoice, payment, credit, withdrawal or ledger transaction behind it.
    """

    enterprise_id: str
    asset: str
    at: datetime
    rule: str
    source_id: str
    lines: tuple[JournalLine, ...]

    @property
    def imbalance(self) -> Money:
        """Debits less credits: zero, unless the rows it was derived from do not add up (INV-01)."""
        return total((line.amount for line in self.lines), self.asset)


def balances(entries: Iterable[JournalEntry]) -> dict[BookAccount, Money]:
    """The trial balance: each account that holds something, positive on the side on which it grows."""
    sums = summed((line.account, line.amount.micros) for entry in entries for line in entry.lines)
    return {
        account: Money.from_micros(micros if account.code.grows_by_debit else -micros, account.asset)
        for account, micros in sorted(sums.items())
        if micros
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterpriseBook(Shown):
    """One enterprise's book in one asset.

    Attributes:
        entries: the journal, in order of time.
    """

    enterprise_id: str
    asset: str
    entries: tuple[JournalEntry, ...]

    def balance(self, code: int, *, customer: str | None = None) -> Money:
        """What an account holds, of all customers or of one; positive on the side on which it grows.

        Raises:
            InvalidInput: there is no such account.
        """
        if code not in list(BookCode):
            raise InvalidInput(f"there is no account {code} in an enterprise's book", code=code)
        held = (
            money
            for account, money in self.trial_balance.items()
            if account.code == code and customer in (None, account.customer_id)
        )
        return total(held, self.asset)

    @property
    def trial_balance(self) -> dict[BookAccount, Money]:
        """Each account that holds something."""
        return balances(self.entries)

    @property
    def receivables(self) -> dict[str, Money]:
        """What each customer owes."""
        return {
            account.customer_id: money
            for account, money in self.trial_balance.items()
            if account.code is BookCode.RECEIVABLE
        }

    def csv(self) -> str:
        """The journal for a spreadsheet or an accounting program (RFC 4180)."""
        return sheet(csv_rows(self.entries))

    def to_df(self) -> Any:
        """The journal as a `pandas.DataFrame`, a row for each line; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(JournalRow, journal_rows(self.entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One line of the journal as a table shows it.

    Attributes:
        entry: number of the entry in the book, from 1.
        source: the invoice, payment, credit, withdrawal or ledger transaction behind it.
        debit, credit: one of the two is there.
    """

    entry: int
    at: datetime
    rule: str
    source: str
    code: int
    account: str
    customer: str
    debit: Money | None
    credit: Money | None
    asset: str


def journal_rows(entries: Iterable[JournalEntry]) -> Iterator[JournalRow]:
    """A row for each line of each entry."""
    for number, entry in enumerate(entries, start=1):
        for line in entry.lines:
            yield JournalRow(
                entry=number,
                at=entry.at,
                rule=entry.rule,
                source=entry.source_id,
                code=int(line.account.code),
                account=line.account.code.name.lower(),
                customer=line.account.customer_id,
                debit=line.debit or None,
                credit=line.credit or None,
                asset=entry.asset,
            )


CSV_HEADER = tuple(part.name for part in fields(JournalRow))


def csv_rows(entries: Iterable[JournalEntry]) -> Iterator[tuple[str, ...]]:
    """The header, then a row for each line; no text cell is read as a formula by a spreadsheet (S-22)."""
    yield CSV_HEADER
    for row in journal_rows(entries):
        yield tuple(cell(getattr(row, name)) for name in CSV_HEADER)
