"""One simulated world: processes, a store, a bank and an issuer, and everybody who is told what happens."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.domain.change import Outcome
from invoicepay.ports.repository import Reply, Repository
from invoicepay.settings import Settings
from invoicepay.testing.simulation.chooser import Chooser, Draw, Scope
from invoicepay.testing.simulation.courier import Courier
from invoicepay.testing.simulation.fates import Fates
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.hand import Hand
from invoicepay.testing.simulation.machine import ScopedIds, WorldClock, ticks_of
from invoicepay.testing.simulation.odds import DELAYS, Odds
from invoicepay.testing.simulation.ports import (
    Answer,
    Broken,
    Commit,
    Happening,
    Mix,
    ProviderFact,
    Rest,
    Scene,
)
from invoicepay.testing.simulation.process import QR_SECRET, Process
from invoicepay.testing.simulation.providers import SimBank, SimIssuer
from invoicepay.testing.simulation.scheduler import Scheduler, Task
from invoicepay.testing.simulation.store import Door, SharedMemory
from invoicepay.testing.simulation.telling import Story
from invoicepay.wiring import Parts, core_from

CALM = Odds({})
LOOKS = 2
"""Turns of a worker after which nothing waits for it: one may have begun before the last thing came."""
LONGEST_WAIT_SECONDS = 4 * 86_400
HEALING_WAIT_SECONDS = 60


class World:
    """Everything that one run consists of.

    Attributes:
        odds: what may go wrong now.
        is_healing: nothing goes wrong any more, and nobody begins anything.
        wrong: what was found to be wrong; the first ends the run.
        late: how many orders arrived after their caller gave up, by reference.
        arriving: those that have not arrived yet.
        away: until when a provider is not reached, by slot.
        told: how often each event was offered to a handler.
    """

    scene: Scene
    chooser: Chooser
    story: Story
    odds: Odds
    is_healing: bool
    commits: int
    fates: Fates
    courier: Courier

    def __init__(self, scene: Scene, chooser: Chooser, story: Story, store: str | None = None) -> None:
        self.scene, self.chooser, self.story = scene, chooser, story
        self.mix: Mix = scene.workload.mix(Draw(chooser, Scope("mix")))
        self._store = store or self.mix.store
        self.scheduler: Scheduler = Scheduler()
        self.clock: WorldClock = WorldClock(self.scheduler)
        self.ids: ScopedIds = ScopedIds(self.scheduler)
        self.odds, self.is_healing = CALM, False
        self.wrong: list[Broken] = []
        self.commits = 0
        self.answers: list[Answer[Any]] = []
        self.happenings: list[Happening] = []
        self.late: dict[str, int] = {}
        self.arriving: dict[str, None] = {}
        self.away: dict[str, int] = {}
        self.told: dict[str, int] = {}
        self._events: dict[str, str] = {}
        self._actors: list[Task] = []
        self._tenants: dict[str, Any] = {}
        self._folder = ""
        self.fates, self.courier = Fates(self), Courier(self)
        self.bank: SimBank = SimBank(
            self.clock,
            self.mix,
            told=self._fact,
            post=lambda e: self.courier.post("rails", e),
        )
        self.issuer: SimIssuer = SimIssuer(
            self.clock,
            self.mix,
            told=self._fact,
            post=lambda e: self.courier.post("tokens", e),
        )
        self.door: Door = Door(self._turn)
        self.onlooker_store: Repository = self.repository("onlooker")
        self.onlooker: AsyncInvoicePay = self._client()
        self.processes: list[Process] = [Process(self, f"p{n + 1}") for n in range(self.mix.processes)]

    def repository(self, lane: str) -> Repository:
        """The store as one process connects to it."""
        if self._store == "memory":
            return SharedMemory(self.ids.new, self._tenants, stream=lane)
        from invoicepay.adapters.sql import connect_store, migrate_url

        if not self._folder:
            self._folder = mkdtemp(prefix="invoicepay-simulation-")
            migrate_url(self._url)
        return connect_store(self._url, self.ids.new, blocking=True, stream=lane)

    @property
    def _url(self) -> str:
        return f"sqlite:///{Path(self._folder) / 'world.db'}"

    def close(self) -> None:
        """End everything."""
        for process in self.processes:
            if process.is_up:
                self.scheduler.kill(process.life)
                process.close()
        self.scheduler.close()
        run_blocking(self.onlooker.close())
        if self._folder:
            rmtree(self._folder)

    def begin(self) -> None:
        """Let the faults of the run be about, and everybody act."""
        self.odds = Odds(self.mix.faults)
        for actor in self.scene.workload.actors(self.mix, self.scene.reach):
            running = actor.run(Hand(self, actor.name))
            self._actors.append(self.scheduler.start(running, Scope(actor.name)))

    def heal(self) -> None:
        """From now on nothing goes wrong, and nobody begins anything new."""
        self.odds, self.is_healing = CALM, True
        self.away.clear()
        self.happened("healing", "")
        for process in self.processes:
            process.stir()
        for task in (*self.fates.sleeping, *self.courier.carried):
            self.scheduler.hurry(task, self.longest_wait)

    @property
    def longest_wait(self) -> int:
        """Ticks that the outside takes at most for its next step: what heals is not to take days for it."""
        return ticks_of(HEALING_WAIT_SECONDS if self.is_healing else LONGEST_WAIT_SECONDS)

    @property
    def is_acting(self) -> bool:
        """Whether an actor has not ended."""
        return any(not task.is_done for task in self._actors)

    def under_way(self) -> list[str]:
        """What the world outside of the store has not ended yet."""
        found = [task.name for task in self._actors if not task.is_done]
        found += [process.name for process in self.processes if not process.is_up or process.looks < LOOKS]
        counts = {
            "webhooks": len(self.courier.carried),
            "orders": len(self.fates.sleeping),
            "late orders": len(self.arriving),
        }
        return found + [f"{count} {name}" for name, count in counts.items() if count]

    async def has_untold(self) -> bool:
        """Whether an event waits for a handler."""
        if not self.mix.handlers:
            return False
        async with self.onlooker_store.reader(self.mix.tenant) as reader:
            return bool(await reader.events(unpublished=True, limit=1))

    def check_told(self) -> None:
        """Every event that was committed was offered to a handler."""
        missed = [f"{name} {id}" for id, name in self._events.items() if id not in self.told]
        if self.mix.handlers and missed:
            self.broken("an event was never told", ", ".join(missed[:5]))

    def some_process(self, scope: Scope) -> Process | None:
        """A process that runs, if any does."""
        up = [process for process in self.processes if process.is_up]
        return up[self.chooser.below(scope, "process", len(up))] if up else None

    def committed(
        self, process: str, tenant_id: str, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]
    ) -> None:
        """Something became durable."""
        self.commits += 1
        task = self.scheduler.current.name
        commit = Commit(
            number=self.commits,
            at=self.clock.now(),
            process=process,
            task=task,
            tenant_id=tenant_id,
            outcomes=tuple(outcomes),
            replies=tuple(replies),
        )
        for outcome in outcomes:
            for step in outcome.events:
                self.scheduler.traced(step.body)
                self._events[step.id] = step.name
            for posting in outcome.postings:
                self.scheduler.traced(posting.id)
        self.story.committed(commit)
        self._judge(self.scene.oracle.after_commit(commit))
        if "worker" not in task:
            self.stir()

    def stir(self) -> None:
        """Let no worker rest for longer than usual."""
        for process in self.processes:
            process.stir()

    def _fact(self, fact: ProviderFact) -> None:
        self.story.fact(fact)
        if fact.is_new:
            self.fates.begin(fact)
        self._judge(self.scene.oracle.after_fact(fact))

    def happened(
        self, kind: str, name: str, *, process: str = "", reference: str = "", detail: str = ""
    ) -> None:
        """Something else that the oracle may want to know."""
        happening = Happening(
            at=self.clock.now(), kind=kind, name=name, process=process, reference=reference, detail=detail
        )
        self.happenings.append(happening)
        self.story.happened(happening)
        self.scene.oracle.happened(happening)

    def answered(self, answer: Answer[Any]) -> None:
        """A client was told something for certain."""
        self.answers.append(answer)
        self.story.answered(answer)
        self._judge(self.scene.oracle.answered(answer))

    def note(self, actor: str, text: str) -> None:
        """A line of the story."""
        self.story.note(self.clock.now(), actor, text)

    def broken(self, name: str, detail: str) -> None:
        """Something that must never be so was found by the engine itself."""
        self._judge([Broken(name, detail)])

    def faulted(self, error: Exception) -> None:
        """An error came out of the SDK that is none of its own."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f" in {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
        self.broken(f"fault of the program: {type(error).__name__}", f"{error!r}{where}")

    def _judge(self, found: Iterable[Broken]) -> None:
        for broken in found:
            self.wrong.append(broken)
            self.story.note(self.clock.now(), "oracle", f"BROKEN {broken}")

    def faults(self) -> dict[str, int]:
        """How often each kind of trouble happened."""
        happened = Counter(happening.name for happening in self.happenings if happening.kind == "fault")
        return {name: happened[name] for name in FAULTS}

    def rest(self) -> Rest:
        """What is judged at the end."""
        return Rest(
            pay=self.onlooker,
            now=self.clock.now(),
            mix=self.mix,
            rails=self.bank,
            tokens=self.issuer,
            answers=self.answers,
            happenings=self.happenings,
            commits=self.commits,
        )

    def _turn(self, task: Task) -> int:
        return DELAYS[self.chooser.below(task.scope, "turn", 3)]

    def _client(self) -> AsyncInvoicePay:
        """A client that meets no fault."""
        mix = self.mix
        settings = Settings(
            programme=mix.programme, dispatch="deferred", tenant=mix.tenant, qr_secret=QR_SECRET
        )
        parts = Parts(
            rails=self.bank,
            token=self.issuer,
            clock=self.clock,
            ids=self.ids,
            repository=self.onlooker_store,
        )
        return AsyncInvoicePay._around(core_from(None, settings, parts, blocking=False))
