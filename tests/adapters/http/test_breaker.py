"""Who may go after a rest: one trial, whoever comes meanwhile waits, whatever becomes of it."""

from __future__ import annotations

import pytest

from invoicepay.adapters.http.breaker import LONGEST_REST_SECONDS, Breaker


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def resting(clock: Hands) -> Breaker:
    breaker = Breaker(clock, failures=3, rest_seconds=30)
    for _ in range(3):
        breaker.failed("transfer")
    return breaker


def test_the_failure_that_begins_a_rest_says_so_once(clock: Hands) -> None:
    breaker = Breaker(clock, failures=3, rest_seconds=30)

    assert [breaker.failed("transfer") for _ in range(5)] == [False, False, True, False, False]


def test_an_operation_rests_in_whole_seconds_that_are_never_too_few(resting: Breaker, clock: Hands) -> None:
    clock.seconds += 0.5

    assert resting.wait_seconds("transfer") == 30
    assert resting.wait_seconds("find") == 0


def test_after_a_rest_one_goes_and_others_wait_another_rest(resting: Breaker, clock: Hands) -> None:
    clock.seconds += 30

    assert [resting.wait_seconds("transfer") for _ in range(3)] == [0, 30, 30]


def test_a_trial_that_succeeds_lets_everybody_go(resting: Breaker, clock: Hands) -> None:
    clock.seconds += 30
    resting.wait_seconds("transfer")

    resting.succeeded("transfer")

    assert [resting.wait_seconds("transfer") for _ in range(3)] == [0, 0, 0]


def test_a_trial_of_which_nothing_is_heard_is_followed_by_another(resting: Breaker, clock: Hands) -> None:
    clock.seconds += 30
    resting.wait_seconds("transfer")

    clock.seconds += 30

    assert resting.wait_seconds("transfer") == 0


@pytest.mark.parametrize(("asked", "granted"), [(7, 7), (0.2, 1), (10**9, LONGEST_REST_SECONDS)])
def test_a_pause_that_was_asked_for_is_granted_up_to_an_hour(
    clock: Hands, asked: float, granted: float
) -> None:
    breaker = Breaker(clock, failures=3, rest_seconds=30)

    breaker.rest("transfer", asked)

    assert breaker.wait_seconds("transfer") == granted
    clock.seconds += granted
    assert [breaker.wait_seconds("transfer") for _ in range(2)] == [0, 0]
