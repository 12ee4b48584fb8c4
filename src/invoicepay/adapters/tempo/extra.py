"""Imports of the extra `invoicepay[tempo]`, made on first use: one of them takes more than a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from invoicepay.errors import MissingExtra


@contextmanager
def tempo_extra() -> Iterator[None]:
    """Wrap an import of the extra; leaves the interpreter's recursion limit as it was.

    One of its libraries raises that to 100,000 for the whole process, where a few kilobytes of brackets that
    some other code parses would end the process instead of raising RecursionError.

    Raises:
        MissingExtra: it is not installed; the message says what to install.
    """
    limit = sys.getrecursionlimit()
    try:
        yield
    except ImportError as error:
        raise MissingExtra("tempo", needed_for="Tempo") from error
    finally:
        sys.setrecursionlimit(limit)


def keccak(data: bytes) -> bytes:
    """The 32-byte hash that the chain uses everywhere; it is older than, and differs from, SHA3-256."""
    with tempo_extra():
        from eth_hash.auto import keccak as hashed
    return hashed(data)
