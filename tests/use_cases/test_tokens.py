"""Mints against confirmed reserves: guards, outcomes, retries, and what waits (P-03)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.domain.accounts import Code
from invoicepay.domain.deposits import Deposit, DepositStatus, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect, EffectKind
from invoicepay.domain.policies import Asset, Custody, Programme
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.errors import (
    InvalidTransition,
    MintExceedsReserve,
    NotAllowed,
    ReserveDeficit,
    ReserveNotConfirmed,
    ReserveStale,
    WalletFrozen,
)
from invoicepay.use_cases import parties, reserves, returns, sweeps, tokens
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from invoicepay.use_cases.reconcile import ATTEST, Attest
from invoicepay.use_cases.recover import send_due
from invoicepay.use_cases.tokens import MintTokens, RetryBurn, RetryMint
from tests.support.money_desk import MoneyDesk, S, usd

M = MintStatus


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def confirmed(desk: MoneyDesk, amount: str = "100.00") -> tuple[Deposit, Mint]:
    """A confirmed deposit and its mint."""
    deposit = desk.initiate("ann", amount)
    desk.tell(deposit.id, S.FINAL)
    return desk.deposit(deposit.id), desk.row(Mint, desk.mint_of(deposit.id))


def freeze(desk: MoneyDesk, party: str = "ann") -> None:
    command = parties.FreezeWallet(party_id=party, asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, command))


def unfreeze(desk: MoneyDesk, party: str = "ann") -> None:
    command = parties.UnfreezeWallet(party_id=party, asset="USD", reason="cleared")
    desk.run(parties.unfreeze_wallet(desk.deps, command))


def waiting(desk: MoneyDesk) -> tuple[Deposit, Reserve]:
    """A deposit that is confirmed and not minted, because the wallet was frozen meanwhile."""
    deposit = desk.initiate("ann", "100.00")
    freeze(desk)
    desk.tell(deposit.id, S.FINAL)
    unfreeze(desk)
    return desk.deposit(deposit.id), desk.rows(Reserve)[-1]


# Outcomes


def test_p03_final_tokens_are_booked_and_the_reserve_is_allocated(desk: MoneyDesk) -> None:
    deposit, mint = confirmed(desk)

    desk.tell(mint.id, S.FINAL)

    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}
    assert desk.row(Mint, mint.id).status is M.COMPLETED
    assert desk.rows(Reserve)[0].status is ReserveStatus.ALLOCATED
    assert desk.deposit(deposit.id).status is DepositStatus.COMPLETED


def test_p03_a_custodied_asset_is_backed_by_what_is_held() -> None:
    custodied = Asset("USD", custody=Custody.CUSTODIED)
    desk = MoneyDesk(Programme(assets={"USD": custodied}))

    desk.bring("ann", "100.00")

    assert desk.books() == {"1010": "100.00", "2000 ann": "100.00"}
    assert desk.broken() == []


def test_p03_tokens_for_a_wallet_frozen_meanwhile_land_in_2030(desk: MoneyDesk) -> None:
    _, mint = confirmed(desk)
    freeze(desk)

    desk.tell(mint.id, S.FINAL)

    assert desk.books() == {"1000": "100.00", "2030 ann": "100.00"}


def test_an_unknown_mint_leaves_the_reserve_confirmed_and_forbids_another(desk: MoneyDesk) -> None:
    deposit, mint = confirmed(desk)

    desk.tell(mint.id, S.UNKNOWN)

    assert desk.row(Mint, mint.id).status is M.UNKNOWN
    assert desk.rows(Reserve)[0].status is ReserveStatus.CONFIRMED
    with pytest.raises(MintExceedsReserve):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=deposit.reserve_id)))


@pytest.mark.parametrize(
    "news", [[S.ACCEPTED, S.FINAL], [S.UNKNOWN, S.ACCEPTED, S.FINAL], [S.FINAL, S.ACCEPTED]]
)
def test_news_in_any_order_mint_once(desk: MoneyDesk, news: list[S]) -> None:
    _, mint = confirmed(desk)

    for status in news:
        desk.tell(mint.id, status)

    assert desk.rules() == ["P-01", "P-02", "P-03"]


def test_an_accepted_mint_is_no_longer_unknown(desk: MoneyDesk) -> None:
    _, mint = confirmed(desk)
    desk.tell(mint.id, S.UNKNOWN)

    desk.tell(mint.id, S.ACCEPTED)

    assert desk.row(Mint, mint.id).status is M.SUBMITTED


# Retries


def test_a_failed_mint_is_submitted_again_under_the_same_id_with_a_new_intent(desk: MoneyDesk) -> None:
    _, mint = confirmed(desk)
    desk.tell(mint.id, S.FAILED)
    failed = desk.effect(mint.id)

    again = desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))

    assert (again.id, again.status, again.generation) == (mint.id, M.SUBMITTED, 2)
    assert desk.effect(mint.id).supersedes_id == failed.id
    desk.tell(mint.id, S.FINAL)
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}


@pytest.mark.parametrize("news", [S.ACCEPTED, S.UNKNOWN, S.FINAL])
def test_a_mint_that_did_not_fail_for_certain_is_not_retried(desk: MoneyDesk, news: S) -> None:
    _, mint = confirmed(desk)
    desk.tell(mint.id, news)

    with pytest.raises(InvalidTransition):
        desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))


def test_only_operators_mint(desk: MoneyDesk) -> None:
    deposit, mint = confirmed(desk)

    with pytest.raises(NotAllowed):
        desk.run(tokens.mint(desk.acting_as("ann"), MintTokens(reserve_id=deposit.reserve_id)))
    with pytest.raises(NotAllowed):
        desk.run(tokens.retry_mint(desk.acting_as("ann"), RetryMint(mint_id=mint.id)))


# Doubts


def in_doubt(desk: MoneyDesk) -> Mint:
    """A mint that failed, and then the token side says that it is final."""
    _, mint = confirmed(desk)
    desk.tell(mint.id, S.FAILED)
    desk.tell(mint.id, S.FINAL)
    assert desk.effect(mint.id).status is S.NEEDS_REVIEW
    found: Mint = desk.row(Mint, mint.id)
    return found


def find_out(desk: MoneyDesk, cause_id: str, status: S) -> None:
    """A person resolves the review of a cause's first intent in doubt."""
    intent = next(
        effect
        for effect in desk.rows(Effect)
        if effect.cause_id == cause_id and effect.status is S.NEEDS_REVIEW
    )
    finding = ResolveReview(effect_id=intent.id, status=status, reason="asked", approved_by="cfo")
    desk.run(resolve_review(desk.deps, finding))


