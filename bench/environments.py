"""Environments of other ledgers, made beside `.venv` when first needed; their packages never meet ours."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-bench"
DONE = "installed"
PATIENCE_SECONDS = 600


class Absent(Exception):
    """The other ledger cannot be used here; the text is the reason."""


def python_with(name: str, installs: Sequence[Sequence[str]]) -> Path:
    """The Python of an environment in which these pip commands have succeeded.

    Raises:
        Absent: it cannot be made.
    """
    folder = HOME / f"{name}-{hashlib.sha256(json.dumps(installs).encode()).hexdigest()[:8]}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / DONE).exists():
        _done([sys.executable, "-m", "venv", "--clear", str(folder)])
        for packages in installs:
            _done([str(python), "-m", "pip", "install", "--quiet", *packages])
        (folder / DONE).touch()
    return python


def told_by(python: Path, script: Path, *arguments: str) -> Any:
    """What a script prints as JSON.

    Raises:
        Absent: it fails.
    """
    return json.loads(_done([str(python), str(script), *arguments]))


def _done(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise Absent(f"{Path(command[-1]).name} took longer than {PATIENCE_SECONDS} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Absent(said[-1] if said else f"exit code {done.returncode}")
    return done.stdout
