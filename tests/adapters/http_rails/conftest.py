"""A bank for each test."""

from collections.abc import Iterator

import pytest

from tests.adapters.http_rails.far_side import FarSide


@pytest.fixture
def bank() -> Iterator[FarSide]:
    made = FarSide()
    yield made
    made.end()
