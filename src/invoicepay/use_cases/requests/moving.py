"""Moving tokens that pay no invoice: between two parties (P-17) and across the programme's border (P-18)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain.access import authorise, known_party, party_needs
from invoicepay.domain.accounts import held
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text
from invoicepay.domain.money import Money, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Settlement
from invoicepay.domain.requests import Transfer
from invoicepay.domain.time import iso
from invoicepay.domain.transfers import (
    NOTE_LENGTH,
    arrived_from_outside,
    carry_out,
    move_needs,
    new_transfer,
    outside,
    sent_outside,
    token_amount,
    two_parties,
)
from invoicepay.errors import AssetNotAccepted, InvalidText, QrExpired
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.perform import Deps, UseCase, perform

ADDRESS_LENGTH = 200
REFERENCE_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTransfer:
    """Send tokens to somebody who did not ask.

    Attributes:
        code_expires_at: the expiry of the code that was scanned, where one was.
        verdict: of screening; put in by the use case.
    """

    payer_id: str
    payee_id: str
    amount: Money
    note: str = ""
    code_expires_at: datetime | None = None
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_send(command: SendTransfer, seen: Snapshot) -> Needs:
    return move_needs(seen, command.payer_id, command.payee_id, command.amount.asset)


def decide_send_transfer(command: SendTransfer, change: Change) -> Transfer:
    """Move the tokens at once in the book, or hold them until the chain confirms."""
    change.programme.asset(command.amount.asset)
    two_parties(command.payer_id, command.payee_id)
    note = clean_text(command.note, NOTE_LENGTH, "the note")
    known_party(change, command.payer_id)
    amount = token_amount(command.amount, known_party(change, command.payee_id))
    authorise(change, payer=command.payer_id)
    if command.code_expires_at is not None and command.code_expires_at <= change.now:
        raise QrExpired(expires_at=iso(command.code_expires_at))
    require_allowed(command.verdict)
    transfer = new_transfer(
        change, payer_id=command.payer_id, payee_id=command.payee_id, amount=amount, note=note
    )
    return carry_out(change, transfer)


SEND = UseCase("requests.send", Transfer, _needs_send, decide_send_transfer)


async def send_transfer(deps: Deps, command: SendTransfer, key: str | None = None) -> Transfer:
    """Send tokens to another party (P-17).

    Returns:
        The transfer: completed, or pending until the chain confirms it.

    Raises:
        SelfPayment: payer and payee are the same.
        AmountNotPositive, AmountPrecision, UnknownAsset: the amount cannot move.
        NotFound: an unknown party.
        NotThePayer: the actor is not the payer.
        QrExpired: the code that was scanned is too old.
        ComplianceBlocked, ComplianceReview, LimitExceeded, WalletFrozen: compliance does not let it through.
        InsufficientFunds: the payer has less available.
    """
    return await perform(deps, SEND, replace(command, verdict=await _verdict(deps, command)), key)


async def _verdict(deps: Deps, command: SendTransfer) -> Screened:
    return await screened(
        deps,
        "transfer",
        party_id=command.payer_id,
        counterparty_id=command.payee_id,
        amount=command.amount,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOutside:
    """Let tokens leave to an address outside the programme.

    Attributes:
        address: the address outside, as its network writes it.
        verdict: of screening; put in by the use case.
    """

    payer_id: str
    amount: Money
    address: str
    note: str = ""
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_send_outside(command: SendOutside, seen: Snapshot) -> Needs:
    payer_id, asset = command.payer_id, command.amount.asset
    return move_needs(seen, payer_id, payer_id, asset) | need(accounts=[held(payer_id, asset)])


def decide_send_outside(command: SendOutside, change: Change) -> Transfer:
    """Book the departure at once (P-18); the tokens stay outstanding, outside."""
    asset = change.programme.asset(command.amount.asset)
    address = _named(command.address, ADDRESS_LENGTH, "the address")
    note = clean_text(command.note, NOTE_LENGTH, "the note")
    if asset.settlement is not Settlement.LEDGER:
        raise AssetNotAccepted(
            f"{asset.code} is kept on chain: its holder sends it there", accepted=Settlement.LEDGER
        )
    amount = token_amount(command.amount, known_party(change, command.payer_id))
    authorise(change, payer=command.payer_id)
    require_allowed(command.verdict)
    transfer = new_transfer(change, payer_id=command.payer_id, payee_id="", amount=amount, note=note)
    return sent_outside(change, replace(transfer, address=address))


def _named(text: str, longest: int, field: str) -> str:
    cleaned = clean_text(text, longest, field).strip()
    if not cleaned:
        raise InvalidText(f"{field} is missing", field=field)
    return cleaned


SEND_OUTSIDE = UseCase("requests.send_outside", Transfer, _needs_send_outside, decide_send_outside)


async def send_outside(deps: Deps, command: SendOutside, key: str | None = None) -> Transfer:
    """Let tokens leave to an address outside (P-18); `transfer.sent_outside` tells the custodian to act.

    Raises:
        InvalidText: no address.
        AmountNotPositive, AmountPrecision, UnknownAsset: the amount cannot move.
        AssetNotAccepted: the asset moves on chain.
        NotFound, NotThePayer: an unknown party, or the actor is somebody else.
        ComplianceBlocked, ComplianceReview, LimitExceeded, WalletFrozen: compliance does not let it through.
        InsufficientFunds: the payer has less available.
    """
    address = _named(command.address, ADDRESS_LENGTH, "the address")
    verdict = await screened(
        deps, "transfer", party_id=command.payer_id, counterparty_id=address, amount=command.amount
    )
    return await perform(deps, SEND_OUTSIDE, replace(command, address=address, verdict=verdict), key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveFromOutside:
    """Record tokens that arrived from an address outside the programme.

    Attributes:
        provider, provider_ref: who saw it and under which reference; books once.
    """

    payee_id: str
    amount: Money
    provider: str
    provider_ref: str
    address: str = ""


def _needs_receive(command: ReceiveFromOutside, _seen: Snapshot) -> Needs:
    asset = command.amount.asset
    return party_needs(command.payee_id, asset=asset) | need(accounts=[outside(asset)])


def decide_receive_from_outside(command: ReceiveFromOutside, change: Change) -> Transfer:
    """Book the arrival (P-18); a fact, so neither limits nor a freeze stop it."""
    change.programme.asset(command.amount.asset)
    provider = _named(command.provider, REFERENCE_LENGTH, "the provider")
    provider_ref = _named(command.provider_ref, REFERENCE_LENGTH, "the provider's reference")
    address = clean_text(command.address, ADDRESS_LENGTH, "the address")
    known_party(change, command.payee_id)
    authorise(change)
    transfer = new_transfer(change, payer_id="", payee_id=command.payee_id, amount=positive(command.amount))
    seen = replace(transfer, provider=provider, provider_ref=provider_ref, address=address)
    return arrived_from_outside(change, seen)


RECEIVE = UseCase("requests.receive_from_outside", Transfer, _needs_receive, decide_receive_from_outside)


async def receive_from_outside(deps: Deps, command: ReceiveFromOutside, key: str | None = None) -> Transfer:
    """Record tokens that arrived from an address outside (P-18); into 2030 while the wallet is frozen.

    Raises:
        InvalidText: no provider or no reference.
        AmountNotPositive, UnknownAsset: the amount cannot arrive.
        NotFound, NotAllowed: an unknown party, or the actor is no operator.
        DuplicateProviderReference: it is booked already.
        InsufficientFunds: more than there is outside.
    """
    return await perform(deps, RECEIVE, command, key)
