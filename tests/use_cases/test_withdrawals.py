"""Withdrawals: held, burned, paid out, and both ways back (P-30 to P-36, P-12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from invoicepay.domain.accounts import Code
from invoicepay.domain.effects import Effect
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Limits, Programme
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintPurpose, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    ComplianceBlocked,
    InsufficientFunds,
    InvalidInput,
    InvalidTransition,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    ReserveNotConfirmed,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases import parties, reserves, tokens, withdrawals
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from invoicepay.use_cases.recover import send_due
from invoicepay.use_cases.withdrawals import (
    CancelWithdrawal,
    InitiateWithdrawal,
    RejectWithdrawal,
    ReleaseWithdrawal,
    Remint,
    RetryPayout,
)
from tests.support.money_desk import MoneyDesk, S, Says, usd

W = WithdrawalStatus

TWENTY = InitiateWithdrawal(party_id="acme", amount=usd("20.00"), rail="wire", account_token="ba_1")


def funded(programme: Programme | None = None) -> MoneyDesk:
    """A desk where Acme has 300."""
    desk = MoneyDesk(programme)
    desk.bring("acme", "300.00")
    return desk


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk where Acme has 300, and whose invariants hold at the end."""
    desk = funded()
    yield desk
    assert desk.broken() == []


def with_fee() -> MoneyDesk:
    """E9's programme: 1.00 of each withdrawal stays."""
    return funded(Programme(withdrawal_fee_micros=1_000_000))


def initiate(desk: MoneyDesk, command: InitiateWithdrawal = TWENTY) -> Withdrawal:
    return desk.run(withdrawals.initiate_withdrawal(desk.deps, command))


def retry(desk: MoneyDesk, withdrawal: Withdrawal, account: str = "ba_2") -> Withdrawal:
    command = RetryPayout(withdrawal_id=withdrawal.id, account_token=account)
    return desk.run(withdrawals.retry_payout(desk.deps, command))


def remint(desk: MoneyDesk, withdrawal: Withdrawal) -> Withdrawal:
    return desk.run(withdrawals.remint(desk.deps, Remint(withdrawal_id=withdrawal.id)))


# Initiating


def test_p30_the_tokens_are_held_and_their_burn_is_planned_in_one_commit(desk: MoneyDesk) -> None:
    withdrawal = initiate(desk)

    assert (withdrawal.status, desk.rules()[-1]) == (W.HELD, "P-30")
    assert desk.books() == {"1000": "300.00", "2000 acme": "280.00", "2010 acme": "20.00"}
    assert desk.effect(withdrawal.burn_id).status is S.PLANNED
    assert desk.row(Hold, withdrawal.hold_id).cause_id == withdrawal.id


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (replace(TWENTY, amount=usd("0")), AmountNotPositive),
        (replace(TWENTY, amount=usd("1.000001")), AmountPrecision),
        (replace(TWENTY, amount=usd("1.00")), AmountNotPositive),
        (replace(TWENTY, rail="pigeon"), InvalidInput),
        (replace(TWENTY, party_id="nobody"), NotFound),
        (replace(TWENTY, amount=usd("300.01")), InsufficientFunds),
    ],
)
def test_a_withdrawal_that_makes_no_sense_is_refused(
    command: InitiateWithdrawal, refusal: type[Exception]
) -> None:
    desk = with_fee()

    with pytest.raises(refusal):
        initiate(desk, command)

    assert desk.rows(Withdrawal) == ()


def test_dust_below_the_documents_decimals_stays_in_the_wallet(desk: MoneyDesk) -> None:
    with pytest.raises(AmountPrecision):
        initiate(desk, replace(TWENTY, amount=Money.from_micros(20_000_001, "USD")))


def test_nobody_withdraws_for_somebody_else(desk: MoneyDesk) -> None:
    with pytest.raises(NotThePayer):
        desk.run(withdrawals.initiate_withdrawal(desk.acting_as("ann"), TWENTY))


