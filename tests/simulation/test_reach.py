"""Every situation that a search has to come to is recognised somewhere, and nothing else is counted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from invoicepay.testing.simulation import oracle, watching
from invoicepay.testing.simulation.reach import SITUATIONS, Counts


def texts_of(module: object) -> set[str]:
    """Every text in a module's source."""
    path = Path(str(getattr(module, "__file__", "")))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_situation_is_recognised() -> None:
    assert SITUATIONS.keys() <= texts_of(watching) | texts_of(oracle)


def test_there_are_enough_situations() -> None:
    assert len(SITUATIONS) >= 40


def test_a_situation_that_nobody_expects_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Counts().seen("something else")


def test_what_never_occurred_is_counted_as_nothing() -> None:
    counts = Counts()
    counts.seen("refunded")

    found = counts.counts()

    assert found.keys() == SITUATIONS.keys()
    assert {name for name, count in found.items() if count} == {"refunded"}
