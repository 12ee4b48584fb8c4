"""A lock that is open in a forked child, whoever held it in the parent."""

from __future__ import annotations

import os
import threading
from weakref import WeakSet


class Lock:
    """A `threading.Lock` for `with`.

    The thread that held it when another one forked is not in the child, where nobody would open it again.
    What it guards is usable between any two of its steps.

    Examples:
        >>> with Lock():
        ...     print("alone")
        alone
    """

    def __init__(self) -> None:
        self.start_afresh()
        _everyone.add(self)

    def start_afresh(self) -> None:
        """Open it in a process that was just forked."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


_everyone: WeakSet[Lock] = WeakSet()


def _start_afresh() -> None:
    for lock in _everyone:
        lock.start_afresh()


os.register_at_fork(after_in_child=_start_afresh)
