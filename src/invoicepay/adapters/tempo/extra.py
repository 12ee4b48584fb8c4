"""Imports of the extra `invoicepay[tempo]`, made on first use: one of them takes more than a second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoicepay.errors import MissingExtra


@contextmanager
def tempo_extra() -> Iterator[None]:
    """Wrap an import of the extra.

    Raises:
        MissingExtra: it is not installed; the message says what to install.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtra("tempo", needed_for="Tempo") from error


def keccak(data: bytes) -> bytes:
    """The 32-byte hash that the chain uses everywhere; it is older than, and differs from, SHA3-256."""
    with tempo_extra():
        from eth_hash.auto import keccak as hashed
    return hashed(data)
