"""The generated parts of the page about speed."""

from __future__ import annotations

from typing import Any

import bench.measures  # noqa: F401 - registers the measures
from bench.records import CHART, recorded
from bench.registry import MEASURES, Measure
from bench.report import number

MACHINE = {
    "processor": "Processor",
    "cores": "Cores",
    "memory_gib": "Memory, GiB",
    "sync_ms": "One durable page, ms",
    "system": "System",
    "python": "Python",
    "postgresql": "PostgreSQL",
    "sqlite": "SQLite",
    "sqlalchemy": "SQLAlchemy",
    "psycopg": "psycopg",
}


def speed_machine() -> str:
    """Where the figures were taken."""
    told = recorded()["machine"]
    rows = [f"| {title} | {told[key]} |" for key, title in MACHINE.items() if key in told]
    return "\n".join(["| | |", "|---|---|", *rows]) + "\n"


def speed_targets() -> str:
    """Every target with what was measured."""
    lines = ["| Measure | What | Target | Measured | |", "|---|---|---|---|---|"]
    kept = recorded()["measures"]
    for name, measure in MEASURES.items():
        values = _values(kept.get(name, {}))
        for target in measure.targets:
            value = values.get(target.key)
            verdict = "" if value is None else "reached" if target.is_reached(value) else "**not reached**"
            shown = "–" if value is None else number(value)
            lines.append(f"| {measure.shows} | `{target.key}` | {target} | {shown} | {verdict} |")
    return "\n".join(lines) + "\n"


def speed_figures() -> str:
    """Every measure's figures, and why one is missing."""
    kept = recorded()["measures"]
    return "\n".join(_figures(measure, kept[name]) for name, measure in MEASURES.items() if name in kept)


def _figures(measure: Measure, found: dict[str, Any]) -> str:
    rows = [f"| `{name}` | {number(value)} |" for name, value in _values(found).items()]
    about = f"{measure.shows}; median of {found['runs']} runs, {found['taken_on']}."
    missing = [f"\nAbsent: {reason}\n" for reason in found["absent"]]
    return "\n".join(
        [f"### {measure.name}\n\n{about}\n", "| Figure | Value |", "|---|---|", *rows, *missing, ""]
    )


def speed_chart() -> str:
    """The picture."""
    return CHART.read_text(encoding="utf-8")


def _values(found: dict[str, Any]) -> dict[str, float]:
    return {**found.get("ratios", {}), **found.get("figures", {})}
