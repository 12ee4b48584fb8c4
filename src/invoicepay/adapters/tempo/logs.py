"""What the logs of a mined transaction prove: which movements took place, exactly as they were asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from invoicepay.adapters.tempo.addresses import (
    FEE_MANAGER,
    RECEIVE_GUARD,
    TRANSFER,
    TRANSFER_BLOCKED,
    TRANSFER_WITH_MEMO,
    ZERO,
)
from invoicepay.adapters.tempo.wire import Log, Receipt
from invoicepay.ports.slots import Move, MoveState, Verdict
from invoicepay.ports.tokens import MoveKind


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a token that moved a balance; the memo is empty where the event has none."""

    token: str
    source: str
    target: str
    amount: int
    memo: str = ""


def judged(
    moves: Sequence[Move], receipt: Receipt, *, tokens: Mapping[str, str], issuer: str
) -> list[Verdict]:
    """A verdict on each open movement of a transaction that succeeded.

    A success alone proves nothing: a wallet may refuse what it is sent, and then the call succeeds and the
    tokens lie with the guard (receive policies, fork T6). So each movement needs events of its own: the
    balance that moved and the memo that it carried, both with token, parties and amount as asked for.

    Args:
        tokens: address of the token of each asset.
        issuer: address through which burned tokens go.
    """
    seen = Counter(_told(receipt.logs))
    verdicts = []
    for move in moves:
        if move.state is not MoveState.OPEN:
            continue
        wanted = Counter(_expected(move, tokens[move.amount.asset], issuer))
        if wanted <= seen:
            seen -= wanted  # each event proves one movement
            verdicts.append(_final(move, receipt))
        else:
            verdicts.append(_doubtful(move, receipt))
    return verdicts


def _expected(move: Move, token: str, issuer: str) -> Iterable[Told]:
    """The events of a movement: each step is told without its memo and with it."""
    for source, target in _steps(move, issuer):
        yield Told(token, source, target, move.amount.micros)
        yield Told(token, source, target, move.amount.micros, f"0x{move.memo}")


def _steps(move: Move, issuer: str) -> tuple[tuple[str, str], ...]:
    if move.kind is MoveKind.MINT:
        return ((ZERO, move.target),)
    if move.kind is MoveKind.BURN:
        return ((move.source, issuer), (issuer, ZERO))
    return ((move.source, move.target),)


def _told(logs: Iterable[Log]) -> Iterable[Told]:
    for log in logs:
        if log.is_removed or not log.topics:
            continue
        if log.topics[0] == TRANSFER and len(log.topics) == 3 and log.party(2) != FEE_MANAGER:
            yield Told(log.address, log.party(1), log.party(2), log.amount)
        if log.topics[0] == TRANSFER_WITH_MEMO and len(log.topics) == 4:
            yield Told(log.address, log.party(1), log.party(2), log.amount, log.topics[3])


def _final(move: Move, receipt: Receipt) -> Verdict:
    return Verdict(reference=move.reference, state=MoveState.FINAL, proof=receipt.transaction_hash)


def _doubtful(move: Move, receipt: Receipt) -> Verdict:
    is_diverted = any(
        log.address == RECEIVE_GUARD or TRANSFER_BLOCKED in log.topics[:1] for log in receipt.logs
    )
    reason = "diverted: the wallet refuses it and the guard keeps it" if is_diverted else "not in the logs"
    return Verdict(
        reference=move.reference,
        state=MoveState.NEEDS_REVIEW,
        proof=receipt.transaction_hash,
        reason=reason,
    )
