"""Loads what a batch needs: in stages at first, in one go and in order when it is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.needs import Find, Needs, RowKey, need, together
from invoicepay.ports.repository import Reader, Unit


@dataclass(slots=True)
class Tried:
    """What the tries of a batch have asked for so far.

    A first try finds out in stages what it needs. A stage that comes too late in the order waits for nobody,
    so it may fail where somebody else is at work; what was learned by then is not forgotten.
    """

    needs: Needs = field(default_factory=Needs)

    def asked(self, needs: Needs) -> None:
        """Something is about to be loaded; what a queue's search chooses may be another's next time."""
        searches = frozenset(wanted for wanted in needs.finds if not wanted.skip_locked)
        self.needs |= replace(needs, finds=searches)

    def moved(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Accounts of parties were to be moved, some of which nobody had asked for."""
        entries = (entry for outcome in outcomes for posting in outcome.postings for entry in posting.entries)
        self.needs |= need(accounts=[entry.account for entry in entries if entry.account.party_id])

    async def by_name(self, reader: Reader) -> Needs:
        """The same, with the rows that its searches find now instead of the searches."""
        alone, shared = set[RowKey](), set[RowKey]()
        for wanted in self.needs.finds:
            keys = shared if wanted.only_read else alone
            keys.update((wanted.kind, row.id) for row in await reader.find(wanted))
        return replace(self.needs, finds=frozenset()) | need(*alone, reads=shared)


@dataclass(slots=True)
class Asking:
    """What one command needs, and what that was derived from: it is asked again only where that changed."""

    ask: Callable[[Snapshot], Needs]
    needs: Needs = field(default_factory=Needs)
    looks: tuple[RowKey | Find[Any], ...] = ()

    def again(self, seen: Snapshot) -> Needs:
        """What it needs by what is loaded now."""
        seen.looks.clear()
        self.needs = self.ask(seen)
        self.looks = tuple(seen.looks)
        return self.needs

    def is_settled(self, seen: Snapshot) -> bool:
        """Whether everything it looked at was loaded, so that more rows tell nothing new."""
        return all(look in (seen.finds if isinstance(look, Find) else seen.rows) for look in self.looks)

    def is_stale(self, seen: Snapshot) -> bool:
        """Whether a decision wrote what it looked at."""
        written = seen.written
        for look in self.looks:
            if look.kind in written if isinstance(look, Find) else look in written.get(look[0], ()):
                return True
        return False


async def load_all(unit: Unit, askings: Iterable[Asking], seen: Snapshot, tried: Tried) -> None:
    """Load until nobody asks for anything more: rows first, then balances, then what is searched for.

    Whoever changes what a search finds changes a row or moves a balance, too, and lets go of it only with
    the commit. So a search that comes last misses nothing of those whose rows and balances were waited for.
    """
    open_ = list(askings)
    missing = Needs()
    while True:
        asked = [asking.again(seen) for asking in open_]
        open_ = [asking for asking in open_ if not asking.is_settled(seen)]
        missing = seen.missing(together([missing, *asked]))
        if not missing:
            return
        await load(unit, missing.first(), seen, tried)


async def load(unit: Unit, needs: Needs, seen: Snapshot, tried: Tried) -> None:
    """Load one stage."""
    tried.asked(needs)
    loaded = Snapshot(seen.now)
    await unit.load(needs, loaded)
    seen.take(loaded)
