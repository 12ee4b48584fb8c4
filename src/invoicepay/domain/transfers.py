"""Moving tokens between two parties: at once in the book, or held until the chain confirms (P-17, 1.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from invoicepay.domain import postings
from invoicepay.domain.access import (
    check_limit,
    known_party,
    limit_needs,
    party_needs,
    payable,
    receiving_code,
)
from invoicepay.domain.accounts import Account, Code, available, frozen, held
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import EffectKind, plan
from invoicepay.domain.holds import Hold, HoldPurpose, capture, commit, place, release
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money, document_amount, positive
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Party
from invoicepay.domain.requests import TRANSFER, Transfer, TransferCommand, TransferStatus
from invoicepay.errors import InsufficientFunds, SelfPayment

NOTE_LENGTH = 500

C = TransferCommand
GIVEN_UP = frozenset({TransferStatus.FAILED, TransferStatus.CANCELLED})
"""The payer has the tokens back in the books; the chain may have moved them all the same."""


def token_amount(amount: Money, receiver: Party) -> Money:
    """An amount of tokens that may move: in the currency's decimals unless the receiver takes micro payments.

    Raises:
        AmountNotPositive: zero or less.
        AmountPrecision: more decimals than the currency has.
    """
    return positive(amount) if receiver.policy.micro_payments else document_amount(positive(amount))


def two_parties(payer_id: str, payee_id: str) -> None:
    """Refuse a movement that goes nowhere.

    Raises:
        SelfPayment: payer and payee are the same.
    """
    if payer_id == payee_id:
        raise SelfPayment(party=payer_id)


def move_needs(seen: Snapshot, payer_id: str, payee_id: str, asset: str) -> Needs:
    """What `carry_out` reads and moves; both wallets, so that people who pay each other never deadlock."""
    return (
        party_needs(payer_id, payee_id, asset=asset)
        | limit_needs(seen, payer_id, asset)
        | need(accounts=[available(payer_id, asset), available(payee_id, asset)])
    )


def new_transfer(
    change: Change, *, payer_id: str, payee_id: str, amount: Money, request_id: str = "", note: str = ""
) -> Transfer:
    """A transfer that is not stored yet: `carry_out` it now, or `schedule` it."""
    return Transfer(
        id=change.new_id(Prefix.TRANSFER),
        payer_id=payer_id,
        payee_id=payee_id,
        asset=amount.asset,
        amount=amount,
        status=TransferStatus.PENDING,
        request_id=request_id,
        note=note,
    )


def require_movable(change: Change, transfer: Transfer) -> None:
    """Refuse what cannot move now; the last check counts the amount against the payer's limits.

    Raises:
        NotFound: a party is unknown or closed.
        WalletFrozen: the payer's wallet is blocked.
        InsufficientFunds: the payer has less available.
        LimitExceeded: more than the programme lets the payer move.
    """
    payer = known_party(change, transfer.payer_id)
    payable(change, transfer.payer_id, transfer.asset)
    short = transfer.amount.micros - change.balance(available(transfer.payer_id, transfer.asset))
    if short > 0:
        raise InsufficientFunds(
            f"{transfer.payer_id} is short of {Money.from_micros(short, transfer.asset)}",
            party=transfer.payer_id,
            short_micros=short,
        )
    check_limit(change, payer, transfer.amount)


def schedule(change: Change, transfer: Transfer, pay_at: datetime) -> Transfer:
    """Remember a transfer for later; nothing is held until then."""
    assert not transfer.version, "only a new transfer is scheduled"
    planned = replace(transfer, status=_after(transfer, C.SCHEDULE), pay_at=pay_at)
    return change.add(planned, "transfer.scheduled")


def carry_out(change: Change, transfer: Transfer) -> Transfer:
    """Move the tokens in the book (P-17), or hold them (P-10) and ask the token provider to move them.

    Raises:
        NotFound, WalletFrozen, InsufficientFunds, LimitExceeded: see `require_movable`; nothing was written.
    """
    known_party(change, transfer.payee_id)
    require_movable(change, transfer)
    if change.programme.asset(transfer.asset).books_at_once:
        return _completed(change, transfer, C.BOOK, source=Code.AVAILABLE)
    hold = place(
        change,
        owner_id=transfer.payer_id,
        amount=transfer.amount,
        purpose=HoldPurpose.TRANSFER,
        cause_id=transfer.id,
        payee_id=transfer.payee_id,
    )
    return submit(change, transfer, hold)


def carry_out_held(change: Change, transfer: Transfer, hold: Hold) -> Transfer:
    """Move tokens that an authorization set aside, and release what is left of it (P-17 from 2010, P-12)."""
    if change.programme.asset(transfer.asset).books_at_once:
        capture(change, hold, transfer.amount)
        return _completed(change, replace(transfer, hold_id=hold.id), C.BOOK, source=Code.HELD)
    return submit(change, transfer, commit(change, hold, transfer.amount, cause_id=transfer.id))


def submit(change: Change, transfer: Transfer, hold: Hold) -> Transfer:
    """Ask the token provider to move tokens that are held for it."""
    started = replace(transfer, status=_after(transfer, C.START), hold_id=hold.id)
    stored = store(change, started, "transfer.started")
    parties = {"from_party": stored.payer_id, "to_party": stored.payee_id}
    plan(change, kind=EffectKind.TRANSFER, cause=stored, amount=stored.amount, request=parties)
    return stored


def _after(transfer: Transfer, command: TransferCommand) -> TransferStatus:
    """The next status; a transfer that is not stored yet has none to start from."""
    return TRANSFER.after(transfer.status if transfer.version else None, command)


def store(change: Change, transfer: Transfer, event: str) -> Transfer:
    """Write a transfer, whether it is new or known."""
    return change.put(transfer, event) if transfer.version else change.add(transfer, event)


def outcome_needs(transfer: Transfer | None) -> Needs:
    """What `confirm` and `fail` read and debit, once the transfer is seen."""
    if transfer is None:
        return need()
    hold = [(Hold, transfer.hold_id)] if transfer.hold_id else []
    payer_id, asset = transfer.payer_id, transfer.asset
    accounts = [held(payer_id, asset)]
    if transfer.status in GIVEN_UP:
        accounts += [available(payer_id, asset), frozen(payer_id, asset)]
    return party_needs(payer_id, transfer.payee_id, asset=asset) | need(*hold, accounts=accounts)


def confirm(change: Change, transfer: Transfer) -> Transfer:
    """The chain moved the tokens for good: the hold is used (P-17 from 2010)."""
    capture(change, change.get(Hold, transfer.hold_id))
    return _completed(change, transfer, C.SETTLE, source=Code.HELD)


def arrived_after_all(change: Change, transfer: Transfer) -> Transfer:
    """What was given up reached the payee, as a person found: booked as another transfer (P-17).

    Raises:
        InsufficientFunds: the payer has spent the tokens in the books since.
    """
    late = new_transfer(
        change,
        payer_id=transfer.payer_id,
        payee_id=transfer.payee_id,
        amount=transfer.amount,
        note=transfer.note,
    )
    source = receiving_code(change, transfer.payer_id, transfer.asset)
    return _completed(change, late, C.BOOK, source=source)


def _completed(change: Change, transfer: Transfer, command: TransferCommand, *, source: Code) -> Transfer:
    status = _after(transfer, command)
    booked = change.post(
        postings.transferred(
            transfer.payer_id,
            transfer.payee_id,
            transfer.asset,
            transfer.amount.micros,
            source=source,
            into=receiving_code(change, transfer.payee_id, transfer.asset),
            memo=transfer.id,
        )
    )
    done = replace(transfer, status=status, posting_id=booked.id, completed_at=change.now)
    return store(change, done, "transfer.completed")


def fail(change: Change, transfer: Transfer, *, reason: str) -> Transfer:
    """It will not happen, for certain: what was held goes back (P-12)."""
    return _ended(change, transfer, C.FAIL, "transfer.failed", reason)


def cancel(change: Change, transfer: Transfer, *, reason: str) -> Transfer:
    """The payer took it back before it left: what was held goes back (P-12)."""
    return _ended(change, transfer, C.CANCEL, "transfer.cancelled", reason)


def _ended(change: Change, transfer: Transfer, command: TransferCommand, event: str, reason: str) -> Transfer:
    status = _after(transfer, command)
    if transfer.hold_id:
        release(change, change.get(Hold, transfer.hold_id), reason=reason)
    return change.put(replace(transfer, status=status, reason=reason), event)


def outside(asset: str) -> Account:
    """Issued tokens at addresses outside the programme (2050)."""
    return Account(Code.EXTERNAL_HOLDERS, asset)


def sent_outside(change: Change, transfer: Transfer) -> Transfer:
    """Tokens leave to an address outside: hold and departure in one step (P-10, P-18).

    Raises:
        NotFound, WalletFrozen, InsufficientFunds, LimitExceeded: see `require_movable`; nothing was written.
    """
    require_movable(change, transfer)
    party_id, asset, micros = transfer.payer_id, transfer.asset, transfer.amount.micros
    change.post(postings.placed_on_hold(party_id, asset, micros, memo=transfer.id))
    _, left = (change.post(one) for one in postings.sent_outside(party_id, asset, micros, memo=transfer.id))
    return _crossed(change, transfer, left.id, "transfer.sent_outside")


def arrived_from_outside(change: Change, transfer: Transfer) -> Transfer:
    """Tokens arrived from an address outside (P-18); into 2030 while the wallet is frozen.

    Raises:
        InsufficientFunds: more than was ever sent outside.
    """
    party_id, asset, micros = transfer.payee_id, transfer.asset, transfer.amount.micros
    into = receiving_code(change, party_id, asset)
    arrived = change.post(postings.arrived_from_outside(party_id, asset, micros, into=into, memo=transfer.id))
    return _crossed(change, transfer, arrived.id, "transfer.arrived_from_outside")


def _crossed(change: Change, transfer: Transfer, posting_id: str, event: str) -> Transfer:
    status = _after(transfer, C.BOOK)
    done = replace(transfer, status=status, posting_id=posting_id, completed_at=change.now)
    return change.add(done, event)
