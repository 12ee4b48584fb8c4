"""Many commands of one kind: each decided as if alone and in order, a thousand to a transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from typing import Any, TypeAlias, TypeVar

from invoicepay.errors import ConcurrencyError, InvoicePayError, OutcomeUnknown, StoreError, StoreUnreachable
from invoicepay.use_cases.neighbours import carried_out
from invoicepay.use_cases.perform import Call, Deps, UseCase, call_of

C = TypeVar("C")
R = TypeVar("R")

MOST = 1_000
"""Commands in one transaction; more are cut, so that locks and memory stay bounded."""

Asked: TypeAlias = tuple[C, str | None] | InvoicePayError
"""A command with its key, or why what was handed in cannot become one."""

Prepare: TypeAlias = Callable[[Deps, Sequence[Call[C, R]]], Awaitable[Sequence[Call[C, R] | InvoicePayError]]]

TROUBLE = (StoreError, ConcurrencyError)
"""What keeps a whole transaction from happening, whichever commands it holds."""


async def in_batches(
    deps: Deps,
    use_case: UseCase[C, R],
    asked: Sequence[Asked[C]],
    prepare: Prepare[C, R] | None = None,
) -> list[R | InvoicePayError]:
    """Carry out commands in order, at most `MOST` in a transaction.

    Args:
        prepare: looks the calls of one transaction over before it begins.

    Returns:
        A result or the refusal for each, in order. Trouble with the store is the value of everything that its
        transaction held; what would have come later was not tried, and says so in the same way. A fault of
        the program is the value of its item, too, with the fault as its cause: so what was committed is told.
    """
    answers: list[Any] = []
    while len(answers) < len(asked):
        part = [_checked(deps, use_case, one) for one in asked[len(answers) : len(answers) + MOST]]
        outcomes = await carried_out(deps, await _prepared(deps, part, prepare), MOST)
        answers += outcomes
        trouble = next((one for one in outcomes if isinstance(one, TROUBLE)), None)
        if trouble is not None:
            later = _not_tried(trouble)
            answers += [copy(later) for _ in asked[len(answers) :]]
    return [_told(one) for one in answers]


async def _prepared(
    deps: Deps, asked: Sequence[Call[C, R] | InvoicePayError], prepare: Prepare[C, R] | None
) -> Sequence[Call[C, R] | InvoicePayError]:
    calls = [one for one in asked if isinstance(one, Call)]
    if prepare is None or not calls:
        return asked
    try:
        ready = iter(await prepare(deps, calls))
    except Exception as error:  # noqa: BLE001 - what is durable already has to be told
        failed = [copy(error) if isinstance(error, InvoicePayError) else _told(error) for _ in asked]
        return [no if isinstance(one, Call) else one for one, no in zip(asked, failed, strict=True)]
    return [next(ready) if isinstance(one, Call) else one for one in asked]


def _checked(deps: Deps, use_case: UseCase[C, R], one: Asked[C]) -> Call[C, R] | InvoicePayError:
    if isinstance(one, InvoicePayError):
        return one
    try:
        return call_of(deps, use_case, *one)
    except InvoicePayError as refusal:
        return refusal


def _told(answer: Any) -> Any:
    """The answer; a fault of the program as an error of our tree."""
    if not isinstance(answer, Exception) or isinstance(answer, InvoicePayError):
        return answer
    error = InvoicePayError(f"a fault of the program, no refusal: {type(answer).__name__}")
    error.__cause__ = answer
    return error


def _not_tried(trouble: InvoicePayError) -> InvoicePayError:
    """What is said of commands behind the trouble: their outcome is known, nothing was recorded."""
    if isinstance(trouble, OutcomeUnknown):
        return StoreUnreachable("not tried, because the store did not answer for what came before")
    return trouble
