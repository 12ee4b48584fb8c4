"""Importing the package is cheap: no third-party library is loaded before it is used."""

import json
import subprocess
import sys
from statistics import median

import pytest

HEAVY = ("alembic", "asyncio", "httpx", "pydantic", "qrcode", "sqlalchemy", "tenacity")
RUNS = 7

# Beside it a yardstick of the same kind, for a busy or an old machine is slow at both: how long it takes to
# make small dataclasses.
MEASURE = """
import json, sys, time
started = time.process_time()
{statement}
spent, modules = time.process_time() - started, sorted(sys.modules)
started = time.process_time()
from dataclasses import make_dataclass
for number in range(200):
    make_dataclass(f"Small{{number}}", ["a", "b", "c", "d"], frozen=True)
yardstick = time.process_time() - started
print(json.dumps({{"yardsticks": spent / yardstick, "modules": modules}}))
"""


def in_a_fresh_interpreter(statement: str) -> tuple[float, set[str]]:
    """Run an import alone; return its processor time in yardsticks and what is loaded afterwards."""
    command = [sys.executable, "-I", "-W", "error", "-c", MEASURE.format(statement=statement)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed)
    return found["yardsticks"], set(found["modules"])


@pytest.mark.parametrize(
    ("statement", "limit", "not_loaded"),
    [
        ("import invoicepay", 0.5, set(HEAVY)),
        ("from invoicepay import InvoicePay", 7.0, set(HEAVY) - {"pydantic"}),
    ],
)
def test_importing_is_quick_and_loads_no_library(statement: str, limit: float, not_loaded: set[str]) -> None:
    runs = [in_a_fresh_interpreter(statement) for _ in range(RUNS)]

    assert [sorted(not_loaded & modules) for _, modules in runs] == [[]] * RUNS
    assert median(yardsticks for yardsticks, _ in runs) < limit
