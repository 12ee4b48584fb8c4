"""What is known of a movement, in the provider's three answers and the port's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from invoicepay.adapters.tempo.orders import provider_ref_of
from invoicepay.adapters.tempo.recovery import Seen, Sight
from invoicepay.errors import (
    InvoicePayError,
    OutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from invoicepay.ports.slots import REFUSED, Move, MoveState, Slot
from invoicepay.ports.tokens import TokenStatus, TokenTransfer

Outcome = TokenTransfer | InvoicePayError
"""What one order of several is answered."""

_STATUS: Final = {
    MoveState.OPEN: TokenStatus.PENDING,
    MoveState.FINAL: TokenStatus.FINAL,
    MoveState.FAILED: TokenStatus.FAILED,
    MoveState.NEEDS_REVIEW: TokenStatus.NEEDS_REVIEW,
}


def told(slot: Slot, reference: str, seen: Seen | None, now: datetime) -> TokenTransfer:
    """What is known of a movement, with the hash of the transaction that carries it."""
    move = movement_in(slot, reference)
    is_open = move.state is MoveState.OPEN
    sight = seen.sight if seen is not None else Sight.PENDING
    is_lost = is_open and sight is Sight.LOST
    hash = move.proof or (slot.attempts[-1].hash if slot.attempts else "")
    return TokenTransfer(
        provider_ref=provider_ref_of(reference),
        reference=reference,
        status=TokenStatus.NEEDS_REVIEW if is_lost else _STATUS[move.state],
        provider_status=f"{sight if is_open else move.state} {hash}".strip(),
        amount=move.amount,
        observed_at=now if is_open else slot.changed_at,
        reason=_reason(move, seen, is_lost=is_lost),
    )


def _reason(move: Move, seen: Seen | None, *, is_lost: bool) -> str:
    if is_lost:
        return "the chain used the slot for something that is not on record"
    if seen is not None and seen.trouble is not None and move.state is MoveState.OPEN:
        return seen.trouble.message
    return move.reason


def movement_in(slot: Slot, reference: str) -> Move:
    """A movement out of its slot."""
    return next(move for move in slot.moves if move.reference == reference)


def not_signed(move: Move, why: str, now: datetime) -> TokenTransfer:
    """What the signer's policy refuses: nothing was bound for it and nothing will be sent by itself."""
    return TokenTransfer(
        provider_ref=provider_ref_of(move.reference),
        reference=move.reference,
        status=TokenStatus.NEEDS_REVIEW,
        provider_status=f"not signed: {why}",
        amount=move.amount,
        observed_at=now,
        reason=f"the signer refuses it: {why}",
    )


def reason_of(fault: InvoicePayError) -> str:
    """Why a movement failed, as it is kept."""
    return f"{fault.details.get('reason', fault.code)}: {fault.message}"


def refused_before(slot: Slot, move: Move) -> InvoicePayError | None:
    """The refusal that a movement met before it had a slot of the chain, in the words it had then."""
    if slot.key.lane.nonce_key != REFUSED:
        return None
    reason, _, message = move.reason.partition(": ")
    return ProviderRejected(message, reason=reason)


def unsent(error: InvoicePayError) -> InvoicePayError:
    """Nothing of the order left, and nothing was bound for it: refused for good, or to be tried again."""
    if isinstance(error, ProviderRejected | ProviderUnavailable):
        return error
    return ProviderUnavailable(f"nothing was sent: {error.message}", **_cause(error))


def unasked(error: InvoicePayError) -> InvoicePayError:
    """What became of an order was not found out."""
    if isinstance(error, ProviderUnavailable):
        return error
    return ProviderUnavailable(f"the question was not answered: {error.message}", **_cause(error))


def unbound(error: InvoicePayError) -> InvoicePayError:
    """The slot store failed: nothing is on record, unless its commit was not acknowledged."""
    return unknown(error) if isinstance(error, OutcomeUnknown) else unsent(error)


def unknown(error: InvoicePayError | None) -> InvoicePayError:
    """The order is on record, so it may take place at any time; looking it up brings it on."""
    said = error.message if error is not None else "it is not on its way"
    return ProviderUnknown(f"the order is on record, but {said}", **_cause(error))


def another_order(key: str) -> InvoicePayError:
    """What stands under the key or the reference is another order, which may have taken place."""
    return ProviderUnknown("the key was used for another order", key=key)


def left_over() -> InvoicePayError:
    """The time that one call may take was over before this order's turn."""
    return ProviderUnavailable("the call took too long for this order to be sent", retry_after_seconds=1)


def _cause(error: InvoicePayError | None) -> dict[str, Any]:
    return {"cause": error.code} if error is not None else {}
