"""Drives a coroutine to its end in one step, for hosts that block."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from invoicepay.adapters.hosts import BLOCKING
from invoicepay.errors import SuspendedInBlockingHost

T = TypeVar("T")


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