def test_a_frozen_wallet_withdraws_nothing(desk: MoneyDesk) -> None:
    freeze = parties.FreezeWallet(party_id="acme", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, freeze))

    with pytest.raises(WalletFrozen):
        initiate(desk)


def test_limits_count_withdrawals() -> None:
    desk = funded(Programme(limits=Limits(by_tier={0: 30_000_000})))
    initiate(desk)

    with pytest.raises(LimitExceeded):
        initiate(desk)


def test_what_screening_blocks_is_not_held(desk: MoneyDesk) -> None:
    desk.deps = replace(desk.deps, screening=Says(Verdict.BLOCK))

    with pytest.raises(ComplianceBlocked):
        initiate(desk)

    assert desk.available("acme") == usd("300.00")


# Reviews


def in_review(desk: MoneyDesk) -> Withdrawal:
    allowed = desk.deps
    desk.deps = replace(desk.deps, screening=Says(Verdict.REVIEW))
    withdrawal = initiate(desk)
    desk.deps = allowed
    return withdrawal


def test_a_review_holds_the_tokens_and_burns_nothing(desk: MoneyDesk) -> None:
    withdrawal = in_review(desk)

    assert (withdrawal.status, withdrawal.reason) == (W.IN_REVIEW, "looks odd")
    assert (desk.total(Code.HELD, "acme"), desk.rows(Burn)) == (usd("20.00"), ())


def test_a_released_review_is_burned(desk: MoneyDesk) -> None:
    withdrawal = in_review(desk)
    release = ReleaseWithdrawal(withdrawal_id=withdrawal.id)
    with pytest.raises(NotAllowed):
        desk.run(withdrawals.release_withdrawal(desk.acting_as("acme"), release))

    released = desk.run(withdrawals.release_withdrawal(desk.deps, release))

    assert released.status is W.HELD
    assert desk.effect(released.burn_id).status is S.PLANNED


def test_p12_a_rejected_review_gives_the_tokens_back(desk: MoneyDesk) -> None:
    withdrawal = in_review(desk)

    rejected = desk.run(
        withdrawals.reject_withdrawal(
            desk.deps, RejectWithdrawal(withdrawal_id=withdrawal.id, reason="sanctions")
        )
    )

    assert (rejected.status, desk.rules()[-1]) == (W.REJECTED, "P-12")
    assert desk.available("acme") == usd("300.00")


# Cancelling


def test_p12_the_owner_cancels_before_the_burn_was_sent(desk: MoneyDesk) -> None:
    withdrawal = initiate(desk)

    cancelled = desk.run(
        withdrawals.cancel_withdrawal(desk.acting_as("acme"), CancelWithdrawal(withdrawal_id=withdrawal.id))
    )

    assert (cancelled.status, desk.rules()[-1]) == (W.CANCELLED, "P-12")
    assert desk.effect(withdrawal.burn_id).status is S.CANCELLED
    assert desk.row(Burn, withdrawal.burn_id).status is BurnStatus.FAILED
    assert desk.row(Hold, withdrawal.hold_id).status is HoldStatus.RELEASED
    assert desk.available("acme") == usd("300.00")


@pytest.mark.parametrize("news", [S.UNKNOWN, S.ACCEPTED, S.FINAL])
def test_what_may_be_burned_is_not_cancelled(desk: MoneyDesk, news: S) -> None:
    withdrawal = initiate(desk)
    desk.tell(withdrawal.burn_id, news)

    with pytest.raises(InvalidTransition):
        desk.run(
            withdrawals.cancel_withdrawal(
                desk.acting_as("acme"), CancelWithdrawal(withdrawal_id=withdrawal.id)
            )
        )


def test_nobody_cancels_for_somebody_else(desk: MoneyDesk) -> None:
    withdrawal = initiate(desk)

    with pytest.raises(NotThePayer):
        desk.run(
            withdrawals.cancel_withdrawal(
                desk.acting_as("ann"), CancelWithdrawal(withdrawal_id=withdrawal.id)
            )
        )


