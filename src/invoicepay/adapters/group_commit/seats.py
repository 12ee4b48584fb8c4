"""What waits, what it is answered, and carrying out several of them as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from typing import Any

from invoicepay.errors import ConcurrentUpdate, OutcomeUnknown

CarryOut = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]

MOST = 1_000
"""Items in one transaction; more wait for the next one, so that locks and memory stay bounded."""

_is_inside: ContextVar[bool] = ContextVar("invoicepay_group_commit_is_inside", default=False)


@dataclass(slots=True)
class Told:
    """What a caller is answered: a value, or an error of its own."""

    value: Any = None
    error: Exception | None = None

    def given(self) -> Any:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


GO_ALONE = Told()
"""Its transaction lost every race, perhaps because of one item: everybody tries once more for itself."""


def is_inside() -> bool:
    """Whether this code is called from within a `carry_out`, and so must not wait for one to end."""
    return _is_inside.get()


async def by_itself(item: Any, carry_out: CarryOut) -> Any:
    """The item's answer from a transaction of its own."""
    (answer,) = await _inside([item], carry_out)
    return answer


async def together(items: Sequence[Any], carry_out: CarryOut) -> list[Told]:
    """What each item is told; an error that stands for all of them becomes one of its own for each."""
    try:
        return [Told(answer) for answer in await _inside(items, carry_out)]
    except ConcurrentUpdate as error:
        return [GO_ALONE] * len(items) if len(items) > 1 else [Told(error=error)]
    except Exception as error:  # noqa: BLE001 - whatever it is, its callers raise it
        return [Told(error=own(error)) for _ in items]


def unknown() -> Told:
    """For an item whose transaction was broken off; the caller knows its key."""
    return Told(error=OutcomeUnknown(retry_same_key=""))


def own(error: Exception) -> Exception:
    """The same error for one caller more: raising one object in several places mixes their tracebacks."""
    try:
        another = copy(error)
    except Exception:  # noqa: BLE001 - a stranger's class whose objects cannot be copied
        return error
    another.__cause__ = error
    return another


async def _inside(items: Sequence[Any], carry_out: CarryOut) -> Sequence[Any]:
    if _is_inside.get():
        return await carry_out(items)
    _is_inside.set(True)
    try:
        answers = await carry_out(items)
    finally:
        _is_inside.set(False)
    assert len(answers) == len(items), "carry_out answers each item"
    return answers
