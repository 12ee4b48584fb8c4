"""Intents: their table, what facts do to them, when they may be sent again."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest

from invoicepay.domain.change import Change, Context, Snapshot
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.effects import (
    EFFECT,
    Effect,
    EffectCommand,
    EffectKind,
    EffectStatus,
    Observation,
    Source,
    cancel,
    effects_of,
    plan,
)
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme
from invoicepay.domain.reducer import ABSENT, Verdict, fact_id, reduce
from invoicepay.domain.resending import (
    LONGEST_WAIT,
    LONGEST_WATCH,
    MOST_SENDS,
    SHORTEST_LOOK,
    WATCHED_FOR,
    Resend,
    backoff,
    is_key_alive,
    jitter,
    may_resend,
    next_look,
)
from invoicepay.errors import InvalidTransition
from tests.support.facts import HUNDRED, NOON, a_fact, an_effect

S = EffectStatus


def after(effect: Effect, *facts: Observation) -> Effect:
    for fact in facts:
        effect = reduce(effect, fact).effect
    return effect


@pytest.mark.parametrize(
    ("status", "command"), [pair for pair in product(S, EffectCommand) if pair not in EFFECT.table]
)
def test_every_transition_not_in_the_table_is_refused(status: EffectStatus, command: EffectCommand) -> None:
    with pytest.raises(InvalidTransition):
        EFFECT.after(status, command)


def a_change() -> Change:
    ids = iter(f"_{n}" for n in range(100))
    context = Context(
        tenant_id="t",
        actor=Actor("ops", Role.OPERATOR),
        now=NOON,
        key="k",
        programme=Programme(),
        new_id=lambda prefix: prefix + next(ids),
    )
    return Change(Snapshot(NOON), context)


def a_deposit() -> Deposit:
    zero = Money.zero("USD")
    return Deposit(
        id="dep_1",
        party_id="ann",
        asset="USD",
        rail="wire",
        requested=HUNDRED,
        received=zero,
        fee=zero,
        processor_fee=zero,
        recoverable=zero,
        status=DepositStatus.INITIATED,
    )


def test_a_planned_intent_is_due_at_once_under_a_key_of_its_own() -> None:
    change = a_change()

    effect = plan(
        change,
        kind=EffectKind.DEPOSIT,
        cause=a_deposit(),
        amount=HUNDRED,
        request={"rail": "wire", "party_id": "ann"},
    )

    assert (effect.status, effect.due_at, effect.attempt) == (S.PLANNED, NOON, 0)
    assert (effect.provider, effect.provider_key, effect.cause_kind) == ("rails", effect.id, "deposit")


def test_a_request_with_missing_or_unknown_parts_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        plan(a_change(), kind=EffectKind.MINT, cause=a_deposit(), amount=HUNDRED, request={"party_id": "ann"})


def test_an_open_intent_is_never_replaced_by_another() -> None:
    with pytest.raises(AssertionError):
        plan(
            a_change(),
            kind=EffectKind.MINT,
            cause=a_deposit(),
            amount=HUNDRED,
            request={"to_party": "ann"},
            generation=2,
            supersedes=an_effect(S.UNKNOWN),
        )


def test_only_an_intent_that_never_left_is_cancelled() -> None:
    change = a_change()
    planned = plan(
        change, kind=EffectKind.MINT, cause=a_deposit(), amount=HUNDRED, request={"to_party": "ann"}
    )

    assert cancel(change, planned).status is S.CANCELLED
    with pytest.raises(InvalidTransition):
        cancel(change, an_effect(S.UNKNOWN))


def test_intents_of_a_cause_are_found_in_the_order_of_their_generations() -> None:
    first, second = an_effect(id="eff_2"), an_effect(id="eff_1", generation=2)

    assert effects_of("wdr_1", EffectKind.PAYOUT).pick([second, first]) == (first, second)
    assert effects_of("wdr_2").pick([first, second]) == ()


AGREEING = (S.UNKNOWN, S.ACCEPTED, S.SETTLED, S.FINAL, S.RETURNED)


@pytest.mark.parametrize("facts", list(permutations(AGREEING)), ids=lambda facts: "-".join(facts))
def test_facts_that_agree_end_alike_in_any_order_and_twice(facts: tuple[EffectStatus, ...]) -> None:
    seen = [a_fact(status, return_code="R01" if status is S.RETURNED else "") for status in facts]

    once = after(an_effect(), *seen)

    assert (once.status, once.provider, once.provider_ref, once.return_code) == (
        S.RETURNED,
        "bank",
        "out-1",
        "R01",
    )
    assert after(once, *seen) == once


@pytest.mark.parametrize("facts", list(permutations((S.UNKNOWN, S.ACCEPTED, S.FAILED))))
def test_an_acceptance_that_comes_after_the_failure_is_late_news(facts: tuple[EffectStatus, ...]) -> None:
    assert after(an_effect(), *map(a_fact, facts)).status is S.FAILED


CONTRADICTIONS = [
    (S.FAILED, S.SETTLED),
    (S.FAILED, S.FINAL),
    (S.REJECTED, S.SETTLED),
    (S.FAILED, S.RETURNED),
    (S.REJECTED, S.RETURN_REVERSED),
]


@pytest.mark.parametrize("pair", [order for pair in CONTRADICTIONS for order in permutations(pair)])
def test_success_and_failure_of_one_intent_go_to_review(pair: tuple[EffectStatus, ...]) -> None:
    effect = after(an_effect(), *map(a_fact, pair))

    assert effect.status is S.NEEDS_REVIEW
    assert effect.review_reason == f"{pair[1]} after {pair[0]}"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money.of("99.99 USD")},
        {"amount": Money.of("100.00 EUR"), "asset": "EUR"},
        {"provider_ref": "out-2"},
    ],
    ids=["amount", "asset", "second reference"],
)
@pytest.mark.parametrize("status", [S.ACCEPTED, S.SETTLED, S.FINAL, S.FAILED, S.RETURNED])
def test_a_fact_that_was_not_asked_for_goes_to_review(status: EffectStatus, changes: dict[str, Any]) -> None:
    reduction = reduce(an_effect(S.ACCEPTED, provider_ref="out-1"), a_fact(status, **changes))

    assert reduction.verdict is Verdict.REVIEW


def test_a_cancelled_intent_that_the_provider_has_goes_to_review() -> None:
    assert after(an_effect(S.CANCELLED), a_fact(S.ACCEPTED)).status is S.NEEDS_REVIEW


def test_a_word_that_nobody_mapped_goes_to_review() -> None:
    effect = after(an_effect(), a_fact(S.NEEDS_REVIEW, provider_status="recalled?"))

    assert (effect.status, effect.review_reason) == (S.NEEDS_REVIEW, "the provider says recalled?")


def test_a_word_that_nobody_mapped_changes_nothing_once_it_is_over() -> None:
    assert reduce(an_effect(S.FINAL), a_fact(S.NEEDS_REVIEW)).verdict is Verdict.IGNORE


def test_a_second_return_for_another_reason_goes_to_review() -> None:
    first, second = a_fact(S.RETURNED, return_code="R01"), a_fact(S.RETURNED, return_code="R10")

    assert after(an_effect(S.SETTLED), first, second).status is S.NEEDS_REVIEW


def test_a_dishonoured_return_is_money_back() -> None:
    returned, reversed_ = a_fact(S.RETURNED, return_code="R01"), a_fact(S.RETURN_REVERSED, return_code="R68")

    assert after(an_effect(S.SETTLED), returned, reversed_).status is S.RETURN_REVERSED
    assert after(an_effect(S.SETTLED), reversed_, returned).status is S.RETURN_REVERSED


@pytest.mark.parametrize("status", [S.ACCEPTED, S.SETTLED, S.FINAL, S.FAILED, S.RETURNED, S.UNKNOWN])
def test_facts_wait_while_a_person_reviews(status: EffectStatus) -> None:
    reduction = reduce(an_effect(S.NEEDS_REVIEW), a_fact(status))

    assert (reduction.verdict, reduction.effect.status) == (Verdict.IGNORE, S.NEEDS_REVIEW)
    assert reduction.effect.provider_ref == "out-1"


@pytest.mark.parametrize("status", [S.ACCEPTED, S.SETTLED, S.FINAL, S.FAILED, S.REJECTED, S.RETURNED])
def test_an_operator_settles_a_review_also_with_another_amount(status: EffectStatus) -> None:
    word = a_fact(status, source=Source.OPERATOR, amount=Money.of("90.00 USD"))

    reduction = reduce(an_effect(S.NEEDS_REVIEW), word)

    assert (reduction.verdict, reduction.effect.status) == (Verdict.APPLY, status)


def test_absence_is_recorded_and_moves_nothing() -> None:
    assert reduce(an_effect(S.UNKNOWN), a_fact(ABSENT)).verdict is Verdict.IGNORE


@pytest.mark.parametrize("status", [s for s in S if s not in (S.PLANNED, S.SENDING)])
def test_not_knowing_never_undoes_knowing(status: EffectStatus) -> None:
    assert after(an_effect(status), a_fact(S.UNKNOWN, source=Source.CALL, provider_ref="")).status is status


def test_a_fact_has_one_name_unless_its_amount_is_another() -> None:
    effect = an_effect()
    asked = fact_id(effect, provider_ref="out-1", word="returned", amount=HUNDRED, return_code="R01")

    assert asked == "out-1/returned/R01"
    assert fact_id(effect, provider_ref="", word="unknown", amount=HUNDRED) == "eff_1/unknown"
    assert (
        fact_id(effect, provider_ref="out-1", word="returned", amount=Money.of("90 USD"), return_code="R01")
        == "out-1/returned/R01/90000000/USD"
    )


@pytest.mark.parametrize(
    ("deduplicates", "finds", "alive", "absences", "expected"),
    [
        (True, True, True, 0, Resend.LOOK_UP),
        (True, True, True, 1, Resend.SEND),
        (True, True, False, 0, Resend.LOOK_UP),
        (True, True, False, 1, Resend.REVIEW),
        (True, False, True, 0, Resend.SEND),
        (True, False, False, 0, Resend.REVIEW),
        (False, True, True, 0, Resend.LOOK_UP),
        (False, True, True, 1, Resend.LOOK_UP),
        (False, True, True, 2, Resend.SEND),
        (False, True, False, 2, Resend.SEND),
        (False, False, True, 0, Resend.REVIEW),
        (False, False, False, 5, Resend.REVIEW),
    ],
)
def test_the_resend_table(
    deduplicates: bool, finds: bool, alive: bool, absences: int, expected: Resend
) -> None:
    decision = may_resend(
        deduplicates=deduplicates,
        finds_by_reference=finds,
        is_key_alive=alive,
        is_key_kept=False,
        absences=absences,
        attempt=2,
    )

    assert decision is expected


@pytest.mark.parametrize(
    ("attempt", "expected"), [(MOST_SENDS - 1, Resend.SEND), (MOST_SENDS, Resend.REVIEW)]
)
@pytest.mark.parametrize(
    ("deduplicates", "finds", "kept", "absences"),
    [(True, False, True, 0), (True, True, False, 1), (False, True, True, 2)],
)
def test_after_many_sends_a_person_looks(
    deduplicates: bool, finds: bool, kept: bool, absences: int, attempt: int, expected: Resend
) -> None:
    decision = may_resend(
        deduplicates=deduplicates,
        finds_by_reference=finds,
        is_key_alive=True,
        is_key_kept=kept,
        absences=absences,
        attempt=attempt,
    )

    assert decision is expected


@pytest.mark.parametrize(("absences", "expected"), [(0, Resend.LOOK_UP), (1, Resend.SEND)])
def test_what_moves_once_for_ever_and_has_not_is_sent_however_often(absences: int, expected: Resend) -> None:
    decision = may_resend(
        deduplicates=True,
        finds_by_reference=True,
        is_key_alive=True,
        is_key_kept=True,
        absences=absences,
        attempt=MOST_SENDS * 100,
    )

    assert decision is expected


def test_a_key_dies_a_tenth_before_its_lifetime() -> None:
    effect = an_effect()

    assert is_key_alive(effect, 1000, NOON + timedelta(seconds=899))
    assert not is_key_alive(effect, 1000, NOON + timedelta(seconds=900))
    assert is_key_alive(effect, 0, NOON + timedelta(days=9999))


def test_backoff_doubles_up_to_an_hour_and_takes_a_fraction() -> None:
    assert [backoff(misses, 1.0).total_seconds() for misses in (1, 2, 3)] == [4, 8, 16]
    assert backoff(1, 0.5) == timedelta(seconds=2)
    assert backoff(10**9, 1.0) == LONGEST_WAIT


def test_the_fraction_is_fixed_for_an_attempt_and_differs_between_attempts() -> None:
    first, second = jitter(an_effect(fence=1)), jitter(an_effect(fence=2))

    assert first == jitter(an_effect(fence=1)) != second
    assert 0 <= first < 1 > second >= 0


def test_the_provider_is_asked_often_at_first_and_daily_while_a_return_may_come() -> None:
    waits = [
        (next_look(an_effect(status), NOON + age) - (NOON + age)).total_seconds()
        for status in (S.ACCEPTED, S.SETTLED)
        for age in (timedelta(0), timedelta(minutes=20), timedelta(days=30))
    ]

    assert waits == [5, 300, 1800, 5, 300, 86400]


def test_what_waited_long_before_it_was_sent_is_asked_for_as_often_as_any_other() -> None:
    sent = NOON + timedelta(hours=6)

    assert next_look(an_effect(S.ACCEPTED, last_sent_at=sent), sent) == sent + SHORTEST_LOOK


def test_what_settled_long_ago_is_asked_about_less_and_less_and_never_given_up() -> None:
    sent, looks = NOON, list[timedelta]()
    now = sent + WATCHED_FOR
    for _ in range(6):
        after = next_look(an_effect(S.SETTLED, last_sent_at=sent), now)
        looks.append(after - now)
        now = after

    assert looks[0] == LONGEST_WATCH
    assert looks[1:] == sorted(looks[1:]) and looks[1] > timedelta(days=20)
    assert now - sent < timedelta(days=300)
