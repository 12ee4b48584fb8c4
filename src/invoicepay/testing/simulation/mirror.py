"""A second account of everything that was committed, kept only from what commands said they write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar, cast

from invoicepay.domain.accounts import Account, Posting
from invoicepay.domain.change import Outcome
from invoicepay.domain.deposits import Reserve
from invoicepay.domain.effects import Effect, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import RowKey
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.testing.simulation.sums import SHARES, Key, Share, shares_of_account, shares_of_reserve

E = TypeVar("E", bound=Entity)


@dataclass(slots=True)
class Touched:
    """What one commit changed, each thing once.

    Attributes:
        rows: every changed row with how it was before the commit; None where it is new.
        accounts: every account that moved.
        sums: names of the sums that moved.
    """

    rows: dict[RowKey, Entity | None] = field(default_factory=dict[RowKey, "Entity | None"])
    accounts: dict[Account, None] = field(default_factory=dict[Account, None])
    sums: dict[Key, None] = field(default_factory=dict[Key, None])


class Mirror:
    """Rows, balances, postings and running sums of one tenant, brought on commit by commit.

    It never asks the store, so a store that loses, doubles or mixes up what it was given differs from it.

    Attributes:
        sums: the value of every sum in micros, see `sums`.
        postings: everything booked, by what it was about.
    """

    def __init__(self) -> None:
        self.rows: dict[RowKey, Entity] = {}
        self.balances: dict[Account, int] = {}
        self.sums: dict[Key, int] = {}
        self.postings: dict[str, list[Posting]] = {}
        self._given: dict[RowKey, tuple[Share, ...]] = {}
        self._of_kind: dict[type[Entity], dict[str, Entity]] = {}
        self._effects: dict[str, dict[str, None]] = {}
        self._facts: dict[str, dict[str, None]] = {}
        self._burns: dict[str, dict[str, None]] = {}

    def get(self, kind: type[E], id: str) -> E | None:
        """The row as it was last written."""
        return cast("E | None", self.rows.get((kind, id)))

    def of(self, kind: type[E]) -> Sequence[E]:
        """Every row of a kind, the one first written first."""
        return cast("Sequence[E]", tuple(self._of_kind.get(kind, {}).values()))

    def recent(self, kind: type[E], fits: Callable[[E], bool], most: int = 12) -> list[E]:
        """Rows that fit among the last hundred of a kind, the newest first."""
        newest = islice(reversed(self._of_kind.get(kind, {}).values()), 100)
        return list(islice((row for row in cast("Iterator[E]", newest) if fits(row)), most))

    def sum(self, *name: str) -> int:
        """A sum in micros."""
        return self.sums.get(name, 0)

    def effects_of(self, cause_id: str) -> list[Effect]:
        """The intents of a payment, transfer, mint, burn, deposit or withdrawal; and of its burn."""
        ids = dict(self._effects.get(cause_id, {}))
        for burn_id in self._burns.get(cause_id, {}):
            ids |= self._effects.get(burn_id, {})
        found = (self.get(Effect, id) for id in ids)
        return [effect for effect in found if effect is not None]

    def facts_of(self, effect_id: str) -> list[Observation]:
        """What was seen of an intent, in the order in which it was recorded."""
        found = (self.get(Observation, id) for id in self._facts.get(effect_id, {}))
        return [seen for seen in found if seen is not None]

    def take(self, outcome: Outcome[Any], touched: Touched) -> None:
        """Add what one command of a commit wrote."""
        for posting in outcome.postings:
            self.postings.setdefault(posting.memo, []).append(posting)
            for entry in posting.entries:
                account, growth = entry.account, entry.growth
                self.balances[account] = self.balances.get(account, 0) + growth
                touched.accounts[account] = None
                self._add(shares_of_account(account, growth), 1, touched)
        for row in outcome.rows:
            key = (type(row), row.id)
            touched.rows.setdefault(key, self.rows.get(key))
            self._store(key, row, touched)

    def _store(self, key: RowKey, row: Entity, touched: Touched) -> None:
        self.rows[key] = row
        self._of_kind.setdefault(key[0], {})[row.id] = row
        if isinstance(row, Effect):
            self._effects.setdefault(row.cause_id, {})[row.id] = None
        elif isinstance(row, Observation):
            self._facts.setdefault(row.effect_id, {})[row.id] = None
        elif isinstance(row, Burn) and row.withdrawal_id:
            self._burns.setdefault(row.withdrawal_id, {})[row.id] = None
        share = SHARES.get(key[0])
        if share is not None:
            self._give(key, tuple(share(row)), touched)
        if isinstance(row, Mint) and row.reserve_id:
            self._recount(row.reserve_id, touched)
        elif isinstance(row, Reserve):
            self._recount(row.id, touched)

    def _recount(self, reserve_id: str, touched: Touched) -> None:
        reserve = self.get(Reserve, reserve_id)
        if reserve is not None:
            minted = self.sum("minted", reserve_id)
            self._give((Reserve, reserve_id), tuple(shares_of_reserve(reserve, minted)), touched)

    def _give(self, key: RowKey, shares: tuple[Share, ...], touched: Touched) -> None:
        """Replace what a row gave to the sums."""
        before = self._given.get(key, ())
        if before != shares:
            self._add(before, -1, touched)
            self._add(shares, 1, touched)
            self._given[key] = shares

    def _add(self, shares: Iterable[Share], sign: int, touched: Touched) -> None:
        for name, micros in shares:
            self.sums[name] = self.sums.get(name, 0) + sign * micros
            touched.sums[name] = None
