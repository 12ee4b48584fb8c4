"""The libraries of the extra are loaded on first use, and named when they are not there."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, sys
import invoicepay.adapters.tempo as tempo
from invoicepay import run_blocking
from invoicepay.errors import MissingExtra

loaded = [name for name in ("coincurve", "eth_abi", "eth_hash", "pytempo", "web3") if name in sys.modules]
sys.modules["coincurve"] = None
try:
    run_blocking(tempo.LocalKeys(bytes(32)).address("issuer"))
except MissingExtra as error:
    print(json.dumps([loaded, error.message]))
"""


def test_nothing_of_the_extra_is_loaded_before_it_is_used_and_its_lack_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )

    loaded, message = json.loads(done.stdout)
    assert loaded == []
    assert message == 'Tempo needs pip install "invoicepay[tempo]"'
