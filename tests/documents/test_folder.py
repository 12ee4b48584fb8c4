"""Exported files: where they go, and who may read them (S-22)."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from invoicepay.documents.folder import ExportFolder
from invoicepay.errors import ConfigurationError, InvalidInput

NO_NAMES = (
    "../journal.csv",
    "..",
    ".csv",
    "a/../../journal.csv",
    "/etc/journal.csv",
    "a\\b.csv",
    "a\x00.csv",
    "a\n.csv",
    "CON.csv",
    "a:b.csv",
    "a.csv\n",
    "a.b.csv",
    "a",
    "",
    "\u0661.csv",
    "x" * 200 + ".csv",
    None,
    b"a.csv",
)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InvalidInput):
        ExportFolder(tmp_path).save(name, "x")

    assert list(tmp_path.iterdir()) == []


def test_an_export_is_as_written_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = ExportFolder(tmp_path).save("inv_01k.csv", "a,b\r\n\u00e9,\u2713\r\n")

    assert path.read_bytes() == "a,b\r\n\u00e9,\u2713\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_of_that_name_is_left_as_it_is(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path)
    folder.save("a.csv", "first")

    with pytest.raises(InvalidInput):
        folder.save("a.csv", "second")

    assert (tmp_path / "a.csv").read_text() == "first"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "exports", tmp_path / "outside.csv"
    inside.mkdir()
    (inside / "a.csv").symlink_to(outside)

    with pytest.raises(InvalidInput):
        ExportFolder(inside).save("a.csv", "x")

    assert not outside.exists()


def test_where_the_folder_leads_is_settled_when_it_is_named(tmp_path: Path) -> None:
    first, second, link = tmp_path / "first", tmp_path / "second", tmp_path / "exports"
    first.mkdir()
    second.mkdir()
    link.symlink_to(first)
    folder = ExportFolder(link)
    link.unlink()
    link.symlink_to(second)

    assert folder.save("a.csv", "x") == first / "a.csv"


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError):
        ExportFolder(tmp_path / name)
