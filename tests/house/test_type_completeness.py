"""Nothing public has a type that a checker must guess: pyright's own measure stands at 100 %."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# The measure looks for the package with the first `python` of the path.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
COMMAND = [sys.executable, "-m", "pyright", "--verifytypes", "invoicepay", "--ignoreexternal", "--outputjson"]


def measured() -> dict[str, Any]:
    """What pyright says of the package's types."""
    env = {**os.environ, "PATH": PATH}
    told = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, check=False)
    found: dict[str, Any] = json.loads(told.stdout)["typeCompleteness"]
    return found


def test_every_public_type_is_known_and_written_down() -> None:
    found = measured()

    guessed = [one["name"] for one in found["symbols"] if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
    assert guessed == []
    assert found["completenessScore"] == 1
    assert len(found["symbols"]) > 5_000  # an empty package would be complete, too
