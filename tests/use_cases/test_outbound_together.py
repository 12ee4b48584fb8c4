"""A provider that takes several orders at once gets them in one call, and each still has its own fate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.tokens import MoveKind, TokenMove, TokenStatus, TokenTransfer
from invoicepay.use_cases.claims import LEASE, TO_SEND, claim
from invoicepay.use_cases.outbound import CALL_TIME, FRESH, send_claimed
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.recover import MOST_HANDED_OVER
from tests.support.batches import BatchedTokens, with_batches
from tests.support.desk import Desk
from tests.support.intents import effect, intend, send, status, until_due
from tests.support.mortal import Crash, Fate, mortal

S = EffectStatus
KINDS = (EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER)


def a_desk() -> tuple[Desk, BatchedTokens]:
    desk = Desk()
    tokens = with_batches(desk)
    desk.fund("ann", "100.00 USD")
    return desk, tokens


def intend_each(desk: Desk) -> list[str]:
    """One intent of each kind."""
    return [intend(desk, kind) for kind in KINDS]


def later(desk: Desk, time: timedelta) -> None:
    """Let a little more than that pass."""
    desk.clock.set(desk.clock.now() + time + timedelta(seconds=1))


def test_what_is_due_leaves_in_one_call_with_each_its_own_key_and_reference() -> None:
    desk, tokens = a_desk()
    ids = intend_each(desk)

    send(desk)

    (moves,) = tokens.calls
    assert [move.kind for move in moves] == [MoveKind.MINT, MoveKind.BURN, MoveKind.TRANSFER]
    assert [move.idempotency_key for move in moves] == [move.order.reference for move in moves] == ids
    assert [status(desk, id) for id in ids] == [S.FINAL] * 3


def test_that_any_of_them_leaves_is_durable_before_the_call() -> None:
    desk, tokens = a_desk()
    ids = intend_each(desk)
    seen = list[S]()
    tokens.watch = lambda moves: seen.extend(
        status(desk, id) for id in ids if effect(desk, id).last_sent_at == desk.clock.now()
    )

    send(desk)

    assert seen == [S.SENDING] * 3


def test_work_for_the_bank_is_not_handed_over_with_it() -> None:
    desk, tokens = a_desk()
    ids = [intend(desk, EffectKind.PAYOUT), *intend_each(desk), intend(desk, EffectKind.PAYOUT)]

    send(desk)

    assert [len(moves) for moves in tokens.calls] == [3]
    assert [status(desk, id) for id in ids] == [S.ACCEPTED, S.FINAL, S.FINAL, S.FINAL, S.ACCEPTED]


def test_many_leave_in_calls_of_bounded_size() -> None:
    desk, tokens = a_desk()
    for _ in range(MOST_HANDED_OVER + 1):
        intend(desk, EffectKind.TRANSFER, "0.01 USD")

    send(desk, limit=1_000)

    assert [len(moves) for moves in tokens.calls] == [MOST_HANDED_OVER, 1]


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (ProviderRejected("cap"), S.REJECTED),
        (ProviderUnavailable("away"), S.PLANNED),
        (ProviderUnknown("lost"), S.UNKNOWN),
    ],
)
def test_an_order_that_fails_does_not_fail_its_neighbours(error: InvoicePayError, after: S) -> None:
    desk, tokens = a_desk()
    first, failing, last = (intend(desk, EffectKind.TRANSFER) for _ in range(3))
    carried_out = tokens.transfer

    async def transfer(order: object, *, idempotency_key: str) -> TokenTransfer:
        if idempotency_key == failing:
            raise error
        return await carried_out(order, idempotency_key=idempotency_key)  # type: ignore[arg-type]

    tokens.transfer = transfer  # type: ignore[method-assign]
    send(desk)

    assert [status(desk, id) for id in (first, failing, last)] == [S.FINAL, after, S.FINAL]


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (ProviderRejected("not for us"), S.REJECTED),
        (ProviderUnavailable("away"), S.PLANNED),
        (ProviderUnknown("lost"), S.UNKNOWN),
        (RuntimeError("broken"), S.UNKNOWN),
    ],
)
def test_a_call_that_fails_as_a_whole_answers_every_order(error: Exception, after: S) -> None:
    desk, tokens = a_desk()
    ids = intend_each(desk)

    def fail(_moves: Sequence[TokenMove]) -> None:
        raise error

    tokens.watch = fail
    send(desk)

    assert [status(desk, id) for id in ids] == [after] * 3


def test_what_never_left_goes_out_later_under_the_same_keys() -> None:
    desk, tokens = a_desk()
    ids = intend_each(desk)
    tokens.weather.be_unreachable()
    send(desk)
    tokens.weather.be_reachable()

    for id in ids:
        until_due(desk, id)
    send(desk)

    assert {move.idempotency_key for moves in tokens.calls for move in moves} == set(ids)
    assert [status(desk, id) for id in ids] == [S.FINAL] * 3


def test_too_few_answers_tell_nothing_about_any_order() -> None:
    desk, tokens = a_desk()
    ids = intend_each(desk)

    async def move(moves: Sequence[TokenMove]) -> Sequence[TokenTransfer | InvoicePayError]:
        answers = await BatchedTokens.move(tokens, moves)
        return answers[1:]

    tokens.move = move  # type: ignore[method-assign]
    send(desk)

    assert [status(desk, id) for id in ids] == [S.UNKNOWN] * 3


def test_an_answer_about_another_order_needs_a_person() -> None:
    desk, tokens = a_desk()
    ids = [intend(desk, EffectKind.TRANSFER) for _ in range(2)]

    async def move(moves: Sequence[TokenMove]) -> Sequence[TokenTransfer | InvoicePayError]:
        first, second = await BatchedTokens.move(tokens, moves)
        return [second, first]

    tokens.move = move  # type: ignore[method-assign]
    send(desk)

    assert [status(desk, id) for id in ids] == [S.NEEDS_REVIEW] * 2


def test_a_claim_with_too_little_time_left_is_not_handed_over() -> None:
    desk, tokens = a_desk()
    old = intend(desk, EffectKind.MINT)
    claimed = desk.run(claim(desk.deps, TO_SEND, 1))
    later(desk, LEASE - CALL_TIME)
    young = intend(desk, EffectKind.MINT)
    claimed += desk.run(claim(desk.deps, TO_SEND, 1))

    desk.run(send_claimed(desk.deps, claimed))

    (moves,) = tokens.calls
    assert [move.idempotency_key for move in moves] == [young]
    assert status(desk, old) is S.SENDING


def test_guards_that_were_asked_long_ago_send_nothing() -> None:
    desk, tokens = a_desk()
    id = intend(desk, EffectKind.MINT)
    (claimed,) = desk.run(claim(desk.deps, TO_SEND, 1))

    class SlowStore:
        """The clock goes on while intents are marked."""

        def __getattr__(self, name: str) -> object:
            return getattr(desk.clock, name)

        def now(self) -> datetime:
            now = desk.clock.now()
            later(desk, FRESH / 2)
            return now

    desk.run(send_claimed(replace(desk.deps, clock=SlowStore()), [claimed]))

    assert tokens.calls == []
    assert (status(desk, id), effect(desk, id).last_sent_at) == (S.PLANNED, None)


def boundaries() -> int:
    """How many boundaries the work passes when nobody dies."""
    return worked(None)[1].passed


def worked(dies_at: int | None) -> tuple[Desk, Fate, list[str], BatchedTokens]:
    """Three intents, worked on by a process that dies at a boundary, then by its successors."""
    desk, tokens = a_desk()
    ids = intend_each(desk)
    fate = Fate(dies_at)
    dying = mortal(desk.deps, fate)
    try:
        desk.run(run_pending(dying, until_quiet=True))
    except Crash:
        for _ in range(6):
            later(desk, LEASE)
            desk.run(run_pending(desk.deps, until_quiet=True))
    return desk, fate, ids, tokens


@pytest.mark.parametrize("dies_at", range(boundaries()))
def test_a_worker_that_dies_anywhere_leaves_each_order_carried_out_once(dies_at: int) -> None:
    desk, fate, ids, tokens = worked(dies_at)

    assert fate.passed == dies_at, "the process died elsewhere"
    assert [status(desk, id) for id in ids] == [S.FINAL] * 3
    counted = Counter(transfer.reference for transfer in tokens.transfers())
    assert counted == dict.fromkeys(ids, 1)
    assert {transfer.status for transfer in tokens.transfers()} == {TokenStatus.FINAL}


def test_the_dying_workers_pass_the_call_itself() -> None:
    assert boundaries() >= 6, "claim, mark and record with what is before and after the call"
