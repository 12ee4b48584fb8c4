"""A deposit returns while its mint is claimed and no byte of it left: nothing is made (reliability 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.use_cases import returns
from invoicepay.use_cases.claims import TO_SEND, claim
from invoicepay.use_cases.outbound import postpone, send_claimed
from invoicepay.use_cases.recover import send_due
from invoicepay.use_cases.returns import RecordReturn
from tests.support.money_desk import MoneyDesk, S, usd


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def claimed(desk: MoneyDesk) -> tuple[Deposit, Effect]:
    """A confirmed deposit whose mint a worker has just taken."""
    deposit = desk.initiate("bob", "100.00")
    desk.tell(deposit.id, S.FINAL)
    (effect,) = desk.run(claim(desk.deps, TO_SEND, 10))
    return deposit, effect


def over(desk: MoneyDesk, deposit: Deposit) -> None:
    """Nothing was minted, everything went back."""
    assert desk.deposit(deposit.id).status is DepositStatus.RETURNED
    assert [mint.status for mint in desk.rows(Mint)] == [MintStatus.CANCELLED]
    assert desk.effect(desk.mint_of(deposit.id)).status is EffectStatus.CANCELLED
    assert desk.rules() == ["P-01", "P-02", "P-04", "P-04"]
    assert (desk.books(), desk.tokens.transfers()) == ({}, ())


def test_p04_a_claimed_mint_is_not_sent_once_its_deposit_returned(desk: MoneyDesk) -> None:
    deposit, effect = claimed(desk)

    desk.tell(deposit.id, S.RETURNED, code="R10")
    desk.run(send_claimed(desk.deps, [effect]))

    over(desk, deposit)


def test_p04_a_mint_that_never_left_is_given_up_at_the_next_try(desk: MoneyDesk) -> None:
    deposit, effect = claimed(desk)
    desk.tell(deposit.id, S.RETURNED, code="R10")
    desk.run(postpone(desk.deps, effect, desk.clock.now()))

    desk.run(send_due(desk.deps, 10))

    over(desk, deposit)


def test_p04_after_a_part_went_back_only_the_rest_is_sent(desk: MoneyDesk) -> None:
    deposit, effect = claimed(desk)
    part = RecordReturn(deposit_id=deposit.id, amount=usd("30.00"))
    desk.run(returns.record_return(desk.deps, part))

    desk.run(send_claimed(desk.deps, [effect]))
    desk.run(send_due(desk.deps, 10))

    assert [transfer.amount for transfer in desk.tokens.transfers()] == [usd("70.00")]
    assert desk.books() == {"1000": "70.00", "2000 bob": "70.00"}
