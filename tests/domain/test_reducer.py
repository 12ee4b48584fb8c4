"""The fold of one fact, case by case: parts, names, and what is kept of a reason (reliability 1.7)."""

from __future__ import annotations

import pytest

from invoicepay.domain.effects import EffectKind, EffectStatus, Source
from invoicepay.domain.money import Money
from invoicepay.domain.reducer import ABSENT, Reduction, Verdict, fact_id, reduce
from tests.support.facts import HUNDRED, a_fact, an_effect

S = EffectStatus
FORTY, NOTHING = Money.of("40.00 USD"), Money.zero("USD")
DEPOSIT = EffectKind.DEPOSIT


def test_what_says_nothing_new_leaves_the_intent_as_it_is() -> None:
    effect = an_effect(S.ACCEPTED, provider="bank", provider_ref="out-1")
    reviewed = an_effect(S.NEEDS_REVIEW, provider="bank", provider_ref="out-1")

    assert reduce(effect, a_fact(ABSENT)) == Reduction(effect, Verdict.IGNORE)
    assert reduce(effect, a_fact(S.ACCEPTED)) == Reduction(effect, Verdict.IGNORE)
    assert reduce(reviewed, a_fact(S.SETTLED)) == Reduction(reviewed, Verdict.IGNORE)
    word = a_fact(S.NEEDS_REVIEW, source=Source.OPERATOR)
    assert reduce(reviewed, word) == Reduction(reviewed, Verdict.IGNORE)


@pytest.mark.parametrize("status", [S.FINAL, S.RETURNED, S.FAILED, S.REJECTED, S.CANCELLED])
def test_a_word_that_nobody_knows_changes_nothing_that_is_over(status: EffectStatus) -> None:
    effect = an_effect(status)

    assert reduce(effect, a_fact(S.NEEDS_REVIEW)) == Reduction(effect, Verdict.IGNORE)


@pytest.mark.parametrize(("word", "told"), [("lost", "lost"), ("", "something unknown")])
def test_a_word_that_nobody_knows_is_told_to_whoever_reviews(word: str, told: str) -> None:
    reduction = reduce(an_effect(S.ACCEPTED), a_fact(S.NEEDS_REVIEW, provider_status=word))

    assert reduction.verdict is Verdict.REVIEW
    assert reduction.effect.review_reason == f"the provider says {told}"


@pytest.mark.parametrize("status", [S.SETTLED, S.FINAL, S.RETURNED, S.RETURN_REVERSED])
@pytest.mark.parametrize("told", [S.SETTLED, S.FINAL, S.RETURNED])
def test_each_part_of_a_deposit_applies_whatever_came_before_it(
    status: EffectStatus, told: EffectStatus
) -> None:
    effect = an_effect(status, kind=DEPOSIT, provider="bank", provider_ref="out-1")

    reduction = reduce(effect, a_fact(told, part="2", amount=FORTY, return_code=""))

    assert reduction == Reduction(effect, Verdict.APPLY)


def test_the_first_part_settles_a_deposit_even_when_that_part_is_final() -> None:
    for told in (S.SETTLED, S.FINAL):
        reduction = reduce(an_effect(S.ACCEPTED, kind=DEPOSIT), a_fact(told, part="1", amount=FORTY))

        assert (reduction.verdict, reduction.effect.status) == (Verdict.APPLY, S.SETTLED)
        assert (reduction.effect.provider, reduction.effect.provider_ref) == ("bank", "out-1")


def test_the_whole_is_final_as_a_whole() -> None:
    reduction = reduce(an_effect(S.SETTLED, kind=DEPOSIT), a_fact(S.FINAL))

    assert (reduction.verdict, reduction.effect.status) == (Verdict.APPLY, S.FINAL)


@pytest.mark.parametrize(
    ("kind", "told"),
    [(EffectKind.PAYOUT, S.SETTLED), (EffectKind.MINT, S.FINAL), (DEPOSIT, S.ACCEPTED), (DEPOSIT, S.FAILED)],
)
def test_only_deposits_settle_and_return_in_parts(kind: EffectKind, told: EffectStatus) -> None:
    reduction = reduce(an_effect(S.ACCEPTED, kind=kind), a_fact(told, part="1"))

    assert reduction.verdict is Verdict.REVIEW
    assert reduction.effect.review_reason == f"{told} of part 1: only deposits settle and return in parts"


