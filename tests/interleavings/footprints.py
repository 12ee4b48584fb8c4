"""Which rows each public call holds and moves, seen while it is made; two that share one are a pair."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any

from invoicepay import InvoicePay
from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Needs
from invoicepay.ports.repository import Reply, Repository, Unit
from tests.crashes.stage import stage
from tests.crashes.stories import NO_CALLS
from tests.crashes.teller import SIGNATURES
from tests.input.calls import CALLS, make
from tests.interleavings.pairs import Op, Pair, pairs

SHARED = "rows that both need"


@dataclass
class Footprint:
    """What a call took hold of.

    Attributes:
        alone: rows and accounts of parties that nobody else may have meanwhile.
        together: rows that others may read meanwhile.
    """

    alone: set[str] = field(default_factory=set[str])
    together: set[str] = field(default_factory=set[str])

    def meets(self, other: Footprint) -> bool:
        """Whether one of the two can make the other wait."""
        everything = other.alone | other.together
        return bool(self.alone & everything or self.together & other.alone)


class _Watched:
    """A repository that notes what units hold."""

    def __init__(self, inner: Repository, into: Footprint) -> None:
        self._inner, self._into = inner, into

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[_WatchedUnit]:
        """A unit that notes it."""
        async with self._inner.unit(tenant_id) as unit:
            yield _WatchedUnit(unit, self._into)


class _WatchedUnit:
    def __init__(self, inner: Unit, into: Footprint) -> None:
        self._inner, self._print = inner, into
        self.commit = inner.commit

    async def load(self, needs: Needs, into: Snapshot) -> None:
        await self._inner.load(needs, into)
        for wanted in needs.finds:
            held = self._print.together if wanted.only_read else self._print.alone
            held.update(f"{kind.KIND}/{id}" for kind, id in into.hits[wanted])
        self._print.alone.update(f"{kind.KIND}/{id}" for kind, id in needs.rows)
        self._print.together.update(f"{kind.KIND}/{id}" for kind, id in needs.reads - needs.rows)
        self._print.alone.update(account.id for account in needs.accounts)

    async def replies(self, keys: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], Reply]:
        return await self._inner.replies(keys)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await self._inner.apply(outcomes, replies)
        entries = [entry for one in outcomes for posting in one.postings for entry in posting.entries]
        self._print.alone.update(entry.account.id for entry in entries if entry.account.party_id)


def footprints() -> dict[str, Footprint]:
    """That of every call that writes, made in the scene in memory."""
    found: dict[str, Footprint] = {}
    with stage("memory") as on:
        start, core = on.moment(), on.scene.pay._pay._core
        for call in CALLS:
            if call.partition(".")[0] in NO_CALLS or "idempotency_key" not in SIGNATURES[call].parameters:
                continue
            found[call] = Footprint()
            watched: Any = _Watched(core.wired.repository, found[call])
            wired = replace(core.wired, repository=watched)
            pay = InvoicePay._around(type(on.scene.pay._pay)._around(replace(core, wired=wired)))
            on.go_back(start)
            make(on.scene, call, pay)
    return found


def all_pairs(prints: Mapping[str, Footprint] | None = None) -> list[Pair]:
    """The families' pairs, then every two calls of the table that can make each other wait."""
    prints, listed = prints or footprints(), pairs()
    known = {(pair.first.name, pair.second.name) for pair in listed}
    shared = [
        Pair(SHARED, Op(first), Op(second), resting=False)
        for first, second in combinations_with_replacement(prints, 2)
        if prints[first].meets(prints[second]) and not known & {(first, second), (second, first)}
    ]
    return listed + shared
