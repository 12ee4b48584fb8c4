"""Lifecycle: a table with one door."""

from enum import StrEnum
from itertools import product

import pytest

from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.errors import InvalidTransition


class Light(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    BROKEN = "broken"


class Turn(StrEnum):
    INSTALL = "install"
    NEXT = "next"
    SKIP = "skip"
    BREAK = "break"


LIGHT: Lifecycle[Light, Turn] = Lifecycle(
    "light",
    {
        (None, Turn.INSTALL): Light.GREEN,
        (Light.GREEN, Turn.NEXT): Light.YELLOW,
        (Light.YELLOW, Turn.NEXT): Light.RED,
        (Light.YELLOW, Turn.SKIP): Light.RED,
        (Light.RED, Turn.NEXT): Light.GREEN,
        (Light.RED, Turn.BREAK): Light.BROKEN,
    },
)
STATES: tuple[Light | None, ...] = (None, *Light)


@pytest.mark.parametrize(("state", "command"), LIGHT.table)
def test_every_transition_in_the_table_leads_to_its_state(state: Light | None, command: Turn) -> None:
    assert LIGHT.after(state, command) is LIGHT.table[state, command]


@pytest.mark.parametrize(
    ("state", "command"), [pair for pair in product(STATES, Turn) if pair not in LIGHT.table]
)
def test_every_transition_not_in_the_table_is_refused(state: Light | None, command: Turn) -> None:
    with pytest.raises(InvalidTransition) as refusal:
        LIGHT.after(state, command)

    assert refusal.value.details["allowed"] == list(LIGHT.allowed(state))


def test_a_refusal_reads_as_a_sentence() -> None:
    with pytest.raises(InvalidTransition) as refusal:
        LIGHT.after(Light.RED, Turn.SKIP)

    assert str(refusal.value) == "light is red: cannot skip (allowed: next, break)"


def test_states_and_ends_follow_from_the_table() -> None:
    assert LIGHT.states == (Light.GREEN, Light.YELLOW, Light.RED, Light.BROKEN)
    assert LIGHT.terminal == {Light.BROKEN}
    assert LIGHT.allowed(Light.BROKEN) == ()
    assert LIGHT.edges[0] == (None, Turn.INSTALL, Light.GREEN)


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        LIGHT.table[Light.BROKEN, Turn.NEXT] = Light.GREEN  # type: ignore[index]


def test_the_picture_shows_each_arrow_once() -> None:
    assert LIGHT.mermaid() == "\n".join(
        [
            "stateDiagram-v2",
            "    [*] --> green: install",
            "    green --> yellow: next",
            "    yellow --> red: next, skip",
            "    red --> green: next",
            "    red --> broken: break",
            "    broken --> [*]",
        ]
    )
