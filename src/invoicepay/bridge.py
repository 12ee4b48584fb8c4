"""Drives a coroutine to its end in one step, for hosts that block."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from invoicepay.errors import SuspendedInBlockingHost

T = TypeVar("T")


def run_blocking(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` in one step; leaves that block never suspend, so one step is all of it.

    Works inside a running event loop too, because no loop is involved.

    Raises:
        SuspendedInBlockingHost: an awaiting leaf (driver, HTTP client, sleep) was wired into a blocking host.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    else:
        raise SuspendedInBlockingHost(step=repr(coroutine))
    finally:
        coroutine.close()
