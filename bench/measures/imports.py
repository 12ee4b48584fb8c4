"""What `import invoicepay` costs a process that may never use it."""

from __future__ import annotations

import subprocess
import sys

from bench.ground import Ground
from bench.registry import at_most, measure
from bench.result import Result
from bench.stats import medians

TIMED = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
MODULES = ("invoicepay", "sqlalchemy")
TURNS = 5


@measure(
    "import",
    "import invoicepay, against import sqlalchemy",
    ratios=["import_vs_sqlalchemy"],
    targets=[at_most("import_vs_sqlalchemy", 0.5)],
)
def imports(ground: Ground) -> Result:
    """Both by turns, in fresh processes whose files are read already."""
    result = Result()
    for module in MODULES:
        _import_ms(module)
    for _ in range(TURNS * ground.size.runs):
        result.runs.append({f"import_{module}_ms": _import_ms(module) for module in MODULES})
    result.figures = medians(result.runs)
    result.take_ratio("import_vs_sqlalchemy", "import_invoicepay_ms", "import_sqlalchemy_ms")
    return result


def _import_ms(module: str) -> float:
    command = [sys.executable, "-c", TIMED.format(module)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1e3