# The burn


@pytest.mark.parametrize("news", [S.UNKNOWN, S.ACCEPTED])
def test_a_burn_under_way_keeps_the_hold(desk: MoneyDesk, news: S) -> None:
    withdrawal = initiate(desk)

    desk.tell(withdrawal.burn_id, news)

    assert desk.withdrawal(withdrawal.id).status is W.BURNING
    assert desk.total(Code.HELD, "acme") == usd("20.00")


@pytest.mark.parametrize("news", [[S.FINAL], [S.UNKNOWN, S.ACCEPTED, S.FINAL], [S.FINAL, S.ACCEPTED]])
def test_p31_final_tokens_are_gone_and_the_payout_is_planned_in_the_same_commit(news: list[S]) -> None:
    desk = with_fee()
    withdrawal = initiate(desk)

    for status in news:
        desk.tell(withdrawal.burn_id, status)

    burned = desk.withdrawal(withdrawal.id)
    assert (burned.status, desk.rules()[-1]) == (W.BURNED, "P-31")
    assert desk.books() == {
        "1000": "280.00",
        "1050": "20.00",
        "2000 acme": "280.00",
        "2300 acme": "19.00",
        "2410": "1.00",
    }
    payout = desk.effect(withdrawal.id)
    assert (payout.status, payout.amount, payout.request["account_token"]) == (
        S.PLANNED,
        usd("19.00"),
        "ba_1",
    )
    assert desk.row(Hold, withdrawal.hold_id).status is HoldStatus.CAPTURED
    assert desk.broken() == []


@pytest.mark.parametrize("news", [[S.REJECTED], [S.ACCEPTED, S.FAILED], [S.UNKNOWN, S.FAILED]])
def test_p12_a_burn_that_failed_for_certain_gives_the_tokens_back(desk: MoneyDesk, news: list[S]) -> None:
    withdrawal = initiate(desk)

    for status in news:
        desk.tell(withdrawal.burn_id, status)

    assert (desk.withdrawal(withdrawal.id).status, desk.rules()[-1]) == (W.FAILED, "P-12")
    assert desk.available("acme") == usd("300.00")


def test_p12_tokens_of_a_wallet_frozen_meanwhile_come_back_into_2030(desk: MoneyDesk) -> None:
    withdrawal = initiate(desk)
    freeze = parties.FreezeWallet(party_id="acme", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, freeze))

    desk.tell(withdrawal.burn_id, S.FAILED)

    assert desk.total(Code.FROZEN, "acme") == usd("300.00")


# The payout


def test_p32_an_accepted_payout_is_on_its_way(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.ACCEPTED)

    assert (withdrawal.status, desk.rules()[-1]) == (W.PAYOUT_SUBMITTED, "P-32")
    assert desk.total(Code.REDEMPTION_IN_TRANSIT, "acme") == usd("20.00")


@pytest.mark.parametrize("news", [[S.SETTLED], [S.ACCEPTED, S.SETTLED], [S.FINAL, S.SETTLED, S.ACCEPTED]])
def test_p33_a_settled_payout_is_paid_once(desk: MoneyDesk, news: list[S]) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.UNKNOWN)

    for status in news:
        desk.tell(withdrawal.id, status)

    paid = desk.withdrawal(withdrawal.id)
    assert (paid.status, paid.paid_at) == (W.PAID, datetime(2026, 1, 5, 9, tzinfo=UTC))
    assert desk.books() == {"1000": "280.00", "2000 acme": "280.00"}
    assert desk.rules()[-2:] == ["P-32", "P-33"]


def test_an_unknown_payout_books_nothing_and_is_never_compensated(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.UNKNOWN)

    assert withdrawal.status is W.BURNED
    for act in (remint, retry):
        with pytest.raises(InvalidTransition):
            act(desk, withdrawal)


def test_p34_a_payout_that_was_never_accepted_comes_back_from_2300(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.REJECTED)

    assert (withdrawal.status, desk.rules()[-1]) == (W.RETURNED, "P-34")
    assert desk.total(Code.REDEMPTION_RETURNED, "acme") == usd("20.00")


