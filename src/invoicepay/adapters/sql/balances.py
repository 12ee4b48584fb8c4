"""Balances: locked in one order by every writer, moved without being read (spec 3.4, 3.6).

The order is users' accounts, then those of enterprises, then control accounts. Whoever is only credited is
locked last, just before the commit. An account that comes earlier than one already held is never waited for:
so no two writers wait for each other, whatever they move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.dialects import postgresql, sqlite

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.load import chunks
from invoicepay.adapters.sql.schema import Place
from invoicepay.domain.accounts import Account
from invoicepay.domain.change import Snapshot
from invoicepay.errors import ConcurrentUpdate

Rank = tuple[bool, bool, str]


MOST_KNOWN = 50_000
"""Accounts whose place in the order is remembered; then remembering starts afresh."""


@dataclass(slots=True)
class Held:
    """The accounts that a unit has locked, and the last of them in the order.

    Attributes:
        known: places of accounts that exist, as units before this one have found them.
    """

    known: dict[str, Rank] = field(default_factory=dict[str, Rank])
    accounts: set[Account] = field(default_factory=set[Account])
    highest: Rank | None = None

    def place(self, row: Row[Any, Any, Any, Any]) -> Rank:
        """The place of a stored account, remembered from now on: no account goes away."""
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        rank = self.known[row.id] = (bool(row.is_control), bool(row.is_business), row.id)
        return rank


def load_balances(
    connection: Connection, place: Place, accounts: Iterable[Account], into: Snapshot, held: Held
) -> None:
    """Lock accounts and put their balances into the snapshot; one that does not exist has 0."""
    wanted = {account.id: account for account in accounts}
    into.balances.update(dict.fromkeys(wanted.values(), 0))
    for row in _accounts(connection, place, list(wanted), lock=True, nowait=held.highest is not None):
        into.balances[wanted[row.id]] = row.balance
        held.accounts.add(wanted[row.id])
        rank = held.place(row)
        held.highest = max(rank, held.highest or rank)


def move(connection: Connection, place: Place, movements: Sequence[tuple[Account, int]], held: Held) -> None:
    """Add to balances, held only until the commit."""
    others = [account for account, _ in movements if account not in held.accounts]
    known = _lock_others(connection, place, [account.id for account in others], held)
    _open(connection, place, [account for account in others if account.id not in known])
    if movements:
        grown = [
            {"owner": place.tenant_id, "account_id": account.id, "growth": growth}
            for account, growth in movements
        ]
        if connection.execute(statements.grown(place.schema.accounts), grown).rowcount != len(grown):
            raise ConcurrentUpdate(kind="account")


def _lock_others(connection: Connection, place: Place, ids: Sequence[str], held: Held) -> set[str]:
    """Lock what was not loaded: without waiting where it comes before what is held, else in the order.

    Returns:
        The accounts that exist.
    """
    ranks = {id: rank for id in ids if (rank := held.known.get(id))}
    unknown = [id for id in ids if id not in ranks]
    ranks |= {row.id: held.place(row) for row in _accounts(connection, place, unknown)}
    if connection.dialect.name == "postgresql":
        earlier = [id for id, rank in ranks.items() if held.highest and rank < held.highest]
        if earlier:
            _accounts(connection, place, earlier, lock=True, nowait=True)
        later = ranks.keys() - set(earlier)
        if len(later) > 1:  # a single one is locked by its update
            _accounts(connection, place, sorted(later), lock=True)
    return set(ranks)


def _open(connection: Connection, place: Place, accounts: Sequence[Account]) -> None:
    """Open accounts that do not exist yet; whoever comes second finds them open."""
    if accounts:
        made = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        rows = [_opened(place, account) for account in accounts]
        connection.execute(made(place.schema.accounts).on_conflict_do_nothing(), rows)


def _opened(place: Place, account: Account) -> dict[str, Any]:
    return {
        "tenant_id": place.tenant_id,
        "id": account.id,
        "code": int(account.code),
        "asset": account.asset,
        "party_id": account.party_id,
        "type": account.type.value,
        "balance": 0,
    }


def _accounts(
    connection: Connection, place: Place, ids: Sequence[str], *, lock: bool = False, nowait: bool = False
) -> list[Row[Any, Any, Any, Any]]:
    """Id, balance and rank of accounts, locked in the order; SQLite's transaction holds them anyway."""
    query = statements.read_accounts(connection, place.schema, lock=lock, nowait=nowait)
    parts = [ids] if ids and connection.dialect.name == "postgresql" else chunks(ids)
    return [row for some in parts for row in connection.execute(query, statements.named(place, some))]
