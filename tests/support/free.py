"""Commands that only tests give: anybody of the operator may, and the library itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from invoicepay.domain import authority
from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.needs import Needs
from invoicepay.use_cases.perform import UseCase

C = TypeVar("C")
R = TypeVar("R")


def free(
    name: str,
    result: type[R],
    needs: Callable[[C, Snapshot], Needs],
    decide: Callable[[C, Change], R],
) -> UseCase[C, R]:
    """A use case that has a rule like those of the library."""
    rules = cast("dict[str, authority.Rule]", authority.RULES)
    rules[name] = authority.Rule(system=True)

    def decided(command: C, change: Change) -> R:
        authorise(change)
        return decide(command, change)

    return UseCase(name, result, needs, decided)
