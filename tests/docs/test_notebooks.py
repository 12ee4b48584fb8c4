"""The percent-script notebooks, run a cell at a time: what stands last in a cell draws itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = {"notebook.py": 6, "quarter.py": 5}
"""Each with how many of its cells end in a drawing: a table, a picture or a plot."""
DRAWING = {"_repr_html_", "_repr_svg_"}


def cells(script: Path) -> list[str]:
    """The code between the marks."""
    return re.split(r"^# %%.*$", script.read_text("utf-8"), flags=re.MULTILINE)[1:]


def shown(cell: str, names: dict[str, Any]) -> Any:
    """What a notebook would draw below the cell."""
    tree = ast.parse(cell)
    last = tree.body.pop()
    exec(compile(tree, "<cell>", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    exec(compile(ast.Module([last], []), "<cell>", "exec"), names)
    return None


def draws(value: object) -> bool:
    return isinstance(value, Figure) or any(hasattr(value, name) for name in DRAWING)


@pytest.fixture(scope="module")
def ran() -> Iterator[dict[str, tuple[list[Any], dict[str, Any]]]]:
    """Each notebook's drawings and names."""
    found: dict[str, tuple[list[Any], dict[str, Any]]] = {}
    for name in NOTEBOOKS:
        names: dict[str, Any] = {}
        found[name] = ([shown(cell, names) for cell in cells(EXAMPLES / name)], names)
    yield found
    plt.close("all")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_cells_of_a_notebook_end_in_what_draws_itself(name: str, ran: dict[str, Any]) -> None:
    values, _ = ran[name]
    drawn = [value for value in values if draws(value)]

    assert [value for value in values if value is not None and not draws(value)] == []
    assert len(drawn) == NOTEBOOKS[name]


def test_plots_show_what_the_books_say(ran: dict[str, Any]) -> None:
    values, names = ran["quarter.py"]
    balances, ageing, backing = [value.axes[0] for value in values if isinstance(value, Figure)]

    ends = {str(line.get_label()): heights(line)[-1] for line in balances.get_lines()}
    assert ends == {party: float(names["pay"].wallets.get(party).available.amount) for party in ends}
    bars: list[Any] = list(ageing.patches)
    assert [bar.get_height() for bar in bars] == [float(left.amount) for left in names["ageing"].values()]
    tokens, behind = map(heights, backing.get_lines())
    assert tokens == behind and len(tokens) == 13


def heights(line: Line2D) -> list[float]:
    return [float(y) for y in numpy.asarray(line.get_ydata())]
