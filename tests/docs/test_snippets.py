"""The snippets run, and read as they were first printed or differ for a reason that is stated."""

import ast
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.apart import needs_a_process, ran_apart
from tests.docs.changed_snippets import CHANGED

ROOT = Path(__file__).parents[2]
SNIPPETS = sorted((ROOT / "examples" / "snippets").glob("*.py"))
PRINTED = dict(
    re.findall(
        r"^## (\w+)\n\n```python\n(.*?)```",
        (Path(__file__).parent / "printed_snippets.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)

# Where a printed snippet is kept, if not (or not only) in `examples/snippets`.
ELSEWHERE = {
    "own_rails": ["examples/acme_bank.py"],
    "frozen_clock": ["examples/snippets/frozen_clock.py", "tests/adapters/http_rails/test_contract.py"],
}


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples may write files where they are started, and read their store from the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INVOICEPAY_STORE", "memory://")


@pytest.mark.parametrize("script", SNIPPETS, ids=lambda script: script.stem)
def test_a_snippet_runs_as_a_script(
    script: Path, capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    if needs_a_process(script.read_text("utf-8")):
        assert ran_apart("script", script)
    else:
        assert exit_code(script) in (0, None)
        assert capsys.readouterr().out
    record_property("scripts", 1)


def exit_code(script: Path) -> object:
    """What a shell would be told."""
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as done:
        return done.code
    return 0


@pytest.mark.parametrize("name", PRINTED)
def test_a_snippet_reads_as_printed_or_differs_for_a_stated_reason(name: str) -> None:
    changed = {before: after for before, after, _ in CHANGED.get(name, [])}
    printed = statements(PRINTED[name])
    wanted = [changed.get(line, line) for line in printed]
    files = ELSEWHERE.get(name, [f"examples/snippets/{name}.py"])
    have = [line for file in files for line in statements((ROOT / file).read_text("utf-8"))]

    assert sorted(changed.keys() - set(printed)) == []
    assert [line for line in wanted if line and line not in have] == []


def test_every_change_says_why() -> None:
    assert [reason for changes in CHANGED.values() for *_, reason in changes if len(reason) < 20] == []


def statements(code: str) -> list[str]:
    """Lines of code without comments, blank lines and the choice of line breaks."""
    return [line.strip() for line in ast.unparse(ast.parse(code)).splitlines() if line.strip()]
