"""Importing the package is cheap: no third-party library is loaded before it is used."""

import json
import subprocess
import sys
from statistics import median

import pytest

HEAVY = ("alembic", "asyncio", "httpx", "pydantic", "qrcode", "sqlalchemy", "tenacity")
RUNS = 7

MEASURE = """
import json, sys, time
started = time.process_time()
{statement}
spent = time.process_time() - started
print(json.dumps({{"milliseconds": spent * 1000, "modules": sorted(sys.modules)}}))
"""


def in_a_fresh_interpreter(statement: str) -> tuple[float, set[str]]:
    """Run an import alone; return its processor time in milliseconds and what is loaded afterwards."""
    command = [sys.executable, "-I", "-W", "error", "-c", MEASURE.format(statement=statement)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed)
    return found["milliseconds"], set(found["modules"])


@pytest.mark.parametrize(
    ("statement", "limit_milliseconds", "not_loaded"),
    [
        ("import invoicepay", 100, set(HEAVY)),
        ("from invoicepay import InvoicePay", 300, set(HEAVY) - {"pydantic"}),
    ],
)
def test_importing_is_quick_and_loads_no_library(
    statement: str, limit_milliseconds: float, not_loaded: set[str]
) -> None:
    runs = [in_a_fresh_interpreter(statement) for _ in range(RUNS)]

    assert [sorted(not_loaded & modules) for _, modules in runs] == [[]] * RUNS
    assert median(milliseconds for milliseconds, _ in runs) < limit_milliseconds
