"""Fixtures around a local Tempo node; a module that imports them gets one node for each test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from invoicepay.testing.tempo_node import NodeUnavailable, TempoNode


@pytest.fixture(scope="session")
def tempo_node() -> Iterator[TempoNode]:
    """A running node whose `finalized` block is its latest; tests use tokens and accounts of their own."""
    node = TempoNode()
    try:
        node.__enter__()
    except NodeUnavailable as reason:
        pytest.skip(str(reason))
    yield node
    node.__exit__(None, None, None)