def test_p34_a_payout_that_failed_before_leaving_comes_back_from_2310(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.ACCEPTED)

    desk.tell(withdrawal.id, S.FAILED)

    assert (desk.withdrawal(withdrawal.id).status, desk.rules()[-2:]) == (W.RETURNED, ["P-32", "P-34"])
    assert desk.total(Code.REDEMPTION_RETURNED, "acme") == usd("20.00")


@pytest.mark.parametrize("news", [[], [S.ACCEPTED], [S.SETTLED], [S.FINAL]])
def test_p35_a_returned_payout_is_booked_after_what_was_skipped(desk: MoneyDesk, news: list[S]) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.UNKNOWN)
    for status in news:
        desk.tell(withdrawal.id, status)

    desk.tell(withdrawal.id, S.RETURNED, code="R03")

    returned = desk.withdrawal(withdrawal.id)
    assert (returned.status, returned.return_code) == (W.RETURNED, "R03")
    assert desk.rules()[-3:] == ["P-32", "P-33", "P-35"]
    assert desk.books() == {
        "1000": "280.00",
        "1050": "20.00",
        "2000 acme": "280.00",
        "2320 acme": "20.00",
    }


def test_e9_only_the_fee_is_gone_after_the_remint() -> None:
    desk = with_fee()
    withdrawal = desk.withdraw("acme", "200.00")
    assert desk.books() == {"1000": "300.00", "2000 acme": "100.00", "2010 acme": "200.00"}

    desk.tell(withdrawal.burn_id, S.FINAL)
    assert desk.books() == {
        "1000": "100.00",
        "1050": "200.00",
        "2000 acme": "100.00",
        "2300 acme": "199.00",
        "2410": "1.00",
    }
    desk.tell(withdrawal.id, S.SETTLED)
    assert desk.books() == {"1000": "100.00", "1050": "1.00", "2000 acme": "100.00", "2410": "1.00"}

    desk.tell(withdrawal.id, S.RETURNED, code="R03")
    assert desk.books() == {
        "1000": "100.00",
        "1050": "200.00",
        "2000 acme": "100.00",
        "2320 acme": "199.00",
        "2410": "1.00",
    }
    reminting = remint(desk, withdrawal)
    assert reminting.status is W.RETURNED
    desk.tell(reminting.mint_id, S.FINAL)

    assert desk.withdrawal(withdrawal.id).status is W.REMINTED
    assert desk.books() == {"1000": "299.00", "1050": "1.00", "2000 acme": "299.00", "2410": "1.00"}
    desk.run(reserves.sweep_fees(desk.deps, reserves.MoveOperatorCash(amount=usd("1.00"))))
    assert desk.books() == {"1000": "299.00", "2000 acme": "299.00"}
    assert desk.broken() == []
    assert desk.rules()[3:] == ["P-30", "P-31", "P-32", "P-33", "P-35", "P-36", "P-08"]


# Back as tokens


def returned(desk: MoneyDesk) -> Withdrawal:
    withdrawal = desk.withdraw("acme", "20.00", until=S.SETTLED)
    desk.tell(withdrawal.id, S.RETURNED, code="R03")
    return desk.withdrawal(withdrawal.id)


def test_p36_a_remint_is_booked_when_it_is_final(desk: MoneyDesk) -> None:
    withdrawal = remint(desk, returned(desk))
    mint = desk.row(Mint, withdrawal.mint_id)
    assert (mint.purpose, mint.withdrawal_id, mint.amount) == (
        MintPurpose.REMINT,
        withdrawal.id,
        usd("20.00"),
    )
    assert desk.rules()[-1] == "P-35"

    desk.tell(mint.id, S.FINAL)

    assert (desk.withdrawal(withdrawal.id).status, desk.rules()[-1]) == (W.REMINTED, "P-36")
    assert desk.books() == {"1000": "300.00", "2000 acme": "300.00"}


