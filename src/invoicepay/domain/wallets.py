"""Opening, freezing and unfreezing a wallet, whoever asks for it (P-09)."""

from __future__ import annotations

from dataclasses import replace

from invoicepay.domain import postings
from invoicepay.domain.accounts import available, frozen
from invoicepay.domain.change import Change
from invoicepay.domain.parties import WALLET, Wallet, WalletCommand, WalletStatus, wallet_id


def opened(change: Change, party_id: str, asset: str) -> Wallet:
    """The wallet's row, written when it is first needed."""
    known = change.peek(Wallet, wallet_id(party_id, asset))
    if known is not None:
        return known
    status = WALLET.after(None, WalletCommand.OPEN)
    wallet = Wallet(id=wallet_id(party_id, asset), party_id=party_id, asset=asset, status=status)
    return change.add(wallet, "wallet.opened")


def freeze(change: Change, party_id: str, asset: str, *, reason: str) -> Wallet:
    """Move everything available to 2030 (P-09); held tokens go there when their hold ends.

    Raises:
        InvalidTransition: it is frozen already.
    """
    wallet = opened(change, party_id, asset)
    status = WALLET.after(wallet.status, WalletCommand.FREEZE)
    if spendable := change.balance(available(party_id, asset)):
        change.post(postings.wallet_frozen(party_id, asset, spendable, memo=wallet.id))
    return change.put(replace(wallet, status=status, reason=reason), "wallet.frozen")


def freeze_once(change: Change, party_id: str, asset: str, *, reason: str) -> None:
    """Freeze a wallet, unless it is frozen already: its first reason stays."""
    if opened(change, party_id, asset).status is not WalletStatus.FROZEN:
        freeze(change, party_id, asset, reason=reason)


def unfreeze(change: Change, party_id: str, asset: str, *, reason: str) -> Wallet:
    """Move everything from 2030 back to available (P-09 reversed).

    Raises:
        InvalidTransition: it is not frozen.
    """
    wallet = opened(change, party_id, asset)
    status = WALLET.after(wallet.status, WalletCommand.UNFREEZE)
    if blocked := change.balance(frozen(party_id, asset)):
        change.post(postings.wallet_unfrozen(party_id, asset, blocked, memo=wallet.id))
    return change.put(replace(wallet, status=status, reason=reason), "wallet.unfrozen")
