"""A mint that had failed happened after all: booked where its reserve still has room, else refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.errors import InvoicePayError, MintExceedsReserve
from invoicepay.use_cases import returns, tokens, withdrawals
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from tests.support.money_desk import MoneyDesk, S


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def failed(desk: MoneyDesk) -> tuple[Deposit, Mint]:
    """A confirmed deposit whose mint failed; ann has another one of 100.00 that waits."""
    other = desk.initiate("ann", "100.00")
    desk.tell(other.id, S.FINAL)
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    mint_id = desk.mint_of(deposit.id)
    desk.tell(mint_id, S.FAILED)
    return desk.deposit(deposit.id), desk.row(Mint, mint_id)


def find_out(desk: MoneyDesk, effect: Effect, status: S) -> None:
    command = ResolveReview(effect_id=effect.id, status=status, reason="on the explorer", approved_by="cfo")
    desk.run(resolve_review(desk.deps, command))


@pytest.mark.parametrize("found", [S.ACCEPTED, S.FINAL])
def test_p03_tokens_beyond_the_reserve_are_never_booked_at_the_cost_of_another(
    desk: MoneyDesk, found: S
) -> None:
    deposit, mint = failed(desk)
    first = desk.effect(mint.id)
    again = desk.run(tokens.mint(desk.deps, tokens.MintTokens(reserve_id=deposit.reserve_id)))
    desk.tell(again.id, S.FINAL)
    desk.tell(mint.id, S.FINAL, effect=first)

    with pytest.raises(MintExceedsReserve):
        find_out(desk, first, found)

    assert desk.row(Effect, first.id).status is S.NEEDS_REVIEW
    assert desk.books() == {"1000": "100.00", "1050": "100.00", "2000 ann": "100.00", "2110 ann": "100.00"}


def test_p03_tokens_of_a_reserve_that_went_back_are_not_booked(desk: MoneyDesk) -> None:
    deposit, mint = failed(desk)
    first = desk.effect(mint.id)
    desk.run(returns.release_reserve(desk.deps, returns.ReleaseReserve(reserve_id=deposit.reserve_id)))
    desk.tell(mint.id, S.FINAL, effect=first)

    with pytest.raises(MintExceedsReserve):
        find_out(desk, first, S.FINAL)

    assert desk.books() == {"1050": "100.00", "2110 ann": "100.00"}


def test_p36_a_late_remint_is_not_booked_once_the_payout_went_out_again(desk: MoneyDesk) -> None:
    desk.bring("ann", "200.00")
    payout = desk.withdraw("ann", "100.00", until=S.RETURNED)
    other = desk.withdraw("ann", "100.00", until=S.RETURNED)
    mint_id = desk.run(withdrawals.remint(desk.deps, withdrawals.Remint(withdrawal_id=payout.id))).mint_id
    first = desk.effect(mint_id)
    desk.tell(mint_id, S.FAILED)
    retry = withdrawals.RetryPayout(withdrawal_id=payout.id, account_token="ba_2")
    desk.run(withdrawals.retry_payout(desk.deps, retry))
    desk.tell(mint_id, S.FINAL, effect=first)

    for found in (S.ACCEPTED, S.FINAL):
        with pytest.raises(InvoicePayError):
            find_out(desk, first, found)

    assert desk.row(Mint, mint_id).status is MintStatus.FAILED
    assert desk.withdrawal(other.id).status == "returned"
    assert desk.books() == {"1050": "200.00", "2310 ann": "100.00", "2320 ann": "100.00"}
