"""Work through a queue so that an item that fails never blocks its neighbours (reliability rule 10)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from invoicepay.errors import InvoicePayError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """How many items were worked on, and the refusals of those that could not go on."""

    count: int = 0
    refusals: tuple[InvoicePayError, ...] = ()

    def __add__(self, other: Served) -> Served:
        """Both together."""
        return Served(self.count + other.count, self.refusals + other.refusals)


async def one_by_one(items: Iterable[T], act: Callable[[T], Awaitable[object]]) -> Served:
    """Act on every item, also after one failed.

    A refusal is counted and returned. Anything else is a fault of the program: it is raised, but only after
    the other items were served.
    """
    served, refusals, faults = 0, list[InvoicePayError](), list[Exception]()
    for item in items:
        try:
            await act(item)
        except InvoicePayError as refusal:
            refusals.append(refusal)
        except Exception as fault:  # noqa: BLE001 - raised below
            faults.append(fault)
        served += 1
    if faults:
        raise faults[0]
    return Served(served, tuple(refusals))
