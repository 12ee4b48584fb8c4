"""Tells a leaf which kind of host runs it now, so that it blocks in one and awaits in the other."""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from invoicepay.adapters.system import awaiting_sleep, blocking_sleep
from invoicepay.errors import SuspendedInBlockingHost

T = TypeVar("T")

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


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` in one step; leaves that block never suspend, so one step is all of it.

    Works inside a running event loop too, because no loop is involved. Leaves that serve both kinds of host
    block while it runs. Hosts drive an adapter of theirs or ours with it, outside of any client.

    Raises:
        SuspendedInBlockingHost: an awaiting leaf (driver, HTTP client, sleep) was wired into a blocking host.

    Examples:
        >>> from invoicepay import run_blocking
        >>> from invoicepay.adapters.simulated import SimulatedTokens
        >>> from invoicepay.adapters.system import SystemClock
        >>> str(run_blocking(SimulatedTokens(SystemClock()).supply("USD.sim")))
        '0.00 USD.sim'
    """
    marked = BLOCKING.set(True)
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    else:
        raise SuspendedInBlockingHost(step=repr(coroutine))
    finally:
        coroutine.close()
        BLOCKING.reset(marked)
