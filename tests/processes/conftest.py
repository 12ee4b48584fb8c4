"""A fresh database of each kind for tests with several processes."""

from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'pay.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found
