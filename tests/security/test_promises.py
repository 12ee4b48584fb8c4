"""The page of promises names commands that exist, and each of those that ends with a figure is on it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "promises.md").read_text(encoding="utf-8")
DEV = (ROOT / "dev.py").read_text(encoding="utf-8")

ELSEWHERE = {
    "tests.adapters.circle.official": "needs Circle's clients; on the page about Circle",
    "tests.docs.apart": "runs an example that configures Django in a process of its own",
    "tests.processes.forks": "what its test runs in a process of its own",
    "tests.adapters.tempo.thousand": "a thousand wallets; on the page about Tempo",
    "tests.scale.footprint": "measures bytes; on the page about keeping",
}
"""Commands that promise nothing by themselves."""


def test_every_command_of_the_page_exists() -> None:
    modules = re.findall(r"`python -m ([\w.]+)", PAGE)
    commands = re.findall(r"`python3 dev\.py (\w+)", PAGE)

    assert len(modules) >= 10
    assert [name for name in modules if not file_of(name).exists()] == []
    assert [name for name in commands if f'"{name}"' not in DEV] == []
    paths = re.findall(r"dev\.py test ([\w/. ]+)`", PAGE)
    assert [path for some in paths for path in some.split() if not (ROOT / path).exists()] == []


def file_of(module: str) -> Path:
    """The file that `python -m` runs."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def test_every_command_of_the_tests_is_on_the_page() -> None:
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        for path in (ROOT / "tests").rglob("*.py")
        if not path.name.startswith("test_")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }

    assert sorted(found - set(re.findall(r"`python -m ([\w.]+)", PAGE)) - ELSEWHERE.keys()) == []
