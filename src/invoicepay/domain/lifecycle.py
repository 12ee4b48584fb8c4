"""State machines as data: one table per machine, one door to a new state, one picture for the docs."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from invoicepay.errors import InvalidTransition

S = TypeVar("S", bound=StrEnum)
C = TypeVar("C", bound=StrEnum)


class Lifecycle(Generic[S, C]):
    """The states of one kind of thing and the commands that lead from one to the next (spec 4).

    A table maps (state, command) to the next state; `None` stands for "not there yet". Guards are no part of
    it: they are `if`s in the decision, beside the amounts they guard. Annotate the constant, for a slotted
    generic cannot be called with its parameters: `INVOICE: Lifecycle[State, Command] = Lifecycle(...)`.

    Attributes:
        entity: the name of the thing, as errors and events say it.
        table: the transitions, read-only.
    """

    __slots__ = ("_allowed", "entity", "table")

    def __init__(self, entity: str, table: Mapping[tuple[S | None, C], S]) -> None:
        self.entity: str = entity
        self.table: Mapping[tuple[S | None, C], S] = MappingProxyType(dict(table))
        allowed: dict[S | None, list[C]] = {}
        for state, command in self.table:
            allowed.setdefault(state, []).append(command)
        self._allowed = {state: tuple(commands) for state, commands in allowed.items()}

    def after(self, state: S | None, command: C) -> S:
        """The state that `command` leads to.

        Raises:
            InvalidTransition: the table does not allow it; the error lists what it allows.
        """
        target = self.table.get((state, command))
        if target is None:
            raise InvalidTransition(self.entity, state, command, self.allowed(state))
        return target

    def allowed(self, state: S | None) -> tuple[C, ...]:
        """The commands that the table allows in this state, in the order of the table."""
        return self._allowed.get(state, ())

    @property
    def edges(self) -> tuple[tuple[S | None, C, S], ...]:
        """Every transition as (from, command, to), in the order of the table."""
        return tuple((state, command, target) for (state, command), target in self.table.items())

    @property
    def states(self) -> tuple[S, ...]:
        """Every state that the table names, in the order of its first appearance."""
        named = (state for edge in self.edges for state in (edge[0], edge[2]) if state is not None)
        return tuple(dict.fromkeys(named))

    @property
    def terminal(self) -> frozenset[S]:
        """The states that nothing leads out of."""
        return frozenset(state for state in self.states if state not in self._allowed)

    def mermaid(self) -> str:
        """The picture of the table, as a Mermaid state diagram."""
        arrows: dict[tuple[str, str], list[str]] = {}
        for state, command, target in self.edges:
            arrows.setdefault((state or "[*]", target), []).append(command)
        lines = [f"    {start} --> {end}: {', '.join(commands)}" for (start, end), commands in arrows.items()]
        ends = [f"    {state} --> [*]" for state in self.states if state in self.terminal]
        return "\n".join(["stateDiagram-v2", *lines, *ends])

    def __repr__(self) -> str:
        return f"Lifecycle({self.entity!r}, {len(self.table)} transitions)"
