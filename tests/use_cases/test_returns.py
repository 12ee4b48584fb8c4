"""Deposits that go back: before tokens (P-04), after (P-05), while they are made; recoveries (P-06)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.accounts import Code
from invoicepay.domain.deposits import Deposit, DepositStatus, Reserve, ReserveStatus, UnmatchedFunds
from invoicepay.domain.effects import EffectKind
from invoicepay.domain.parties import Wallet, WalletStatus
from invoicepay.domain.policies import Programme
from invoicepay.domain.tokens import Burn, BurnPurpose, BurnStatus, Mint, MintStatus
from invoicepay.errors import (
    InsufficientFunds,
    InvalidInput,
    InvalidTransition,
    NotAllowed,
    ReserveDeficit,
    ReserveNotConfirmed,
    SecondActorRequired,
)
from invoicepay.use_cases import holds, parties, requests, reserves, returns, tokens, withdrawals
from invoicepay.use_cases.returns import RecordReturn, RecoverReceivable, ReleaseReserve, WriteOff
from tests.support.money_desk import MoneyDesk, S, usd

D = DepositStatus


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def pay(desk: MoneyDesk, payer: str, payee: str, amount: str) -> None:
    """Move tokens, finally."""
    command = requests.SendTransfer(payer_id=payer, payee_id=payee, amount=usd(amount))
    desk.run(requests.send_transfer(desk.deps, command))


def top_up(desk: MoneyDesk, amount: str) -> None:
    desk.run(reserves.top_up(desk.deps, reserves.TopUp(amount=usd(amount), approved_by="cfo")))


def spent(desk: MoneyDesk) -> Deposit:
    """E8: Bob brings 100 and pays 80 of it to Acme."""
    deposit = desk.bring("bob", "100.00")
    pay(desk, "bob", "acme", "80.00")
    return deposit


# Before tokens exist


def test_p04_money_that_is_not_trusted_yet_goes_back_out_of_1100(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    desk.tell(deposit.id, S.SETTLED)

    desk.tell(deposit.id, S.RETURNED, code="R01")

    returned = desk.deposit(deposit.id)
    assert (returned.status, returned.return_code, desk.books()) == (D.RETURNED, "R01", {})
    assert desk.rules() == ["P-01", "P-04", "P-04"]
    assert desk.rows(Reserve)[0].status is ReserveStatus.RETURNED


def test_p04_a_planned_mint_is_taken_back_with_its_intent(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    mint_id = desk.mint_of(deposit.id)

    desk.tell(deposit.id, S.RETURNED, code="R01")

    assert desk.row(Mint, mint_id).status is MintStatus.CANCELLED
    assert desk.effect(mint_id).status is S.CANCELLED
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})


def test_returned_is_booked_after_what_was_skipped_before_it(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")

    desk.tell(deposit.id, S.RETURNED, code="R03")

    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    assert desk.rules() == ["P-01", "P-04", "P-04"]


def test_p04_fee_and_processors_part_are_given_back_too() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=1_000_000))
    top_up(desk, "2.50")
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL, fee="2.50")

    desk.tell(deposit.id, S.RETURNED, code="R01")

    assert desk.books() == {"3000": "2.50", "5000": "2.50"}
    assert desk.broken() == []


def test_p04_a_fee_that_was_swept_is_the_operators_loss() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=1_000_000))
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    desk.run(reserves.sweep_fees(desk.deps, reserves.MoveOperatorCash(amount=usd("1.00"))))

    desk.tell(deposit.id, S.RETURNED, code="R01")

    assert desk.books() == {"1050": "-1.00", "5000": "1.00"}
    assert desk.broken() == ["INV-04"]
    assert "reserve.deficit" in desk.events()


def test_p04_a_part_that_goes_back_makes_the_deposit_smaller(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    desk.tell(deposit.id, S.SETTLED)

    part = RecordReturn(deposit_id=deposit.id, amount=usd("30.00"), return_code="R06")
    desk.run(returns.record_return(desk.deps, part))
    desk.tell(deposit.id, S.FINAL)
    desk.tell(desk.mint_of(deposit.id), S.FINAL)

    assert desk.books() == {"1000": "70.00", "2000 ann": "70.00"}
    assert desk.deposit(deposit.id).status is D.COMPLETED


def test_p04_the_operator_releases_an_unminted_reserve(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    release = ReleaseReserve(reserve_id=desk.deposit(deposit.id).reserve_id)
    with pytest.raises(NotAllowed):
        desk.run(returns.release_reserve(desk.acting_as("ann"), release))

    released = desk.run(returns.release_reserve(desk.deps, release))

    assert (released.status, desk.books()) == (D.RETURNED, {})
    with pytest.raises(InvalidTransition):
        desk.run(returns.release_reserve(desk.deps, release))


@pytest.mark.parametrize("news", [S.ACCEPTED, S.UNKNOWN, S.FINAL])
def test_a_reserve_with_tokens_on_their_way_is_not_released(desk: MoneyDesk, news: S) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    desk.tell(desk.mint_of(deposit.id), news)

    with pytest.raises(InvalidTransition):
        desk.run(
            returns.release_reserve(desk.deps, ReleaseReserve(reserve_id=desk.deposit(deposit.id).reserve_id))
        )


# After tokens exist


def test_e8_p05_with_a_buffer_the_backing_stays_whole_and_the_payee_keeps_its_money() -> None:
    desk = MoneyDesk()
    deposit = spent(desk)
    assert desk.books() == {"1000": "100.00", "2000 acme": "80.00", "2000 bob": "20.00"}
    top_up(desk, "80.00")
    assert desk.books() == {
        "1000": "100.00",
        "1050": "80.00",
        "2000 acme": "80.00",
        "2000 bob": "20.00",
        "3000": "80.00",
    }

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.books() == {"1000": "80.00", "1200 bob": "80.00", "2000 acme": "80.00", "3000": "80.00"}
    assert desk.deposit(deposit.id).recoverable == usd("80.00")
    assert desk.broken() == []
    assert "reserve.deficit" not in desk.events()


def test_e8_without_a_buffer_the_deficit_is_named_and_stops_withdrawals_until_80_are_paid_in() -> None:
    desk = MoneyDesk()
    deposit = spent(desk)

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.books() == {
        "1000": "80.00",
        "1050": "-80.00",
        "1200 bob": "80.00",
        "2000 acme": "80.00",
    }
    assert desk.broken() == ["INV-04"]
    assert "reserve.deficit" in desk.events()
    with pytest.raises(ReserveDeficit):
        desk.withdraw("acme", "10.00")
    pay(desk, "acme", "ann", "5.00")

    top_up(desk, "79.99")
    with pytest.raises(ReserveDeficit):
        desk.withdraw("acme", "10.00")
    top_up(desk, "0.01")

    desk.withdraw("acme", "10.00")
    assert desk.broken() == []


def test_e8_p06_a_later_deposit_recovers_50_and_the_rest_is_written_off() -> None:
    desk = MoneyDesk()
    deposit = spent(desk)
    top_up(desk, "80.00")
    desk.tell(deposit.id, S.RETURNED, code="R10")
    thaw = parties.UnfreezeWallet(party_id="bob", asset="USD", reason="talked to bob")
    desk.run(parties.unfreeze_wallet(desk.deps, thaw))
    desk.bring("bob", "50.00")

    recovered = desk.run(
        returns.recover_receivable(desk.deps, RecoverReceivable(deposit_id=deposit.id, amount=usd("50.00")))
    )
    assert recovered.recoverable == usd("30.00")
    assert desk.books() == {
        "1000": "80.00",
        "1050": "50.00",
        "1200 bob": "30.00",
        "2000 acme": "80.00",
        "3000": "80.00",
    }
    desk.run(returns.write_off(desk.deps, WriteOff(deposit_id=deposit.id, approved_by="cfo")))

    assert desk.books() == {
        "1000": "80.00",
        "1050": "50.00",
        "2000 acme": "80.00",
        "3000": "80.00",
        "5000": "30.00",
    }
    assert desk.broken() == []
    assert [burn.purpose for burn in desk.rows(Burn)] == [BurnPurpose.CLAWBACK, BurnPurpose.RECOVERY]


@pytest.mark.parametrize(
    ("paid", "burned", "owed"),
    [("0", "100.00", "0.00"), ("30.00", "70.00", "30.00"), ("100.00", "0.00", "100.00")],
)
def test_p05_what_is_left_is_burned_and_the_rest_is_owed(paid: str, burned: str, owed: str) -> None:
    desk = MoneyDesk()
    top_up(desk, "100.00")
    deposit = desk.bring("bob", "100.00")
    if paid != "0":
        pay(desk, "bob", "acme", paid)

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.deposit(deposit.id).recoverable == usd(owed)
    burns = desk.rows(Burn)
    assert [str(burn.amount.amount) for burn in burns] == ([burned] if burned != "0.00" else [])
    assert [burn.status for burn in burns] == [BurnStatus.COMPLETED] * len(burns)
    assert [desk.effect(burn.id, EffectKind.BURN).status for burn in burns] == [S.PLANNED] * len(burns)
    assert desk.broken() == []


def test_p05_only_free_tokens_are_taken_and_open_holds_are_honoured() -> None:
    desk = MoneyDesk()
    top_up(desk, "100.00")
    deposit = desk.bring("bob", "100.00")
    hold = desk.run(holds.place_hold(desk.deps, holds.PlaceHold(owner_id="bob", amount=usd("60.00"))))

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.total(Code.HELD, "bob") == usd("60.00")
    assert desk.deposit(deposit.id).recoverable == usd("60.00")
    desk.run(holds.release_hold(desk.deps, holds.ReleaseHold(hold_id=hold.id)))
    assert desk.total(Code.FROZEN, "bob") == usd("60.00")
    assert desk.broken() == []


def test_p06_frozen_tokens_are_recovered_as_well() -> None:
    desk = MoneyDesk()
    top_up(desk, "100.00")
    deposit = desk.bring("bob", "100.00")
    hold = desk.run(holds.place_hold(desk.deps, holds.PlaceHold(owner_id="bob", amount=usd("60.00"))))
    desk.tell(deposit.id, S.RETURNED, code="R10")
    desk.run(holds.release_hold(desk.deps, holds.ReleaseHold(hold_id=hold.id)))

    recovered = desk.run(returns.recover_receivable(desk.deps, RecoverReceivable(deposit_id=deposit.id)))

    assert not recovered.recoverable
    assert desk.books() == {"1050": "100.00", "3000": "100.00"}
    assert desk.broken() == []


def test_p09_the_wallet_is_frozen_with_whatever_else_is_in_it() -> None:
    desk = MoneyDesk()
    deposit = desk.bring("bob", "100.00")
    desk.bring("bob", "25.00")

    desk.tell(deposit.id, S.RETURNED, code="R10")

    (wallet,) = [wallet for wallet in desk.rows(Wallet) if wallet.party_id == "bob"]
    assert (wallet.status, deposit.id in wallet.reason) == (WalletStatus.FROZEN, True)
    assert desk.books() == {"1000": "25.00", "2030 bob": "25.00"}
    assert desk.broken() == []


def test_p05_from_a_wallet_that_was_frozen_before() -> None:
    desk = MoneyDesk()
    deposit = desk.bring("bob", "100.00")
    freeze = parties.FreezeWallet(party_id="bob", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, freeze))

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.books() == {}
    assert desk.broken() == []


def test_p05_the_depositor_owes_the_fee_too() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=1_000_000))
    top_up(desk, "1.00")
    deposit = desk.bring("bob", "100.00")

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.books() == {"1050": "1.00", "1200 bob": "1.00", "2410": "1.00", "3000": "1.00"}
    assert desk.broken() == []


def test_the_same_return_told_three_times_is_booked_once(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")

    for _ in range(3):
        desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.rules().count("P-05") == 3
    assert desk.books() == {}


def test_a_return_with_another_reason_is_left_to_a_person(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")
    desk.tell(deposit.id, S.RETURNED, code="R10")

    desk.tell(deposit.id, S.RETURNED, code="R29")

    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert desk.books() == {}


# While tokens are made


@pytest.mark.parametrize("news", [S.ACCEPTED, S.UNKNOWN])
def test_a_return_waits_for_a_mint_that_was_sent_and_is_booked_with_its_end(news: S) -> None:
    desk = MoneyDesk()
    deposit = desk.initiate("bob", "100.00")
    desk.tell(deposit.id, S.FINAL)
    mint_id = desk.mint_of(deposit.id)
    desk.tell(mint_id, news)

    desk.tell(deposit.id, S.RETURNED, code="R10")
    parked = desk.deposit(deposit.id)
    assert (parked.status, parked.returning, desk.rules()) == (D.CONFIRMED, usd("100.00"), ["P-01", "P-02"])
    with pytest.raises(InvalidTransition):
        desk.run(tokens.retry_mint(desk.deps, tokens.RetryMint(mint_id=mint_id)))
    desk.tell(mint_id, S.FINAL)

    assert desk.rules() == ["P-01", "P-02", "P-03", "P-05", "P-05", "P-05"]
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    assert desk.broken() == []


def test_a_return_that_waited_for_a_mint_that_failed_is_booked_before_tokens(desk: MoneyDesk) -> None:
    deposit = desk.initiate("bob", "100.00")
    desk.tell(deposit.id, S.FINAL)
    mint_id = desk.mint_of(deposit.id)
    desk.tell(mint_id, S.ACCEPTED)
    desk.tell(deposit.id, S.RETURNED, code="R10")

    desk.tell(mint_id, S.FAILED)

    assert desk.rules() == ["P-01", "P-02", "P-04", "P-04"]
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    with pytest.raises(ReserveNotConfirmed):
        desk.run(tokens.retry_mint(desk.deps, tokens.RetryMint(mint_id=mint_id)))


def test_a_retried_mint_that_was_not_sent_fails_with_the_return(desk: MoneyDesk) -> None:
    deposit = desk.initiate("bob", "100.00")
    desk.tell(deposit.id, S.FINAL)
    mint_id = desk.mint_of(deposit.id)
    desk.tell(mint_id, S.FAILED)
    desk.run(tokens.retry_mint(desk.deps, tokens.RetryMint(mint_id=mint_id)))

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.row(Mint, mint_id).status is MintStatus.FAILED
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})


def test_a_half_minted_reserve_goes_back_by_both_ways() -> None:
    desk = MoneyDesk()
    deposit = desk.initiate("bob", "100.00")
    freeze = parties.FreezeWallet(party_id="bob", asset="USD", reason="look")
    desk.run(parties.freeze_wallet(desk.deps, freeze))
    desk.tell(deposit.id, S.FINAL)
    desk.run(
        parties.unfreeze_wallet(desk.deps, parties.UnfreezeWallet(party_id="bob", asset="USD", reason="fine"))
    )
    part = tokens.MintTokens(reserve_id=desk.deposit(deposit.id).reserve_id, amount=usd("30.00"))
    desk.tell(desk.run(tokens.mint(desk.deps, part)).id, S.FINAL)

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.rules()[3:] == ["P-04", "P-04", "P-05", "P-05", "P-05"]
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    assert desk.broken() == []


# Undone returns, and returns that a person found


def test_p07_a_return_that_the_bank_undoes_is_kept_until_its_owner_is_clear() -> None:
    desk = MoneyDesk()
    deposit = desk.bring("bob", "100.00")
    desk.tell(deposit.id, S.RETURNED, code="R10")

    desk.tell(deposit.id, S.RETURN_REVERSED, code="R68")

    assert desk.books() == {"1050": "100.00", "2900": "100.00"}
    (funds,) = desk.rows(UnmatchedFunds)
    assert deposit.id in funds.reason
    assert desk.broken() == []


def test_a_waiting_return_that_the_bank_undoes_is_forgotten(desk: MoneyDesk) -> None:
    deposit = desk.initiate("bob", "100.00")
    desk.tell(deposit.id, S.FINAL)
    desk.tell(desk.mint_of(deposit.id), S.ACCEPTED)
    desk.tell(deposit.id, S.RETURNED, code="R10")

    desk.tell(deposit.id, S.RETURN_REVERSED, code="R68")
    desk.tell(desk.mint_of(deposit.id), S.FINAL)

    assert desk.deposit(deposit.id).status is D.COMPLETED
    assert desk.books() == {"1000": "100.00", "2000 bob": "100.00"}


def test_a_return_undone_before_it_was_told_changes_nothing(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")

    desk.tell(deposit.id, S.RETURN_REVERSED, code="R68")

    assert desk.books() == {"1000": "100.00", "2000 bob": "100.00"}


def test_p05_a_person_records_a_return_that_no_rail_told(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")
    command = RecordReturn(deposit_id=deposit.id, return_code="R10")
    with pytest.raises(NotAllowed):
        desk.run(returns.record_return(desk.acting_as("bob"), command))

    desk.run(returns.record_return(desk.deps, command))
    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW


def test_not_more_can_go_back_than_came(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")

    with pytest.raises(InvalidInput):
        desk.run(returns.record_return(desk.deps, RecordReturn(deposit_id=deposit.id, amount=usd("100.01"))))


# Recovering


def test_a_write_off_needs_two_and_a_recovery_an_operator() -> None:
    desk = MoneyDesk()
    deposit = spent(desk)
    desk.tell(deposit.id, S.RETURNED, code="R10")

    with pytest.raises(SecondActorRequired):
        desk.run(returns.write_off(desk.deps, WriteOff(deposit_id=deposit.id, approved_by="ops")))
    with pytest.raises(NotAllowed):
        desk.run(returns.recover_receivable(desk.acting_as("bob"), RecoverReceivable(deposit_id=deposit.id)))


def test_only_what_is_owed_and_there_is_recovered() -> None:
    desk = MoneyDesk()
    deposit, fine = spent(desk), desk.bring("ann", "5.00")
    desk.tell(deposit.id, S.RETURNED, code="R10")

    with pytest.raises(InvalidInput):
        desk.run(
            returns.recover_receivable(
                desk.deps, RecoverReceivable(deposit_id=deposit.id, amount=usd("80.01"))
            )
        )
    with pytest.raises(InsufficientFunds):
        desk.run(returns.recover_receivable(desk.deps, RecoverReceivable(deposit_id=deposit.id)))
    with pytest.raises(InvalidTransition):
        desk.run(returns.recover_receivable(desk.deps, RecoverReceivable(deposit_id=fine.id)))


def test_a_payout_in_flight_is_not_touched_by_a_return() -> None:
    desk = MoneyDesk()
    top_up(desk, "100.00")
    deposit = desk.bring("bob", "100.00")
    withdrawal = desk.withdraw("bob", "40.00")
    desk.tell(withdrawal.burn_id, S.FINAL)

    desk.tell(deposit.id, S.RETURNED, code="R10")
    desk.tell(withdrawal.id, S.SETTLED)

    assert desk.withdrawal(withdrawal.id).status == withdrawals.S.PAID
    assert desk.deposit(deposit.id).recoverable == usd("40.00")
    assert desk.broken() == []
