"""Other ledgers on the same server, each as its own documentation uses it, beside `pay_many`."""

from __future__ import annotations

from collections.abc import Sequence

from bench.environments import ROOT, Absent, python_with, told_by
from bench.ground import Ground
from bench.loads import Shape, run, spread
from bench.payers import in_batches
from bench.registry import at_least, measure
from bench.result import Result
from bench.stats import medians

PROCESSES = 4
DRIVER = "psycopg[binary]>=3.2,<4"

HORDAK = [["django-hordak==2.0.0", DRIVER]]
PYTHON_ACCOUNTING = [
    ["python-dateutil>=2.9,<3", "sqlalchemy>=2.1.4,<2.2", DRIVER],
    ["--no-deps", "python-accounting==2.0.0"],  # it names drivers that must be compiled, and uses any
]


@measure(
    "django_hordak",
    "a transfer of django-hordak, 4 processes, beside pay_many",
    ratios=["vs_django_hordak"],
    targets=[at_least("vs_django_hordak", 12)],
)
def django_hordak(ground: Ground) -> Result:
    """`account.transfer_to(other, money)`."""
    return _beside(ground, "hordak", "django_hordak", HORDAK)


@measure(
    "python_accounting",
    "a client's receipt of python-accounting, 4 processes, beside pay_many",
    ratios=["vs_python_accounting"],
)
def python_accounting(ground: Ground) -> Result:
    """A receipt with one line, posted."""
    return _beside(ground, "python_accounting", "python_accounting", PYTHON_ACCOUNTING)


def _beside(ground: Ground, script: str, name: str, installs: Sequence[Sequence[str]]) -> Result:
    """Both by turns; the other one's reason when it cannot be used here."""
    result = Result()
    shape = Shape(task=in_batches, count=ground.size.calls, together=1_000, warm=100)
    try:
        python = python_with(name, installs)
        for _ in range(ground.size.runs):
            here = run(spread(ground), shape, result)["per_second"]
            database = ground.server.clone()
            asked = (str(ground.server.folder), database, str(PROCESSES), str(ground.size.anchor_seconds))
            there = told_by(python, ROOT / "bench" / "peers" / f"with_{script}.py", *asked)
            ground.server.drop(database)
            result.runs.append({f"{name}_per_second": there["per_second"], f"beside_{name}_per_second": here})
    except Absent as reason:
        return Result(absent=[f"vs_{name}: {reason}"], violations=result.violations)
    result.figures = medians(result.runs)
    result.take_ratio(f"vs_{name}", f"beside_{name}_per_second", f"{name}_per_second")
    return result
