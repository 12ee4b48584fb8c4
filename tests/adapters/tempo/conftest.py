"""One local node for all tests of a process in this folder, and a token of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import Bench, bench_on
from tests.adapters.tempo.chain import Chain
from tests.support.tempo import tempo_node

__all__ = ["tempo_node"]


@pytest.fixture
def bench(tempo_node: TempoNode, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """Keys and a desk for a tenant that only this test has."""
    with bench_on(tempo_node, request.node.nodeid) as bench:
        yield bench


@pytest.fixture(scope="module")
def shared(tempo_node: TempoNode, request: pytest.FixtureRequest) -> Iterator[tuple[Bench, TempoToken]]:
    """One token for the tests of a file."""
    with bench_on(tempo_node, request.module.__name__) as bench:
        yield bench, bench.set_up()


@pytest.fixture
def chain(shared: tuple[Bench, TempoToken], request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A tenant that only this test has, with a provider for the file's token."""
    chain = Chain(*shared, tenant=request.node.nodeid)
    yield chain
    chain.close()


@pytest.fixture
def held_blocks(tempo_node: TempoNode) -> Iterator[None]:
    """Transactions wait until the test mines."""
    tempo_node.hold_blocks()
    yield
    tempo_node.release_blocks()
