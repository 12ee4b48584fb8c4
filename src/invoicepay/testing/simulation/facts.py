"""What providers did, and whether the books have exactly the postings that it calls for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from invoicepay.domain.accounts import Code
from invoicepay.domain.deposits import Deposit, UnmatchedFunds
from invoicepay.domain.effects import Effect, EffectKind
from invoicepay.domain.entity import Entity
from invoicepay.domain.payments import Payment
from invoicepay.domain.requests import Transfer
from invoicepay.domain.tokens import Burn, BurnPurpose, Mint, MintPurpose
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.ports.rails import Direction, RailStatus, RailTransfer
from invoicepay.ports.tokens import TokenStatus, TokenTransfer
from invoicepay.testing.simulation.mirror import Mirror

CASH = frozenset({Code.BACKING, Code.CUSTODY, Code.OPERATIONAL, Code.INBOUND})
"""What the bank holds for us, the stablecoin that was bought with it included."""
PAID = (RailStatus.SETTLED, RailStatus.FINAL)


@dataclass(slots=True)
class Movement:
    """One order as its provider carried it out.

    Attributes:
        moved: cash of ours in micros after everything that was told, negative for a payout; tokens are
            counted as they were asked for.
        told: every status in the order in which it became true.
    """

    asset: str
    moved: int = 0
    told: list[str] = field(default_factory=list[str])

    @property
    def has_moved(self) -> bool:
        """Whether money or tokens ever moved under it."""
        return any(status in self.told for status in (*PAID, TokenStatus.FINAL))

    def rail(self, transfer: RailTransfer) -> None:
        """Follow a bank's fact."""
        is_deposit = transfer.direction is Direction.DEPOSIT
        gross = transfer.amount.micros if is_deposit else -transfer.amount.micros
        if transfer.part:
            self.moved += -gross if transfer.status is RailStatus.RETURNED else gross
        elif transfer.status in PAID:
            self.moved = gross - transfer.fee.micros if is_deposit else gross
        elif transfer.status is RailStatus.RETURNED and self.moved:
            self.moved -= gross
        elif transfer.status is RailStatus.RETURN_REVERSED:
            self.moved += gross
        self.told.append(transfer.status)

    def token(self, transfer: TokenTransfer) -> None:
        """Follow an issuer's fact."""
        self.told.append(transfer.status)
        if transfer.status is TokenStatus.FINAL:
            self.moved = transfer.amount.micros


class FactBook:
    """Every order of both providers by our reference, kept only from what they did."""

    def __init__(self) -> None:
        self._movements: dict[str, dict[str, Movement]] = {}
        self.supply: Counter[str] = Counter()

    def take(self, reference: str, transfer: RailTransfer | TokenTransfer) -> str:
        """Add a fact; the answer says what is wrong with it, or nothing."""
        several = self._movements.setdefault(reference, {})
        known = several.get(transfer.provider_ref)
        movement = known or several.setdefault(transfer.provider_ref, Movement(transfer.amount.asset))
        if isinstance(transfer, RailTransfer):
            movement.rail(transfer)
        else:
            movement.token(transfer)
        moved = [ref for ref, each in several.items() if each.has_moved]
        if reference and len(moved) > 1 and transfer.provider_ref in moved:
            return f"{reference} moved {len(moved)} times: {', '.join(moved)}"
        return ""

    def of(self, reference: str) -> list[Movement]:
        """What was carried out under one of our references."""
        return list(self._movements.get(reference, {}).values())

    def told(self, reference: str, *statuses: str) -> int:
        """How often one of the statuses became true under a reference."""
        return sum(each.told.count(status) for each in self.of(reference) for status in statuses)

    def moved(self, reference: str) -> int:
        """Micros that moved under a reference."""
        return sum(each.moved for each in self.of(reference))


Expected = tuple[str, str, int]
"""A rule of the posting table, what it is about, and how often it is booked."""


