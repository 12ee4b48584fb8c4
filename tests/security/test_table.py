"""The security table names tests that exist, for every row, and the page shows it (S-01 … S-36)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.security.table import TABLE

ROOT = Path(__file__).parents[2]


def test_every_row_of_the_security_table_is_here_in_order() -> None:
    assert list(TABLE) == [f"S-{number:02}" for number in range(1, 37)]


@pytest.mark.parametrize("id", TABLE)
def test_a_row_names_tests_that_exist(id: str) -> None:
    named = TABLE[id].tests

    assert named, f"nothing shows {id}"
    assert len(set(named)) == len(named)
    assert [test for test in named if test not in defined_in(test.partition("::")[0])] == []


@cache
def defined_in(path: str) -> frozenset[str]:
    """Node ids of the tests that a file defines."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
    return frozenset(f"{path}::{name}" for name in names(tree.body))


def names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{name}" for name in names(node.body))


def test_the_page_shows_every_row() -> None:
    page = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")

    assert [id for id, row in TABLE.items() if f"| {id} | {row.control} |" not in page] == []
