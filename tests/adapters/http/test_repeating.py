"""When a call is begun again, and when a provider is left alone."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable

import pytest

from invoicepay.adapters.http import Answer, Limits, together
from invoicepay.errors import ProviderError, ProviderUnavailable, ProviderUnknown
from invoicepay.testing import Host
from invoicepay.testing.simulators.faults import Faults
from tests.adapters.http.conftest import MakeSender
from tests.adapters.http.provider import ORDER, QUESTION, Hours, Provider, outcome
from tests.adapters.http.wire import dripping, peer


@pytest.mark.parametrize(
    "lose",
    [Faults.drop_request, Faults.drop_answer, lambda faults: faults.fail_after(500)],
    ids=["request lost", "answer lost", "500 after the effect"],
)
def test_an_order_that_may_have_arrived_is_never_sent_again(
    host: Host, sender: MakeSender, url: str, provider: Provider, lose: Callable[[Faults], None]
) -> None:
    lose(provider.faults)

    outcome(host, sender(url).order(ORDER))

    assert provider.faults.seen == ("POST /transfers",)


def test_an_order_is_not_repeated_after_503_or_429_either(
    host: Host, sender: MakeSender, url: str, provider: Provider
) -> None:
    provider.faults.fail_before(503)
    provider.faults.too_many()
    made = sender(url)

    statuses = [host.run(made.order(ORDER)).status for _ in range(2)]

    assert (statuses, provider.done, len(provider.faults.seen)) == ([503, 429], 0, 2)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda faults: faults.drop_answer(times=2),
        lambda faults: faults.fail_before(503, times=2),
        lambda faults: faults.fail_after(502, times=2),
        lambda faults: faults.fail_before(504, times=2),
    ],
    ids=["lost", "503", "502", "504"],
)
def test_a_question_is_repeated_until_it_is_answered(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    trouble: Callable[[Faults], None],
) -> None:
    trouble(provider.faults)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(provider.faults.seen), len(hours.waits)) == (200, 3, 2)


def test_a_question_that_is_refused_to_the_end_gives_the_last_answer(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.fail_before(503, times=3)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(provider.faults.seen)) == (503, 3)


def test_a_question_waits_as_long_as_the_provider_asks(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.too_many(retry_after=7)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, len(hours.waits)) == (200, 1)
    assert hours.waits[0] >= 7


def test_a_wait_that_would_pass_the_deadline_is_not_begun(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    provider.faults.too_many(retry_after=60)

    answer = host.run(sender(url, clock=hours, sleep=hours.sleep).ask(QUESTION))

    assert (answer.status, hours.waits) == (429, [])


def test_an_operation_rests_as_long_as_retry_after_says_and_others_go_on(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    provider.faults.too_many(retry_after=60)
    host.run(made.order(ORDER))

    resting = outcome(host, made.order(ORDER))
    other = outcome(host, made.ask(QUESTION))
    hours.seconds += 60
    again = outcome(host, made.order(ORDER))

    assert isinstance(resting, ProviderUnavailable)
    assert resting.details["retry_after_seconds"] == 60
    assert isinstance(other, Answer)
    assert isinstance(again, Answer)
    assert len(provider.faults.seen) == 3


@pytest.mark.parametrize(
    ("fail", "most"),
    [
        (lambda faults: faults.drop_answer(times=9), 6),
        (lambda faults: faults.fail_before(500, times=9), 6),
        (lambda faults: faults.fail_before(401, times=9), 2),
        (lambda faults: faults.fail_before(403, times=9), 2),
    ],
    ids=["lost answers", "500", "401", "403"],
)
def test_failures_in_a_row_let_an_operation_rest_until_one_trial_succeeds(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    fail: Callable[[Faults], None],
    most: int,
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    fail(provider.faults)
    for _ in range(most):
        outcome(host, made.order(ORDER))
    provider.faults.clear()

    resting = [outcome(host, made.order(ORDER)) for _ in range(3)]
    arrived = len(provider.faults.seen)
    hours.seconds += 30
    trial, after = outcome(host, made.order(ORDER)), outcome(host, made.order(ORDER))

    assert arrived == most
    assert [type(error) for error in resting] == [ProviderUnavailable] * 3
    assert isinstance(trial, Answer)
    assert isinstance(after, Answer)


def test_a_trial_that_fails_means_another_rest(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    provider.faults.drop_answer(times=7)
    for _ in range(6):
        outcome(host, made.order(ORDER))
    hours.seconds += 30

    trial, next_one = outcome(host, made.order(ORDER)), outcome(host, made.order(ORDER))

    assert (type(trial), type(next_one)) == (ProviderUnknown, ProviderUnavailable)
    assert len(provider.faults.seen) == 7


def test_a_success_ends_a_row_of_failures(
    host: Host, sender: MakeSender, url: str, provider: Provider, hours: Hours
) -> None:
    made = sender(url, clock=hours, sleep=hours.sleep)
    for _ in range(3):
        provider.faults.drop_answer(times=5)
        outcomes = [outcome(host, made.order(ORDER)) for _ in range(6)]
        assert isinstance(outcomes[-1], Answer)

    assert len(provider.faults.seen) == 18


def test_calls_together_end_as_one_call_does_and_what_comes_too_late_is_not_sent(
    host: Host, sender: MakeSender
) -> None:
    trust = ssl.create_default_context()  # read before the time of the calls begins

    async def log_in_and_order() -> list[Answer | ProviderError]:
        found: list[Answer | ProviderError] = []
        with together(1.0):
            for call in (made.ask(QUESTION), made.order(ORDER), made.order(ORDER)):
                try:
                    found.append(await call)
                except ProviderError as error:
                    found.append(error)
        return found

    with peer(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")) as server:
        made = sender(server.url, limits=Limits(total_seconds=20, tries=1), tls=trust)
        started = time.monotonic()

        outcomes = host.run(log_in_and_order())

        assert time.monotonic() - started < 15  # of the 20 that each alone may last
        assert [type(one) for one in outcomes] == [ProviderUnavailable] * 3
        assert server.connections == 1


def test_a_call_after_calls_together_has_its_own_time_again(host: Host, sender: MakeSender, url: str) -> None:
    made = sender(url)

    async def too_late() -> Answer:
        with together(-1):
            return await made.order(ORDER)

    late = [outcome(host, too_late()) for _ in range(9)]

    assert {str(one) for one in late} == {"no time was left to call acme"}
    assert host.run(made.order(ORDER)).status == 200


def test_refused_credentials_and_a_rest_are_warnings_in_the_log(
    host: Host,
    sender: MakeSender,
    url: str,
    provider: Provider,
    hours: Hours,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider.faults.fail_before(401, times=2)
    made = sender(url, clock=hours, sleep=hours.sleep)

    with caplog.at_level(logging.WARNING, "invoicepay.http"):
        for _ in range(2):
            host.run(made.order(ORDER))

    assert [record.getMessage() for record in caplog.records] == [
        "acme refused our credentials for transfer (401)",
        "acme refused our credentials for transfer (401)",
        "acme: transfer rests for 30 s after failures",
    ]
