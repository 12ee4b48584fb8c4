"""Tells a leaf which kind of host runs it now, so that it blocks in one and awaits in the other."""

from __future__ import annotations

from contextvars import ContextVar

from invoicepay.adapters.system import awaiting_sleep, blocking_sleep

BLOCKING: ContextVar[bool] = ContextVar("invoicepay_blocking", default=False)
"""True while `run_blocking` drives a coroutine in this context."""


def is_blocking() -> bool:
    """Whether the caller must end in one step: it may block its thread, and must not await anything.

    Examples:
        >>> from invoicepay.bridge import run_blocking
        >>> async def leaf():
        ...     return is_blocking()
        >>> run_blocking(leaf())
        True
    """
    return BLOCKING.get()


async def sleep(seconds: float) -> None:
    """Wait the way the host at hand waits."""
    await (blocking_sleep(seconds) if is_blocking() else awaiting_sleep(seconds))
