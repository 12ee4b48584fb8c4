"""A forked process leaves the connections of its parent alone: even closing them would reach its server."""

from __future__ import annotations

import os
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.pool import Pool

NOWHERE = 0

_homes: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()
"""By engine, the process whose connections are in its pool."""
_inherited: list[Pool] = []
_is_forked = False


def keep_home(engine: Engine, *, is_ours: bool) -> None:
    """Remember where an engine is used; in a forked process a host's may hold connections of the parent."""
    _homes.setdefault(engine, NOWHERE if _is_forked and not is_ours else os.getpid())


def leave_inherited(engine: Engine) -> None:
    """In another process than before, begin with an empty pool.

    Asked before each transaction: a fork that Python did not make calls no hook of ours.
    """
    here = os.getpid()
    if _homes.get(engine) != here:
        _inherited.append(engine.pool)
        engine.dispose(close=False)
        _homes[engine] = here  # last, for a second thread must not come before the new pool


def _start_afresh() -> None:
    """Right after a fork: the host may use its engine before we do."""
    global _is_forked
    _is_forked = True
    for engine in list(_homes):
        leave_inherited(engine)


os.register_at_fork(after_in_child=_start_afresh)
