"""Clients as a host makes them: one for each process, with an audit stream of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from invoicepay import AsyncInvoicePay, InvoicePay, Settings


def settings(url: str, stream: str) -> Settings:
    """A server's settings: provider work and handlers are left to a worker of their own."""
    return Settings(store=url, dispatch="deferred", audit_stream=stream)


@contextmanager
def blocking(url: str, *, stream: str = "main") -> Iterator[InvoicePay]:
    """A client that blocks."""
    with InvoicePay.from_settings(settings(url, stream)) as pay:
        yield pay


@asynccontextmanager
async def awaiting(url: str, *, stream: str = "main") -> AsyncIterator[AsyncInvoicePay]:
    """A client that awaits."""
    async with AsyncInvoicePay.from_settings(settings(url, stream)) as pay:
        yield pay
