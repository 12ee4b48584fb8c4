"""Both kinds of host, so that one test runs blocking and awaiting."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from invoicepay.bridge import run_blocking

T = TypeVar("T")


class Host(Protocol):
    """Runs a coroutine to its end."""

    name: str

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        ...

    def close(self) -> None:
        """End what the host started."""
        ...


class BlockingHost:
    """Drives each coroutine in one step, as `InvoicePay` does."""

    name = "blocking"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return run_blocking(coroutine)

    def close(self) -> None:
        """Nothing was started."""


class AwaitingHost:
    """Keeps one event loop for the test, as a host of `AsyncInvoicePay` does."""

    name = "awaiting"

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()
