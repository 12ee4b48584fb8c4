"""Clients as a host makes them: one for each process, with an audit stream of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from invoicepay import AsyncInvoicePay, InvoicePay, Settings

AUTO = "auto"


def settings(url: str, stream: str, group_commit: str = AUTO) -> Settings:
    """A server's settings: provider work and handlers are left to a worker of their own."""
    return Settings(store=url, dispatch="deferred", audit_stream=stream, group_commit=group_commit)


@contextmanager
def blocking(url: str, *, stream: str = "main", group_commit: str = AUTO) -> Iterator[InvoicePay]:
    """A client that blocks."""
    with InvoicePay.from_settings(settings(url, stream, group_commit)) as pay:
        yield pay


@contextmanager
def awaiting(url: str, *, stream: str = "main") -> Iterator[tuple[AsyncInvoicePay, asyncio.Runner]]:
    """A client that awaits, and the loop that it lives in."""
    with asyncio.Runner() as loop:
        pay = AsyncInvoicePay.from_settings(settings(url, stream))
        try:
            yield pay, loop
        finally:
            loop.run(pay.close())
