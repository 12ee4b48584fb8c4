"""What Mint and the treasury wallet say of the operator's movements, in the words of the Treasury port."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import CircleAsset, MintConfig
from invoicepay.adapters.circle.wallets import amount_of, reason_of
from invoicepay.domain.money import Money
from invoicepay.ports.tokens import TokenStatus, TokenTransfer
from invoicepay.ports.treasury import TreasuryKind, TreasuryMovement, TreasuryStatus

S = TreasuryStatus

STATUS: Mapping[str, TreasuryStatus] = MappingProxyType(
    {
        "created": S.PENDING,
        "pending": S.PENDING,
        "running": S.SENT,
        "complete": S.FINAL,
        "completed": S.FINAL,
        "failed": S.FAILED,
    }
)
"""Mint's words in ours; a word that is not here needs a person."""

AFTER_FAILURE: Mapping[str, TreasuryStatus] = MappingProxyType(
    {
        "transfer_denied": S.DENIED,
        "transaction_denied": S.DENIED,
        "transaction_returned": S.RETURNED,
    }
)


WALLET_STATUS: Mapping[str, TreasuryStatus] = MappingProxyType(
    {
        "INITIATED": S.PENDING,
        "PENDING_RISK_SCREENING": S.PENDING,
        "CLEARED": S.PENDING,
        "QUEUED": S.PENDING,
        "SENT": S.SENT,
        "STUCK": S.SENT,
        "CONFIRMED": S.CONFIRMED,
        "COMPLETE": S.FINAL,
        "FAILED": S.FAILED,
        "DENIED": S.DENIED,
        "CANCELLED": S.CANCELLED,
    }
)
"""The wallet API's states in ours; a state that is not here needs a person."""


def status_of(word: str, error_code: str = "") -> TreasuryStatus:
    """Mint's word in ours; why it failed tells what kind of failure it was."""
    status = STATUS.get(word, S.NEEDS_REVIEW)
    return AFTER_FAILURE.get(error_code, status) if status is S.FAILED else status


def movement_of_transfer(config: MintConfig, seen: wire.MintTransfer, at: datetime) -> TreasuryMovement:
    """A transfer in our words: out of the account it funds the wallet, into it it is an arrival."""
    is_out = seen.source.type != "blockchain"
    amount, status = _amount(config, seen.amount), status_of(seen.status, seen.error_code)
    return TreasuryMovement(
        kind=TreasuryKind.FUND if is_out else TreasuryKind.ARRIVAL,
        provider_ref=seen.id,
        status=S.NEEDS_REVIEW if amount is None else status,
        provider_status=seen.status,
        amount=amount or Money.zero(config.asset),
        fee=Money.zero(config.asset),
        observed_at=seen.create_date or at,
        counterpart=seen.destination.address if is_out else seen.source.address,
        transaction_hash=seen.transaction_hash,
        reason=_reason(seen.error_code, seen.risk_evaluation),
    )


def movement_of_payout(config: MintConfig, seen: wire.Payout) -> TreasuryMovement:
    """A payout in our words: whatever its word, one that bears a return has come back."""
    amount, status = _amount(config, seen.amount), status_of(seen.status, seen.error_code)
    back = seen.returned
    return TreasuryMovement(
        kind=TreasuryKind.PAYOUT,
        provider_ref=seen.id,
        status=S.NEEDS_REVIEW if amount is None else S.RETURNED if back else status,
        provider_status=seen.status,
        amount=amount or Money.zero(config.asset),
        fee=_fee(config, seen.fees),
        observed_at=seen.update_date,
        counterpart=seen.destination.id,
        bank_reference=seen.tracking_ref,
        returned=_amount(config, back.amount) if back and back.amount else None,
        return_fee=_fee(config, back.fees) if back else None,
        reason=(back.reason if back else "") or _reason(seen.error_code, seen.risk_evaluation),
    )


def movement_of_deposit(config: MintConfig, seen: wire.MintDeposit) -> TreasuryMovement:
    """A wire that arrived, in our words; it bears no reference of ours, only the bank it came from."""
    amount, status = _amount(config, seen.amount), status_of(seen.status)
    is_denied = seen.risk_evaluation is not None and seen.risk_evaluation.decision == "denied"
    return TreasuryMovement(
        kind=TreasuryKind.DEPOSIT,
        provider_ref=seen.id,
        status=S.NEEDS_REVIEW if amount is None else S.DENIED if is_denied else status,
        provider_status=seen.status,
        amount=amount or Money.zero(config.asset),
        fee=_fee(config, seen.fees),
        observed_at=seen.update_date or seen.create_date,
        counterpart=seen.bank_id,
        reason=_reason("", seen.risk_evaluation),
    )


def _amount(config: MintConfig, seen: wire.Amount) -> Money | None:
    """The amount, or None where it is of another currency or cannot be held exactly."""
    if seen.currency != config.currency:
        return None
    try:
        return wire.money_from(seen.amount, config.asset)
    except ValueError:
        return None


def _fee(config: MintConfig, seen: wire.Amount | None) -> Money:
    """A fee in the account's currency; one in another currency is in the reports of Mint."""
    return (None if seen is None else _amount(config, seen)) or Money.zero(config.asset)


def _reason(error_code: str, risk: wire.Risk | None) -> str:
    is_risk = risk is not None and risk.decision not in ("", "approved")
    parts = (error_code, f"risk {risk.decision} {risk.reason}".strip() if risk and is_risk else "")
    return ": ".join(part for part in parts if part)


def movement_of_sent(sent: TokenTransfer, address: str) -> TreasuryMovement:
    """A sweep as it was just ordered."""
    is_clear = sent.status is not TokenStatus.NEEDS_REVIEW
    status = WALLET_STATUS.get(sent.provider_status, S.NEEDS_REVIEW)
    return TreasuryMovement(
        kind=TreasuryKind.SWEEP,
        provider_ref=sent.provider_ref,
        status=status if is_clear else S.NEEDS_REVIEW,
        provider_status=sent.provider_status,
        amount=sent.amount,
        fee=Money.zero(sent.amount.asset),
        observed_at=sent.observed_at,
        reference=sent.reference,
        counterpart=address,
        reason=sent.reason,
    )


def movement_of_sweep(asset: CircleAsset, seen: wire.Transaction) -> TreasuryMovement:
    """A sweep as the wallet API lists it."""
    amount = amount_of(asset, seen) if seen.token_id == asset.token_id else None
    return TreasuryMovement(
        kind=TreasuryKind.SWEEP,
        provider_ref=seen.id,
        status=S.NEEDS_REVIEW if amount is None else WALLET_STATUS.get(seen.state, S.NEEDS_REVIEW),
        provider_status=seen.state,
        amount=amount or Money.zero(asset.asset),
        fee=Money.zero(asset.asset),
        observed_at=seen.update_date,
        reference=seen.ref_id,
        counterpart=seen.destination_address,
        transaction_hash=seen.tx_hash,
        reason=reason_of(seen),
    )
