"""The operator's side of the reserve: buffer, unmatched money, fees, interest, audit (P-05, P-07, P-08)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from invoicepay.domain.deposits import DepositStatus, UnmatchedFunds, UnmatchedStatus
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Programme
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    ComplianceBlocked,
    ComplianceReview,
    DuplicateProviderReference,
    InsufficientFunds,
    InvalidTransition,
    NotAllowed,
    NotFound,
    ReserveDeficit,
    SecondActorRequired,
    UnknownAsset,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases import deposits, parties, requests, reserves, returns
from invoicepay.use_cases.reserve_audit import audit_reserve
from invoicepay.use_cases.reserves import (
    MatchUnmatched,
    MoveOperatorCash,
    ReceiveUnmatched,
    ReturnUnmatched,
    TopUp,
)
from tests.support.money_desk import MoneyDesk, S, Says, usd

STRAY = ReceiveUnmatched(amount=usd("75.00"), provider="bank", provider_ref="wire-9", reason="no reference")


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def cash(amount: str) -> MoveOperatorCash:
    return MoveOperatorCash(amount=usd(amount), reference="bank-77")


# The buffer


def test_p05_a_top_up_raises_the_buffer_and_tells_the_cover(desk: MoneyDesk) -> None:
    cover = desk.run(reserves.top_up(desk.deps, TopUp(amount=usd("80.00"), approved_by="cfo")))

    assert (cover.headroom, cover.cash, desk.rules()) == (usd("80.00"), usd("80.00"), ["P-05"])
    assert desk.books() == {"1050": "80.00", "3000": "80.00"}


def test_a_top_up_needs_two_operators(desk: MoneyDesk) -> None:
    for approved_by in ("", "ops"):
        with pytest.raises(SecondActorRequired):
            desk.run(reserves.top_up(desk.deps, TopUp(amount=usd("1.00"), approved_by=approved_by)))
    with pytest.raises(NotAllowed):
        desk.run(reserves.top_up(desk.acting_as("ann"), TopUp(amount=usd("1.00"), approved_by="cfo")))


@pytest.mark.parametrize(
    ("amount", "refusal"),
    [
        (usd("0"), AmountNotPositive),
        (usd("0.001"), AmountPrecision),
        (Money("1.00", "EUR.nowhere"), UnknownAsset),
    ],
)
def test_an_amount_that_no_bank_can_move_is_refused(
    desk: MoneyDesk, amount: Money, refusal: type[Exception]
) -> None:
    command = replace(TopUp(amount=usd("1.00"), approved_by="cfo"), amount=amount)

    with pytest.raises(refusal):
        desk.run(reserves.top_up(desk.deps, command))


def test_the_same_key_tops_up_once(desk: MoneyDesk) -> None:
    command = TopUp(amount=usd("80.00"), approved_by="cfo")

    first = desk.run(reserves.top_up(desk.deps, command, "k1"))
    again = desk.run(reserves.top_up(desk.deps, command, "k1"))

    assert (again, desk.books()["3000"]) == (first, "80.00")


# Fees and interest


def test_p08_earned_fees_are_swept_but_no_more_than_earned() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=2_000_000))
    desk.bring("ann", "100.00")
    with pytest.raises(InsufficientFunds):
        desk.run(reserves.sweep_fees(desk.deps, cash("2.01")))

    desk.run(reserves.sweep_fees(desk.deps, cash("2.00")))

    assert desk.books() == {"1000": "98.00", "2000 ann": "98.00"}
    assert desk.broken() == []


def test_p08_interest_is_kept_apart_until_it_is_taken(desk: MoneyDesk) -> None:
    desk.bring("ann", "100.00")

    desk.run(reserves.record_interest(desk.deps, cash("0.42")))
    assert desk.books() == {"1000": "100.00", "1050": "0.42", "2000 ann": "100.00", "2420": "0.42"}
    assert desk.broken() == []
    desk.run(reserves.take_interest(desk.deps, cash("0.42")))

    assert desk.rules()[-2:] == ["P-08", "P-08"]
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}
    with pytest.raises(InsufficientFunds):
        desk.run(reserves.take_interest(desk.deps, cash("0.01")))


def test_no_cash_is_taken_that_the_reserve_is_short_of() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=2_000_000))
    deposit = desk.bring("bob", "100.00")
    desk.withdraw("bob", "50.00", until=S.FINAL)
    desk.tell(deposit.id, S.RETURNED, code="R10")

    with pytest.raises(ReserveDeficit):
        desk.run(reserves.sweep_fees(desk.deps, cash("1.00")))


def test_a_party_moves_no_operators_cash(desk: MoneyDesk) -> None:
    for act in (reserves.sweep_fees, reserves.record_interest, reserves.take_interest):
        with pytest.raises(NotAllowed):
            desk.run(act(desk.acting_as("ann"), cash("1.00")))


# Unmatched money


def test_p07_money_of_an_unknown_owner_is_kept_in_suspense(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))

    assert (funds.status, funds.reason) == (UnmatchedStatus.OPEN, "no reference")
    assert (desk.books(), desk.rules()) == ({"1050": "75.00", "2900": "75.00"}, ["P-07"])


def test_p07_matched_money_becomes_its_owners_tokens(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))

    match = MatchUnmatched(unmatched_id=funds.id, party_id="ann")
    deposit = desk.run(reserves.match_unmatched(desk.deps, match))
    assert (deposit.status, desk.books()) == (
        DepositStatus.CONFIRMED,
        {"1050": "75.00", "2110 ann": "75.00"},
    )
    assert desk.broken() == []
    desk.tell(desk.mint_of(deposit.id), S.FINAL)

    assert desk.books() == {"1000": "75.00", "2000 ann": "75.00"}
    assert desk.row(UnmatchedFunds, funds.id).deposit_id == deposit.id
    assert desk.deposit(deposit.id).status is DepositStatus.COMPLETED


def test_p07_money_whose_owner_is_not_found_goes_back(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))

    command = ReturnUnmatched(unmatched_id=funds.id, reason="the sender asked for it")
    returned = desk.run(reserves.return_unmatched(desk.deps, command))

    assert (returned.status, returned.reason) == (UnmatchedStatus.RETURNED, "the sender asked for it")
    assert (desk.books(), desk.rules()) == ({}, ["P-07", "P-07"])
    assert desk.events()[-1] == "unmatched_funds.returned"
    match = MatchUnmatched(unmatched_id=funds.id, party_id="ann")
    for late in (reserves.match_unmatched(desk.deps, match), reserves.return_unmatched(desk.deps, command)):
        with pytest.raises(InvalidTransition):
            desk.run(late)


def test_matched_money_does_not_go_back(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))
    match = MatchUnmatched(unmatched_id=funds.id, party_id="ann")
    desk.run(reserves.match_unmatched(desk.deps, match))

    with pytest.raises(InvalidTransition):
        desk.run(reserves.return_unmatched(desk.deps, ReturnUnmatched(unmatched_id=funds.id)))


def test_only_operators_send_unmatched_money_back(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))

    with pytest.raises(NotAllowed):
        desk.run(reserves.return_unmatched(desk.acting_as("ann"), ReturnUnmatched(unmatched_id=funds.id)))
    with pytest.raises(NotFound):
        desk.run(reserves.return_unmatched(desk.deps, ReturnUnmatched(unmatched_id="unm_nothing")))


def test_unmatched_money_that_the_reserve_is_short_of_does_not_go_back() -> None:
    desk = MoneyDesk()
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))
    deposit = desk.bring("bob", "100.00")
    send = requests.SendTransfer(payer_id="bob", payee_id="acme", amount=usd("100.00"))
    desk.run(requests.send_transfer(desk.deps, send))
    desk.run(returns.record_return(desk.deps, returns.RecordReturn(deposit_id=deposit.id)))

    with pytest.raises(ReserveDeficit):
        desk.run(reserves.return_unmatched(desk.deps, ReturnUnmatched(unmatched_id=funds.id)))


def test_money_is_matched_once(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))
    match = MatchUnmatched(unmatched_id=funds.id, party_id="ann")
    desk.run(reserves.match_unmatched(desk.deps, match))

    with pytest.raises(InvalidTransition):
        desk.run(reserves.match_unmatched(desk.deps, replace(match, party_id="bob")))


def test_money_is_in_the_books_once_with_or_without_an_owner(desk: MoneyDesk) -> None:
    desk.run(reserves.unmatched_received(desk.deps, STRAY))
    wire = deposits.RecordDeposit(
        party_id="ann", amount=usd("75.00"), rail="wire", provider="bank", provider_ref="wire-9"
    )

    with pytest.raises(DuplicateProviderReference):
        desk.run(reserves.unmatched_received(desk.deps, STRAY))
    with pytest.raises(DuplicateProviderReference):
        desk.run(deposits.record_deposit(desk.deps, wire))


@pytest.mark.parametrize(
    ("verdict", "refusal"), [(Verdict.BLOCK, ComplianceBlocked), (Verdict.REVIEW, ComplianceReview)]
)
def test_what_screening_does_not_allow_stays_unmatched(
    desk: MoneyDesk, verdict: Verdict, refusal: type[Exception]
) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))
    desk.deps = replace(desk.deps, screening=Says(verdict))

    with pytest.raises(refusal):
        desk.run(reserves.match_unmatched(desk.deps, MatchUnmatched(unmatched_id=funds.id, party_id="ann")))

    assert desk.row(UnmatchedFunds, funds.id).status is UnmatchedStatus.OPEN


def test_unknown_money_and_unknown_owners_are_not_found(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))

    for match in (
        MatchUnmatched(unmatched_id="unm_0", party_id="ann"),
        MatchUnmatched(unmatched_id=funds.id, party_id="nobody"),
    ):
        with pytest.raises(NotFound):
            desk.run(reserves.match_unmatched(desk.deps, match))


def test_matched_money_of_a_frozen_owner_waits_and_can_be_released(desk: MoneyDesk) -> None:
    funds = desk.run(reserves.unmatched_received(desk.deps, STRAY))
    freeze = parties.FreezeWallet(party_id="ann", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, freeze))

    deposit = desk.run(
        reserves.match_unmatched(desk.deps, MatchUnmatched(unmatched_id=funds.id, party_id="ann"))
    )
    assert deposit.reason == "wallet_frozen"
    desk.run(returns.release_reserve(desk.deps, returns.ReleaseReserve(reserve_id=deposit.reserve_id)))

    assert desk.books() == {}


# The audit


def test_the_audit_tells_figures_and_that_all_is_backed(desk: MoneyDesk) -> None:
    desk.bring("ann", "200.00")

    report = desk.run(audit_reserve(desk.deps, "USD"))

    assert (report.backing, report.tokens, report.operational) == (
        usd("200.00"),
        usd("200.00"),
        usd("0"),
    )
    assert report.backed
    assert not report.has_deficit
    assert report.explain().splitlines()[0] == ("tokens 200.00 USD = backing 200.00 USD, no violations")


def test_the_audit_names_a_deficit() -> None:
    desk = MoneyDesk()
    deposit = desk.bring("bob", "100.00")
    desk.withdraw("bob", "80.00", until=S.FINAL)
    desk.tell(deposit.id, S.RETURNED, code="R10")

    report = desk.run(audit_reserve(desk.deps, "USD"))

    assert (report.backed, report.has_deficit, report.receivable, report.equity) == (
        False,
        True,
        usd("80.00"),
        usd("0"),
    )
    assert [violation.rule for violation in report.violations] == ["INV-04"]
    assert "INV-04" in report.explain()
