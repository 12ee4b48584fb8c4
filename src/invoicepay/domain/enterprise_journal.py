"""The journal of enterprise books, derived from what happened: the E and F lines of P-03 … P-36 (spec 5).

An invoice, payment, credit, credit note or withdrawal books what changed between two of its events. What
else moved an enterprise's tokens (deposits, transfers, purchases, fees earned) is read from the issuer book,
so that 1500 is always the wallet (INV-15).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

from invoicepay.domain.accounts import WALLET_CODES, Booked, Posting
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.codec import from_dict
from invoicepay.domain.credit_notes import CreditNote, CreditNoteStatus
from invoicepay.domain.credits import CreditKind, CreditLot, CreditReason
from invoicepay.domain.enterprise_book import (
    PER_CUSTOMER,
    BookAccount,
    BookCode,
    JournalEntry,
    JournalLine,
)
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Channel, Payment, PaymentStatus
from invoicepay.domain.sums import summed
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus

B = BookCode

Moves = tuple[tuple[BookCode, int], ...]
"""Signed micros on accounts: above zero debits."""

Entries = Iterator[tuple[str, Moves]]
"""The rule and the moves of each entry that a step makes."""


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
    """Every entry in order of time; each comes to zero."""
    entries = [*_from_steps(records), *_from_fees(records), *_from_ledger(records)]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.source_id)))


def _from_steps(records: Records) -> Iterator[JournalEntry]:
    past: dict[tuple[str, str], list[Event]] = {}
    for event in records.events:
        past.setdefault((event.kind, event.entity_id), []).append(event)
    owners = records.owners
    for kind, entries_of in _steps(records).items():
        for row in records.of(kind):
            owner = row.party_id if kind is Withdrawal else row.enterprise_id
            if owner not in owners:
                continue
            for before, after in pairwise((None, *_history(row, past.get((row.KIND, row.id), ())))):
                for rule, moves in entries_of(before, after):
                    yield from _entry(owner, row, after.updated_at, rule, moves)


def _history(row: Entity, events: Iterable[Event]) -> list[Any]:
    """The row after each of its steps, and as it is now when something changed without an event."""
    steps = [from_dict(type(row), event.data) for event in sorted(events, key=lambda event: event.seq)]
    if not steps or steps[-1].version < row.version:
        steps.append(row)
    return steps


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


def _steps(records: Records) -> dict[type[Entity], Callable[[Any, Any], Entries]]:
    credited = summed(
        (note.invoice_id, note.tax.micros)
        for note in records.of(CreditNote)
        if note.status is CreditNoteStatus.ISSUED
    )
    return {
        Invoice: partial(_invoice, credited),
        CreditNote: _credit_note,
        Payment: _payment,
        CreditLot: _credit,
        Withdrawal: _withdrawal,
    }


def _grown(before: Any, after: Any, name: str) -> int:
    """Micros by which an amount changed."""
    grown: int = getattr(after, name).micros - (getattr(before, name).micros if before else 0)
    return grown


def _invoice(credited_tax: Mapping[str, int], before: Invoice | None, after: Invoice) -> Entries:
    """P-20 finalized, P-22 small difference, P-23 and P-24 voided, P-25 uncollectible, P-26 recovered."""
    if after.finalized_at and (before is None or not before.finalized_at):
        total, net, tax = after.total.micros, after.net.micros, after.tax.micros
        yield "P-20", ((B.RECEIVABLE, total), (B.REVENUE, -net), (B.TAX_PAYABLE, -tax))
    if before is None:
        return
    if after.status is InvoiceStatus.VOID and before.status is not InvoiceStatus.VOID:
        yield _voided(before, before.tax.micros - credited_tax.get(before.id, 0))
        return
    was_written_off = before.status is InvoiceStatus.UNCOLLECTIBLE
    small = _grown(before, after, "written_off")
    yield "P-22", ((B.SMALL_DIFFERENCES, small), (B.BAD_DEBT if was_written_off else B.RECEIVABLE, -small))
    if was_written_off:
        recovered = _grown(before, after, "applied")
        yield "P-26", ((B.RECEIVABLE, recovered), (B.BAD_DEBT, -recovered))
    elif after.status is InvoiceStatus.UNCOLLECTIBLE:
        lost = after.remaining.micros
        yield "P-25", ((B.BAD_DEBT, lost), (B.RECEIVABLE, -lost))


def _voided(before: Invoice, tax: int) -> tuple[str, Moves]:
    """What is left of the sale after earlier credit notes is taken back; what was paid becomes credit."""
    open_micros, applied = before.remaining.micros, before.applied.micros
    small = before.written_off.micros
    return "P-24" if applied else "P-23", (
        (B.REVENUE, open_micros + applied + small - tax),
        (B.TAX_PAYABLE, tax),
        (B.RECEIVABLE, -open_micros),
        (B.CUSTOMER_CREDIT, -applied),
        (B.SMALL_DIFFERENCES, -small),
    )


def _credit_note(before: CreditNote | None, after: CreditNote) -> Entries:
    """P-21 before payment, P-27 after it; voided: the same the other way round."""
    if before is None:
        yield from _noted(after, 1)
    if before is not None and before.status is not after.status:
        yield from _noted(before, -1)


def _noted(note: CreditNote, sign: int) -> Entries:
    paid_out, recredited = note.paid_out.micros, note.recredited.micros
    outside = note.post.micros - paid_out - recredited
    yield (
        "P-27" if note.post else "P-21",
        (
            (B.SALES_ADJUSTMENTS, sign * note.net.micros),
            (B.TAX_PAYABLE, sign * note.tax.micros),
            (B.RECEIVABLE, -sign * note.pre.micros),
            (B.REFUNDS_PAYABLE, -sign * paid_out),
            (B.CUSTOMER_CREDIT, -sign * recredited),
            (B.BANK, -sign * outside),
        ),
    )
    yield "P-27", ((B.REFUNDS_PAYABLE, sign * paid_out), (B.TOKEN_HOLDINGS, -sign * paid_out))


def _payment(before: Payment | None, after: Payment) -> Entries:
    """P-11 settled, P-19 outside the system; reversed: the same the other way round."""
    if after.status is PaymentStatus.COMPLETED and (before is None or before.status is not after.status):
        yield _settled(after, 1)
    if before is not None and after.status is PaymentStatus.REVERSED and before.status is not after.status:
        yield _settled(before, -1)


def _settled(payment: Payment, sign: int) -> tuple[str, Moves]:
    is_external = payment.channel is Channel.EXTERNAL
    return "P-19" if is_external else "P-11", (
        (B.BANK if is_external else B.TOKEN_HOLDINGS, sign * payment.amount.micros),
        (B.RECEIVABLE, -sign * payment.applied.micros),
        (B.CUSTOMER_CREDIT, -sign * payment.excess.micros),
    )


def _credit(before: CreditLot | None, after: CreditLot) -> Entries:
    """P-13 applied, P-14 goodwill, P-15 refunded, P-16 expired; other lots begin in P-11, P-24 or P-27."""
    if before is None and after.reason is CreditReason.GOODWILL:
        yield "P-14", ((B.GOODWILL, after.amount.micros), (B.CUSTOMER_CREDIT, -after.amount.micros))
    applied = max(0, _grown(before, after, "applied"))
    yield "P-13", ((B.CUSTOMER_CREDIT, applied), (B.RECEIVABLE, -applied))
    refunded = _grown(before, after, "refunded")
    paid_from = B.BANK if after.out_of_band else B.TOKEN_HOLDINGS
    yield "P-15", ((B.CUSTOMER_CREDIT, refunded), (paid_from, -refunded))
    expired = _grown(before, after, "expired")
    gone_to = B.GOODWILL if after.kind is CreditKind.NON_CASH else B.UNCLAIMED_CREDIT
    yield "P-16", ((B.CUSTOMER_CREDIT, expired), (gone_to, -expired))


def _withdrawal(before: Withdrawal | None, after: Withdrawal) -> Entries:
    """P-31 burned, P-33 paid, P-35 returned after payment, P-36 minted again."""
    if before is None or before.status is after.status:
        return
    payout, fee = after.payout.micros, after.fee.micros
    if after.status is WithdrawalStatus.BURNED:
        gone = (B.TOKEN_HOLDINGS, -after.amount.micros)
        yield "P-31", ((B.REDEMPTION_RECEIVABLE, payout), (B.PROCESSING_FEES, fee), gone)
    elif after.status is WithdrawalStatus.PAID:
        yield "P-33", ((B.BANK, payout), (B.REDEMPTION_RECEIVABLE, -payout))
    elif before.status is WithdrawalStatus.PAID:
        yield "P-35", ((B.REDEMPTION_RECEIVABLE, payout), (B.BANK, -payout))
    elif after.status is WithdrawalStatus.REMINTED:
        yield "P-36", ((B.TOKEN_HOLDINGS, payout), (B.REDEMPTION_RECEIVABLE, -payout))


def _from_fees(records: Records) -> Iterator[JournalEntry]:
    """The platform's fee on what was applied: an expense of the enterprise (P-11, P-13)."""
    enterprises = {invoice.id: invoice.enterprise_id for invoice in records.of(Invoice)}
    for allocation in records.of(Allocation):
        owner, fee = enterprises.get(allocation.invoice_id), allocation.fee.micros
        if owner in records.owners:
            rule = "P-11" if allocation.source_kind is SourceKind.PAYMENT else "P-13"
            moves = ((B.PROCESSING_FEES, fee), (B.TOKEN_HOLDINGS, -fee))
            yield from _entry(owner, allocation, allocation.created_at, rule, moves)


def _from_ledger(records: Records) -> Iterator[JournalEntry]:
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
                yield JournalEntry(
                    enterprise_id=owner,
                    asset=asset,
                    at=booked.effective_at,
                    rule=posting.rule,
                    source_id=posting.id,
                    lines=_moved(owner, asset, micros, against),
                )


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
    if posting.rule in ("P-11", "P-13") and receives:
        return None
    if posting.rule in ("P-15", "P-27") and not receives:
        return None
    return B.TOKEN_CLEARING