def test_while_a_remint_is_under_way_there_is_no_second_way(desk: MoneyDesk) -> None:
    withdrawal = remint(desk, returned(desk))
    desk.tell(withdrawal.mint_id, S.UNKNOWN)

    for act in (remint, retry):
        with pytest.raises(InvalidTransition):
            act(desk, withdrawal)


def test_a_failed_remint_is_retried_or_paid_out_instead(desk: MoneyDesk) -> None:
    withdrawal = remint(desk, returned(desk))
    desk.tell(withdrawal.mint_id, S.FAILED)
    assert desk.withdrawal(withdrawal.id).status is W.RETURNED
    again = desk.run(tokens.retry_mint(desk.deps, tokens.RetryMint(mint_id=withdrawal.mint_id)))
    assert again.status is MintStatus.SUBMITTED
    desk.tell(withdrawal.mint_id, S.FAILED)

    paid_again = retry(desk, withdrawal)

    assert (paid_again.status, paid_again.mint_id) == (W.PAYOUT_SUBMITTED, "")
    with pytest.raises(ReserveNotConfirmed):
        desk.run(tokens.retry_mint(desk.deps, tokens.RetryMint(mint_id=withdrawal.mint_id)))


def test_a_frozen_wallet_gets_no_remint(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)
    freeze = parties.FreezeWallet(party_id="acme", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, freeze))

    for act in (remint, retry):
        with pytest.raises(WalletFrozen):
            act(desk, withdrawal)


def test_a_return_told_after_the_remint_is_left_to_a_person(desk: MoneyDesk) -> None:
    withdrawal = remint(desk, returned(desk))
    desk.tell(withdrawal.mint_id, S.FINAL)

    desk.tell(withdrawal.id, S.RETURN_REVERSED, code="R68")

    assert desk.effect(withdrawal.id).status is S.NEEDS_REVIEW
    assert desk.books() == {"1000": "300.00", "2000 acme": "300.00"}


# Out again


def test_p32_another_account_gets_the_payout_under_a_new_intent(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)
    ended = desk.effect(withdrawal.id)

    again = retry(desk, withdrawal)

    assert (again.status, again.generation, again.return_code) == (W.PAYOUT_SUBMITTED, 2, "")
    assert desk.total(Code.REDEMPTION_IN_TRANSIT, "acme") == usd("20.00")
    payout = desk.effect(withdrawal.id)
    assert (payout.supersedes_id, payout.generation, payout.request["account_token"]) == (
        ended.id,
        2,
        "ba_2",
    )
    desk.tell(withdrawal.id, S.ACCEPTED)
    desk.tell(withdrawal.id, S.SETTLED)
    assert desk.withdrawal(withdrawal.id).status is W.PAID
    assert desk.books() == {"1000": "280.00", "2000 acme": "280.00"}


def test_p34_the_second_payout_may_fail_too(desk: MoneyDesk) -> None:
    withdrawal = retry(desk, returned(desk))

    desk.tell(withdrawal.id, S.REJECTED)
    third = retry(desk, desk.withdrawal(withdrawal.id), "ba_3")

    assert (third.generation, third.status) == (3, W.PAYOUT_SUBMITTED)


def test_news_of_the_first_payout_after_a_second_was_planned_are_left_to_a_person(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)
    first = desk.effect(withdrawal.id)
    retry(desk, withdrawal)

    desk.tell(withdrawal.id, S.RETURN_REVERSED, effect=first, code="R68")

    assert [effect.status for effect in intents(desk, withdrawal.id)] == [S.NEEDS_REVIEW, S.PLANNED]
    assert desk.withdrawal(withdrawal.id).status is W.PAYOUT_SUBMITTED


def intents(desk: MoneyDesk, cause_id: str) -> list[Effect]:
    return [effect for effect in desk.rows(Effect) if effect.cause_id == cause_id]


