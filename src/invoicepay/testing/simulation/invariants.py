"""What must hold after every single commit, checked on what the commit touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from invoicepay.domain.accounts import has_floor
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.books import Violation, shown
from invoicepay.domain.change import Outcome
from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus
from invoicepay.domain.effects import ENDED_FOR_CERTAIN, Effect, EffectKind, EffectStatus
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Step
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.needs import RowKey
from invoicepay.domain.netting import ChainPosition
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.domain.tokens import Mint
from invoicepay.domain.trail_checks import LIFECYCLES
from invoicepay.domain.writes import UNIQUE
from invoicepay.testing.simulation.mirror import Mirror, Touched
from invoicepay.testing.simulation.sums import MUST_BE_ZERO

EDGES = {
    table.entity: {(str(start or ""), str(end)) for start, _, end in table.edges} for table in LIFECYCLES
}
WITHOUT_EQUATION = frozenset({InvoiceStatus.DRAFT, InvoiceStatus.DELETED, InvoiceStatus.VOID})
PAID_OR_OWED = frozenset({InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID})
FROZEN = ("kind", "cause_kind", "cause_id", "generation", "asset", "amount", "request", "provider_key")
"""What never changes of an intent once it is planned: a retry sends the same bytes (reliability 1.1)."""

ONE_AT_A_TIME = (EffectKind.DEPOSIT, EffectKind.PAYOUT, EffectKind.MINT, EffectKind.BURN)
"""Kinds whose cause has at most one intent that may still move something."""


class Invariants:
    """Checks each commit of one tenant against everything that was committed before it.

    Attributes:
        mirror: the account that the checks keep of what was committed.
    """

    def __init__(self) -> None:
        self.mirror: Mirror = Mirror()
        self._told: dict[tuple[str, str], str] = {}
        self._keys: set[tuple[str, str]] = set()
        self._uniques: dict[tuple[int, tuple[Any, ...]], str] = {}

    def command(self, outcome: Outcome[Any], touched: Touched) -> list[Violation]:
        """What is wrong with one command of a commit; it counts as committed either way."""
        found = [
            *self._postings(outcome),
            *self._rows(outcome),
            *self._steps(outcome),
            *self._answered(outcome),
        ]
        self.mirror.take(outcome, touched)
        return found

    def commit(self, touched: Touched) -> list[Violation]:
        """What is wrong with everything that a commit touched, once all of its commands are taken."""
        found = list[Violation]()
        found += _equations(self.mirror, touched)
        found += _floors(self.mirror, touched)
        for key in _to_check(self.mirror, touched):
            row = self.mirror.rows[key]
            for check in ROW_CHECKS.get(key[0], ()):
                found += check(self.mirror, row, touched.rows.get(key))
        found += self._unique(touched)
        return found

    def _postings(self, outcome: Outcome[Any]) -> Iterator[Violation]:
        for posting in outcome.postings:
            if not posting.is_sound:
                yield _wrong("INV-01", posting.id, f"{posting.rule} does not balance: {posting.imbalance}")

    def _rows(self, outcome: Outcome[Any]) -> Iterator[Violation]:
        """A row that was decided on an older version of itself undoes what came between."""
        steps = {(step.kind, step.entity_id) for step in outcome.events}
        for row in outcome.rows:
            before = self.mirror.rows.get((type(row), row.id))
            if before is None:
                continue
            if row.version <= before.version:
                message = f"{row.KIND} version {row.version} was written over version {before.version}"
                yield _wrong("lost update", row.id, message)
            moved = getattr(row, "status", None) != getattr(before, "status", None)
            if moved and (row.KIND, row.id) not in steps:
                yield _wrong("INV-19", row.id, f"{row.KIND} changed its status without a step")

    def _steps(self, outcome: Outcome[Any]) -> Iterator[Violation]:
        for step in outcome.events:
            key = (step.kind, step.entity_id)
            before = self._told.get(key, "")
            if step.from_status != before:
                yield _illegal(
                    step, f"begins at {step.from_status or 'nothing'}, it was at {before or 'none'}"
                )
            edges = EDGES.get(step.kind)
            is_move = step.from_status != step.to_status
            if is_move and edges is not None and (step.from_status, step.to_status) not in edges:
                yield _illegal(step, f"{step.from_status} → {step.to_status} is not in its table")
            self._told[key] = step.to_status

    def _answered(self, outcome: Outcome[Any]) -> Iterator[Violation]:
        """A key is carried out once (INV-20); what was denied was not carried out."""
        if outcome.denied:
            return
        scope = (outcome.command, outcome.context.key)
        if scope in self._keys:
            yield _wrong("INV-20", scope[1], f"{scope[0]} was carried out twice under one key")
        self._keys.add(scope)

    def _unique(self, touched: Touched) -> Iterator[Violation]:
        for place, unique in enumerate(UNIQUE):
            for kind, id in touched.rows:
                if kind is not unique.kind:
                    continue
                before = touched.rows[kind, id]
                old = unique.value(before) if before is not None else None
                if old is not None and self._uniques.get((place, old)) == id:
                    del self._uniques[place, old]
        for place, unique in enumerate(UNIQUE):
            for kind, id in touched.rows:
                value = unique.value(self.mirror.rows[kind, id]) if kind is unique.kind else None
                if value is None:
                    continue
                owner = self._uniques.setdefault((place, value), id)
                if owner != id:
                    what = f"{kind.KIND} {', '.join(unique.fields)}"
                    yield _wrong("INV-20", id, f"{what} {value} is also of {owner}")


def _equations(mirror: Mirror, touched: Touched) -> Iterator[Violation]:
    netted = {position.asset for position in mirror.of(ChainPosition)}
    for name in touched.sums:
        rule, micros = name[0], mirror.sums[name]
        if rule in MUST_BE_ZERO and micros and (not rule.startswith("INV-24") or name[1] in netted):
            message = f"{MUST_BE_ZERO[rule]} is {shown(micros, name[-1])}, not zero"
            yield Violation(
                rule=rule.split()[0], subject="/".join(name[1:]), message=message, difference_micros=micros
            )


def _floors(mirror: Mirror, touched: Touched) -> Iterator[Violation]:
    for account in touched.accounts:
        micros = mirror.balances[account]
        if micros < 0 and has_floor(account):
            yield _wrong("INV-03", account.id, f"{account.name} is {shown(micros, account.asset)}", micros)


def _to_check(mirror: Mirror, touched: Touched) -> Iterable[RowKey]:
    """The rows that changed, and those whose parts did."""
    wanted: dict[RowKey, None] = dict.fromkeys(touched.rows)
    for key in touched.rows:
        row = mirror.rows[key]
        if isinstance(row, Allocation):
            source: type[Entity] = Payment if row.source_kind is SourceKind.PAYMENT else CreditLot
            wanted |= {(Invoice, row.invoice_id): None, (source, row.source_id): None}
        elif isinstance(row, Payment):
            wanted[Invoice, row.invoice_id] = None
        elif isinstance(row, Mint) and row.reserve_id:
            wanted[Reserve, row.reserve_id] = None
    return [key for key in wanted if key in mirror.rows]


def _invoice(mirror: Mirror, row: Invoice, _before: Invoice | None) -> Iterator[Violation]:
    pending = mirror.sum("pending", row.id)
    if row.pending.micros != pending:
        message = f"pending is {row.pending}, its open payments come to {shown(pending, row.asset)}"
        yield _wrong("INV-08", row.id, message)
    applied = mirror.sum("applied", row.id)
    if row.applied.micros != applied:
        message = f"applied is {row.applied}, its allocations come to {shown(applied, row.asset)}"
        yield _wrong("INV-11", row.id, message)
    if row.status in WITHOUT_EQUATION:
        return
    parts = (row.credited_pre, row.credited_post, row.applied, row.written_off, row.remaining)
    if row.total.micros != sum(part.micros for part in parts):
        yield _wrong("INV-08", row.id, f"{row.total} is not {' + '.join(str(part) for part in parts)}")
    if any(part.micros < 0 for part in parts):
        yield _wrong("INV-08", row.id, f"a part is negative: {', '.join(str(part) for part in parts)}")
    if row.status in PAID_OR_OWED and (row.status is InvoiceStatus.PAID) is bool(row.remaining):
        yield _wrong("INV-08", row.id, f"{row.status} with {row.remaining} remaining")


def _payment(mirror: Mirror, row: Payment, _before: Payment | None) -> Iterator[Violation]:
    if row.status is not PaymentStatus.COMPLETED:
        return
    parts = (row.applied, row.excess, row.refunded)
    if row.amount.micros != sum(part.micros for part in parts) or any(part.micros < 0 for part in parts):
        yield _wrong("INV-10", row.id, f"{row.amount} is not {' + '.join(str(part) for part in parts)}")
    for name in ("applied", "fee"):
        found, allocated = getattr(row, name), mirror.sum(name, row.id)
        if found.micros != allocated:
            message = f"{name} is {found}, its allocations come to {shown(allocated, row.asset)}"
            yield _wrong("INV-11", row.id, message)


def _lot(mirror: Mirror, row: CreditLot, _before: CreditLot | None) -> Iterator[Violation]:
    parts = (row.applied, row.refunded, row.expired, row.voided, row.remaining)
    if row.amount.micros != sum(part.micros for part in parts) or row.remaining.micros < 0:
        yield _wrong("INV-12", row.id, f"{row.amount} is not {' + '.join(str(part) for part in parts)}")
    if (row.status is CreditStatus.AVAILABLE) is not bool(row.remaining):
        yield _wrong("INV-12", row.id, f"{row.status} with {row.remaining} remaining")
    if row.applied.micros != mirror.sum("applied", row.id):
        yield _wrong("INV-11", row.id, f"applied is {row.applied}, its allocations come to something else")


def _allocation(mirror: Mirror, row: Allocation, _before: Allocation | None) -> Iterator[Violation]:
    invoice = mirror.get(Invoice, row.invoice_id)
    source: Payment | CreditLot | None = (
        mirror.get(Payment, row.source_id)
        if row.source_kind is SourceKind.PAYMENT
        else mirror.get(CreditLot, row.source_id)
    )
    if invoice is None or source is None:
        yield _wrong("INV-21", row.id, "joins something that is not there")
    elif (invoice.enterprise_id, invoice.customer_id) != (source.enterprise_id, source.customer_id):
        yield _wrong("INV-21", row.id, f"puts {source.id} on another's invoice {invoice.id}")
    elif not invoice.asset == source.asset == row.asset:
        yield _wrong("INV-21", row.id, "joins two assets")


def _reserve(mirror: Mirror, row: Reserve, _before: Reserve | None) -> Iterator[Violation]:
    live = mirror.sum("live mints", row.id)
    if live > row.mintable.micros:
        message = f"{shown(live, row.asset)} are minted or under way, the reserve holds {row.mintable}"
        yield _wrong("INV-05", row.id, message)
    if live and row.status in (ReserveStatus.PENDING, ReserveStatus.CANCELLED):
        yield _wrong("INV-05", row.id, f"minted while {row.status}")


def _hold(mirror: Mirror, row: Hold, before: Hold | None) -> Iterator[Violation]:
    """Nothing is given back while what it was set aside for may have happened (reliability 2.2)."""
    is_given_back = row.status in (HoldStatus.RELEASED, HoldStatus.EXPIRED)
    if not (row.cause_id and is_given_back and before is not None and before.status is HoldStatus.ACTIVE):
        return
    for effect in mirror.effects_of(row.cause_id):
        if may_have_moved(effect):
            yield _wrong("held while unknown", row.id, f"{row.status} while {effect.id} is {effect.status}")


def may_have_moved(effect: Effect) -> bool:
    """Whether it left, or may have, and nobody knows yet what became of it."""
    left = effect.last_sent_at is not None or bool(effect.provider_ref)
    return left and effect.status in (EffectStatus.SENDING, EffectStatus.UNKNOWN, EffectStatus.ACCEPTED)


def _effect(mirror: Mirror, row: Effect, before: Effect | None) -> Iterator[Violation]:
    if before is None:
        for other in mirror.effects_of(row.cause_id) if row.kind in ONE_AT_A_TIME else ():
            is_rival = other.kind is row.kind and other.id != row.id
            if is_rival and other.status not in ENDED_FOR_CERTAIN:
                message = f"asked again while {other.id} for the same cause is {other.status}"
                yield _wrong("one intent", row.id, message)
        return
    for name in FROZEN:
        if getattr(row, name) != getattr(before, name):
            yield _wrong("frozen request", row.id, f"{name} was changed after it was planned")
    if row.kind is EffectKind.MINT and row.last_sent_at is not None and before.last_sent_at is None:
        yield from _unbacked(mirror, row)
    if row.fence < before.fence:
        yield _wrong("fence", row.id, f"the fence went back from {before.fence} to {row.fence}")
    if row.attempt > before.attempt + 1:
        yield _wrong("fence", row.id, f"{row.attempt - before.attempt} sends in one commit")


def _unbacked(mirror: Mirror, effect: Effect) -> Iterator[Violation]:
    """A mint leaves only while its reserve is confirmed and nothing of its deposit is on its way back."""
    mint = mirror.get(Mint, effect.cause_id)
    reserve = mirror.get(Reserve, mint.reserve_id) if mint is not None else None
    deposit = mirror.get(Deposit, reserve.deposit_id) if reserve is not None else None
    if reserve is None or deposit is None:
        return
    if reserve.status is not ReserveStatus.CONFIRMED or deposit.returning:
        message = (
            f"sent while {reserve.id} is {reserve.status} and {deposit.returning or 'nothing'} goes back"
        )
        yield _wrong("unbacked mint", effect.id, message)


RowCheck = Callable[[Mirror, Any, Any], Iterable[Violation]]
ROW_CHECKS: Mapping[type[Entity], Sequence[RowCheck]] = {
    Invoice: (_invoice,),
    Payment: (_payment,),
    CreditLot: (_lot,),
    Allocation: (_allocation,),
    Reserve: (_reserve,),
    Hold: (_hold,),
    Effect: (_effect,),
}


def _illegal(step: Step, message: str) -> Violation:
    return _wrong("INV-19", step.entity_id, f"#{step.seq} {step.name}: {message}")


def _wrong(rule: str, subject: str, message: str, micros: int = 0) -> Violation:
    return Violation(rule=rule, subject=subject, message=message, difference_micros=micros)
