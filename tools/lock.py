"""Writes and reads requirements.lock: every pin of constraints.txt with the hashes of all its files.

Run it after a change of constraints.txt or of the dependencies in pyproject.toml; it calls `uv pip compile`:
python -m tools.lock [uv]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
HEADER = "# Written by `python -m tools.lock` from pyproject.toml and constraints.txt; not by hand.\n"
OPTIONS = [
    "--extra", "test", "-c", "constraints.txt", "--generate-hashes", "--universal", "--quiet",
    "--python-version", "3.11", "--no-annotate", "--no-header",
]  # fmt: skip
_HASHES = r"((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
_PIN = re.compile(rf"^([A-Za-z0-9._-]+)==([^ ;]+)(?: ; (.+?))? \\\n{_HASHES}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of the lock.

    Attributes:
        marker: on which platforms it is installed; empty for all.
        hashes: SHA-256 of each of its files.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def pins(text: str | None = None) -> Iterator[Pin]:
    """Every package of the lock, by name."""
    for found in _PIN.finditer(LOCK.read_text(encoding="utf-8") if text is None else text):
        name, version, marker, hashes = found.groups()
        yield Pin(normal(name), version, marker or "", tuple(re.findall(r"[0-9a-f]{64}", hashes)))


def normal(name: str) -> str:
    """The one spelling of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main(uv: str = "uv") -> int:
    """Compile the lock with the `uv` named, keeping to the pins."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    backend = "\n".join(declared["build-system"]["requires"])
    made = subprocess.run(
        [uv, "pip", "compile", "pyproject.toml", "-", *OPTIONS],
        cwd=ROOT,
        input=backend,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        print(made.stderr, file=sys.stderr)
        return 1
    LOCK.write_text(HEADER + made.stdout, encoding="utf-8")
    print(f"{LOCK.name}: {sum('==' in line for line in made.stdout.splitlines())} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
