"""Ties the reserve out: bank statement × ledger × token supply; proposes, never posts (spec 10, INV-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from invoicepay.domain.access import authorise
from invoicepay.domain.calendar import bank_date
from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Attestation, latest_attestation
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.frames import data_frame
from invoicepay.domain.ids import Prefix
from invoicepay.domain.invariants import Violation
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.reconciliation import (
    WINDOW_DAYS,
    Break,
    BreakKind,
    CashItem,
    StatementLine,
    breaks_of,
    is_explained,
)
from invoicepay.domain.reserves import deficit_accounts
from invoicepay.domain.shape import require_shape
from invoicepay.domain.shown import Shown
from invoicepay.domain.tokens import Burn, BurnStatus
from invoicepay.ports.repository import Reader
from invoicepay.ports.routes import RailsRoutes
from invoicepay.use_cases.cash_items import booked_items, items_on_the_way
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps, UseCase, perform
from invoicepay.use_cases.providers import issuer_for
from invoicepay.use_cases.reserve_audit import ReserveAudit, audited

OPEN_INTENTS = (
    EffectStatus.PLANNED,
    EffectStatus.SENDING,
    EffectStatus.UNKNOWN,
    EffectStatus.ACCEPTED,
    EffectStatus.SETTLED,
    EffectStatus.NEEDS_REVIEW,
)
"""Under these the token side may or may not have moved already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """Tie out one asset.

    Attributes:
        lines: the bank's statement; without it only balances are compared.
        bank_balance: of the statement; None asks the rail, where it tells balances.
    """

    asset: str
    lines: tuple[StatementLine, ...] = ()
    bank_balance: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TieOut(Shown):
    """What the bank, the books and the token side say at one instant, and where they differ.

    Attributes:
        bank_balance: None when nobody told it; then nothing is attested.
        unexplained: what the bank has more than the books and the timing breaks; None without a balance.
        breaks: every difference; timing ones clear by themselves.
        attestation: the record that was kept.
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "is_tied_out",
        "backed",
        "bank_balance",
        "ledger_balance",
        "supply",
        "unexplained",
        "breaks",
        "violations",
        "attestation",
    )

    audit: ReserveAudit
    bank_balance: Money | None
    ledger_balance: Money
    supply: Money
    unexplained: Money | None
    breaks: tuple[Break, ...]
    attestation: Attestation | None = None

    @property
    def is_tied_out(self) -> bool:
        """Whether every difference is a matter of time (INV-07)."""
        return not self.unexplained and all(found.kind is BreakKind.TIMING for found in self.breaks)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Broken rules of the reserve, the tie-out itself included."""
        if self.is_tied_out:
            return self.audit.violations
        message = f"{self.unexplained or 'breaks'} not explained by timing"
        micros = self.unexplained.micros if self.unexplained else 0
        open_tie = Violation(
            rule="INV-07", subject=self.audit.asset, message=message, difference_micros=micros
        )
        return (*self.audit.violations, open_tie)

    @property
    def backed(self) -> bool:
        """Whether every token is backed, inside the books and against the outside."""
        return self.audit.backed and self.is_tied_out

    def to_df(self) -> Any:
        """The breaks as a `pandas.DataFrame`, a row each; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(Break, self.breaks)

    def explain(self) -> str:
        """The figures and the differences, in a few lines for a person."""
        bank = "not told" if self.bank_balance is None else self.bank_balance
        outside = f"bank {bank}, books {self.ledger_balance}; supply {self.supply}"
        return "\n".join((self.audit.explain(), outside, *(f"{b.kind}: {b.message}" for b in self.breaks)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attest:
    """Keep the result of a tie-out; the figures are put in by the use case.

    Attributes:
        asked: digest of the tie-out's command, so that a key stands for one statement and balance.
    """

    asset: str
    asked: str
    bank_balance: Money = field(compare=False)
    ledger_balance: Money = field(compare=False)
    supply: Money = field(compare=False)
    tokens_outstanding: Money = field(compare=False)
    is_tied_out: bool = field(compare=False)


def _needs_attest(command: Attest, _seen: Snapshot) -> Needs:
    """What mints and withdrawals read before they start, held alone: none starts while this is written."""
    latest = replace(latest_attestation(command.asset), only_read=False)
    return need(finds=[latest], accounts=deficit_accounts(command.asset))


def decide_attest(command: Attest, change: Change) -> Attestation:
    """One record; while the latest one is not tied out, mints and withdrawals wait."""
    authorise(change)
    attestation = Attestation(
        id=change.new_id(Prefix.ATTESTATION),
        asset=command.asset,
        bank_balance=command.bank_balance,
        ledger_balance=command.ledger_balance,
        supply=command.supply,
        tokens_outstanding=command.tokens_outstanding,
        is_tied_out=command.is_tied_out,
        as_of=change.now,
    )
    return change.add(attestation, "reserve.attested")


ATTEST = UseCase("reserves.attest", Attestation, _needs_attest, decide_attest)


async def reconcile(deps: Deps, command: Reconcile, key: str | None = None) -> TieOut:
    """Compare bank, books and token supply, name every difference, and keep an attestation; operators only.

    Nothing is posted. A break may carry a proposal, which an operator carries out with a command.

    Raises:
        InvalidInput: a line is no line.
        UnknownAsset: the programme does not have it.
        CurrencyMismatch: a line or the balance is of another asset.
        NotAllowed: the actor is no operator.
        AssetNotAccepted: nobody issues it.
        ProviderUnavailable: the bank or the token side did not answer.
    """
    require_shape(command)
    await allow(deps, "reserves.reconcile")
    asset = deps.programme.asset(command.asset).code
    total((line.amount for line in command.lines), asset)
    bank = await _bank_balance(deps, command, asset)
    supply = await issuer_for(deps, asset).supply(asset)
    async with deps.repository.reader(deps.tenant_id) as reader:
        audit = await audited(reader, asset, deps.clock.now())
        tie_out = await _compared(reader, command.lines, audit, bank, supply)
    if bank is None:
        return tie_out
    attest = Attest(
        asset=asset,
        asked=hashlib.sha256(canonical(command).encode()).hexdigest(),
        bank_balance=bank,
        ledger_balance=tie_out.ledger_balance,
        supply=supply,
        tokens_outstanding=tie_out.audit.tokens,
        is_tied_out=tie_out.is_tied_out,
    )
    attestation = await perform(deps, ATTEST, attest, key)
    return replace(tie_out, attestation=attestation)


async def _bank_balance(deps: Deps, command: Reconcile, asset: str) -> Money | None:
    """What the host read from the statement, or what all banks together tell; nothing if one keeps silent."""
    if command.bank_balance is not None:
        return total([command.bank_balance], asset)
    banks = deps.rails.banks_of(asset) if isinstance(deps.rails, RailsRoutes) else (deps.rails,)
    if not banks or not all(bank.capabilities().tells_balance for bank in banks):
        return None
    return total([await bank.balance(asset) for bank in banks], asset)


async def _compared(
    reader: Reader,
    lines: tuple[StatementLine, ...],
    audit: ReserveAudit,
    bank: Money | None,
    supply: Money,
) -> TieOut:
    on_the_way = await items_on_the_way(reader, audit.asset)
    breaks = await _statement_breaks(reader, lines, audit, on_the_way) if lines else ()
    ledger = _cash_in_books(audit)
    unexplained = None
    if bank is not None:
        early_amounts = [] if lines else [item.amount for item in on_the_way]
        unexplained = _unexplained(bank - ledger, breaks, early_amounts)
    return TieOut(
        audit=audit,
        bank_balance=bank,
        ledger_balance=ledger,
        supply=supply,
        unexplained=unexplained,
        breaks=(*breaks, *await _supply_breaks(reader, audit, supply)),
    )


async def _statement_breaks(
    reader: Reader,
    lines: Sequence[StatementLine],
    audit: ReserveAudit,
    on_the_way: Sequence[CashItem],
) -> tuple[Break, ...]:
    """Compare with what we know of the days that the statement covers, and of the days around them."""
    since = min(line.booked_on for line in lines) - timedelta(days=WINDOW_DAYS)
    booked = await booked_items(reader, audit.asset, since)
    return breaks_of((*booked, *on_the_way), lines, today=bank_date(audit.as_of))


def _cash_in_books(audit: ReserveAudit) -> Money:
    """Cash earmarked and not: what the bank must show, for an issued asset."""
    return audit.figures.earmarked + audit.operational


def _unexplained(difference: Money, breaks: Sequence[Break], early_amounts: Sequence[Money]) -> Money:
    """What neither timing breaks nor money on its way can explain."""
    timing = total((b.amount for b in breaks if b.kind is BreakKind.TIMING), difference.asset)
    left = difference - timing
    return Money.zero(left.asset) if is_explained(left, early_amounts) else left


async def _supply_breaks(reader: Reader, audit: ReserveAudit, supply: Money) -> tuple[Break, ...]:
    """Token supply against tokens outstanding, give or take mints and burns under way."""
    difference = supply - audit.tokens
    if not difference:
        return ()
    is_timing = is_explained(difference, await _under_way(reader, audit.asset))
    return (
        Break(
            kind=BreakKind.TIMING if is_timing else BreakKind.AMOUNT,
            object_id="supply",
            amount=difference,
            message=f"the token side counts {supply}, the books {audit.tokens}",
        ),
    )


async def _under_way(reader: Reader, asset: str) -> list[Money]:
    """By how much each open mint or burn may part supply and books."""
    kinds = (EffectKind.MINT, EffectKind.BURN)
    intents = await reader.find(find(Effect, asset=asset, kind__in=kinds, status__in=OPEN_INTENTS))
    burn_ids = tuple(intent.cause_id for intent in intents if intent.kind is EffectKind.BURN)
    burns = await reader.find(find(Burn, id__in=burn_ids)) if burn_ids else ()
    booked = {burn.id for burn in burns if burn.status is BurnStatus.COMPLETED}
    return [
        intent.amount if intent.kind is EffectKind.MINT or intent.cause_id in booked else -intent.amount
        for intent in intents
    ]
