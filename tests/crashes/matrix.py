"""Each story, killed at each boundary, ends like the one in which nobody died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from invoicepay.bridge import run_blocking
from invoicepay.domain.events import Event
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.outbox import deliver_events
from tests.crashes.dying import ORDERS, Boundary, Crash, Fate
from tests.crashes.ending import MOST, Books, Ending, books, ending
from tests.crashes.stage import Moment, Stage, stage
from tests.crashes.stories import Story
from tests.crashes.teller import Teller, World

AFTER_COMMIT = "after commit"
Look = Callable[[], None]
ROUNDS = 5
MINUTES = 4
"""How often, and how far apart, the survivors tell the story again: past every lease and time of grace."""


@dataclass(frozen=True, slots=True)
class Start:
    """A moment to begin at, and the books as they are then."""

    moment: Moment
    books: Books


@dataclass(frozen=True, slots=True)
class Told:
    """A story that nobody died in."""

    story: Story
    start: Start
    boundaries: tuple[Boundary, ...]
    ending: Ending


@dataclass
class Tally:
    """What was tried and found.

    Attributes:
        cells: how often a process died, by operation and boundary.
        faults: what did not end like the story in which nobody died.
    """

    cells: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    faults: list[str] = field(default_factory=list[str])

    @property
    def count(self) -> int:
        """How many processes died."""
        return self.by_boundary().total()

    def by_boundary(self) -> Counter[str]:
        """Cells by what the process was about to do or had just done."""
        return _summed({key: n for key, n in self.cells.items() if not key[0]})

    @property
    def operations(self) -> set[str]:
        """The commands at whose commits processes died."""
        return {operation for operation, at in self.cells if operation and at.endswith("commit")}

    def add(self, boundary: Boundary, faults: list[str]) -> None:
        """Count a cell: once by itself, and once for each command that was under way."""
        self.cells["", boundary.at] += 1
        for operation in set(boundary.operations):
            self.cells[operation, boundary.at] += 1
        self.faults += faults

    def join(self, other: Tally) -> None:
        """Count another tally's cells in."""
        self.cells += other.cells
        self.faults += other.faults


