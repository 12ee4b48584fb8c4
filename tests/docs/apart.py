"""Runs the examples of a page, or a script, in this process alone: Django is configured once in each.

python -m tests.docs.apart page docs/how-to/django.md
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIGURES_DJANGO = "settings.configure("


def needs_a_process(text: str) -> bool:
    """Whether an example does what can be done once in a process."""
    return CONFIGURES_DJANGO in text


def ran_apart(kind: str, path: Path) -> str:
    """What a page or script printed in a process of its own, which is started where this one is.

    Raises:
        AssertionError: it failed; the message is what it wrote to standard error.
    """
    command = [sys.executable, "-W", "error", "-m", "tests.docs.apart", kind, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    kind, place = sys.argv[1:]
    if kind == "page":
        from tests.docs.test_examples import BLOCKS, run

        sys.stdout.write(f"\n{run(BLOCKS, Path(place))}")
    else:
        runpy.run_path(place, run_name="__main__")
