"""The journal of enterprise books, derived from what happened: the E and F lines of P-03 … P-36 (spec 5).

An invoice, payment, credit, credit note or withdrawal books what changed between two of its events. What
else moved an enterprise's tokens (deposits, transfers, purchases, fees earned) is read from the issuer book,
so that 1500 is always the wallet (INV-15).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from invoicepay.domain.accounts import WALLET_CODES, Booked, Posting
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.codec import from_dict
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.enterprise_book import (
    PER_CUSTOMER,
    BookAccount,
    BookCode,
    JournalEntry,
    JournalLine,
)
from invoicepay.domain.enterprise_steps import Moves, Step, rules
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.sums import summed
from invoicepay.domain.withdrawals import Withdrawal

B = BookCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What a journal is derived from, of one enterprise or of a whole tenant.

    Attributes:
        rows: by kind; invoices, payments, allocations, credit lots, credit notes, withdrawals and the parties
            whose books are wanted. Others are left aside.
        events: the history of these rows; of others too, if that is simpler.
        ledger: the transactions of the issuer book that move the parties' wallets.
    """

    rows: Mapping[type[Entity], Collection[Entity]]
    events: Iterable[Event] = ()
    ledger: Iterable[Booked] = ()

    def of(self, kind: type[Any]) -> Collection[Any]:
        """The rows of one kind."""
        return self.rows.get(kind, ())

    @property
    def owners(self) -> dict[str, PartyKind]:
        """Who keeps a book: enterprises and the platform."""
        return {party.id: party.kind for party in self.of(Party) if party.kind is not PartyKind.USER}


def journal(records: Records) -> tuple[JournalEntry, ...]:
    """Every entry in order of time; each comes to zero.

    Within an instant they follow the ids of their events and transactions, which grow (spec 1.3).
    """
    found = [*_from_steps(records), *_from_fees(records), *_from_ledger(records)]
    found.sort(key=lambda pair: (pair[1].at, pair[0].partition("_")[2]))
    return tuple(entry for _, entry in found)


_Ordered = Iterator[tuple[str, JournalEntry]]
"""Entries, each with the id of what it follows from."""


def _from_steps(records: Records) -> _Ordered:
    past: dict[tuple[str, str], list[Event]] = {}
    for event in records.events:
        past.setdefault((event.kind, event.entity_id), []).append(event)
    owners = records.owners
    for kind, entries_of in rules(records.of(CreditNote)).items():
        for row in records.of(kind):
            owner = row.party_id if kind is Withdrawal else row.enterprise_id
            if owner not in owners:
                continue
            for step in _history(row, past.get((row.KIND, row.id), ())):
                for rule, moves in entries_of(step):
                    for entry in _entry(owner, row, step.after.updated_at, rule, moves):
                        yield step.id, entry


def _history(row: E, events: Iterable[Event]) -> Iterator[Step[E]]:
    before: E | None = None
    for event in sorted(events, key=lambda event: event.seq):
        after = from_dict(type(row), event.data)
        yield Step(event.id, event.name, before, after)
        before = after
    if before is None or before.version < row.version:
        yield Step(row.id, "", before, row)


def _entry(owner: str, source: Any, at: datetime, rule: str, moves: Moves) -> Iterator[JournalEntry]:
    """One entry of `owner`'s book; accounts that nothing moved are left out, and so is an empty entry."""
    asset, customer_id = source.asset, getattr(source, "customer_id", "")
    lines = tuple(
        JournalLine(
            BookAccount(owner, code, asset, customer_id if code in PER_CUSTOMER else ""),
            Money.from_micros(micros, asset),
        )
        for code, micros in summed(moves).items()
        if micros
    )
    if lines:
        yield JournalEntry(
            enterprise_id=owner, asset=asset, at=at, rule=rule, source_id=source.id, lines=lines
        )


def _from_fees(records: Records) -> _Ordered:
    """The platform's fee on what was applied: an expense of the enterprise (P-11, P-13)."""
    owners = records.owners
    enterprises = {invoice.id: invoice.enterprise_id for invoice in records.of(Invoice)}
    for allocation in records.of(Allocation):
        owner, fee = enterprises.get(allocation.invoice_id), allocation.fee.micros
        if owner in owners:
            rule = "P-11" if allocation.source_kind is SourceKind.PAYMENT else "P-13"
            moves = ((B.PROCESSING_FEES, fee), (B.TOKEN_HOLDINGS, -fee))
            for entry in _entry(owner, allocation, allocation.created_at, rule, moves):
                yield allocation.id, entry


def _from_ledger(records: Records) -> _Ordered:
    """What moved an owner's wallet otherwise than through its own invoices, credits and withdrawals."""
    owners = records.owners
    for booked in records.ledger:
        posting = booked.posting
        grown = summed(
            ((entry.account.party_id, entry.account.asset), entry.growth)
            for entry in posting.entries
            if entry.account.code in WALLET_CODES and entry.account.party_id in owners
        )
        for (owner, asset), micros in grown.items():
            against = _against(posting, micros, owners[owner])
            if micros and against:
                entry = JournalEntry(
                    enterprise_id=owner,
                    asset=asset,
                    at=booked.effective_at,
                    rule=posting.rule,
                    source_id=posting.id,
                    lines=_moved(owner, asset, micros, against),
                )
                yield posting.id, entry


def _moved(owner: str, asset: str, micros: int, against: BookCode) -> tuple[JournalLine, ...]:
    amount = Money.from_micros(micros, asset)
    return (
        JournalLine(BookAccount(owner, B.TOKEN_HOLDINGS, asset), amount),
        JournalLine(BookAccount(owner, against, asset), -amount),
    )


_OF_ONES_OWN = frozenset({"P-31", "P-36"})
_FROM_THE_BANK = frozenset({"P-03", "P-05", "P-06"})


def _against(posting: Posting, micros: int, kind: PartyKind) -> BookCode | None:
    """The other account; None where the owner's invoices, credits or withdrawals book the move already.

    Who receives a payment and who gives a refund is the issuer of the invoice; the other side of both, a
    transfer or an unapplied receipt, waits in 1790 for the enterprise's bookkeeper.
    """
    receives = (micros > 0) is not bool(posting.reverses)
    if posting.rule in _OF_ONES_OWN:
        return None
    if posting.rule in _FROM_THE_BANK:
        return B.BANK
    if posting.rule in ("P-11", "P-13") and kind is PartyKind.PLATFORM and receives:
        return B.REVENUE
    if posting.rule == "P-13" or (posting.rule == "P-11" and receives):
        return None
    if posting.rule in ("P-15", "P-27") and not receives:
        return None
    return B.TOKEN_CLEARING
