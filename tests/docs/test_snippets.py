"""The snippets run, and read as they were first printed or differ for a reason that is stated here."""

import ast
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPETS = sorted((ROOT / "examples" / "snippets").glob("*.py"))
PRINTED = dict(
    re.findall(
        r"^## (\w+)\n\n```python\n(.*?)```",
        (Path(__file__).parent / "printed_snippets.md").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)

# By snippet: the line as printed, the line as it is, and why.
CHANGED: dict[str, list[tuple[str, str, str]]] = {
    "audit": [
        (
            "print(v.rule, v.message, v.difference)",
            "print(v.rule, v.message, v.difference_micros)",
            "A broken rule may concern no asset, such as a gap in numbers: the difference is whole micros.",
        ),
        (
            "print(entry.seq, entry.at, entry.actor, entry.action)",
            "print(entry.position, entry.recorded_at, entry.actor, entry.action)",
            "A record's place is a position in its stream, and it carries several instants.",
        ),
    ],
    "codes": [
        (
            "code = request.qr()",
            "code = pay.requests.qr(request)",
            "A request is a value and knows no key: the client signs its code.",
        ),
        ("invoice.qr('epc')", "", "Not yet."),
    ],
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


@pytest.mark.parametrize("script", SNIPPETS, ids=lambda script: script.stem)
def test_a_snippet_reads_as_printed_or_differs_for_a_stated_reason(script: Path) -> None:
    changed = {before: after for before, after, _ in CHANGED.get(script.stem, [])}
    printed = statements(PRINTED[script.stem])
    wanted = [changed.get(line, line) for line in printed]

    assert changed.keys() <= set(printed)
    assert missing([line for line in wanted if line], statements(script.read_text("utf-8"))) == []


def statements(code: str) -> list[str]:
    """Lines of code without comments, blank lines and the choice of line breaks."""
    return [line.strip() for line in ast.unparse(ast.parse(code)).splitlines() if line.strip()]


def missing(wanted: list[str], have: list[str]) -> list[str]:
    """Lines that do not follow in this order."""
    rest = iter(have)
    return [line for line in wanted if line not in rest]
