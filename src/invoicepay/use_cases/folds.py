"""Which stem does what follows from a fact, by the kind of intent and of its cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from invoicepay.domain import deposit_news, following, token_news, withdrawal_news
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, EffectKind, Observation
from invoicepay.domain.needs import Needs
from invoicepay.domain.payments import Payment
from invoicepay.domain.requests import Transfer
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.use_cases import payments, requests


@dataclass(frozen=True, slots=True)
class Fold:
    """A stem's pair: what it reads, and what it does when an intent reached a new status.

    Attributes:
        doubt: what it books of a fact that a person has to look at, where it books anything of it.
    """

    needs: Callable[[Effect, Snapshot], Needs]
    fold: Callable[[Change, Effect, Observation], None]
    doubt: Callable[[Change, Effect, Observation], None] | None = None


FOLDS: Mapping[tuple[EffectKind, str], Fold] = {
    (EffectKind.DEPOSIT, Deposit.KIND): Fold(
        deposit_news.fold_deposit_needs, deposit_news.fold_deposit, deposit_news.keep_foreign
    ),
    (EffectKind.MINT, Mint.KIND): Fold(token_news.fold_mint_needs, token_news.fold_mint),
    (EffectKind.BURN, Burn.KIND): Fold(withdrawal_news.fold_burn_needs, withdrawal_news.fold_burn),
    (EffectKind.PAYOUT, Withdrawal.KIND): Fold(
        withdrawal_news.fold_payout_needs, withdrawal_news.fold_payout
    ),
    (EffectKind.TRANSFER, Payment.KIND): Fold(payments.fold_needs, payments.fold_transfer),
    (EffectKind.TRANSFER, CreditLot.KIND): Fold(following.fold_needs, following.fold_followed),
    (EffectKind.TRANSFER, Transfer.KIND): Fold(requests.fold_needs, requests.fold_transfer),
}


def fold_of(effect: Effect) -> Fold | None:
    """The fold of an intent's cause; None where the provider's reference is all there is to keep."""
    return FOLDS.get((effect.kind, effect.cause_kind))
