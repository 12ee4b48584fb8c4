"""What is shown at the end: a table for people, objects of one line for programmes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench.registry import MEASURES, Measure
from bench.result import Result

Results = Mapping[str, Result]


def summary(results: Results, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was found, as the last line of `--json` tells it."""
    figures = {name: value for result in results.values() for name, value in result.figures.items()}
    ratios = {name: value for result in results.values() for name, value in result.ratios.items()}
    return {
        "machine": dict(machine),
        "ratios": short(ratios),
        "figures": short(figures),
        "absent": {name: result.absent for name, result in results.items() if result.absent},
        "violations": sum(len(result.violations) for result in results.values()),
        "reached": reached(results),
    }


def reached(results: Results) -> dict[str, bool]:
    """For each bound whose value was measured, whether it is kept."""
    values = _values(results)
    return {
        target.key: target.is_reached(values[target.key])
        for name in results
        for target in MEASURES[name].targets
        if target.key in values
    }


def lines(results: Results, machine: Mapping[str, Any]) -> str:
    """One object for each measure, and the summary last."""
    measures = [_line(MEASURES[name], result) for name, result in results.items()]
    return "\n".join([*measures, json.dumps(summary(results, machine))])


def _line(measure: Measure, result: Result) -> str:
    """One measure as JSON."""
    return json.dumps(
        {
            "measure": measure.name,
            "shows": measure.shows,
            "figures": short(result.figures),
            "ratios": short(result.ratios),
            "runs": [short(run) for run in result.runs],
            "absent": result.absent,
            "violations": result.violations,
        }
    )


def table(results: Results) -> str:
    """What was found and what was to be reached, for a terminal."""
    values = _values(results)
    rows = [("measure", "figure", "value", "target", "")]
    for name, result in results.items():
        bounds = {target.key: target for target in MEASURES[name].targets}
        rows += [
            _row(name, key, values.get(key), str(bounds.get(key, "")), reached(results).get(key))
            for key in dict.fromkeys([*bounds, *result.ratios, *result.figures])
        ]
        rows += [(name, "absent", reason, "", "") for reason in result.absent]
    widths = [max(len(row[column]) for row in rows if row[1] != "absent") for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(
    name: str, key: str, value: float | None, target: str, kept: bool | None
) -> tuple[str, str, str, str, str]:
    verdict = "" if kept is None else "reached" if kept else "NOT REACHED"
    return (name, key, "–" if value is None else number(value), target, verdict)


def number(value: float) -> str:
    """A number with as many digits as it is worth.

    Examples:
        >>> number(20913.4), number(91.26), number(3.158)
        ('20,913', '91.3', '3.16')
    """
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.3g}"


def _values(results: Results) -> dict[str, float]:
    return {
        name: value
        for result in results.values()
        for name, value in [*result.figures.items(), *result.ratios.items()]
    }


def short(values: Mapping[str, float]) -> dict[str, float]:
    """Values without digits that mean nothing."""
    return {name: float(f"{value:.5g}") for name, value in values.items()}
