"""One thread of a storm: a walk's world over a shared store that keeps what it asked and what was written."""

from __future__ import annotations

import threading
import traceback
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Engine, event

from invoicepay.adapters.simulated import SimControl
from invoicepay.adapters.system import SystemIds, TransactionRetry, blocking_sleep
from invoicepay.bridge import run_blocking
from invoicepay.domain.accounts import Posting
from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.needs import Needs, find
from invoicepay.domain.parties import Actor
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.errors import ConcurrentUpdate, InvoicePayError
from invoicepay.ports.repository import Reply, Repository, Unit
from invoicepay.use_cases import reconcile as reconciliation
from invoicepay.use_cases.perform import RECORDED_REFUSALS, Deps
from tests.stores.surroundings import OpenHouse, StormClock
from tests.walks.world import OPERATOR, Asked, Setting, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Written:
    """One command that was committed, as its outcome told it.

    Attributes:
        ids: every id that was drawn for it, in order, so that a replay can draw the same.
        companions: how many commands were committed with it.
    """

    key: str
    command: str
    actor: Actor
    now: datetime
    rows: tuple[Entity, ...]
    postings: tuple[Posting, ...]
    ids: tuple[str, ...]
    companions: int


@dataclass
class Report:
    """What a hand, or several of them, did and met.

    Attributes:
        refusals: refused commands by the code of their error.
        answers: by key, what its calls were answered: `done <digest>` or the code of a recorded refusal.
        states: what databases and drivers complained about, by SQLSTATE or name.
        tries: how often a unit was tried again; `lost`: how often all tries were used up.
    """

    commands: int = 0
    tries: int = 0
    lost: int = 0
    refusals: Counter[str] = field(default_factory=Counter[str])
    states: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    answers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    written: list[Written] = field(default_factory=list[Written])

    def add(self, other: Report) -> None:
        """Count another one's in."""
        self.commands += other.commands
        self.tries += other.tries
        self.lost += other.lost
        self.refusals += other.refusals
        self.states += other.states
        self.faults += other.faults
        self.asked |= other.asked
        self.written += other.written
        for key, answers in other.answers.items():
            self.answers[key] = self.answers.get(key, set()) | answers


class DrawnIds:
    """The machine's ids; remembers those of the call and of its latest try."""

    def __init__(self) -> None:
        self._inner = SystemIds()
        self._before: list[str] = []
        self._drawn = self._before

    def begin_call(self) -> None:
        """A new call: nothing was drawn."""
        self._before = self._drawn = []

    def begin_try(self) -> None:
        """A new unit: what another try drew does not count."""
        self._drawn = []

    @property
    def drawn(self) -> tuple[str, ...]:
        """Ids of the call before its unit, then those of the unit."""
        return (*self._before, *self._drawn)

    def new(self, prefix: str, now: datetime) -> str:
        """A fresh id."""
        self._drawn.append(self._inner.new(prefix, now))
        return self._drawn[-1]

    def nonce(self) -> str:
        """Random text."""
        self._drawn.append(self._inner.nonce())
        return self._drawn[-1]


