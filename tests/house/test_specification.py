"""The specification is covered: each posting has a test that names it, each machine refuses the rest."""

from __future__ import annotations

import ast
import inspect
import re
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from invoicepay.domain import postings
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.trail_checks import LIFECYCLES
from invoicepay.errors import InvalidTransition

TESTS = Path(__file__).parent.parent
POSTED = {f"P-{n:02d}" for n in (*range(1, 28), *range(30, 37))}
ENTERPRISE_BOOK_ONLY = {"P-14", "P-19", "P-20", "P-21", "P-22", "P-23", "P-25", "P-26"}


def test_every_posting_of_the_specification_has_a_test_that_names_it() -> None:
    named = {
        f"P-{number}"
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for number in re.findall(r"_p(\d\d)(?=_|$)", node.name)
    }

    assert sorted(POSTED - named) == []


def test_the_issuer_book_posts_every_rule_that_has_a_line_in_it() -> None:
    posted = set(re.findall(r"P-\d\d", inspect.getsource(postings)))

    assert sorted(POSTED - ENTERPRISE_BOOK_ONLY - posted) == []


def every_pair() -> list[Any]:
    """Each state and command of each machine that its table does not hold."""
    refused = []
    for machine in LIFECYCLES:
        states, commands = _words(machine)
        refused += [
            pytest.param(machine, state, command, id=f"{machine.entity}-{state}-{command}")
            for state, command in product([None, *states], commands)
            if (state, command) not in machine.table
        ]
    return refused


def _words(machine: Lifecycle[Any, Any]) -> tuple[type[StrEnum], type[StrEnum]]:
    (_, command), state = next(iter(machine.table.items()))
    return type(state), type(command)


@pytest.mark.parametrize(("machine", "state", "command"), every_pair())
def test_every_transition_not_in_a_table_is_refused(
    machine: Lifecycle[Any, Any], state: StrEnum | None, command: StrEnum
) -> None:
    with pytest.raises(InvalidTransition):
        machine.after(state, command)


def test_every_machine_of_the_domain_is_judged_by_its_table() -> None:
    declared = {
        name
        for path in (TESTS.parent / "src/invoicepay/domain").glob("*.py")
        for name in re.findall(r"^([A-Z_]+): Lifecycle\[", path.read_text(), re.MULTILINE)
    }

    assert len(LIFECYCLES) == len(declared), sorted(declared)
