"""Balances: locked in one order by every writer, moved without being read (spec 3.4, 3.6).

The order is users' accounts, then those of enterprises, then control accounts. Whoever is only credited is
locked last, just before the commit. An account that comes earlier than one already held is never waited for:
so no two writers wait for each other, whatever they move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from invoicepay.adapters.sql import statements
from invoicepay.adapters.sql.blocks import array
from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.forms import Row
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.wire import Answer, Ask
from invoicepay.adapters.sql.writing import Sending
from invoicepay.domain.accounts import Account
from invoicepay.domain.change import Snapshot

Rank = tuple[bool, bool, str]

ACCOUNT = "account"
"""What `ConcurrentUpdate` names where an account was not there to be moved."""

LAST: Rank = (True, True, "\U0010ffff")
"""A place behind every account: whoever holds it waits for none."""

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

    def place(self, row: Sequence[Any]) -> Rank:
        """The place of a stored account, remembered from now on: no account goes away."""
        id, _, is_control, is_business = row
        if len(self.known) >= MOST_KNOWN:
            self.known.clear()
        rank = self.known[id] = (bool(is_control), bool(is_business), id)
        return rank

    def forget(self) -> None:
        """Believe no longer that any account exists."""
        self.known.clear()


_OPENED = ("tenant_id", "id", "code", "asset", "party_id", "type", "balance")


def asks_for(connection: Connection, place: Place, ids: Sequence[str], held: Held | None = None) -> list[Ask]:
    """What to ask for accounts; locked in the order where a unit is to hold them."""
    lock, nowait = held is not None, held is not None and held.highest is not None
    is_postgres = connection.dialect.name == "postgresql"
    asks = []
    for some in [ids] if ids and is_postgres else chunks(ids):
        query = statements.read_accounts(connection, place.schema, len(some), lock=lock, nowait=nowait)
        asks.append(Ask(query, (place.tenant_id, array(some)) if is_postgres else (place.tenant_id, *some)))
    return asks


def take_balances(
    answers: Iterable[Answer], accounts: Mapping[str, Account], into: Snapshot, held: Held
) -> None:
    """Put balances that were locked into the snapshot; an account that does not exist has 0."""
    into.balances.update(dict.fromkeys(accounts.values(), 0))
    for row in (row for answer in answers for row in answer.rows):
        account = accounts[row[0]]
        into.balances[account] = row[1]
        held.accounts.add(account)
        rank = held.place(row)
        held.highest = max(rank, held.highest or rank)


def move(sending: Sending, place: Place, movements: Sequence[tuple[Account, int]], held: Held) -> None:
    """Add to balances, held only until the commit."""
    others = [account for account, _ in movements if account not in held.accounts]
    known = _lock_others(sending, place, [account.id for account in others], held)
    _open(sending, place, [account for account in others if account.id not in known])
    if movements:
        table = place.schema.accounts
        sending.update(
            statements.grown(table, sending.dialect),
            lambda: statements.grown_together(table),
            [(str(growth), account.id) for account, growth in movements],
            place.tenant_id,
            kind=ACCOUNT,
        )


def _lock_others(sending: Sending, place: Place, ids: Sequence[str], held: Held) -> set[str]:
    """Lock what was not loaded: without waiting where it comes before what is held, else in the order.

    Returns:
        The accounts that exist.
    """
    ranks = {id: rank for id in ids if (rank := held.known.get(id))}
    unknown = [id for id in ids if id not in ranks]
    ranks |= {row[0]: held.place(row) for row in _looked_up(sending, place, unknown)}
    if sending.dialect == "postgresql":
        earlier = [id for id, rank in ranks.items() if held.highest and rank < held.highest]
        later = ranks.keys() - set(earlier)
        _lock(sending, place, earlier, nowait=True)
        if len(later) > 1:  # a single one is locked by its update
            _lock(sending, place, sorted(later), nowait=False)
    return set(ranks)


def _looked_up(sending: Sending, place: Place, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
    for each in asks_for(sending.connection, place, ids):
        sending.add(each.statement, each.values)
        yield from sending.flush().rows


def _lock(sending: Sending, place: Place, ids: Sequence[str], *, nowait: bool) -> None:
    if ids:
        query = statements.read_accounts(sending.connection, place.schema, len(ids), lock=True, nowait=nowait)
        sending.add(query, (place.tenant_id, array(ids)))


def _open(sending: Sending, place: Place, accounts: Sequence[Account]) -> None:
    """Open accounts that do not exist yet; whoever comes second finds them open."""
    rows = [_opened(place, account) for account in accounts]
    sending.insert(place.schema.accounts, _OPENED, rows, text=statements.opened)
    if len(accounts) > 1 and sending.dialect == "postgresql":
        _lock(sending, place, [account.id for account in accounts], nowait=False)


def _opened(place: Place, account: Account) -> Row:
    code = str(int(account.code))
    return (place.tenant_id, account.id, code, account.asset, account.party_id, account.type.value, "0")