def test_p33_a_return_that_the_bank_undoes_is_paid_after_all(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)

    desk.tell(withdrawal.id, S.RETURN_REVERSED, code="R68")

    assert desk.withdrawal(withdrawal.id).status is W.PAID
    assert desk.books() == {"1000": "280.00", "2000 acme": "280.00"}


def test_nobody_else_decides_what_becomes_of_a_returned_payout(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)

    with pytest.raises(NotThePayer):
        desk.run(withdrawals.remint(desk.acting_as("ann"), Remint(withdrawal_id=withdrawal.id)))
    with pytest.raises(NotThePayer):
        desk.run(
            withdrawals.retry_payout(
                desk.acting_as("ann"), RetryPayout(withdrawal_id=withdrawal.id, account_token="ba_2")
            )
        )


# Doubts


def find_out(desk: MoneyDesk, intent: Effect, status: S) -> None:
    finding = ResolveReview(effect_id=intent.id, status=status, reason="asked", approved_by="cfo")
    desk.run(resolve_review(desk.deps, finding))


def test_a_payout_in_doubt_is_neither_reminted_nor_paid_again(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.REJECTED)
    desk.tell(withdrawal.id, S.SETTLED)
    assert desk.effect(withdrawal.id).status is S.NEEDS_REVIEW

    for act in (remint, retry):
        with pytest.raises(InvalidTransition):
            act(desk, withdrawal)


def test_p33_a_payout_that_a_person_finds_paid_is_booked_so(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.REJECTED)
    desk.tell(withdrawal.id, S.SETTLED)

    find_out(desk, desk.effect(withdrawal.id), S.SETTLED)

    assert desk.withdrawal(withdrawal.id).status is W.PAID
    assert desk.rules()[-3:] == ["P-34", "P-32", "P-33"]


def test_a_payout_that_a_person_finds_refused_may_be_reminted(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.REJECTED)
    desk.tell(withdrawal.id, S.SETTLED)

    find_out(desk, desk.effect(withdrawal.id), S.FAILED)

    assert desk.rules()[-1] == "P-34"
    desk.tell(remint(desk, withdrawal).mint_id, S.FINAL)
    assert desk.books() == {"1000": "300.00", "2000 acme": "300.00"}


def test_a_paid_payout_cannot_be_found_refused_only_returned(desk: MoneyDesk) -> None:
    withdrawal = desk.withdraw("acme", "20.00", until=S.SETTLED)
    desk.tell(withdrawal.id, S.FAILED)
    intent = desk.effect(withdrawal.id)
    assert intent.status is S.NEEDS_REVIEW

    with pytest.raises(InvalidTransition):
        find_out(desk, intent, S.FAILED)
    find_out(desk, intent, S.RETURNED)

    assert (desk.withdrawal(withdrawal.id).status, desk.rules()[-1]) == (W.RETURNED, "P-35")


def test_a_second_payout_is_not_sent_while_the_first_is_in_doubt(desk: MoneyDesk) -> None:
    withdrawal = returned(desk)
    first = desk.effect(withdrawal.id)
    retry(desk, withdrawal)
    second = desk.effect(withdrawal.id)
    desk.tell(withdrawal.id, S.RETURN_REVERSED, effect=first, code="R68")

    desk.run(send_due(desk.deps, 10))
    assert desk.row(Effect, second.id).last_sent_at is None
    find_out(desk, first, S.RETURNED)
    desk.clock.advance(hours=2)
    desk.run(send_due(desk.deps, 10))

    assert desk.row(Effect, second.id).status is S.ACCEPTED
    assert desk.rules()[-1] == "P-32"


def test_a_burn_that_a_person_finds_failed_again_changes_nothing(desk: MoneyDesk) -> None:
    withdrawal = initiate(desk)
    desk.tell(withdrawal.burn_id, S.FAILED)
    desk.tell(withdrawal.burn_id, S.FINAL)

    find_out(desk, desk.effect(withdrawal.burn_id), S.FAILED)

    assert (desk.withdrawal(withdrawal.id).status, desk.rules()[-1]) == (W.FAILED, "P-12")
