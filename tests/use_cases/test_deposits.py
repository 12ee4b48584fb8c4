"""Deposits: asked for or recorded, reviewed, confirmed, cancelled; the news of the rail (P-01, P-02)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from invoicepay.domain.accounts import Code
from invoicepay.domain.deposits import Deposit, DepositStatus, Reserve, ReserveStatus
from invoicepay.domain.effects import Effect
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Programme
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    ComplianceBlocked,
    DuplicateProviderReference,
    InvalidInput,
    InvalidTransition,
    NotAllowed,
    NotFound,
    NotThePayer,
    ReserveNotConfirmed,
    SecondActorRequired,
    UnknownAsset,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases import deposits, parties
from invoicepay.use_cases.deposits import (
    CancelDeposit,
    ConfirmDeposit,
    ExpireDeposit,
    InitiateDeposit,
    RecordDeposit,
    RejectDeposit,
    ReleaseDeposit,
    ReviewDeposit,
)
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from tests.support.money_desk import MoneyDesk, S, Says, usd

D = DepositStatus

FIVE = InitiateDeposit(party_id="ann", amount=usd("5.00"), rail="wire")
WIRE = RecordDeposit(
    party_id="ann", amount=usd("100.00"), rail="wire", provider="bank", provider_ref="wire-1"
)


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def reviewing(desk: MoneyDesk, verdict: Verdict) -> MoneyDesk:
    """The desk with screening that says so."""
    desk.deps = replace(desk.deps, screening=Says(verdict))
    return desk


# Asking


def test_an_initiated_deposit_asks_the_bank_and_books_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00")

    assert deposit.status is D.INITIATED
    assert desk.effect(deposit.id).request.items() >= {("rail", "wire"), ("party_id", "ann")}
    assert desk.books() == {}


def test_the_same_key_initiates_once_whatever_screening_says_by_then(desk: MoneyDesk) -> None:
    first = desk.run(deposits.initiate_deposit(desk.deps, FIVE, "k1"))

    again = desk.run(deposits.initiate_deposit(reviewing(desk, Verdict.REVIEW).deps, FIVE, "k1"))

    assert (again.id, again.replayed) == (first.id, True)
    assert len(desk.rows(Effect)) == 1


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (replace(FIVE, amount=usd("0")), AmountNotPositive),
        (replace(FIVE, amount=usd("1.001")), AmountPrecision),
        (replace(FIVE, amount=Money("5.00", "USD.nowhere")), UnknownAsset),
        (replace(FIVE, rail="pigeon"), InvalidInput),
        (replace(FIVE, party_id="nobody"), NotFound),
    ],
)
def test_a_deposit_that_makes_no_sense_is_refused(
    desk: MoneyDesk, command: InitiateDeposit, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        desk.run(deposits.initiate_deposit(desk.deps, command))


def test_nobody_asks_for_somebody_elses_money(desk: MoneyDesk) -> None:
    with pytest.raises(NotThePayer):
        desk.run(deposits.initiate_deposit(desk.acting_as("bob"), FIVE))


def test_a_frozen_wallet_asks_for_no_money(desk: MoneyDesk) -> None:
    frozen = parties.FreezeWallet(party_id="ann", asset="USD", reason="court order")
    desk.run(parties.freeze_wallet(desk.deps, frozen))

    with pytest.raises(WalletFrozen):
        desk.run(deposits.initiate_deposit(desk.deps, FIVE))


def test_a_deposit_must_be_larger_than_its_fee() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=5_000_000))

    with pytest.raises(AmountNotPositive):
        desk.run(deposits.initiate_deposit(desk.deps, FIVE))


def test_what_screening_blocks_is_not_started(desk: MoneyDesk) -> None:
    with pytest.raises(ComplianceBlocked):
        desk.run(deposits.initiate_deposit(reviewing(desk, Verdict.BLOCK).deps, FIVE))

    assert desk.rows(Deposit) == ()


def test_the_bank_is_not_asked_before_a_review_lets_go(desk: MoneyDesk) -> None:
    deposit = desk.run(deposits.initiate_deposit(reviewing(desk, Verdict.REVIEW).deps, FIVE))
    assert (deposit.status, deposit.reason, desk.rows(Effect)) == (D.IN_REVIEW, "looks odd", ())

    deposit = desk.run(deposits.release_deposit(desk.deps, ReleaseDeposit(deposit_id=deposit.id)))

    assert deposit.status is D.INITIATED
    assert len(desk.rows(Effect)) == 1


def test_a_review_can_end_before_anything_was_asked(desk: MoneyDesk) -> None:
    deposit = desk.run(deposits.initiate_deposit(reviewing(desk, Verdict.REVIEW).deps, FIVE))

    rejected = desk.run(
        deposits.reject_deposit(desk.deps, RejectDeposit(deposit_id=deposit.id, reason="sanctions"))
    )

    assert (rejected.status, rejected.reason, desk.rules()) == (D.REJECTED, "sanctions", [])


def test_the_owner_cancels_before_the_bank_was_asked(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")

    cancelled = desk.run(deposits.cancel_deposit(desk.acting_as("ann"), CancelDeposit(deposit_id=deposit.id)))

    assert cancelled.status is D.CANCELLED
    assert desk.effect(deposit.id).status is S.CANCELLED


def test_what_the_bank_may_know_of_is_not_cancelled(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")
    desk.tell(deposit.id, S.UNKNOWN)

    with pytest.raises(InvalidTransition):
        desk.run(deposits.cancel_deposit(desk.acting_as("ann"), CancelDeposit(deposit_id=deposit.id)))


def test_the_operator_gives_a_deposit_up_that_was_never_sent(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")

    expired = desk.run(deposits.expire_deposit(desk.deps, ExpireDeposit(deposit_id=deposit.id)))

    assert expired.status is D.EXPIRED
    with pytest.raises(NotAllowed):
        desk.run(deposits.expire_deposit(desk.acting_as("ann"), ExpireDeposit(deposit_id=deposit.id)))


# What the rail tells


def test_e1_p01_received_p02_confirmed_p03_minted(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_credit")

    desk.tell(deposit.id, S.ACCEPTED)
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.PENDING, {})

    desk.tell(deposit.id, S.SETTLED)
    assert desk.deposit(deposit.id).status is D.RECEIVED
    assert desk.books() == {"1100": "500.00", "2100 ann": "500.00"}

    desk.tell(deposit.id, S.FINAL)
    assert desk.deposit(deposit.id).status is D.CONFIRMED
    assert desk.books() == {"1050": "500.00", "2110 ann": "500.00"}

    desk.tell(desk.mint_of(deposit.id), S.FINAL)
    assert desk.deposit(deposit.id).status is D.COMPLETED
    assert desk.books() == {"1000": "500.00", "2000 ann": "500.00"}
    assert desk.rules() == ["P-01", "P-02", "P-03"]


def test_confirming_and_planning_the_mint_is_one_commit(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00")

    desk.tell(deposit.id, S.FINAL)

    (reserve,) = desk.rows(Reserve)
    (mint,) = desk.rows(Mint)
    assert (reserve.status, mint.status, mint.amount) == (
        ReserveStatus.CONFIRMED,
        MintStatus.PENDING,
        usd("500.00"),
    )
    assert desk.effect(mint.id).status is S.PLANNED


def test_a_fact_told_twice_or_late_counts_once(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00")

    for status in (S.SETTLED, S.FINAL, S.SETTLED, S.ACCEPTED, S.FINAL):
        desk.tell(deposit.id, status)

    assert desk.rules() == ["P-01", "P-02"]


def test_a_refused_deposit_books_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")

    desk.tell(deposit.id, S.REJECTED)

    assert desk.deposit(deposit.id).status is D.FAILED
    assert desk.books() == {}


def test_success_after_failure_is_left_to_a_person(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")
    desk.tell(deposit.id, S.FAILED)

    desk.tell(deposit.id, S.SETTLED)

    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert (desk.deposit(deposit.id).status, desk.books()) == (D.FAILED, {})


def test_an_unknown_outcome_books_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "5.00")

    desk.tell(deposit.id, S.UNKNOWN)

    assert (desk.deposit(deposit.id).status, desk.books()) == (D.INITIATED, {})


def test_p02_the_processors_fee_is_the_depositors(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")

    desk.tell(deposit.id, S.FINAL, fee="2.50")

    assert desk.books() == {"1050": "97.50", "2110 ann": "97.50"}
    (mint,) = desk.rows(Mint)
    assert mint.amount == usd("97.50")


def test_p02_the_processors_fee_may_be_the_operators() -> None:
    desk = MoneyDesk(Programme(bears_processor_fee=True))
    deposit = desk.initiate("ann", "100.00")

    desk.tell(deposit.id, S.FINAL, fee="2.50")

    assert desk.books() == {"1050": "97.50", "2110 ann": "100.00", "5000": "2.50"}
    assert desk.broken() == ["INV-04"]
    assert desk.deposit(deposit.id).reason == "reserve_deficit"


def test_p02_the_operators_fee_is_kept_apart() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=1_000_000))
    deposit = desk.initiate("ann", "100.00")

    desk.tell(deposit.id, S.FINAL, fee="2.50")

    assert desk.books() == {"1050": "97.50", "2110 ann": "96.50", "2410": "1.00"}
    desk.tell(desk.mint_of(deposit.id), S.FINAL)
    assert desk.books() == {"1000": "96.50", "1050": "1.00", "2000 ann": "96.50", "2410": "1.00"}
    assert desk.broken() == []


def test_a_deposit_that_its_fees_eat_up_completes_without_a_mint() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=4_000_000))
    deposit = desk.initiate("ann", "5.00")

    desk.tell(deposit.id, S.FINAL, fee="1.00")

    assert desk.deposit(deposit.id).status is D.COMPLETED
    assert (desk.books(), desk.rows(Mint)) == ({"1050": "4.00", "2410": "4.00"}, ())
    assert desk.broken() == []


def test_both_fees_may_exceed_a_small_deposit_whose_processor_the_operator_pays() -> None:
    desk = MoneyDesk(Programme(bears_processor_fee=True, deposit_fee_micros=250_000))
    deposit = desk.initiate("ann", "0.40")

    desk.tell(deposit.id, S.FINAL, fee="0.25")

    assert desk.books() == {"1050": "0.15", "2110 ann": "0.15", "2410": "0.25", "5000": "0.25"}
    assert desk.broken() == ["INV-04"]


# Time and trust


def test_money_of_a_slow_rail_is_confirmed_after_its_banking_days(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)
    confirm = ConfirmDeposit(deposit_id=deposit.id)
    with pytest.raises(ReserveNotConfirmed):
        desk.run(deposits.confirm_deposit(desk.worker, confirm))

    desk.clock.advance(days=2)
    confirmed = desk.run(deposits.confirm_deposit(desk.worker, confirm))

    assert (confirmed.status, desk.rules()) == (D.CONFIRMED, ["P-01", "P-02"])


def test_a_debit_also_waits_for_the_buffer_and_can_be_called_unauthorised_for_sixty_days(
    desk: MoneyDesk,
) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_debit")
    desk.tell(deposit.id, S.SETTLED)
    desk.clock.advance(days=30)

    with pytest.raises(ReserveNotConfirmed):
        desk.run(deposits.confirm_deposit(desk.worker, ConfirmDeposit(deposit_id=deposit.id)))

    assert str(desk.deposit(deposit.id).returnable_until) == "2026-03-09"


def test_money_that_the_rail_calls_final_waits_for_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_debit")

    desk.tell(deposit.id, S.FINAL)

    assert desk.deposit(deposit.id).status is D.CONFIRMED


def test_before_its_time_two_operators_confirm(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_debit")
    desk.tell(deposit.id, S.SETTLED)

    for approved_by in ("", "ops"):
        with pytest.raises(SecondActorRequired):
            desk.run(
                deposits.confirm_deposit(
                    desk.deps, ConfirmDeposit(deposit_id=deposit.id, approved_by=approved_by)
                )
            )
    confirmed = desk.run(
        deposits.confirm_deposit(desk.deps, ConfirmDeposit(deposit_id=deposit.id, approved_by="cfo"))
    )

    assert confirmed.status is D.CONFIRMED


def test_a_party_confirms_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)

    with pytest.raises(NotAllowed):
        desk.run(deposits.confirm_deposit(desk.acting_as("ann"), ConfirmDeposit(deposit_id=deposit.id)))


# Money that came by itself


def test_recorded_money_is_received_confirmed_and_minted_like_any_other(desk: MoneyDesk) -> None:
    deposit = desk.run(deposits.record_deposit(desk.deps, WIRE))

    assert (deposit.status, desk.rules()) == (D.CONFIRMED, ["P-01", "P-02"])
    desk.tell(desk.mint_of(deposit.id), S.FINAL)
    assert desk.books() == {"1000": "100.00", "2000 ann": "100.00"}


def test_money_is_recorded_once_by_its_reference(desk: MoneyDesk) -> None:
    desk.run(deposits.record_deposit(desk.deps, WIRE))

    with pytest.raises(DuplicateProviderReference):
        desk.run(deposits.record_deposit(desk.deps, replace(WIRE, party_id="bob")))

    assert len(desk.rows(Deposit)) == 1


def test_recorded_money_of_a_slow_rail_waits(desk: MoneyDesk) -> None:
    deposit = desk.run(deposits.record_deposit(desk.deps, replace(WIRE, rail="bank_credit")))

    assert (deposit.status, desk.rules()) == (D.RECEIVED, ["P-01"])


def test_recorded_money_under_review_is_booked_and_waits(desk: MoneyDesk) -> None:
    deposit = desk.run(deposits.record_deposit(reviewing(desk, Verdict.REVIEW).deps, WIRE))
    assert (deposit.status, desk.rules()) == (D.IN_REVIEW, ["P-01"])

    released = desk.run(deposits.release_deposit(desk.deps, ReleaseDeposit(deposit_id=deposit.id)))

    assert (released.status, desk.rules()) == (D.CONFIRMED, ["P-01", "P-02"])


@pytest.mark.parametrize("verdict", [Verdict.BLOCK])
def test_blocked_money_is_not_recorded_as_somebodys(desk: MoneyDesk, verdict: Verdict) -> None:
    with pytest.raises(ComplianceBlocked):
        desk.run(deposits.record_deposit(reviewing(desk, verdict).deps, WIRE))

    assert desk.books() == {}


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (replace(WIRE, processor_fee=usd("100.00")), AmountNotPositive),
        (replace(WIRE, rail="pigeon"), InvalidInput),
        (replace(WIRE, party_id="nobody"), NotFound),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(
    desk: MoneyDesk, command: RecordDeposit, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        desk.run(deposits.record_deposit(desk.deps, command))


def test_only_operators_record_money(desk: MoneyDesk) -> None:
    with pytest.raises(NotAllowed):
        desk.run(deposits.record_deposit(desk.acting_as("ann"), WIRE))


# Reviews of money on its way


def under_review(desk: MoneyDesk, deposit: Deposit) -> Deposit:
    command = ReviewDeposit(deposit_id=deposit.id, reason="unusual sender")
    return desk.run(deposits.review_deposit(desk.deps, command))


def test_facts_are_booked_under_review_but_nothing_is_confirmed(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.ACCEPTED)
    under_review(desk, deposit)

    desk.tell(deposit.id, S.FINAL)

    assert desk.deposit(deposit.id).status is D.IN_REVIEW
    assert desk.books() == {"1100": "100.00", "2100 ann": "100.00"}


def test_a_released_review_goes_on_from_where_the_money_is(desk: MoneyDesk) -> None:
    pending, final = desk.initiate("ann", "10.00"), desk.initiate("ann", "100.00", rail="bank_debit")
    for deposit in (pending, final):
        desk.tell(deposit.id, S.ACCEPTED)
        under_review(desk, deposit)
    desk.tell(final.id, S.FINAL)

    released = [
        desk.run(deposits.release_deposit(desk.deps, ReleaseDeposit(deposit_id=deposit.id)))
        for deposit in (pending, final)
    ]

    assert [deposit.status for deposit in released] == [D.PENDING, D.CONFIRMED]


def test_p04_a_rejected_review_sends_the_money_back(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)
    under_review(desk, deposit)

    rejected = desk.run(
        deposits.reject_deposit(desk.deps, RejectDeposit(deposit_id=deposit.id, reason="fraud"))
    )

    assert (rejected.status, desk.books()) == (D.REJECTED, {})
    assert desk.rules() == ["P-01", "P-04", "P-04"]
    assert desk.rows(Reserve)[0].status is ReserveStatus.CANCELLED


def test_money_on_its_way_is_not_rejected_before_it_is_here(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.ACCEPTED)
    under_review(desk, deposit)

    with pytest.raises(InvalidTransition):
        desk.run(deposits.reject_deposit(desk.deps, RejectDeposit(deposit_id=deposit.id, reason="fraud")))


def test_money_that_went_back_twice_is_left_to_a_person(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)
    under_review(desk, deposit)
    desk.run(deposits.reject_deposit(desk.deps, RejectDeposit(deposit_id=deposit.id, reason="fraud")))

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert desk.total(Code.INBOUND) == usd("0")


def test_a_confirmed_deposit_is_not_reviewed_any_more(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)

    with pytest.raises(InvalidTransition):
        under_review(desk, deposit)


# What a person finds out


def find_out(desk: MoneyDesk, deposit: Deposit, status: S) -> None:
    finding = ResolveReview(
        effect_id=desk.effect(deposit.id).id, status=status, reason="asked", approved_by="cfo"
    )
    desk.run(resolve_review(desk.deps, finding))


def late(desk: MoneyDesk) -> Deposit:
    """A deposit that failed, and then the bank says that it settled."""
    deposit = desk.initiate("ann", "5.00")
    desk.tell(deposit.id, S.FAILED)
    desk.tell(deposit.id, S.SETTLED)
    return deposit


def test_p07_money_that_came_after_the_end_is_kept_and_not_minted(desk: MoneyDesk) -> None:
    deposit = late(desk)

    find_out(desk, deposit, S.FINAL)

    assert (desk.deposit(deposit.id).status, desk.rules()) == (D.FAILED, ["P-07"])
    assert desk.books() == {"1050": "5.00", "2900": "5.00"}


def test_a_deposit_that_a_person_finds_failed_books_nothing(desk: MoneyDesk) -> None:
    deposit = late(desk)

    find_out(desk, deposit, S.FAILED)

    assert (desk.effect(deposit.id).status, desk.books()) == (S.FAILED, {})


def test_another_amount_than_asked_for_is_booked_when_a_person_confirms_it(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "500.00")
    desk.tell(deposit.id, S.SETTLED, amount="480.00")
    assert (desk.effect(deposit.id).status, desk.books()) == (S.NEEDS_REVIEW, {})

    finding = ResolveReview(
        effect_id=desk.effect(deposit.id).id,
        status=S.SETTLED,
        reason="short by 20",
        approved_by="cfo",
        amount=usd("480.00"),
    )
    desk.run(resolve_review(desk.deps, finding))

    assert desk.deposit(deposit.id).received == usd("480.00")
    assert desk.books() == {"1050": "480.00", "2110 ann": "480.00"}


def test_a_return_under_review_is_booked(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_credit")
    desk.tell(deposit.id, S.SETTLED)
    under_review(desk, deposit)

    desk.tell(deposit.id, S.RETURNED, code="R01")

    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
