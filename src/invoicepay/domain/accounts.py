"""Chart of accounts of the issuer book, and the shape of a posting (spec 2.1, 3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import ClassVar

from invoicepay.domain.quick import quick
from invoicepay.domain.shown import Shown


class AccountType(StrEnum):
    """Assets and expenses grow by debit; liabilities, equity and income by credit."""

    ASSET = "A"
    LIABILITY = "L"
    EQUITY = "Q"
    INCOME = "I"
    EXPENSE = "X"


class Code(IntEnum):
    """Account codes of the issuer book."""

    BACKING = 1000
    CUSTODY = 1010
    OPERATIONAL = 1050
    INBOUND = 1100
    RETURNED_DEPOSIT = 1200
    AVAILABLE = 2000
    HELD = 2010
    CREDIT_RESERVE = 2020
    FROZEN = 2030
    IN_TRANSIT = 2040
    EXTERNAL_HOLDERS = 2050
    UNCONFIRMED = 2100
    UNMINTED = 2110
    REDEMPTION_PAYABLE = 2300
    REDEMPTION_IN_TRANSIT = 2310
    REDEMPTION_RETURNED = 2320
    RETURN_DUE = 2330
    FEES_PAYABLE = 2410
    RESERVE_INCOME = 2420
    SUSPENSE = 2900
    BUFFER = 3000
    LOSSES = 5000


NAMES: dict[Code, str] = {
    Code.BACKING: "reserve:backing",
    Code.CUSTODY: "custody:token",
    Code.OPERATIONAL: "safeguarded:operational",
    Code.INBOUND: "rails:inbound",
    Code.RETURNED_DEPOSIT: "receivable:returned_deposit",
    Code.AVAILABLE: "wallet:available",
    Code.HELD: "wallet:held",
    Code.CREDIT_RESERVE: "wallet:credit_reserve",
    Code.FROZEN: "wallet:frozen",
    Code.IN_TRANSIT: "tokens:in_transit",
    Code.EXTERNAL_HOLDERS: "tokens:external_holders",
    Code.UNCONFIRMED: "deposits:unconfirmed",
    Code.UNMINTED: "deposits:unminted",
    Code.REDEMPTION_PAYABLE: "redemptions:payable",
    Code.REDEMPTION_IN_TRANSIT: "redemptions:in_transit",
    Code.REDEMPTION_RETURNED: "redemptions:returned",
    Code.RETURN_DUE: "deposits:return_due",
    Code.FEES_PAYABLE: "fees:payable",
    Code.RESERVE_INCOME: "reserve_income:payable",
    Code.SUSPENSE: "suspense:inbound",
    Code.BUFFER: "capital:buffer",
    Code.LOSSES: "losses:reserve",
}

TOKEN_CODES = frozenset(
    {Code.AVAILABLE, Code.HELD, Code.CREDIT_RESERVE, Code.FROZEN, Code.IN_TRANSIT, Code.EXTERNAL_HOLDERS}
)
WALLET_CODES = frozenset({Code.AVAILABLE, Code.HELD, Code.CREDIT_RESERVE, Code.FROZEN})
PER_PARTY = WALLET_CODES | {
    Code.RETURNED_DEPOSIT,
    Code.UNCONFIRMED,
    Code.UNMINTED,
    Code.REDEMPTION_PAYABLE,
    Code.REDEMPTION_IN_TRANSIT,
    Code.REDEMPTION_RETURNED,
}
BACKING_CODES = frozenset({Code.BACKING, Code.CUSTODY})

MOST_REMEMBERED = 8_192

_TYPES = {1: AccountType.ASSET, 2: AccountType.LIABILITY, 3: AccountType.EQUITY, 5: AccountType.EXPENSE}
_GROWN_BY = {
    code: "D" if _TYPES[code // 1000] in (AccountType.ASSET, AccountType.EXPENSE) else "C" for code in Code
}
_FLOORED = frozenset(
    code
    for code in Code
    if code is not Code.OPERATIONAL and _TYPES[code // 1000] in (AccountType.ASSET, AccountType.LIABILITY)
)


@quick
@dataclass(frozen=True, slots=True)
class Account:
    """One account of the issuer book: a code, an asset and, where the code is per party, the party."""

    code: Code
    asset: str
    party_id: str = ""

    @property
    def id(self) -> str:
        """Stable text id inside a tenant, for example `2000/USD/ann`."""
        return f"{int(self.code)}/{self.asset}/{self.party_id}"

    @property
    def type(self) -> AccountType:
        """Asset, liability, equity, income or expense."""
        return _TYPES[self.code // 1000]

    @property
    def name(self) -> str:
        """Readable name, for example `wallet:available:ann`."""
        return f"{NAMES[self.code]}:{self.party_id}" if self.party_id else NAMES[self.code]


@lru_cache(maxsize=MOST_REMEMBERED)
def account(code: Code, asset: str, party_id: str = "") -> Account:
    """The account; one that comes again is the same object, which is found faster than an equal one."""
    return Account(code, asset, party_id)


def account_of(id: str) -> Account:
    """The account of a stored id (the party's own id may hold slashes)."""
    code, asset, party_id = id.split("/", 2)
    return account(Code(int(code)), asset, party_id)


def has_floor(account: Account) -> bool:
    """Whether the balance may never fall below zero (spec 3.3, INV-03).

    1050 may: a returned deposit is a fact that cannot be refused; INV-04 judges it.
    """
    return account.code in _FLOORED


def available(party_id: str, asset: str) -> Account:
    """Spendable tokens of a party (2000)."""
    return account(Code.AVAILABLE, asset, party_id)


def held(party_id: str, asset: str) -> Account:
    """Tokens reserved for something pending (2010)."""
    return account(Code.HELD, asset, party_id)


def credit_reserve(party_id: str, asset: str) -> Account:
    """An enterprise's tokens ring-fenced behind its customers' credits (2020)."""
    return account(Code.CREDIT_RESERVE, asset, party_id)


def frozen(party_id: str, asset: str) -> Account:
    """Tokens blocked by compliance (2030)."""
    return account(Code.FROZEN, asset, party_id)


@quick
@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a transaction: `amount` micros, debit ("D") or credit ("C")."""

    account: Account
    side: str
    amount: int

    @property
    def growth(self) -> int:
        """Signed effect on the account's balance."""
        return self.amount if self.side == _GROWN_BY[self.account.code] else -self.amount


@quick
@dataclass(frozen=True, slots=True)
class Posting:
    """One ledger transaction of the issuer book, balanced per asset (spec 3.2).

    Attributes:
        rule: the specification's posting, for example `P-11`.
        memo: what it was about: the id of the payment, deposit, …
        reverses: id of the transaction that this one takes back (at most once), else empty.
        id: given when it is posted.
    """

    rule: str
    entries: tuple[Entry, ...]
    memo: str = ""
    reverses: str = ""
    id: str = ""

    @property
    def imbalance(self) -> dict[str, int]:
        """Debits minus credits in micros of each asset that does not come to zero."""
        sums: dict[str, int] = defaultdict(int)
        for entry in self.entries:
            sums[entry.account.asset] += entry.amount if entry.side == "D" else -entry.amount
        return {asset: n for asset, n in sums.items() if n}

    @property
    def is_sound(self) -> bool:
        """Whether it balances and each of at least two entries moves something (INV-01)."""
        return (
            len(self.entries) > 1
            and all(entry.amount > 0 and entry.side in "DC" for entry in self.entries)
            and not self.imbalance
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked(Shown):
    """A ledger transaction as stored.

    Attributes:
        group_id: the audit record of the command that posted it.
        effective_at: when it happened.
        recorded_at: when we learned of it.
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("id", "rule", "about", "effective_at", "entries")

    posting: Posting
    group_id: str
    effective_at: datetime
    recorded_at: datetime

    @property
    def id(self) -> str:
        """The transaction's id."""
        return self.posting.id

    @property
    def rule(self) -> str:
        """The specification's posting, for example `P-11`."""
        return self.posting.rule

    @property
    def about(self) -> str:
        """The id of what it was about."""
        return self.posting.memo

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Its debits and credits."""
        return self.posting.entries


def posting(rule: str, *moves: tuple[Account, Account, int], memo: str = "", reverses: str = "") -> Posting:
    """A posting from moves (debit account, credit account, micros); moves of zero are left out.

    Entries on one account and side are summed, so each transaction reads as short as it can.
    """
    entries: dict[tuple[Account, str], int] = {}
    for debit, credit, amount in moves:
        if amount:
            assert amount > 0 and debit.asset == credit.asset, f"{rule} does not balance"
            entries[debit, "D"] = entries.get((debit, "D"), 0) + amount
            entries[credit, "C"] = entries.get((credit, "C"), 0) + amount
    assert entries, f"{rule} moves nothing"
    return Posting(
        rule, tuple([Entry(account, side, n) for (account, side), n in entries.items()]), memo, reverses
    )


def reversed_posting(original: Posting, *, rule: str, memo: str) -> Posting:
    """The posting that takes `original` back, entry by entry (spec 3.1)."""
    sides = {"D": "C", "C": "D"}
    entries = tuple(Entry(e.account, sides[e.side], e.amount) for e in original.entries)
    return Posting(rule, entries, memo, reverses=original.id)
