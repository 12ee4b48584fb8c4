"""Python's cycle collector rests while many commands are decided and written in one transaction."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 32
"""Commands from which on a transaction makes so many objects that looking through them costs time."""

_off_by_us = False


@contextmanager
def at_rest(count: int) -> Iterator[None]:
    """Keep the collector from running while `count` commands are carried out, where it runs at all.

    What they make lives until the commit and has no cycles, yet each few hundred objects would have it
    looked through, and every few batches all objects of the process: half of the time of a payment.
    """
    global _off_by_us
    if count < MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    _off_by_us = True
    try:
        yield
    finally:
        _off_by_us = False
        gc.enable()


def _wake_in_child() -> None:
    """A process that was forked meanwhile has nobody who would wake the collector."""
    global _off_by_us
    if _off_by_us:
        _off_by_us = False
        gc.enable()


os.register_at_fork(after_in_child=_wake_in_child)
