"""Two commands at once, in a chosen order: the first has everything locked and written, the second comes."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Engine, text

from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Needs
from invoicepay.ports.repository import Reply, Repository, Unit
from tests.support.till import Till

T = TypeVar("T")

MOST_SECONDS = 20
"""Less than a transaction may stand idle."""


class Gate:
    """A repository whose units wait at a `load` or `commit` until they are let through."""

    def __init__(self, inner: Repository, at: str) -> None:
        self._inner, self._at = inner, at
        self.reached, self._open = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[GatedUnit]:
        """A transaction that waits."""
        async with self._inner.unit(tenant_id) as unit:
            yield GatedUnit(unit, self)

    def wait(self, at: str) -> None:
        """Tell that it came so far, and wait."""
        if at == self._at:
            self.reached.set()
            assert self._open.wait(3 * MOST_SECONDS), "nobody opened the gate"

    def open(self) -> None:
        """Let it through."""
        self._open.set()


class GatedUnit:
    """A unit of a gated repository."""

    def __init__(self, inner: Unit, gate: Gate) -> None:
        self._inner, self._gate = inner, gate

    async def load(self, needs: Needs, into: Snapshot) -> None:
        """Wait, then load."""
        self._gate.wait("load")
        await self._inner.load(needs, into)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        """Stored answers."""
        return await self._inner.replies(keys)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        """Write."""
        await self._inner.apply(outcomes, replies)

    async def commit(self) -> None:
        """Wait, then commit."""
        self._gate.wait("commit")
        await self._inner.commit()


def gated(till: Till, at: str) -> tuple[Till, Gate]:
    """The same till behind a gate."""
    gate = Gate(till.deps.repository, at)
    behind = copy(till)
    behind.deps = replace(till.deps, repository=gate)
    return behind, gate


def overlapping(
    till: Till, engine: Engine, first: Callable[[Till], Any], second: Callable[[Till], T]
) -> tuple[Any, T]:
    """Both results; `first` has written and commits only when `second` waits for it or is done."""
    behind, gate = gated(till, "commit")
    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(first, behind)
        assert gate.reached.wait(MOST_SECONDS) or early.done(), "the first command never wrote anything"
        late = pool.submit(second, till)
        deadline = time.monotonic() + MOST_SECONDS
        while not late.done() and not somebody_waits(engine) and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.open()
        return early.result(), late.result()


def somebody_waits(engine: Engine) -> bool:
    """Whether a transaction of this database waits for another's lock."""
    with engine.connect() as connection:
        waiting = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            )
        )
        return bool(waiting.scalar())
