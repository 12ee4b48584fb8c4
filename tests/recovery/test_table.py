"""The recovery table is whole, and names tests that exist."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.recovery.table import CRASH_POINTS, STEP, TABLE
from tests.recovery.test_steps import STEPS

ROOT = Path(__file__).parents[2]


@cache
def defined(file: str) -> frozenset[str]:
    """Names of a file's tests, those in classes after their class."""
    tree = ast.parse((ROOT / file).read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return frozenset(
        names | {f"{c.name}::{m.name}" for c in classes for m in c.body if isinstance(m, ast.FunctionDef)}
    )


@pytest.mark.parametrize("row", TABLE)
def test_every_row_names_tests_that_exist(row: str) -> None:
    assert TABLE[row].tests
    for test in TABLE[row].tests:
        file, _, name = test.partition("::")
        assert name in defined(file), f"{test} is gone"


def test_every_crash_point_has_a_row() -> None:
    assert list(CRASH_POINTS) == [f"C{n}" for n in range(14)]


def test_every_row_that_is_shown_by_its_step_has_one() -> None:
    assert {row for row in TABLE if STEP in TABLE[row].tests} == {step.row for step in STEPS}


def test_the_documentation_shows_the_table() -> None:
    page = (ROOT / "docs/explanation/recovery.md").read_text(encoding="utf-8").splitlines()

    assert [row for row in TABLE if TABLE[row].line(row) not in page] == []
