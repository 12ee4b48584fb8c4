"""One local node for all tests of a process in this folder, and a token of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import Bench, bench_on
from tests.support.tempo import tempo_node

__all__ = ["tempo_node"]


@pytest.fixture
def bench(tempo_node: TempoNode, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Keys and a desk for a tenant that only this test has."""
    with bench_on(tempo_node, request.node.nodeid) as bench:
        yield bench
