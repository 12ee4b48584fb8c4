"""Equations of the invariants as running sums: each row and account adds its share, the sum stays zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from invoicepay.domain.accounts import BACKING_CODES, TOKEN_CODES, Account, Code
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Deposit, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.entity import Entity
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.netting import OPEN, ChainPosition
from invoicepay.domain.payments import UNRESOLVED, Payment
from invoicepay.domain.policies import CreditBacking
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus

Key = tuple[str, ...]
Share = tuple[Key, int]
"""What something adds to a sum: the sum's name, and signed micros."""

REDEMPTIONS = frozenset({Code.REDEMPTION_PAYABLE, Code.REDEMPTION_IN_TRANSIT, Code.REDEMPTION_RETURNED})
UNPAID = frozenset({WithdrawalStatus.BURNED, WithdrawalStatus.PAYOUT_SUBMITTED, WithdrawalStatus.RETURNED})
DEAD_MINTS = frozenset({MintStatus.FAILED, MintStatus.CANCELLED})


def shares_of_account(account: Account, growth: int) -> Iterable[Share]:
    """What a movement of an account adds to the equations that the account takes part in."""
    code, asset, party = account.code, account.asset, account.party_id
    if code in TOKEN_CODES:
        yield ("INV-02", asset), -growth
        yield ("INV-06", asset), growth
    if code in BACKING_CODES:
        yield ("INV-02", asset), growth
    elif code is Code.RETURNED_DEPOSIT:
        yield ("receivable", party, asset), growth
    elif code is Code.CREDIT_RESERVE:
        yield ("INV-14", party, asset), growth
    elif code is Code.HELD:
        yield ("INV-16", party, asset), growth
    elif code is Code.UNMINTED:
        yield ("INV-17", party, asset), growth
    elif code in REDEMPTIONS:
        yield ("INV-18", party, asset), growth


def _deposit(deposit: Deposit) -> Iterable[Share]:
    yield ("receivable", deposit.party_id, deposit.asset), -deposit.recoverable.micros


def _mint(mint: Mint) -> Iterable[Share]:
    if mint.status is MintStatus.COMPLETED:
        yield ("INV-06", mint.asset), -mint.amount.micros
        yield ("minted", mint.reserve_id), mint.amount.micros
    if mint.status not in DEAD_MINTS:
        yield ("live mints", mint.reserve_id), mint.amount.micros


def _burn(burn: Burn) -> Iterable[Share]:
    if burn.status is BurnStatus.COMPLETED:
        yield ("INV-06", burn.asset), burn.amount.micros


def _lot(lot: CreditLot) -> Iterable[Share]:
    if lot.backing is CreditBacking.RING_FENCED:
        yield ("INV-14", lot.enterprise_id, lot.asset), -lot.remaining.micros


def _hold(hold: Hold) -> Iterable[Share]:
    if hold.status is HoldStatus.ACTIVE:
        yield ("INV-16", hold.owner_id, hold.asset), -hold.amount.micros


def _withdrawal(withdrawal: Withdrawal) -> Iterable[Share]:
    if withdrawal.status in UNPAID:
        yield ("INV-18", withdrawal.party_id, withdrawal.asset), -withdrawal.payout.micros


def _payment(payment: Payment) -> Iterable[Share]:
    if payment.status in UNRESOLVED:
        yield ("pending", payment.invoice_id), payment.amount.micros


def _allocation(row: Allocation) -> Iterable[Share]:
    yield ("applied", row.invoice_id), row.amount.micros
    yield ("applied", row.source_id), row.amount.micros
    yield ("fee", row.source_id), row.fee.micros


def _position(position: ChainPosition) -> Iterable[Share]:
    yield ("INV-24 held", position.asset), position.held.micros
    yield ("INV-24 leaving", position.asset), position.leaving.micros


_GROWS_SUPPLY = {EffectKind.MINT: 1, EffectKind.BURN: -1}


def _effect(effect: Effect) -> Iterable[Share]:
    if effect.status is EffectStatus.FINAL and effect.kind in _GROWS_SUPPLY:
        yield ("INV-24 held", effect.asset), -effect.amount.micros * _GROWS_SUPPLY[effect.kind]
    is_sent_burn = effect.kind is EffectKind.BURN and effect.last_sent_at is not None
    if effect.status in OPEN and (effect.kind is EffectKind.TRANSFER or is_sent_burn):
        yield ("INV-24 leaving", effect.asset), -effect.amount.micros


SHARES: Mapping[type[Entity], Callable[[Any], Iterable[Share]]] = {
    Deposit: _deposit,
    Mint: _mint,
    Burn: _burn,
    CreditLot: _lot,
    Hold: _hold,
    Withdrawal: _withdrawal,
    Payment: _payment,
    Allocation: _allocation,
    ChainPosition: _position,
    Effect: _effect,
}
"""By kind of row: what it adds, where nothing but the row itself decides that."""


def shares_of_reserve(reserve: Reserve, minted: int) -> Iterable[Share]:
    """A confirmed reserve is owed as unminted deposits, less what its completed mints made of it (INV-17)."""
    if reserve.status is ReserveStatus.CONFIRMED:
        yield ("INV-17", reserve.party_id, reserve.asset), minted - reserve.mintable.micros


MUST_BE_ZERO: Mapping[str, str] = {
    "receivable": "receivables booked less those of returned deposits",
    "INV-02": "backing less tokens",
    "INV-06": "tokens less completed mints and burns",
    "INV-14": "ring-fenced tokens less open credits",
    "INV-16": "held tokens less active holds",
    "INV-17": "unminted deposits less confirmed reserves",
    "INV-18": "redemptions owed less unpaid withdrawals",
    "INV-24 held": "chain positions less final mints and burns",
    "INV-24 leaving": "tokens leaving less intents that take them",
}
"""Sums that are zero after every commit; the others are what rows are compared with."""
