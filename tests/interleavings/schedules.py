"""Every schedule of two sessions: each run takes one, and tells which others there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.interleavings.sessions import MOST_SECONDS, Table

Act = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One schedule that was carried out.

    Attributes:
        choices: which session was let on, step by step: 0 or 1.
        ready: which ones could have been.
        gates: before what each step waited.
        answers: what each call gave, or raised.
    """

    choices: tuple[int, ...]
    ready: tuple[tuple[int, ...], ...]
    gates: tuple[str, ...]
    answers: tuple[Any, Any]

    @property
    def text(self) -> str:
        """The schedule, to be repeated."""
        return "".join(map(str, self.choices))

    @property
    def turns(self) -> int:
        """How often the turn went over to the other one although the first could have gone on."""
        pairs = zip(self.choices, self.choices[1:], self.ready[1:], strict=False)
        return sum(before != after and before in ready for before, after, ready in pairs)


def carried_out(table: Table, acts: tuple[Act, Act], wanted: Sequence[int]) -> Run:
    """Carry out a schedule; where it says nothing more, whoever went last goes on."""
    threads = [session.begin(act) for session, act in zip(table.sessions, acts, strict=True)]
    choices: list[int] = []
    ready: list[tuple[int, ...]] = []
    gates: list[str] = []
    while free := [table.sessions.index(session) for session in table.settle()]:
        choice = _choice(wanted, choices, free)
        ready.append(tuple(free))
        choices.append(choice)
        gates.append(f"{choice}: {table.sessions[choice].at}")
        table.sessions[choice].let_on()
    for thread in threads:
        thread.join(MOST_SECONDS)
    first, second = table.sessions
    return Run(tuple(choices), tuple(ready), tuple(gates), (first.answer, second.answer))


def _choice(wanted: Sequence[int], so_far: Sequence[int], free: Sequence[int]) -> int:
    place = len(so_far)
    if place < len(wanted) and wanted[place] in free:
        return wanted[place]
    last = so_far[-1] if so_far else free[0]
    return last if last in free else free[0]


def every(run: Callable[[Sequence[int]], Run], *, most_turns: int | None = None) -> Iterator[Run]:
    """Every schedule, each once.

    Args:
        run: carries out the schedule that begins so, from the same start each time.
        most_turns: leave out schedules in which the turn goes over more often than that.
    """
    left: list[tuple[int, ...]] = [()]
    while left:
        wanted = left.pop()
        taken = run(wanted)
        assert taken.choices[: len(wanted)] == wanted, f"{wanted} became {taken.choices}: not repeatable"
        yield taken
        for place in range(len(wanted), len(taken.choices)):
            before = taken.choices[:place]
            for other in taken.ready[place]:
                if other != taken.choices[place] and _within(taken, place, other, most_turns):
                    left.append((*before, other))


def _within(taken: Run, place: int, other: int, most_turns: int | None) -> bool:
    if most_turns is None:
        return True
    begun = Run((*taken.choices[:place], other), taken.ready[: place + 1], (), (None, None))
    return begun.turns <= most_turns
