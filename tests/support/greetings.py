"""Commands that greet somebody, and a repository that is watched while they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.errors import (
    InsufficientFunds,
)
from invoicepay.ports.repository import Reply, Repository, Unit
from invoicepay.use_cases.perform import (
    Call,
    UseCase,
    call_of,
)
from tests.support.desk import Desk
from tests.support.free import free


@dataclass(frozen=True, slots=True, kw_only=True)
class Greet:
    """Register somebody, in a way that the name tells."""

    name: str
    note: str = ""
    nonce: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A result with rows in it."""

    first: Party
    others: tuple[Party, ...]
    note: str = ""


def needs_of(command: Greet, _seen: Snapshot) -> Needs:
    return need((Party, command.name))


def party_of(command: Greet, change: Change) -> Party:
    known = change.peek(Party, command.name)
    if command.name == "poor":
        raise InsufficientFunds("nothing is left", hint="Bring some.", available="0.00 USD")
    if command.name == "broken":
        raise KeyError(command.name)
    return known or change.add(Party(id=command.name, kind=PartyKind.USER), "party.registered")


def _greeting(name: str, result: Any, give: Callable[[Party], Any]) -> UseCase[Greet, Any]:
    return free(name, result, needs_of, lambda command, change: give(party_of(command, change)))


GREET = _greeting("tests.hello", Party, lambda party: party)
PAIR = _greeting("tests.pair", Pair, lambda party: Pair(party, (party,), "two"))
PARTIES = _greeting("tests.parties", tuple[Party, ...], lambda party: (party, party))
NAME = _greeting("tests.name", str, lambda party: party.id)


class Watched:
    """A repository that tells what it is asked, and may do something else first."""

    def __init__(self, inner: Repository) -> None:
        self._inner = inner
        self.loads: list[Needs] = []
        self.asked_keys: list[list[tuple[str, str]]] = []
        self.replies: list[Reply] = []
        self.before_apply: Callable[[Sequence[Any]], None] = lambda outcomes: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Unit]:
        async with self._inner.unit(tenant_id) as unit:
            yield WatchedUnit(unit, self)


class WatchedUnit:
    def __init__(self, inner: Unit, watched: Watched) -> None:
        self._inner, self._watched = inner, watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def load(self, needs: Needs, into: Snapshot) -> None:
        self._watched.loads.append(needs)
        await self._inner.load(needs, into)

    async def replies(self, keys: Any) -> Any:
        self._watched.asked_keys.append(list(keys))
        return await self._inner.replies(self._watched.asked_keys[-1])

    async def apply(self, outcomes: Any, replies: Any) -> None:
        self._watched.before_apply(outcomes)
        self._watched.replies += replies
        await self._inner.apply(outcomes, replies)


def watched(desk: Desk) -> Watched:
    repository = Watched(desk.deps.repository)
    desk.deps = replace(desk.deps, repository=repository)
    return repository


def names(desk: Desk) -> list[str]:
    return [party.id for party in desk.rows(Party)]


def calls_of(desk: Desk, *wanted: str) -> list[Call[Any, Any]]:
    return [call_of(desk.deps, GREET, Greet(name=name), f"key-{n}") for n, name in enumerate(wanted)]


def raising(error: Exception, times: int = 1_000) -> Callable[[Sequence[Any]], None]:
    """What raises so many times and then does nothing."""
    left = [error] * times

    def act(_outcomes: Sequence[Any]) -> None:
        if left:
            raise left.pop()

    return act