def unlike(book: FactBook, mirror: Mirror, contested: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What the books lack or have too much of, by cause.

    Args:
        contested: causes that a person had to look at, whose books follow the person.

    Yields:
        A name for the fault, and a sentence.
    """
    by_cause: dict[tuple[type[Entity], str], list[Effect]] = {}
    for effect in mirror.of(Effect):
        cause = CAUSES.get(effect.cause_kind)
        if cause is not None and effect.cause_id not in contested:
            by_cause.setdefault((cause, effect.cause_id), []).append(effect)
    for (cause, id), effects in by_cause.items():
        wanted = Counter[tuple[str, str]]()
        for effect in effects:
            for rule, memo, times in _expected(book, mirror, effect):
                wanted[rule, memo] += times
        again = sum(book.told(effect.id, RailStatus.RETURN_REVERSED) for effect in effects)
        for (rule, memo), times in wanted.items():
            found = _booked(mirror, rule, memo)
            if found != times and not _is_passed_over(mirror, memo, wanted, again):
                yield "postings", f"{rule} of {memo} is booked {found} times, its facts call for {times}"
        if cause in (Deposit, Withdrawal):
            yield from _cash(book, mirror, id, effects)


def _is_passed_over(mirror: Mirror, memo: str, wanted: Mapping[tuple[str, str], int], reversals: int) -> bool:
    """Whether a payout's return and its reversal are both absent: the reversal was told first."""
    left_out = wanted["P-35", memo] - _booked(mirror, "P-35", memo)
    return 0 < left_out <= reversals and _booked(mirror, "P-33", memo) == wanted["P-33", memo] - left_out


CAUSES: dict[str, type[Entity]] = {
    kind.KIND: kind for kind in (Deposit, Withdrawal, Mint, Burn, Payment, Transfer)
}


def _booked(mirror: Mirror, rule: str, memo: str) -> int:
    return sum(posting.rule == rule and not posting.reverses for posting in mirror.postings.get(memo, ()))


def _expected(book: FactBook, mirror: Mirror, effect: Effect) -> Iterator[Expected]:
    """The postings that one intent's facts call for (spec 5)."""
    match effect.kind:
        case EffectKind.DEPOSIT:
            arrived = book.told(effect.id, *PAID, RailStatus.RETURNED)
            yield "P-01", effect.cause_id, int(arrived > 0)
        case EffectKind.PAYOUT:
            returned = book.told(effect.id, RailStatus.RETURNED)
            reversed_ = book.told(effect.id, RailStatus.RETURN_REVERSED)
            paid = int(book.told(effect.id, *PAID) + returned > 0)
            yield "P-33", effect.cause_id, paid + reversed_
            yield "P-35", effect.cause_id, returned
        case EffectKind.MINT:
            mint = mirror.get(Mint, effect.cause_id)
            if mint is not None:
                is_remint = mint.purpose is MintPurpose.REMINT
                rule, memo = ("P-36", mint.withdrawal_id) if is_remint else ("P-03", mint.id)
                yield rule, memo, book.told(effect.id, TokenStatus.FINAL)
        case EffectKind.BURN:
            burn = mirror.get(Burn, effect.cause_id)
            if burn is not None and burn.purpose is BurnPurpose.WITHDRAWAL:
                yield "P-31", burn.withdrawal_id, book.told(effect.id, TokenStatus.FINAL)
        case EffectKind.TRANSFER if effect.generation == 1 and effect.cause_kind in _BY_TRANSFER:
            yield _BY_TRANSFER[effect.cause_kind], effect.cause_id, book.told(effect.id, TokenStatus.FINAL)


_BY_TRANSFER = {Payment.KIND: "P-11", Transfer.KIND: "P-17"}


def _cash(book: FactBook, mirror: Mirror, cause_id: str, effects: list[Effect]) -> Iterator[tuple[str, str]]:
    """The bank's cash of a deposit or withdrawal is the cash that the books have for it, to the unit."""
    at_the_bank = sum(book.moved(effect.id) for effect in effects)
    in_the_books = booked_cash(mirror, cause_id)
    kept = _kept_by_processor(mirror, cause_id)
    if at_the_bank not in (in_the_books, in_the_books - kept):
        message = f"the bank moved {at_the_bank} micros for {cause_id}, the books have {in_the_books}"
        yield "books and bank", message


def booked_cash(mirror: Mirror, cause_id: str) -> int:
    """The cash in micros that the books have for a deposit or withdrawal, whatever became of it.

    Later settlements of a deposit are deposits of their own, and what nobody claims is unmatched money.
    """
    refs = {effect.provider_ref for effect in mirror.effects_of(cause_id)} - {""}
    cash = _cash_of(mirror, cause_id)
    for child in mirror.of(Deposit):
        if child.parent_id == cause_id:
            cash += _cash_of(mirror, child.id)
    for funds in mirror.of(UnmatchedFunds):
        if funds.provider_ref.split("/")[0] in refs:
            cash += funds.amount.micros
    return cash


def _kept_by_processor(mirror: Mirror, cause_id: str) -> int:
    """What a processor took of a deposit whose money the books have not called final: a claim until then."""
    deposit = mirror.get(Deposit, cause_id)
    return deposit.processor_fee.micros if deposit is not None and deposit.confirmed_at is None else 0


def _cash_of(mirror: Mirror, memo: str) -> int:
    return sum(
        entry.growth
        for posting in mirror.postings.get(memo, ())
        for entry in posting.entries
        if entry.account.code in CASH
    )
