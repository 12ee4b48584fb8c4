"""Change the code in every small way and see whether a test notices: `python -m tests.mutation --json`.

It needs more than the tests do: `pip install -c constraints.txt -e ".[mutation]"`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.subjects import SUBJECTS, Subject

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "tools", "bench", "examples", "dev.py", "pyproject.toml", "README.md")
SCORE, COVERED = 90.0, 95.0


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one subject's mutants.

    Attributes:
        covered: percent of its lines and branches that its tests reach.
        survivors: mutants that no test noticed, those that no test reaches among them.
    """

    subject: str
    mutants: int
    killed: int
    covered: float
    survivors: tuple[str, ...]
    seconds: float

    @property
    def score(self) -> float:
        """Percent of the mutants that a test noticed."""
        return 100 * self.killed / self.mutants if self.mutants else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether both figures reach what is asked."""
        return self.score >= SCORE and self.covered >= COVERED


def main() -> int:
    """Mutate what is asked for; the answer is 1 when a figure is too low, 2 when a tool is missing."""
    asked = _asked()
    if importlib.util.find_spec("mutmut") is None:
        say('mutmut is not installed: pip install -c constraints.txt -e ".[mutation]"')
        return 2
    found = []
    for name in asked.only:
        say(f"{name}: mutating {', '.join(SUBJECTS[name].modules)} ...")
        found.append(_mutated(name, SUBJECTS[name], asked.processes))
        _tell(found[-1])
    if asked.json:
        told = [{**asdict(one), "score": round(one.score, 1), "is_enough": one.is_enough} for one in found]
        say(json.dumps({"subjects": told, "is_enough": all(one.is_enough for one in found)}))
    return 0 if all(one.is_enough for one in found) else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=tuple(SUBJECTS), default=tuple(SUBJECTS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    return parser.parse_args()


def _tell(found: Found) -> None:
    say(
        f"{found.subject}: {found.killed} of {found.mutants} mutants noticed ({found.score:.1f} %), "
        f"{found.covered:.1f} % of lines and branches reached, {found.seconds:.0f} s"
    )
    for survivor in found.survivors:
        say(f"  not noticed: {survivor}")


def _mutated(name: str, subject: Subject, processes: int) -> Found:
    """Mutate a copy of the checkout, so that this one stays as it is."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        copy = Path(folder)
        for part in COPIED:
            _copy(ROOT / part, copy / part)
        with (copy / "pyproject.toml").open("a", encoding="utf-8") as settings:
            settings.write(_settings(subject, processes))
        _named(copy, subject)
        covered = _covered(copy, subject)
        _call(copy, "-m", "mutmut", "run")
        _call(copy, "-m", "mutmut", "export-cicd-stats")
        counts = json.loads((copy / "mutants" / "mutmut-cicd-stats.json").read_text(encoding="utf-8"))
        survivors = _call(copy, "-m", "mutmut", "results").split("\n")
    lived = tuple(line.strip() for line in survivors if ": survived" in line or ": no tests" in line)
    killed = counts["killed"] + counts["timeout"]
    return Found(name, counts["total"], killed, covered, lived, round(time.monotonic() - started, 1))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".venv*"))
    else:
        shutil.copy(source, target)


def _settings(subject: Subject, processes: int) -> str:
    """The tool's own section."""
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/invoicepay/{module}" for module in subject.modules],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in subject.tests],
        "also_copy": [part for part in COPIED if part not in ("src", "tests")],
        "pytest_add_cli_args": ["-k", "not of_the_module"],  # mutants are functions of the module, too
        "max_children": processes,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def _named(copy: Path, subject: Subject) -> None:
    """See that each test can be asked for by its name.

    The tool runs the tests of a mutant by name, and takes "there is no such test" for one that failed: then
    every mutant would count as noticed.

    Raises:
        SystemExit: a name has a backslash, which stands for a control character or one that is not ASCII.
    """
    tests = [f"tests/{test}" for test in subject.tests]
    told = _call(
        copy, "-m", "pytest", "-o", "addopts=--import-mode=importlib", "--collect-only", "-q", *tests
    )
    odd = [line for line in told.splitlines() if "::" in line and "\\" in line]
    if odd:
        raise SystemExit(_tail(["give these tests plain ids:", "\n".join(odd)]))


def _covered(copy: Path, subject: Subject) -> float:
    """Percent of lines and branches that the tests reach."""
    modules = ",".join(f"src/invoicepay/{module}" for module in subject.modules)
    tests = [f"tests/{test}" for test in subject.tests]
    _call(copy, "-m", "coverage", "run", "--branch", f"--include={modules}", "-m", "pytest", "-q", *tests)
    _call(copy, "-m", "coverage", "json", "-o", "covered.json")
    told = json.loads((copy / "covered.json").read_text(encoding="utf-8"))
    return float(told["totals"]["percent_covered"])


def _call(folder: Path, *command: str) -> str:
    """Run this Python in the copy, whose `src` comes first; what it said.

    Raises:
        SystemExit: it failed; the end of what it said is shown.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    ran = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{_tail([ran.stdout, ran.stderr])}")
    return ran.stdout


def _tail(texts: Sequence[str]) -> str:
    return "\n".join(text[-2_000:] for text in texts if text)


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