def test_nothing_is_minted_while_it_is_in_doubt_whether_tokens_exist(desk: MoneyDesk) -> None:
    mint = in_doubt(desk)

    with pytest.raises(InvalidTransition):
        desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))
    with pytest.raises(InvalidTransition):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=mint.reserve_id)))
    with pytest.raises(InvalidTransition):
        desk.run(returns.release_reserve(desk.deps, returns.ReleaseReserve(reserve_id=mint.reserve_id)))


def test_p03_tokens_that_a_person_finds_are_booked(desk: MoneyDesk) -> None:
    mint = in_doubt(desk)

    find_out(desk, mint.id, S.FINAL)

    assert desk.row(Mint, mint.id).status is M.COMPLETED
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}


def test_a_mint_that_a_person_finds_failed_can_be_retried(desk: MoneyDesk) -> None:
    mint = in_doubt(desk)

    find_out(desk, mint.id, S.FAILED)

    assert desk.rules() == ["P-01", "P-02"]
    desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))


def test_a_second_intent_is_not_sent_while_the_first_is_in_doubt_and_called_off_when_that_was_final(
    desk: MoneyDesk,
) -> None:
    _, mint = confirmed(desk)
    desk.tell(mint.id, S.FAILED)
    first = desk.effect(mint.id)
    desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))
    second = desk.effect(mint.id)
    desk.tell(mint.id, S.FINAL, effect=first)

    desk.run(send_due(desk.deps, 10))
    assert desk.row(Effect, second.id).last_sent_at is None
    find_out(desk, mint.id, S.FINAL)

    assert desk.row(Effect, second.id).status is S.CANCELLED
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}


