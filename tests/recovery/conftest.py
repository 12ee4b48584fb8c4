"""One stage for all tests of this folder; each goes back to where its story begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashes.matrix import Matrix, matrix


@pytest.fixture(scope="session")
def on() -> Iterator[Matrix]:
    """A matrix in memory."""
    with matrix() as made:
        yield made
