"""The figures that the documentation shows: measure by measure, as they were last recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import chart
from bench.report import short
from bench.result import Result

FOLDER = Path(__file__).resolve().parent / "figures"
LATEST = FOLDER / "latest.json"
CHART = FOLDER / "latest.svg"


def recorded() -> dict[str, Any]:
    """What was recorded last."""
    latest: dict[str, Any] = json.loads(LATEST.read_text(encoding="utf-8"))
    return latest


def record(results: Mapping[str, Result], machine: Mapping[str, Any]) -> None:
    """Keep these measures in place of earlier ones of the same name, and draw all of them."""
    before = recorded() if LATEST.exists() else {"machine": {}, "measures": {}}
    kept = before["measures"]
    today = datetime.now(UTC).date().isoformat()
    for name, result in results.items():
        found = asdict(result)
        figures = {part: short(found[part]) for part in ("figures", "ratios")}
        kept[name] = {"taken_on": today, "runs": len(result.runs), **figures, "absent": result.absent}
    FOLDER.mkdir(exist_ok=True)
    latest = {"machine": {**before["machine"], **machine}, "measures": kept}
    text = json.dumps(latest, indent=2, sort_keys=True, ensure_ascii=False)
    LATEST.write_text(f"{text}\n", encoding="utf-8")
    CHART.write_text(f"{chart.drawn(figures_of(kept))}\n", encoding="utf-8")


def figures_of(measures: Mapping[str, Any]) -> dict[str, float]:
    """Every recorded figure by name."""
    return {name: value for found in measures.values() for name, value in found["figures"].items()}
