"""A client of a process that dies at any input or output: of its store, its providers, its handlers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from invoicepay import InvoicePay
from invoicepay.client.base import Core, Shared
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.events import Event
from invoicepay.domain.needs import Needs
from invoicepay.errors import OutcomeUnknown
from invoicepay.ports.repository import Reply, Repository, TakesTurns, Unit
from invoicepay.use_cases.perform import Deps

ORDERS = ("initiate_deposit", "initiate_withdrawal", "cancel", "mint", "burn", "transfer")
QUESTIONS = ("find", "balance", "supply")


class Crash(BaseException):
    """The process is gone; no handler of errors runs, and whatever cleans up cannot reach anything."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A moment at which a process can die.

    Attributes:
        at: what comes next or was just done, for example `before commit`.
        operations: the commands of the unit, where it is one; filled in once they are decided.
    """

    at: str
    operations: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return f"{self.at} of {', '.join(dict.fromkeys(self.operations))}" if self.operations else self.at


class Fate:
    """Counts boundaries and ends the process at one of them; a dead process passes no other one.

    Args:
        lives_on: the process goes on, and only the acknowledgement of the commit is lost that ends there.
    """

    def __init__(self, dies_at: int | None = None, *, lives_on: bool = False) -> None:
        self._dies_at, self._lives_on = dies_at, lives_on
        self.passed: list[Boundary] = []

    def meet(self, at: str, operations: list[str] | None = None) -> None:
        """Pass one more boundary, or die there."""
        is_now = len(self.passed) == self._dies_at
        if is_now and not self._lives_on:
            raise Crash
        self.passed.append(Boundary(at, [] if operations is None else operations))
        if is_now:
            raise OutcomeUnknown(retry_same_key="")


def doomed(pay: InvoicePay, fate: Fate, seen: list[Event]) -> InvoicePay:
    """A fresh client over the same store and providers, in a process with this fate.

    Args:
        seen: takes the events that the host's handler takes.
    """
    core: Core = pay._pay._core

    async def handler(event: Event) -> None:
        fate.meet("before a handler")
        seen.append(event)
        fate.meet("after a handler")

    wired = dying(core.wired, fate)
    return InvoicePay._around(
        type(pay._pay)._around(replace(core, wired=wired, shared=Shared(handlers=[handler])))
    )


def dying(deps: Deps, fate: Fate) -> Deps:
    """The same dependencies in a process with this fate."""
    return replace(
        deps,
        repository=_Store(deps.repository, fate),
        rails=_Provider(deps.rails, fate),
        tokens=_Provider(deps.tokens, fate),
    )


class _Passing:
    """Passes on whatever has no boundary of its own."""

    def __init__(self, inner: Any, fate: Fate) -> None:
        self._inner, self._fate = inner, fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Store(_Passing):
    _inner: Repository

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[_Unit]:
        operations: list[str] = []
        self._fate.meet("before begin", operations)
        async with self._inner.unit(tenant_id) as unit:
            yield _Unit(unit, self._fate, operations)

    async def seal(self, tenant_id: str, at: datetime) -> Any:
        return await _around(self._fate, "sealing", self._inner.seal(tenant_id, at))

    async def mark_published(self, tenant_id: str, event_ids: Sequence[str], at: datetime) -> None:
        await _around(self._fate, "publishing", self._inner.mark_published(tenant_id, event_ids, at))

    async def take_turn(self, *whose: str, now: datetime, until: datetime) -> bool:
        taking = self._turns.take_turn(*whose, now=now, until=until)
        return bool(await _around(self._fate, "taking a turn", taking))

    async def end_turn(self, *whose: str, now: datetime) -> None:
        await _around(self._fate, "ending a turn", self._turns.end_turn(*whose, now=now))

    @property
    def _turns(self) -> TakesTurns:
        assert isinstance(self._inner, TakesTurns), "every store here lets workers take turns"
        return self._inner


class _Unit:
    def __init__(self, inner: Unit, fate: Fate, operations: list[str]) -> None:
        self._inner, self._fate, self._operations = inner, fate, operations

    async def load(self, needs: Needs, into: Snapshot) -> None:
        await self._inner.load(needs, into)
        self._fate.meet("after load", self._operations)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        return await self._inner.replies(keys)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        self._operations += [reply.operation for reply in replies]
        await self._inner.apply(outcomes, replies)

    async def commit(self) -> None:
        self._fate.meet("before commit", self._operations)
        await self._inner.commit()
        self._fate.meet("after commit", self._operations)


class _Provider(_Passing):
    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in (*ORDERS, *QUESTIONS):
            return found

        async def asked(*arguments: Any, **named: Any) -> Any:
            return await _around(self._fate, name, found(*arguments, **named))

        return asked


async def _around(fate: Fate, name: str, call: Awaitable[Any]) -> Any:
    try:
        fate.meet(f"before {name}")
    except Crash:
        _close(call)
        raise
    answer = await call
    fate.meet(f"after {name}")
    return answer


def _close(call: Any) -> None:
    """A coroutine that never runs is closed, or Python warns of it."""
    call.close()
