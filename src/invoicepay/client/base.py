"""What the groups of one client share: dependencies, handlers, and the work that follows a commit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import party_id
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money, MoneyLike
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.time import aware
from invoicepay.errors import InvalidInput
from invoicepay.use_cases.outbox import Handler
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.perform import Deps

if TYPE_CHECKING:
    from invoicepay.adapters.simulated import SimControl

C = TypeVar("C")
R = TypeVar("R")
W = TypeVar("W", bound=StrEnum)
LineLike = Line | tuple[str, MoneyLike]
UseCaseCall = Callable[[Deps, C, str | None], Coroutine[Any, Any, R]]


@dataclass(frozen=True, slots=True)
class Core:
    """One wired client; copies differ in tenant and actor and share everything else.

    Attributes:
        dispatch: `inline` runs pending work right after each commit.
        sim: commands for the simulated providers, where both are simulated.
        handlers: what `on` registered, in order.
    """

    deps: Deps
    dispatch: str
    sim: SimControl | None = None
    handlers: list[Handler] = field(default_factory=list[Handler])

    def tenant(self, id: str) -> Core:
        """The same client for another tenant."""
        return replace(self, deps=replace(self.deps, tenant_id=party_id(id, "the tenant")))

    def acting_as(self, subject: str, role: Role) -> Core:
        """The same client for another actor."""
        return replace(self, deps=replace(self.deps, actor=Actor(party_id(subject, "the actor"), role)))


class Group:
    """Calls of one stem."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def _deps(self) -> Deps:
        return self._core.deps

    async def _do(self, call: UseCaseCall[C, R], command: C, key: str | None) -> R:
        """Carry out a command, then what follows from it where the host asked for that."""
        result = await call(self._deps, command, key)
        await self._follow_up()
        return result

    async def _follow_up(self) -> None:
        """Provider work, due work and handlers, right away where the host asked for that."""
        if self._core.dispatch == "inline":
            await run_pending(self._deps, handlers=self._core.handlers, until_quiet=True)


def money(value: MoneyLike, *, asset: str | None = None) -> Money:
    """Friendly input to `Money`: a `Money` or text such as "12.50 USD".

    Raises:
        InvalidAmount: floats, signs, exponents, too many decimals, no asset.
    """
    return Money.parse(value, asset=asset)


def optional_money(value: MoneyLike | None) -> Money | None:
    """`money` for an amount that may be left out."""
    return None if value is None else Money.parse(value)


def instant(value: datetime | None, name: str) -> datetime | None:
    """An aware instant or nothing.

    Raises:
        InvalidTime: naive.
    """
    return None if value is None else aware(value, name)


def id_of(value: str | Entity) -> str:
    """The id of a thing given as itself or by its id."""
    return value.id if isinstance(value, Entity) else value


def chosen(kind: type[W], word: str, name: str) -> W:
    """A word of a closed list.

    Raises:
        InvalidInput: not one of them; the message lists them.
    """
    try:
        return kind(word)
    except ValueError as error:
        raise InvalidInput(f"{name} is one of {', '.join(kind)}, not {word!r}") from error


def lines_of(lines: Sequence[LineLike]) -> tuple[Line, ...]:
    """Invoice lines from `Line` or from (description, price).

    Raises:
        InvalidLine: a line is malformed.
    """
    return tuple(line if isinstance(line, Line) else Line.of(*line) for line in lines)
