"""When a call to a provider is begun again: the one retry policy of every HTTP adapter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_result,
    wait_random_exponential,
)

from invoicepay.adapters.http.classify import retry_after_seconds
from invoicepay.adapters.http.messages import Answer
from invoicepay.adapters.system import Sleep
from invoicepay.errors import ProviderUnavailable

PASSING = (429, 502, 503, 504)
"""Answers that a question may get once and not again."""

_backoff = wait_random_exponential(multiplier=0.1, max=2.0)


async def repeating(
    once: Callable[[], Awaitable[Answer]],
    *,
    tries: int,
    ends_at: float,
    clock: Callable[[], float],
    sleep: Sleep,
    is_order: bool,
) -> Answer:
    """Await `once` again after what surely was not done, and a question also after a passing answer.

    Waits 0.1 to 2 seconds with jitter, or what `Retry-After` asks for; never past `ends_at`.

    Raises:
        ProviderUnavailable, ProviderUnknown: of the last try.
    """

    def is_over(state: RetryCallState) -> bool:
        return state.attempt_number >= tries or clock() + state.upcoming_sleep >= ends_at

    again = retry_if_exception(_did_not_leave)
    policy = AsyncRetrying(
        retry=again if is_order else again | retry_if_result(_is_passing),
        stop=is_over,
        wait=_wait,
        sleep=sleep,
        retry_error_callback=_last,
    )
    return await policy(once)


def _did_not_leave(error: BaseException) -> bool:
    """Not reached; one that rests says for how long, and is left alone until then."""
    return isinstance(error, ProviderUnavailable) and "retry_after_seconds" not in error.details


def _is_passing(answer: Answer) -> bool:
    return answer.status in PASSING


def _wait(state: RetryCallState) -> float:
    asked = None
    if state.outcome is not None and not state.outcome.failed:
        asked = retry_after_seconds(state.outcome.result())
    return max(_backoff(state), asked or 0)


def _last(state: RetryCallState) -> Answer:
    assert state.outcome is not None
    answer: Answer = state.outcome.result()
    return answer