def _summed(cells: Mapping[tuple[str, str], int]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for (_, at), n in cells.items():
        counted[at] += n
    return counted


class Matrix:
    """A stage with its two beginnings: much is waiting, or all is at rest."""

    def __init__(self, on: Stage) -> None:
        self._stage, self._starts = on, dict[str, Start]()
        self._tell_of_the_past()
        self._waiting = Start(on.moment(), books(on))
        on.scene.pay.sim.deliver()
        while on.scene.pay.sim.deliver():  # of what the work before has set off
            pass
        self._tell_of_the_past()
        self._resting = Start(on.moment(), books(on))

    @property
    def stage(self) -> Stage:
        """Where the stories are told."""
        return self._stage

    def _tell_of_the_past(self) -> None:
        """Publish every event there is, so that handlers hear of the story alone."""
        deps = self._stage.scene.pay._pay._core.wired

        async def take(_event: Event) -> None:
            pass

        run_blocking(deliver_events(deps, [take], MOST))

    def start_of(self, story: Story) -> Start:
        """At rest, unless the story is about what waits, or can be told only then."""
        if story.name not in self._starts:
            self._starts[story.name] = self._waiting if story.waits else self._first_that_works(story)
        return self._starts[story.name]

    def _first_that_works(self, story: Story) -> Start:
        self._stage.go_back(self._resting.moment)
        world, _ = self._lived(story, Fate())
        is_refused = any(isinstance(answer, InvoicePayError) for answer in world.answers.values())
        return self._waiting if is_refused else self._resting

    def boundaries(self, story: Story) -> tuple[Boundary, ...]:
        """Where a process that tells the story can die, without looking how it ends."""
        self._stage.go_back(self.start_of(story).moment)
        _, fate = self._lived(story, Fate())
        return tuple(fate.passed)

    def told(self, story: Story) -> Told:
        """The story in which nobody dies.

        Raises:
            AssertionError: it cannot be told, or leaves wrong books.
        """
        start = self.start_of(story)
        world, fate = self._healed(start, story, Fate())
        refused = [one for one in world.answers.values() if isinstance(one, InvoicePayError)]
        assert not refused, f"{story.name} is refused: {refused}"
        assert not world.faults, world.faults
        wrong = [one for one in self._stage.scene.pay.invariants.check() if one.rule != "INV-04"]
        assert not wrong, f"{story.name}: {wrong}"
        return Told(story, start, tuple(fate.passed), ending(self._stage, start.books))

    def cell(
        self, told: Told, dies_at: int, look: Look = lambda: None, *, lives_on: bool = False
    ) -> list[str]:
        """What is wrong when the first process of a story died at a boundary.

        Args:
            look: looks at what is durable then.
            lives_on: it goes on, and only the acknowledgement of a commit was lost there.
        """
        world, fate = self._healed(told.start, told.story, Fate(dies_at, lives_on=lives_on), look)
        end = ending(self._stage, told.start.books)
        wrong = [*world.faults, *end.unlike(told.ending), *self._unheard(told.start, world)]
        if not lives_on and len(fate.passed) != dies_at:
            wrong.append(f"nobody died: {len(fate.passed)} boundaries")
        if not self._stage.scene.pay.audit.verify():
            wrong.append("the trail does not verify")
        return [f"{told.story.name}, {told.boundaries[dies_at]} ({dies_at}): {line}" for line in wrong]

    def watched(self, told: Told, fate: Fate) -> None:
        """Tell the story once more, with a fate that looks around at each boundary."""
        self._stage.go_back(told.start.moment)
        self._lived(told.story, fate)

    def _healed(
        self, start: Start, story: Story, fate: Fate, look: Look = lambda: None
    ) -> tuple[World, Fate]:
        """The story with its first process, then told again by others that live."""
        self._stage.go_back(start.moment)
        world, fate = self._lived(story, fate)
        look()
        for _ in range(ROUNDS):
            self._stage.scene.clock.advance(minutes=MINUTES)
            self._lived(story, Fate(), world)
        return world, fate

    def _lived(self, story: Story, fate: Fate, world: World | None = None) -> tuple[World, Fate]:
        world = world or World(self._stage)
        with self._stage.process(fate, world.seen) as pay, suppress(Crash):
            story.act(Teller(world, pay))
        return world, fate

    def _unheard(self, start: Start, world: World) -> Iterator[str]:
        """Events that the host's handler never took."""
        taken = {event.id for event in world.seen}
        for id, event in books(self._stage).events.items():
            if id not in taken and id not in start.books.events:
                yield f"nobody heard of {event.name} {event.entity_id}"


@contextmanager
def matrix(store: str = "memory", *, forget_keys: bool = False) -> Iterator[Matrix]:
    """A matrix on a store.

    Args:
        forget_keys: let the providers carry out every order that reaches them.
    """
    with stage(store) as made:
        built = Matrix(made)
        made.forget_keys(forget=forget_keys)
        yield built


def has_orders(on: Matrix, story: Story) -> bool:
    """Whether a story asks a provider to move something."""
    return any(boundary.at.removeprefix("before ") in ORDERS for boundary in on.boundaries(story))


def tried(on: Matrix, story: Story, *, every: int = 1, first: int = 0) -> Tally:
    """Every so many boundaries of a story."""
    tally, told = Tally(), on.told(story)
    for dies_at in range(first % every, len(told.boundaries), every):
        boundary = told.boundaries[dies_at]
        tally.add(boundary, on.cell(told, dies_at))
        if boundary.at == AFTER_COMMIT:
            unknown = Boundary("acknowledgement lost", boundary.operations)
            tally.add(unknown, on.cell(told, dies_at, lives_on=True))
    return tally
