"""Drives a coroutine to its end in one step, for hosts that block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

from invoicepay.adapters.hosts import run_blocking

__all__ = ["run_blocking", "within"]

T = TypeVar("T")


@contextmanager
def within(manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter and leave an awaiting context from a host that blocks, each in one step.

    Raises:
        SuspendedInBlockingHost: as `run_blocking`.
    """

    async def entered() -> T:
        return await manager.__aenter__()

    async def left(error: BaseException | None) -> bool:
        return bool(await manager.__aexit__(type(error) if error else None, error, None))

    value = run_blocking(entered())
    try:
        yield value
    except BaseException as error:
        if not run_blocking(left(error)):
            raise
    else:
        run_blocking(left(None))