class KeepingRepository:
    """A repository whose commits are kept."""

    def __init__(self, inner: Repository, ids: DrawnIds, report: Report) -> None:
        self._inner, self._ids, self._report = inner, ids, report

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[KeepingUnit]:
        """A transaction whose commit is kept."""
        self._ids.begin_try()
        async with self._inner.unit(tenant_id) as unit:
            yield KeepingUnit(unit, self._ids, self._report)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class KeepingUnit:
    """A unit that keeps its outcomes once they are durable."""

    def __init__(self, inner: Unit, ids: DrawnIds, report: Report) -> None:
        self._inner, self._ids, self._report = inner, ids, report
        self._outcomes: Sequence[Outcome[Any]] = ()

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Load."""
        await self._inner.load(needs, into)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        """Stored answers."""
        return await self._inner.replies(keys)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """Write."""
        self._outcomes = outcomes
        await self._inner.apply(outcomes, replies)

    async def commit(self) -> None:
        """Make it durable and keep it."""
        await self._inner.commit()
        self._report.written += [self._written(one) for one in self._outcomes if not one.denied]

    def _written(self, outcome: Outcome[Any]) -> Written:
        return Written(
            key=outcome.context.key,
            command=outcome.command,
            actor=outcome.context.actor,
            now=outcome.context.now,
            rows=outcome.rows,
            postings=outcome.postings,
            ids=self._ids.drawn,
            companions=len(self._outcomes) - 1,
        )


class CountingRetry:
    """The library's retry policy; counts how often it is needed and how often it is not enough."""

    def __init__(self, report: Report) -> None:
        self._inner, self._report = TransactionRetry(blocking_sleep), report

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Await `attempt` until it succeeds or the tries are used up."""

        async def counted() -> T:
            self._report.tries += 1
            return await attempt()

        try:
            return await self._inner(counted)
        except ConcurrentUpdate:
            self._report.lost += 1
            raise


def watch(engine: Engine, report: Report) -> None:
    """Count what the database complains about; many threads may use the engine."""
    lock = threading.Lock()

    @event.listens_for(engine, "handle_error")
    def count(context: Any) -> None:
        error = context.original_exception
        state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
        with lock:
            report.states[state or type(error).__name__] += 1


class Hand(World):
    """One thread's view of the tenant; several hands share the store, the clock and the providers.

    Attributes:
        twins: what hands of this process asked lately, for others to ask at the same time.
        recent: rows that a move may choose from, newest last; few make all hands choose the same.
    """

    def __init__(
        self,
        name: str,
        setting: Setting,
        repository: Repository,
        clock: StormClock,
        sim: SimControl,
        twins: deque[Asked],
    ) -> None:
        self.name, self.setting, self.sim, self.twins = name, setting, sim, twins
        self.clock: Any = clock
        self.report, self.recent = Report(), 8
        self.drawn = DrawnIds()
        self.deps = Deps(
            repository=KeepingRepository(repository, self.drawn, self.report),
            clock=clock,
            ids=self.drawn,
            retry=CountingRetry(self.report),
            programme=setting.programme,
            rails=sim.rails,
            tokens=sim.tokens,
            screening=OpenHouse(),
            tenant_id="default",
            actor=OPERATOR,
            qr_keys=QrKeys(active="k1", secrets={"k1": b"0" * 32}),
        )
        self.is_memory = False
        self.number = self.refused = 0
        self.last_refusal: InvoicePayError | None = None

    def do(self, name: str, act: Callable[[World], T]) -> T | None:
        """Act; a refusal is counted, everything else is a fault."""
        self.number += 1
        self.report.commands += 1
        self.drawn.begin_call()
        self.last_refusal = None
        try:
            return act(self)
        except InvoicePayError as refusal:
            self.last_refusal = refusal
            self.report.refusals[refusal.code] += 1
        except Exception:  # noqa: BLE001 - told at the end
            self.report.faults.append(f"{self.name} {name}:\n{traceback.format_exc(limit=-12)}")
        return None

    def must(self, name: str, act: Callable[[World], T]) -> T | None:
        """Act; others may have been faster."""
        return self.do(name, act)

    def ask(
        self,
        call: Callable[[Deps, Any, str | None], Coroutine[Any, Any, T]],
        command: Any,
        *,
        actor: Actor = OPERATOR,
    ) -> T | None:
        """Carry a command out under a key of its own, which others are told before."""
        asked = Asked(call, command, f"{self.name}-{self.number + 1}", actor, "")
        self.report.asked[asked.key] = asked
        self.twins.append(asked)
        result: T | None = self.ask_again(asked)
        return result

    def ask_again(self, asked: Asked) -> Any:
        """Carry out what was asked, perhaps at the same time as somebody else."""
        name = f"{asked.call.__module__.rpartition('.')[2]}.{asked.call.__name__}"
        failed = len(self.report.faults)
        result = self.do(
            name, lambda hand: hand.run(asked.call(hand.as_(asked.actor), asked.command, asked.key))
        )
        if len(self.report.faults) == failed and asked.call is not reconciliation.reconcile:
            self._keep_answer(asked.key, result)
        return result

    def _keep_answer(self, key: str, result: Any) -> None:
        answers = self.report.answers.setdefault(key, set())
        if self.last_refusal is None:
            answers.add("done " + canonical(result).replace('"replayed":true', '"replayed":false'))
        elif isinstance(self.last_refusal, RECORDED_REFUSALS):
            answers.add(f"refused {self.last_refusal.code}")

    def rows(self, kind: type[E], /, **conditions: Any) -> tuple[E, ...]:
        """The newest rows of a kind that meet the conditions, newest last."""

        async def read() -> tuple[E, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.find(find(kind, order=("-id",), limit=self.recent, **conditions))

        return run_blocking(read())[::-1]
