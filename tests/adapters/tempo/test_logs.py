"""A transaction that succeeded proves a movement only by logs that show it exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.adapters.tempo.addresses import (
    FEE_MANAGER,
    RECEIVE_GUARD,
    TRANSFER,
    TRANSFER_BLOCKED,
    TRANSFER_WITH_MEMO,
    ZERO,
)
from invoicepay.adapters.tempo.logs import judged
from invoicepay.adapters.tempo.wire import Log, Receipt
from invoicepay.domain.money import Money
from invoicepay.ports.slots import Move, MoveState
from invoicepay.ports.tokens import MoveKind

TOKEN, OTHER_TOKEN = "0x20c0" + "00" * 17 + "07", "0x20c0" + "00" * 17 + "08"
ISSUER, ANN, BOB, EVE = (f"0x{digit * 40}" for digit in "1abe")
MEMO, OTHER_MEMO = "cd" * 32, "ef" * 32
HASH = "0x" + "99" * 32


def told(source: str, target: str, amount: int, memo: str = "", *, token: str = TOKEN) -> Log:
    """A transfer's log, with a memo or without."""
    parties = [f"0x{party[2:].rjust(64, '0')}" for party in (source, target)]
    topics = [TRANSFER_WITH_MEMO, *parties, f"0x{memo}"] if memo else [TRANSFER, *parties]
    return Log.model_validate(
        {
            "address": token,
            "topics": topics,
            "data": f"0x{amount:064x}",
            "blockNumber": "0x1",
            "transactionHash": HASH,
            "logIndex": "0x0",
        }
    )


def both(source: str, target: str, amount: int, memo: str = MEMO, **more: str) -> list[Log]:
    """What one movement leaves: the balance that moved, and the memo that it carried."""
    return [told(source, target, amount, **more), told(source, target, amount, memo, **more)]


def receipt(*logs: Log) -> Receipt:
    return Receipt.model_validate(
        {
            "transactionHash": HASH,
            "blockNumber": "0x1",
            "blockHash": HASH,
            "status": "0x1",
            "gasUsed": "0x1",
            "logs": [log.model_dump(by_alias=True) for log in logs],
        }
    )


def a_move(kind: MoveKind = MoveKind.TRANSFER, reference: str = "eff_1") -> Move:
    return Move(
        reference=reference,
        idempotency_key=reference,
        kind=kind,
        amount=Money.from_micros(7, "USD.tempo"),
        source="" if kind is MoveKind.MINT else ANN,
        target="" if kind is MoveKind.BURN else BOB,
        memo=MEMO,
    )


def states(moves: list[Move], *logs: Log) -> list[MoveState]:
    verdicts = judged(moves, receipt(*logs), tokens={"USD.tempo": TOKEN}, issuer=ISSUER)
    assert {verdict.proof for verdict in verdicts} <= {HASH}
    return [verdict.state for verdict in verdicts]


FEE = told(EVE, FEE_MANAGER, 7)
PROOF = {
    MoveKind.MINT: both(ZERO, BOB, 7),
    MoveKind.TRANSFER: both(ANN, BOB, 7),
    MoveKind.BURN: [*both(ANN, ISSUER, 7), *both(ISSUER, ZERO, 7)],
}


@pytest.mark.parametrize("kind", MoveKind)
def test_the_logs_of_a_movement_prove_it(kind: MoveKind) -> None:
    assert states([a_move(kind)], *PROOF[kind], FEE) == [MoveState.FINAL]


@pytest.mark.parametrize("kind", MoveKind)
def test_every_single_log_is_needed(kind: MoveKind) -> None:
    for place in range(len(PROOF[kind])):
        logs = [*PROOF[kind][:place], *PROOF[kind][place + 1 :], FEE]

        assert states([a_move(kind)], *logs) == [MoveState.NEEDS_REVIEW]


@pytest.mark.parametrize(
    "logs",
    [
        both(ANN, BOB, 8),
        both(ANN, EVE, 7),
        both(EVE, BOB, 7),
        both(BOB, ANN, 7),
        both(ANN, BOB, 7, OTHER_MEMO),
        both(ANN, BOB, 7, token=OTHER_TOKEN),
        [],
    ],
    ids=["amount", "payee", "payer", "direction", "memo", "token", "nothing"],
)
def test_what_differs_anywhere_proves_nothing(logs: list[Log]) -> None:
    assert states([a_move()], *logs, FEE) == [MoveState.NEEDS_REVIEW]


def test_logs_that_a_reorganisation_took_back_prove_nothing() -> None:
    removed = [log.model_copy(update={"is_removed": True}) for log in PROOF[MoveKind.TRANSFER]]

    assert states([a_move()], *removed) == [MoveState.NEEDS_REVIEW]


def test_one_movement_on_the_chain_proves_one_of_two_alike() -> None:
    alike = [a_move(), a_move(reference="eff_2")]

    assert states(alike, *both(ANN, BOB, 7)) == [MoveState.FINAL, MoveState.NEEDS_REVIEW]
    assert states(alike, *both(ANN, BOB, 7), *both(ANN, BOB, 7)) == [MoveState.FINAL] * 2


def test_tokens_that_a_wallet_refuses_are_told_as_diverted() -> None:
    guarded = told(ZERO, RECEIVE_GUARD, 7)
    blocked = guarded.model_copy(update={"address": RECEIVE_GUARD, "topics": (TRANSFER_BLOCKED,)})

    (verdict,) = judged(
        [a_move(MoveKind.MINT)], receipt(guarded, blocked), tokens={"USD.tempo": TOKEN}, issuer=ISSUER
    )

    assert verdict.state is MoveState.NEEDS_REVIEW
    assert verdict.reason.startswith("diverted")


def test_movements_that_were_judged_before_are_left_alone() -> None:
    failed = replace(a_move(), state=MoveState.FAILED)

    assert states([failed, a_move(reference="eff_2")], *both(ANN, BOB, 7)) == [MoveState.FINAL]
