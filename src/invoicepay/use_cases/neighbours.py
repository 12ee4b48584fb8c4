"""Work through a queue so that an item that fails never blocks its neighbours (reliability rule 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from invoicepay.errors import InvoicePayError, StoreError
from invoicepay.use_cases.perform import Call, Deps, answers_of

T = TypeVar("T")

AT_ONCE = 200
"""Commands of a queue in one transaction; few enough that whoever waits for their rows does not wait long."""


@dataclass(frozen=True, slots=True)
class Served:
    """How many items were worked on, and the refusals of those that could not go on."""

    count: int = 0
    refusals: tuple[InvoicePayError, ...] = ()

    def __add__(self, other: Served) -> Served:
        """Both together."""
        return Served(self.count + other.count, self.refusals + other.refusals)


async def tried(items: Iterable[T], act: Callable[[T], Awaitable[Any]]) -> list[Any]:
    """What acting on each item gave, also after one failed: its result, or the exception as a value."""
    outcomes = list[Any]()
    for item in items:
        try:
            outcomes.append(await act(item))
        except Exception as error:  # noqa: BLE001 - `served` raises what is no refusal
            outcomes.append(error)
    return outcomes


async def carried_out(deps: Deps, outcomes: Sequence[Any], most: int = AT_ONCE) -> list[Any]:
    """The same with every call among them carried out, in order, at most `most` in a transaction."""
    calls = [one for one in outcomes if isinstance(one, Call)]
    parts = [calls[first : first + most] for first in range(0, len(calls), most)]
    answers = iter([answer for part in parts for answer in await answers_of(deps, part)])
    return [next(answers) if isinstance(one, Call) else one for one in outcomes]


def served(outcomes: Sequence[Any]) -> Served:
    """The count of a queue's outcomes.

    Anything else than a refusal is a fault of the program: it is raised, now that the others were served.
    """
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, InvoicePayError):
            raise outcome
    return Served(len(outcomes), tuple(one for one in outcomes if isinstance(one, InvoicePayError)))


@dataclass(slots=True)
class Stages:
    """Work of several kinds, one after the other: a fault in one is raised once the others had their turn.

    Attributes:
        faults: what has been raised so far.
    """

    faults: list[Exception] = field(default_factory=list[Exception])

    async def done(self, work: Awaitable[T], otherwise: T) -> T:
        """What the work gave; `otherwise` where it failed.

        Raises:
            StoreError: nothing else would come off, either.
        """
        try:
            return await work
        except StoreError:
            raise
        except Exception as fault:  # noqa: BLE001 - `end` raises it
            self.faults.append(fault)
            return otherwise

    def end(self) -> None:
        """Raise the first fault, if there was any."""
        if self.faults:
            raise self.faults[0]
