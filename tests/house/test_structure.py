"""What the house rules say and no linter can: where code lives and what it may not do there."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "invoicepay"
STEMS = (
    "parties",
    "invoices",
    "payments",
    "credits",
    "deposits",
    "tokens",
    "withdrawals",
    "requests",
    "schedules",
    "holds",
)

LONGEST_FILE = 500
# One is generated, the other is the whole tree of errors: lists to look things up in, not to read through.
LISTS = {"blocking.py", "errors.py"}

# Only this file may ask the machine for time, randomness or fresh ids; everybody else is given them. A
# simulator is somebody else's machine, with a clock and ids of its own, and a simulation draws from its seed.
SYSTEM = ("adapters/system.py", "testing/simulators/", "testing/simulation/chooser.py")
SOURCES_OF_CHANCE = {"random", "secrets", "time", "uuid"}
CLOCK_READS = {"now", "today", "utcnow"}

# These stand where a host stands and may import the package as a host does.
HOSTS = ("cli", "demo", "integrations", "testing")


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the package by its path, parsed."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def imported(tree: ast.Module) -> Iterator[str]:
    """The full name of every imported module, also from inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def reads_clock(node: ast.AST) -> bool:
    """Tell `datetime.now`, `datetime.datetime.now`, `date.today` from a clock that was handed in."""
    if not isinstance(node, ast.Attribute) or node.attr not in CLOCK_READS:
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    return owner in {"datetime", "date"}


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        name
        for name, tree in sources().items()
        if not (ast.get_docstring(tree) or "").split("\n")[0].endswith((".", ":", "?", "!"))
    ]

    assert silent == []


def test_no_file_is_longer_than_a_person_reads() -> None:
    lengths = {
        name: len((PACKAGE / name).read_text(encoding="utf-8").splitlines())
        for name in sources().keys() - LISTS
    }

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


@pytest.mark.parametrize("layer", ["domain", "use_cases", "client"])
def test_every_stem_has_its_file_in_every_layer(layer: str) -> None:
    missing = [
        stem for stem in STEMS if not {f"{layer}/{stem}.py", f"{layer}/{stem}/__init__.py"} & sources().keys()
    ]

    assert missing == []


def test_the_domain_and_its_decisions_never_wait() -> None:
    waiting = [
        f"{name}: {node.name}"
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
        and (name.startswith("domain/") or node.name.startswith("decide_"))
    ]

    assert waiting == []


def test_time_chance_and_fresh_ids_come_from_one_file() -> None:
    taken = [
        f"{name}: {module}"
        for name, tree in sources().items()
        for module in imported(tree)
        if not name.startswith(SYSTEM) and module.split(".")[0] in SOURCES_OF_CHANCE
    ]
    read = [
        f"{name}:{node.lineno}"
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if not name.startswith(SYSTEM) and isinstance(node, ast.Attribute) and reads_clock(node)
    ]

    assert taken + read == []


def test_the_package_never_imports_its_own_front_door() -> None:
    through_the_door = [
        name
        for name, tree in sources().items()
        if not name.startswith((*HOSTS, "__init__.py")) and "invoicepay" in set(imported(tree))
    ]

    assert through_the_door == []


@pytest.mark.parametrize("port", ["rails", "tokens", "screening", "treasury", "webhooks"])
def test_every_port_call_that_reaches_outside_documents_its_errors(port: str) -> None:
    undocumented = [
        node.name
        for node in ast.walk(sources()[f"ports/{port}.py"])
        if isinstance(node, ast.AsyncFunctionDef) and "Raises:" not in (ast.get_docstring(node) or "")
    ]

    assert undocumented == []
