"""Every example in the pages and docstrings runs as it stands; each page is one program, top to bottom."""

import re
import runpy
from collections.abc import Callable
from doctest import ELLIPSIS
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

from tests.docs.apart import needs_a_process, ran_apart
from tests.support.tempo import node_or_skip

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "invoicepay"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]

BLOCKS = Sybil([PythonCodeBlockParser()], patterns=["*.md"], path=str(ROOT))
DOCSTRINGS = Sybil(
    [DocTestParser(ELLIPSIS)],
    patterns=["*.py"],
    path=str(PACKAGE),
    document_types={".py": PythonDocStringDocument},
)


# Fences that no test runs, and why.
NOT_RUN = {
    "console": "commands for a shell; those of this checkout are compared with what it has",
    "text": "what is printed, or drawn with letters",
    "mermaid": "pictures, drawn from the tables in tests/docs/test_pages.py",
}
# Pages whose blocks another test runs, and where.
RUN_ELSEWHERE = {"docs/tutorial/pieces.md": "generated from examples/snippets, each run by test_snippets.py"}
Record = Callable[[str, object], None]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def run(sybil: Sybil, path: Path) -> int:
    """Evaluate the examples of a file in order and in one namespace; return how many there were."""
    examples = list(sybil.parse(path).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples may write files where they are started."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", [page for page in PAGES if name_of(page) not in RUN_ELSEWHERE], ids=name_of)
def test_every_block_of_a_page_runs(page: Path, record_property: Record) -> None:
    text = page.read_text(encoding="utf-8")
    if "TempoNode()" in text:
        node_or_skip()

    ran = int(ran_apart("page", page).split()[-1]) if needs_a_process(text) else run(BLOCKS, page)

    assert ran == len(re.findall(r"^\s*```py", text, re.MULTILINE))
    record_property("blocks of pages", ran)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_that_does_not_run_is_of_a_kind_that_cannot(page: Path) -> None:
    kinds = re.findall(r"^\s*```([^\n]*)\n.*?^\s*```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert set(kinds) <= {"python", *NOT_RUN}


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=name_of)
def test_every_example_script_runs(
    script: Path, capsys: pytest.CaptureFixture[str], record_property: Record
) -> None:
    if needs_a_process(script.read_text("utf-8")):
        assert ran_apart("script", script)
    else:
        runpy.run_path(str(script), run_name="__main__")
        assert capsys.readouterr().out
    record_property("scripts", 1)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_example_of_a_docstring_runs(module: Path, record_property: Record) -> None:
    ran = run(DOCSTRINGS, module)

    assert ran > 0
    record_property("lines of docstrings", ran)