def test_tokens_that_were_made_twice_are_booked_once_and_left_to_a_person(desk: MoneyDesk) -> None:
    _, mint = confirmed(desk)
    desk.tell(mint.id, S.FAILED)
    first = desk.effect(mint.id)
    desk.run(tokens.retry_mint(desk.deps, RetryMint(mint_id=mint.id)))
    second = desk.effect(mint.id)
    desk.tell(mint.id, S.ACCEPTED)
    desk.tell(mint.id, S.FINAL, effect=first)
    find_out(desk, mint.id, S.FINAL)

    desk.tell(mint.id, S.FINAL, effect=second)

    assert desk.row(Effect, second.id).status is S.NEEDS_REVIEW
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}


# Guards


def test_a_mint_waits_for_a_confirmed_reserve(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)

    with pytest.raises(ReserveNotConfirmed):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=desk.deposit(deposit.id).reserve_id)))


def test_a_reserve_may_be_minted_in_parts_but_never_beyond_it(desk: MoneyDesk) -> None:
    deposit, reserve = waiting(desk)

    part = desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=reserve.id, amount=usd("30.00"))))
    desk.tell(part.id, S.FINAL)
    assert desk.books() == {"1000": "30.00", "1050": "70.00", "2000 ann": "30.00", "2110 ann": "70.00"}
    assert desk.broken() == []
    with pytest.raises(MintExceedsReserve):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=reserve.id, amount=usd("70.01"))))
    rest = desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=reserve.id)))
    desk.tell(rest.id, S.FINAL)

    assert desk.deposit(deposit.id).status is DepositStatus.COMPLETED
    with pytest.raises(MintExceedsReserve):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=reserve.id)))


def test_a_frozen_wallet_gets_no_new_tokens(desk: MoneyDesk) -> None:
    _, reserve = waiting(desk)
    freeze(desk)

    with pytest.raises(WalletFrozen):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=reserve.id)))


def test_while_the_reserve_is_short_nothing_is_minted_and_a_top_up_sets_it_free() -> None:
    desk = MoneyDesk()
    returned = desk.bring("bob", "100.00")
    desk.withdraw("bob", "80.00", until=S.FINAL)
    desk.tell(returned.id, S.RETURNED, code="R10")
    deposit = desk.initiate("ann", "50.00")
    desk.tell(deposit.id, S.FINAL)
    assert (desk.deposit(deposit.id).status, desk.deposit(deposit.id).reason) == (
        DepositStatus.CONFIRMED,
        "reserve_deficit",
    )
    with pytest.raises(ReserveDeficit):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=desk.deposit(deposit.id).reserve_id)))
    assert desk.run(sweeps.mint_waiting(desk.deps)) == 0

    top_up = reserves.TopUp(amount=usd("80.00"), approved_by="cfo")
    desk.run(reserves.top_up(desk.deps, top_up))

    assert desk.run(sweeps.mint_waiting(desk.deps)) == 1
    desk.tell(desk.mint_of(deposit.id), S.FINAL)
    assert desk.available("ann") == usd("50.00")
    assert desk.broken() == []


def attest(desk: MoneyDesk, *, is_tied_out: bool = True) -> None:
    amount = usd("1.00")
    command = Attest(
        asset="USD",
        asked="the statement of today",
        bank_balance=amount,
        ledger_balance=amount,
        supply=amount,
        tokens_outstanding=amount,
        is_tied_out=is_tied_out,
    )
    desk.decide(ATTEST, command)


def test_a_programme_that_asks_for_tie_outs_mints_only_while_the_last_one_is_young() -> None:
    desk = MoneyDesk(Programme(attestation_max_age_hours=24))
    deposit = desk.initiate("ann", "50.00")
    desk.tell(deposit.id, S.FINAL)
    assert desk.deposit(deposit.id).reason == "reserve_stale"
    with pytest.raises(ReserveStale):
        desk.run(tokens.mint(desk.deps, MintTokens(reserve_id=desk.deposit(deposit.id).reserve_id)))
    assert desk.run(sweeps.mint_waiting(desk.deps)) == 0

    attest(desk)

    assert desk.run(sweeps.mint_waiting(desk.deps)) == 1
    desk.clock.advance(hours=25)
    later = desk.initiate("ann", "1.00")
    desk.tell(later.id, S.FINAL)
    assert desk.deposit(later.id).reason == "reserve_stale"


