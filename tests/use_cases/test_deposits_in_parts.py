"""Deposits whose rail settles or returns in parts, with too much, or in another currency."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from invoicepay.domain.deposits import Deposit, DepositStatus, UnmatchedFunds
from invoicepay.domain.effects import Effect, EffectStatus, Source
from invoicepay.domain.money import Money
from invoicepay.domain.reconciliation import StatementLine
from invoicepay.domain.tokens import Mint
from invoicepay.use_cases import deposits, returns
from invoicepay.use_cases.neighbours import carried_out
from invoicepay.use_cases.observations import ResolveReview, record, recording, resolve_review
from invoicepay.use_cases.providers import Sighting
from invoicepay.use_cases.reconcile import Reconcile, reconcile
from tests.support.money_desk import MoneyDesk, usd

S, D = EffectStatus, DepositStatus


@pytest.fixture
def desk() -> MoneyDesk:
    return MoneyDesk()


def tell(
    desk: MoneyDesk,
    deposit: Deposit,
    status: EffectStatus,
    amount: str,
    part: str,
    code: str = "",
    fee: str = "0.00",
) -> Effect:
    """A fact about one part of a deposit."""
    return desk.run(record(desk.deps, *_told(desk, deposit, status, amount, part, code, fee)))


def _told(
    desk: MoneyDesk,
    deposit: Deposit,
    status: EffectStatus,
    amount: str,
    part: str,
    code: str = "",
    fee: str = "0.00",
) -> tuple[Effect, Sighting, Source]:
    effect = desk.effect(deposit.id)
    sighting = Sighting(
        status=status,
        word=status.value,
        provider_status=status.value,
        amount=usd(amount),
        fee=usd(fee),
        provider_ref=f"ref-{effect.id}",
        return_code=code,
        part=part,
    )
    return effect, sighting, Source.WEBHOOK


def mint_all(desk: MoneyDesk) -> None:
    for mint in desk.rows(Mint):
        if mint.status == "pending":
            desk.tell(mint.id, S.FINAL)


def later(desk: MoneyDesk, deposit: Deposit) -> list[Deposit]:
    return [one for one in desk.rows(Deposit) if one.parent_id == deposit.id]


def test_each_settlement_is_minted_once_whatever_order_and_however_often_told(desk: MoneyDesk) -> None:
    for number, order in enumerate(permutations((("60.00", "p1"), ("30.00", "p2"), ("10.00", "p3")))):
        party = f"ann{number}"
        desk.user(party)
        deposit = desk.initiate(party, "100.00")

        for amount, part in (*order, *order):
            tell(desk, deposit, S.SETTLED, amount, part)
        mint_all(desk)

        assert desk.available(party) == usd("100.00")
        assert sorted(str(one.received.amount) for one in later(desk, deposit)) == sorted(
            str(Money(amount, "USD").amount) for amount, _ in order[1:]
        )
    assert desk.broken() == []


def test_a_settlement_that_falls_short_mints_what_came_and_the_next_one_the_rest(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")

    tell(desk, deposit, S.SETTLED, "70.00", "p1", fee="0.50")
    mint_all(desk)
    assert desk.available("ann") == usd("69.50")

    tell(desk, deposit, S.SETTLED, "30.00", "p2")
    mint_all(desk)
    assert (desk.available("ann"), desk.broken()) == (usd("99.50"), [])


def test_what_comes_above_the_request_is_kept_and_not_minted(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")

    tell(desk, deposit, S.SETTLED, "80.00", "p1")
    tell(desk, deposit, S.SETTLED, "50.00", "p2")
    tell(desk, deposit, S.SETTLED, "7.00", "p3")
    mint_all(desk)

    assert desk.books() == {"1000": "100.00", "1050": "37.00", "2000 ann": "100.00", "2900": "37.00"}
    assert sorted(str(funds.amount.amount) for funds in desk.rows(UnmatchedFunds)) == ["30.00", "7.00"]


def test_too_much_that_a_person_confirms_mints_the_request_and_keeps_the_rest(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.SETTLED, amount="120.00")

    finding = ResolveReview(
        effect_id=desk.effect(deposit.id).id,
        status=S.SETTLED,
        reason="paid twenty too much",
        approved_by="cfo",
        amount=usd("120.00"),
    )
    desk.run(resolve_review(desk.deps, finding))
    mint_all(desk)

    assert desk.books() == {"1000": "100.00", "1050": "20.00", "2000 ann": "100.00", "2900": "20.00"}


def test_final_ends_the_delay_of_every_part(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    tell(desk, deposit, S.SETTLED, "40.00", "p2")
    assert desk.rows(Mint) == ()

    desk.tell(deposit.id, S.FINAL)
    mint_all(desk)

    assert desk.available("ann") == usd("100.00")


def test_parts_and_a_whole_of_one_deposit_contradict_each_other(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.SETTLED)

    tell(desk, deposit, S.SETTLED, "40.00", "p1")

    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert desk.books() == {"1050": "100.00", "2110 ann": "100.00"}


def test_a_second_partial_return_takes_what_is_left_and_no_more(desk: MoneyDesk) -> None:
    deposit = desk.bring("bob", "100.00")

    tell(desk, deposit, S.RETURNED, "30.00", "r1", code="R06")
    tell(desk, deposit, S.RETURNED, "30.00", "r1", code="R06")
    assert desk.books() == {"1000": "70.00", "2030 bob": "70.00"}
    tell(desk, deposit, S.RETURNED, "70.00", "r2", code="R06")

    assert (desk.deposit(deposit.id).status, desk.books()) == (D.RETURNED, {})
    tell(desk, deposit, S.RETURNED, "0.01", "r3", code="R06")
    assert (desk.effect(deposit.id).status, desk.books()) == (S.NEEDS_REVIEW, {})
    assert desk.broken() == []


def test_a_return_runs_over_the_settlements_from_the_oldest_on(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    tell(desk, deposit, S.SETTLED, "40.00", "p2")
    mint_all(desk)

    tell(desk, deposit, S.RETURNED, "75.00", "r1", code="R10")

    (second,) = later(desk, deposit)
    assert (desk.deposit(deposit.id).left, second.left) == (usd("0.00"), usd("25.00"))
    assert desk.books() == {"1000": "25.00", "2030 ann": "25.00"}
    tell(desk, deposit, S.RETURN_REVERSED, "75.00", "d1")
    assert desk.books() == {"1000": "25.00", "1050": "75.00", "2030 ann": "25.00", "2900": "75.00"}
    tell(desk, deposit, S.RETURN_REVERSED, "0.01", "d2")
    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW


def test_a_return_of_a_part_told_before_any_settlement_needs_a_person(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")

    tell(desk, deposit, S.RETURNED, "40.00", "r1", code="R01")

    assert (desk.effect(deposit.id).status, desk.books()) == (S.NEEDS_REVIEW, {})


def test_payouts_have_no_parts(desk: MoneyDesk) -> None:
    desk.bring("ann", "100.00")
    withdrawal = desk.withdraw("ann", "100.00", until=S.ACCEPTED)
    effect = desk.effect(withdrawal.id)
    sighting = Sighting(
        status=S.SETTLED,
        word="settled",
        provider_status="settled",
        amount=usd("40.00"),
        fee=usd("0.00"),
        provider_ref=f"ref-{effect.id}",
        part="p1",
    )

    desk.run(record(desk.deps, effect, sighting, Source.WEBHOOK))

    assert desk.effect(withdrawal.id).status is S.NEEDS_REVIEW


def test_money_in_another_currency_is_kept_in_its_own_and_mints_nothing(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    effect = desk.effect(deposit.id)
    euros = Sighting(
        status=S.SETTLED,
        word="settled",
        provider_status="settled",
        amount=Money("95.00", "EUR"),
        fee=Money("0.50", "EUR"),
        provider_ref="ref-1",
    )

    for _ in range(2):
        desk.run(record(desk.deps, effect, euros, Source.WEBHOOK))

    (kept,) = desk.rows(UnmatchedFunds)
    assert (kept.amount, desk.rows(Mint)) == (Money("94.50", "EUR"), ())
    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert desk.deposit(deposit.id).status is D.INITIATED

    unheard_of = replace(euros, amount=Money("95.00", "EUR.nowhere"), fee=Money.zero("EUR.nowhere"))
    desk.run(record(desk.deps, effect, unheard_of, Source.WEBHOOK))
    assert (len(desk.rows(UnmatchedFunds)), desk.broken()) == (1, [])


def test_a_statement_shows_parts_and_surplus_under_the_transfers_own_reference(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    tell(desk, deposit, S.SETTLED, "80.00", "p1")
    tell(desk, deposit, S.SETTLED, "50.00", "p2")
    line = StatementLine(
        ref=f"ref-{desk.effect(deposit.id).id}", amount=usd("130.00"), booked_on=desk.clock.now().date()
    )

    command = Reconcile(asset="USD", lines=(line,), bank_balance=usd("130.00"))
    tie_out = desk.run(reconcile(desk.deps, command))

    assert (tie_out.breaks, tie_out.unexplained) == ((), usd("0.00"))


@pytest.mark.parametrize("ended", [D.REJECTED, D.RETURNED])
def test_a_part_after_the_first_was_not_taken_waits_for_a_person(
    desk: MoneyDesk, ended: DepositStatus
) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    if ended is D.REJECTED:
        desk.run(
            deposits.review_deposit(desk.deps, deposits.ReviewDeposit(deposit_id=deposit.id, reason="?"))
        )
        desk.run(
            deposits.reject_deposit(desk.deps, deposits.RejectDeposit(deposit_id=deposit.id, reason="!"))
        )
    else:
        tell(desk, deposit, S.RETURNED, "60.00", "r1", code="R06")

    tell(desk, deposit, S.FINAL, "40.00", "p2")

    (second,) = later(desk, deposit)
    assert (desk.deposit(deposit.id).status, second.status) == (ended, D.IN_REVIEW)
    assert (desk.rows(Mint), desk.books()) == ((), {"1100": "40.00", "2100 ann": "40.00"})


def test_final_of_a_part_ends_the_delay_of_that_part_alone(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    tell(desk, deposit, S.SETTLED, "40.00", "p2")

    tell(desk, deposit, S.FINAL, "40.00", "p2")

    (second,) = later(desk, deposit)
    assert (desk.deposit(deposit.id).is_final, second.is_final) == (False, True)
    assert (desk.deposit(deposit.id).status, second.status) == (D.RECEIVED, D.CONFIRMED)
    assert desk.effect(deposit.id).status is S.SETTLED
    tell(desk, deposit, S.FINAL, "60.00", "p1")
    mint_all(desk)
    assert desk.available("ann") == usd("100.00")


def test_a_part_told_final_at_once_leaves_the_intent_open_for_the_next(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")

    tell(desk, deposit, S.FINAL, "60.00", "p1")

    assert (desk.deposit(deposit.id).status, desk.effect(deposit.id).status) == (D.CONFIRMED, S.SETTLED)
    desk.tell(deposit.id, S.FINAL)
    assert desk.effect(deposit.id).status is S.FINAL


@pytest.mark.parametrize(
    ("first", "minted", "kept"),
    [("100.00", "100.00", "9.00"), ("99.50", "99.50", "9.00"), ("95.00", "99.00", "5.00")],
)
def test_a_fee_above_what_was_wanted_of_a_part_comes_out_of_its_surplus(
    desk: MoneyDesk, first: str, minted: str, kept: str
) -> None:
    deposit = desk.initiate("ann", "100.00")
    tell(desk, deposit, S.SETTLED, first, "p1")

    tell(desk, deposit, S.SETTLED, "10.00", "p2", fee="1.00")
    mint_all(desk)

    assert desk.books() == {"1000": minted, "1050": kept, "2000 ann": minted, "2900": kept}


@pytest.mark.parametrize("part", ["", "p1"])
def test_a_processors_fee_above_the_amount_needs_a_person(desk: MoneyDesk, part: str) -> None:
    deposit = desk.initiate("ann", "100.00")

    if part:
        tell(desk, deposit, S.FINAL, "100.00", part, fee="150.00")
    else:
        desk.tell(deposit.id, S.FINAL, fee="150.00")

    assert (desk.effect(deposit.id).status, desk.books()) == (S.NEEDS_REVIEW, {})


@pytest.mark.parametrize("minted", [False, True])
def test_a_return_of_more_than_is_left_needs_a_person(desk: MoneyDesk, minted: bool) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.SETTLED)
    returned = returns.RecordReturn(deposit_id=deposit.id, return_code="R06", amount=usd("40.00"))
    desk.run(returns.record_return(desk.deps, returned))
    if minted:
        mint_all(desk)
    before = desk.books()

    desk.tell(deposit.id, S.RETURNED, code="R10")

    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW
    assert (desk.books(), desk.broken()) == (before, [])


def resolve(desk: MoneyDesk, deposit: Deposit, status: EffectStatus, amount: str = "") -> None:
    finding = ResolveReview(
        effect_id=desk.effect(deposit.id).id,
        status=status,
        reason="asked the bank",
        approved_by="cfo",
        amount=usd(amount) if amount else None,
    )
    desk.run(resolve_review(desk.deps, finding))


def test_parts_told_during_a_review_are_booked_once_it_is_over(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    desk.tell(deposit.id, S.NEEDS_REVIEW)
    tell(desk, deposit, S.SETTLED, "10.00", "p2")
    tell(desk, deposit, S.SETTLED, "30.00", "p3")
    tell(desk, deposit, S.RETURNED, "65.00", "r1", code="R06")
    assert desk.books() == {"1050": "60.00", "2110 ann": "60.00"}

    resolve(desk, deposit, S.SETTLED)
    mint_all(desk)

    tell(desk, deposit, S.SETTLED, "10.00", "p2")
    assert (desk.effect(deposit.id).status, [one.left for one in later(desk, deposit)]) == (
        S.SETTLED,
        [usd("5.00"), usd("30.00")],
    )
    assert (desk.books(), desk.broken()) == ({"1000": "35.00", "2000 ann": "35.00"}, [])


def test_a_returned_part_that_a_person_confirms_is_booked_once(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    desk.tell(deposit.id, S.NEEDS_REVIEW)
    tell(desk, deposit, S.RETURNED, "20.00", "r1", code="R06")

    resolve(desk, deposit, S.RETURNED, "20.00")
    mint_all(desk)

    assert desk.available("ann") == usd("40.00")


def test_a_part_that_the_books_cannot_follow_does_not_keep_a_review_open(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.SETTLED)
    tell(desk, deposit, S.SETTLED, "40.00", "p1")
    assert desk.effect(deposit.id).status is S.NEEDS_REVIEW

    resolve(desk, deposit, S.SETTLED)

    assert desk.effect(deposit.id).status is S.SETTLED
    assert desk.books() == {"1050": "100.00", "2110 ann": "100.00"}


def test_a_part_behind_a_rejected_later_part_waits_for_a_person(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    tell(desk, deposit, S.SETTLED, "60.00", "p1")
    tell(desk, deposit, S.SETTLED, "30.00", "p2")
    (second,) = later(desk, deposit)
    desk.run(deposits.review_deposit(desk.deps, deposits.ReviewDeposit(deposit_id=second.id, reason="?")))
    desk.run(deposits.reject_deposit(desk.deps, deposits.RejectDeposit(deposit_id=second.id, reason="!")))

    tell(desk, deposit, S.FINAL, "10.00", "p3")

    assert sorted(one.status for one in later(desk, deposit)) == [D.IN_REVIEW, D.REJECTED]
    assert desk.deposit(deposit.id).status is D.RECEIVED


def test_parts_told_in_one_batch_are_folded_one_after_the_other(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00", rail="bank_debit")
    told = [
        _told(desk, deposit, S.SETTLED, "60.00", "p1"),
        _told(desk, deposit, S.SETTLED, "40.00", "p2"),
        _told(desk, deposit, S.FINAL, "40.00", "p2"),
        _told(desk, deposit, S.RETURNED, "10.00", "r1", "R06"),
    ]

    desk.run(carried_out(desk.deps, [recording(desk.deps, *one) for one in told]))
    mint_all(desk)

    assert desk.books() == {"1000": "40.00", "1100": "50.00", "2000 ann": "40.00", "2100 ann": "50.00"}
