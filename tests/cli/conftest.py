"""A folder without settings of ours, and books in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.books import Shell, keep_books


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books that nobody touches."""
    file = tmp_path_factory.mktemp("books") / "pay.db"
    keep_books(file)
    return file


@pytest.fixture
def shell(
    tmp_path: Path, template: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """An empty folder to run commands in."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("INVOICEPAY_")]:
        monkeypatch.delenv(name)
    return Shell(tmp_path, capsys, template)
