"""The calls that a bank's own code makes: sent in one step, judged, and read as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from invoicepay.adapters.hosts import run_blocking
from invoicepay.adapters.http import Answer, Request, Sender, judge
from invoicepay.adapters.http_rails.attempts import Unseen, attempt
from invoicepay.errors import ProviderError, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.health import Check


def question(sender: Sender, request: Request, *, unseen_status: int) -> Any:
    """Ask, and read the answer.

    Raises:
        Unseen: the bank answered with `unseen_status`.
        ProviderUnavailable: there is no answer, or none that is read.
    """
    answer = run_blocking(sender.ask(request))
    judge(answer, is_order=False)
    if answer.status == unseen_status:
        raise Unseen(f"{answer.provider} has never seen what {answer.operation} asked about")
    if not answer.is_success:
        raise ProviderUnavailable(_told(answer), status=answer.status)
    return _read(answer, ProviderUnavailable)


def order(
    sender: Sender, request: Request, refusal: Callable[[Answer], ProviderError], *, moves_money: bool
) -> Any:
    """Send what may change something at the bank, and read the answer.

    Args:
        moves_money: it is the order itself, not a login before it or a note behind it.

    Raises:
        ProviderError: what `refusal` makes of a 4xx.
        ProviderUnavailable: it did not leave.
        ProviderUnknown: it may have arrived, or was taken with an answer that is not read.
    """
    run = attempt()
    left_before, run.may_have_left = run.may_have_left, True
    try:
        answer = run_blocking(sender.order(request))
        judge(answer, is_order=True)
    except ProviderUnavailable:
        run.may_have_left = left_before
        raise
    if not answer.is_success:
        raise refusal(answer)
    run.was_taken = run.was_taken or moves_money
    return _read(answer, ProviderUnknown)


def reachable(sender: Sender, request: Request) -> tuple[Check, ...]:
    """Whether the bank is there, whatever it says to this question, and whether it takes our key."""
    try:
        answer = run_blocking(sender.ask(request))
    except ProviderUnavailable as error:
        return (Check("reachable", False, error.message),)
    is_there = answer.status < 500
    takes_key = answer.status not in (401, 403)
    return (
        Check("reachable", is_there, "" if is_there else _told(answer)),
        Check("credentials", takes_key, "" if takes_key else _told(answer)),
    )


def _read(answer: Answer, kind: type[ProviderError]) -> Any:
    if not answer.body:
        return {}
    try:
        return answer.json()
    except ValueError as error:
        raise kind(f"{answer.provider} answered {answer.operation} with something else than JSON") from error


def _told(answer: Answer) -> str:
    return f"{answer.provider} answered {answer.status} to {answer.operation}"