@pytest.mark.parametrize("amount", [NOTHING, Money.of("40.00 EUR"), Money.zero("EUR")])
def test_a_part_is_some_of_the_asset_that_was_asked_for(amount: Money) -> None:
    reduction = reduce(an_effect(S.ACCEPTED, kind=DEPOSIT), a_fact(S.SETTLED, part="1", amount=amount))

    assert reduction.verdict is Verdict.REVIEW
    assert reduction.effect.review_reason == f"amount is {amount}, asked was {HUNDRED}"


def test_a_single_micro_is_a_part() -> None:
    one = Money.from_micros(1, "USD")

    reduction = reduce(an_effect(S.ACCEPTED, kind=DEPOSIT), a_fact(S.SETTLED, part="1", amount=one))

    assert reduction.verdict is Verdict.APPLY


def test_some_of_a_payout_is_no_payout() -> None:
    reduction = reduce(an_effect(S.ACCEPTED), a_fact(S.SETTLED, amount=FORTY))

    assert reduction.verdict is Verdict.REVIEW
    assert reduction.effect.review_reason == f"amount is {FORTY}, asked was {HUNDRED}"


def test_a_second_reference_for_one_key_is_named() -> None:
    reduction = reduce(an_effect(S.ACCEPTED, provider_ref="out-0"), a_fact(S.SETTLED))

    assert reduction.effect.review_reason == "a second reference out-1 for one key"


@pytest.mark.parametrize("over", [S.REJECTED, S.FAILED])
@pytest.mark.parametrize("told", [S.REJECTED, S.FAILED, S.CANCELLED, S.UNKNOWN, S.ACCEPTED])
def test_what_ended_without_a_movement_agrees_with_everything_short_of_one(
    over: EffectStatus, told: EffectStatus
) -> None:
    effect = an_effect(over, provider="bank", provider_ref="out-1")

    assert reduce(effect, a_fact(told)) == Reduction(effect, Verdict.IGNORE)


@pytest.mark.parametrize(
    ("status", "known", "told", "code", "verdict"),
    [
        (S.RETURNED, "R01", S.RETURNED, "R01", Verdict.IGNORE),
        (S.RETURNED, "R01", S.RETURNED, "R02", Verdict.REVIEW),
        (S.RETURNED, "", S.RETURNED, "R02", Verdict.IGNORE),
        (S.RETURNED, "R01", S.RETURNED, "", Verdict.IGNORE),
        (S.RETURN_REVERSED, "R01", S.RETURNED, "R02", Verdict.REVIEW),
        (S.RETURN_REVERSED, "R01", S.SETTLED, "R02", Verdict.IGNORE),
        (S.RETURNED, "R01", S.SETTLED, "R02", Verdict.IGNORE),
    ],
)
def test_only_a_return_under_another_code_is_a_second_return(
    status: EffectStatus, known: str, told: EffectStatus, code: str, verdict: Verdict
) -> None:
    assert reduce(an_effect(status, return_code=known), a_fact(told, return_code=code)).verdict is verdict


def test_the_code_of_a_return_is_kept_and_no_other() -> None:
    returned = reduce(an_effect(S.SETTLED), a_fact(S.RETURNED, return_code="R01")).effect
    settled = reduce(an_effect(S.ACCEPTED), a_fact(S.SETTLED, return_code="R01")).effect

    assert (returned.return_code, settled.return_code) == ("R01", "")


def test_the_provider_is_learnt_once() -> None:
    first = reduce(an_effect(S.SENDING, provider="rails"), a_fact(S.ACCEPTED)).effect
    later = reduce(an_effect(S.ACCEPTED, provider="lender"), a_fact(S.SETTLED)).effect

    assert (first.provider, first.provider_ref) == ("bank", "out-1")
    assert later.provider == "lender"


def test_a_reason_is_kept_to_five_hundred_characters() -> None:
    reduction = reduce(an_effect(S.ACCEPTED), a_fact(S.NEEDS_REVIEW, provider_status="x" * 600))

    assert len(reduction.effect.review_reason) == 500


def test_a_fact_is_named_by_reference_word_code_and_part() -> None:
    effect = an_effect(S.SENDING)

    assert fact_id(effect, provider_ref="out-1", word="settled", amount=HUNDRED) == "out-1/settled"
    assert fact_id(effect, provider_ref="", word="settled", amount=HUNDRED) == "eff_1/settled"
    named = fact_id(
        effect, provider_ref="out-1", word="returned", amount=HUNDRED, return_code="R01", part="2"
    )
    assert named == "out-1/returned/R01/2"
    other = fact_id(effect, provider_ref="out-1", word="settled", amount=Money.of("40.00 EUR"))
    assert other == "out-1/settled/40000000/EUR"
