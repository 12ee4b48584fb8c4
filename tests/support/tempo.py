"""Fixtures around a local Tempo node; a module that imports them gets one node for each test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.testing.tempo_node import NodeUnavailable, TempoNode, node_binary


def node_or_skip() -> None:
    """Fetch the node where it is not here yet; where it cannot be had, the test that needs it is skipped."""
    try:
        node_binary()
    except NodeUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def tempo_node() -> Iterator[TempoNode]:
    """A running node whose `finalized` block is its latest; tests use tokens and accounts of their own."""
    node_or_skip()
    with TempoNode() as node:
        yield node