def test_a_tie_out_with_differences_stops_mints_until_the_next_good_one(desk: MoneyDesk) -> None:
    attest(desk, is_tied_out=False)
    deposit = desk.initiate("ann", "50.00")
    desk.tell(deposit.id, S.FINAL)
    assert desk.deposit(deposit.id).reason == "reserve_deficit"
    assert desk.run(sweeps.mint_waiting(desk.deps)) == 0

    desk.clock.advance(minutes=1)
    attest(desk)

    assert desk.run(sweeps.mint_waiting(desk.deps)) == 1


# Sweeps


def test_what_waited_for_an_unfrozen_wallet_is_minted_by_the_sweep(desk: MoneyDesk) -> None:
    deposit, _ = waiting(desk)
    assert deposit.reason == "wallet_frozen"

    assert desk.run(sweeps.mint_waiting(desk.deps)) == 1
    assert desk.run(sweeps.mint_waiting(desk.deps)) == 0

    assert desk.deposit(deposit.id).reason == ""
    assert len(desk.rows(Mint)) == 1


def test_the_sweep_confirms_what_is_due_and_leaves_the_rest() -> None:
    desk = MoneyDesk()
    due, uncovered = (desk.initiate("ann", "100.00", rail=rail) for rail in ("bank_credit", "bank_debit"))
    for deposit in (due, uncovered):
        desk.tell(deposit.id, S.SETTLED)
    assert desk.run(sweeps.confirm_due(desk.deps)) == 0

    desk.clock.advance(days=30)
    assert desk.run(sweeps.confirm_due(desk.deps)) == 1
    assert [desk.deposit(d.id).status for d in (due, uncovered)] == [
        DepositStatus.CONFIRMED,
        DepositStatus.RECEIVED,
    ]

    desk.run(reserves.top_up(desk.deps, reserves.TopUp(amount=usd("100.00"), approved_by="cfo")))
    assert desk.run(sweeps.confirm_due(desk.deps)) == 1
    assert desk.broken() == []


def test_an_idle_sweep_writes_nothing(desk: MoneyDesk) -> None:
    async def records() -> int:
        async with desk.deps.repository.reader("default") as reader:
            return sum(head.position for head in await reader.audit_heads())

    before = desk.run(records())

    desk.run(sweeps.confirm_due(desk.deps))
    desk.run(sweeps.mint_waiting(desk.deps))

    assert desk.run(records()) == before


# Burns that the books have already


def test_a_refused_burn_of_a_clawback_is_asked_for_again() -> None:
    desk = MoneyDesk()
    deposit = desk.bring("bob", "100.00")
    desk.tell(deposit.id, S.RETURNED, code="R01")
    (burn,) = desk.rows(Burn)
    desk.tell(burn.id, S.FAILED)
    assert desk.row(Burn, burn.id).reason
    before = desk.books()

    again = desk.run(tokens.retry_burn(desk.deps, RetryBurn(burn_id=burn.id)))
    desk.tell(burn.id, S.FINAL)

    assert (again.generation, desk.row(Burn, burn.id).status) == (2, BurnStatus.COMPLETED)
    assert desk.books() == before
    with pytest.raises(InvalidTransition):
        desk.run(tokens.retry_burn(desk.deps, RetryBurn(burn_id=burn.id)))
    assert desk.broken() == []


def test_a_refused_burn_of_a_withdrawal_is_not_retried(desk: MoneyDesk) -> None:
    desk.bring("ann", "100.00")
    withdrawal = desk.withdraw("ann", "40.00")
    desk.tell(withdrawal.burn_id, S.FAILED)

    with pytest.raises(InvalidTransition):
        desk.run(tokens.retry_burn(desk.deps, RetryBurn(burn_id=withdrawal.burn_id)))

    assert desk.effect(withdrawal.burn_id, EffectKind.BURN).generation == 1


def test_backing_is_told_in_figures(desk: MoneyDesk) -> None:
    desk.bring("ann", "100.00")

    found = desk.run(tokens.validate_backing(desk.deps, "USD"))

    assert (found.is_backed, found.backing, found.tokens) == (True, usd("100.00"), usd("100.00"))
    assert desk.total(Code.BACKING) == usd("100.00")
