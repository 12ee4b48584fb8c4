"""The crash points that every effect has in common, C0 to C10: what is durable, and what follows."""

from __future__ import annotations

from collections.abc import Callable

from invoicepay.domain.effects import EffectKind, EffectStatus
from tests.crashes.dying import Fate
from tests.crashes.matrix import Matrix, Told
from tests.recovery.dying_at import AFTER_COMMIT, Durable, durable, first_place, new_effects, told

K, S = EffectKind, EffectStatus
DEPOSIT = "deposits.initiate"


def left_by(on: Matrix, story: Told, place: int) -> Durable:
    """What is durable after a death, which changes nothing of the end."""
    seen: list[Durable] = []
    assert on.cell(story, place, lambda: seen.append(durable(on, story))) == []
    (left,) = seen
    return left


def is_so_far(on: Matrix, story: Told, kind: EffectKind, status: EffectStatus) -> Callable[[], bool]:
    """Whether an intent of the story is so far."""
    return lambda: any(e.kind is kind and e.status is status for e in new_effects(on, story))


def place_of(story: Told, text: str, nth: int = 0) -> int:
    """Where a boundary comes, by its text."""
    return [n for n, boundary in enumerate(story.boundaries) if str(boundary) == text][nth]


def test_c0_before_the_commit_there_is_nothing(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "before commit of deposits.initiate"))

    assert left == Durable()


def test_c1_a_commit_without_an_answer_is_answered_under_its_key(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "after commit of deposits.initiate"))

    assert (left.answered, left.effects, left.orders) == (True, ["rails.deposit planned"], 0)
    assert left.untold > 0


def test_c2_a_claim_whose_holder_died_lapses_and_is_sent(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "after commit of effects.claim"))

    assert (left.effects, left.orders) == (["rails.deposit sending"], 0)


def test_c3_what_may_have_left_is_asked_about_first(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "before initiate_deposit"))

    assert (left.effects, left.orders) == (["rails.deposit sending"], 0)
    assert "before find" in asked_by_the_next(on, story, place_of(story, "before initiate_deposit"))


def test_c4_an_answer_that_was_read_and_not_recorded_is_found(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "after initiate_deposit"))

    assert (left.effects, left.orders) == (["rails.deposit sending"], 1)


def asked_by_the_next(on: Matrix, story: Told, place: int) -> list[str]:
    """What the next process asks a provider when its time has come, up to the first order."""
    on.watched(story, Fate(place))
    on.stage.scene.clock.advance(minutes=4)
    fate = Fate()
    with on.stage.process(fate, []) as pay:
        pay.run_pending()
    return [boundary.at for boundary in fate.passed]


def test_c5_what_was_accepted_is_brought_to_its_end(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(
        on, story, first_place(on, story, AFTER_COMMIT, is_so_far(on, story, K.DEPOSIT, S.ACCEPTED))
    )

    assert (left.effects, left.orders, left.rules) == (["rails.deposit accepted"], 1, [])


def test_c6_a_webhook_that_was_not_kept_comes_again(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "before commit of inbox.keep"))

    assert (left.waiting, left.rules) == (0, [])


def test_c7_a_webhook_that_was_kept_is_applied(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(on, story, place_of(story, "after commit of inbox.keep"))

    assert (left.waiting, left.rules) == (1, [])


def test_c8_applying_is_all_or_nothing(on: Matrix) -> None:
    story = told(on, DEPOSIT)
    booked = first_place(on, story, AFTER_COMMIT, is_so_far(on, story, K.DEPOSIT, S.SETTLED))

    left = left_by(on, story, booked - 1)

    assert story.boundaries[booked - 1].at == "before commit"
    assert (left.waiting > 0, left.effects, left.rules) == (True, ["rails.deposit accepted"], [])


def test_c9_what_follows_was_planned_in_the_same_commit(on: Matrix) -> None:
    story = told(on, DEPOSIT)

    left = left_by(
        on, story, first_place(on, story, AFTER_COMMIT, is_so_far(on, story, K.DEPOSIT, S.SETTLED))
    )

    assert left.effects == ["rails.deposit settled", "token.mint planned"]
    assert left.rules == ["P-01", "P-02"]


def test_c10_an_event_that_was_told_and_not_marked_is_told_again(on: Matrix) -> None:
    story = told(on, DEPOSIT)
    place = place_of(story, "before publishing")

    left = left_by(on, story, place)

    told_before = sum(boundary.at == "after a handler" for boundary in story.boundaries[:place])
    assert left.untold >= told_before > 0


def test_a_payment_in_the_book_has_no_intent_that_could_be_lost(on: Matrix) -> None:
    story = told(on, "invoices.pay")
    commits = [boundary for boundary in story.boundaries if boundary.at == AFTER_COMMIT]

    assert [boundary.operations for boundary in commits] == [["invoices.pay"]]
    for place in range(len(story.boundaries)):
        assert left_by(on, story, place).effects == []


def test_money_that_a_bank_took_back_is_gone_once_though_its_message_comes_again(on: Matrix) -> None:
    story = told(on, "money_that_nobody_knows")

    left = left_by(on, story, place_of(story, "after commit of reserves.unmatched_taken_back"))

    assert left.rules[-1] == "P-07"
