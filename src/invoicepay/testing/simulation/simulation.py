"""One simulated run: prepare, let everything go wrong for so many steps, heal, and judge what is left."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from invoicepay.bridge import run_blocking
from invoicepay.testing.simulation.chooser import Chooser, Scope
from invoicepay.testing.simulation.hand import Hand
from invoicepay.testing.simulation.ports import Broken, Stage
from invoicepay.testing.simulation.scheduler import SECOND, Task
from invoicepay.testing.simulation.telling import Story
from invoicepay.testing.simulation.world import World

MOST_TO_PREPARE = 100_000
LEAST_TO_HEAL = 5_000
HEALING_PER_STEP = 4
ROUND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run came to.

    Attributes:
        steps: how often a task went on while faults were about.
        all_steps: with preparation and healing.
        trace: digest of everything that happened, in order.
        broken: what was found to be wrong; nothing when all is well.
        faults: how often each kind of trouble happened, by its name in `FAULTS`.
        days: virtual time that passed.
        decisions: everything that was decided otherwise than calmly, where that was recorded.
    """

    seed: int
    steps: int
    all_steps: int
    trace: str
    broken: tuple[Broken, ...]
    reach: Mapping[str, int]
    faults: Mapping[str, int]
    commits: int
    answers: int
    days: float
    story: tuple[str, ...] = ()
    decisions: Mapping[str, int] | None = None


class _Over(Exception):
    """Something is wrong: the run ends here."""


def run(
    stage: Stage,
    seed: int,
    steps: int,
    *,
    store: str | None = None,
    decisions: Mapping[str, int] | None = None,
    tells: bool = False,
) -> Run:
    """Simulate once; equal arguments give equal runs, on every machine.

    Args:
        stage: makes the workload and its judge.
        steps: how often tasks go on before faults cease.
        store: `memory` or `sqlite`; the workload's choice when left out.
        decisions: of an earlier run, which is repeated as far as they go; what they leave out is calm.
        tells: take down the story and the decisions.

    Examples:
        >>> from invoicepay.testing.simulation import run, standard
        >>> found = run(standard, seed=1, steps=200)
        >>> found.broken
        ()
    """
    chooser = Chooser(seed, decisions, records=tells)
    story, scene = Story(tells=tells), stage()
    with _no_collector():
        world = World(scene, chooser, story, store)
        going = _Going(world, steps)
        try:
            going.through()
        finally:
            world.close()
    return Run(
        seed=seed,
        steps=going.steps,
        all_steps=world.scheduler.steps,
        trace=world.scheduler.trace,
        broken=tuple(world.wrong),
        reach=dict(scene.reach.counts()),
        faults=world.faults(),
        commits=world.commits,
        answers=len(world.answers),
        days=world.scheduler.now / SECOND / 86_400,
        story=tuple(story.lines),
        decisions=chooser.taken if tells else None,
    )


class _Going:
    """The phases of one run."""

    def __init__(self, world: World, steps: int) -> None:
        self._world, self._wanted = world, steps
        self.steps = 0

    def through(self) -> None:
        """Go through all of them, unless something is wrong before."""
        try:
            self._prepare()
            self._world.begin()
            before = self._world.scheduler.steps
            try:
                self._go(self._wanted, self._is_played)
            finally:
                self.steps = self._world.scheduler.steps - before
            self._heal()
            self._judge()
        except _Over:
            pass

    def _prepare(self) -> None:
        for process in self._world.processes:
            process.boot()
        hand = Hand(self._world, "prepare", always=True)
        task = self._started(self._world.scene.workload.prepare(hand), "prepare")
        self._until(task, MOST_TO_PREPARE)

    def _is_played(self) -> bool:
        """Whether a replay has no command left."""
        return self._world.chooser.is_replay and not self._world.is_acting

    def _heal(self) -> None:
        """Let everything that is under way come to its end."""
        world = self._world
        world.heal()
        left = max(LEAST_TO_HEAL, HEALING_PER_STEP * self._wanted)
        while left > 0 and not self._is_quiet():
            left -= self._go(ROUND, lambda: False)
        if left <= 0:
            waiting = "; ".join([*world.under_way(), *world.scene.oracle.unsettled()][:10])
            world.broken("never comes to rest", waiting or "events that no handler took")
            raise _Over
        world.check_told()
        self._stop_if_wrong()

    def _is_quiet(self) -> bool:
        world = self._world
        if world.under_way() or world.scene.oracle.unsettled():
            return False
        return not run_blocking(world.has_untold())

    def _judge(self) -> None:
        oracle, wrong = self._world.scene.oracle, list[Broken]()

        async def judged() -> None:
            wrong.extend(await oracle.at_rest(self._world.rest()))

        self._until(self._started(judged(), "judge"), MOST_TO_PREPARE)
        for broken in wrong:
            self._world.broken(broken.name, broken.detail)

    def _started(self, running: Any, name: str) -> Task:
        return self._world.scheduler.start(running, Scope(name))

    def _until(self, task: Task, most: int) -> None:
        self._go(most, lambda: task.is_done)
        if not task.is_done:
            self._world.broken("never comes to rest", f"{task.name} took more than {most:,} steps")
            raise _Over

    def _go(self, most: int, is_over: Callable[[], bool]) -> int:
        """Let tasks go on; how many steps that took."""
        scheduler, world = self._world.scheduler, self._world
        for number in range(most):
            if is_over():
                return number
            try:
                scheduler.step()
            except Exception as error:  # noqa: BLE001 - an actor that got what no SDK may raise
                if not world.wrong:
                    world.faulted(error)
            if scheduler.doomed is not None:
                doomed, scheduler.doomed = scheduler.doomed, None
                next(process for process in world.processes if process.life is doomed).crash()
            if world.wrong:
                raise _Over
        return most

    def _stop_if_wrong(self) -> None:
        if self._world.wrong:
            raise _Over


@contextmanager
def _no_collector() -> Iterator[None]:
    """Python's cycle collector rests: a run makes many objects that live to its end."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
            gc.collect()
