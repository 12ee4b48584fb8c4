"""Looking without changing: rows by id and in pages, balances, trails, verification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Generic

from invoicepay.domain.access import SIDES, sides_of
from invoicepay.domain.accounts import Account, Booked, Code
from invoicepay.domain.anchors import Anchor
from invoicepay.domain.audit import GENESIS, OPERATIONS, AuditRecord, Head, broken_checkpoints, broken_links
from invoicepay.domain.authority import Side
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.invariants import Violation
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, find
from invoicepay.domain.operations import Operation, operation
from invoicepay.domain.parties import Party, Wallet, WalletStatus, wallet_id
from invoicepay.domain.remarks import Remark
from invoicepay.domain.shape import identifier, identifier_or_none, whole
from invoicepay.domain.shown import Shown
from invoicepay.domain.tables import Balances
from invoicepay.errors import NotFound
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.anchoring import broken_anchors
from invoicepay.use_cases.looking import allow, may
from invoicepay.use_cases.perform import Deps

LARGEST_PAGE = 200
VERIFIED_AT_ONCE = 2_000
"""Audit records that are in memory while a stream is verified."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[E]):
    """Some rows in order of time, and where the next ones begin.

    Attributes:
        next_cursor: pass it as `after` for the next ones; empty at the end.
    """

    items: tuple[E, ...]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletBalance(Shown):
    """What a party has of one asset; `total` is the sum of the four parts (spec 3.5).

    Attributes:
        available: spendable now.
        held: set aside for something pending.
        credit_reserve: an enterprise's tokens behind its customers' credits.
        frozen: blocked by compliance.
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "party_id",
        "asset",
        "status",
        "available",
        "held",
        "credit_reserve",
        "frozen",
        "total",
    )

    party_id: str
    asset: str
    status: WalletStatus
    available: Money
    held: Money
    credit_reserve: Money
    frozen: Money

    @property
    def total(self) -> Money:
        """Everything the party holds."""
        return self.available + self.held + self.credit_reserve + self.frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Shown):
    """Whether the audit trail is unbroken; true in a condition when it is.

    Attributes:
        faults: what is wrong, one sentence each.
    """

    records: int
    streams: int
    checkpoints: int
    faults: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.faults


async def get(deps: Deps, kind: type[E], id: str) -> E:
    """The row.

    Raises:
        InvalidIdentifier: no row can have this id.
        NotFound: there is none in this tenant.
    """
    identifier(id, f"the {kind.KIND}")
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.find(find(kind, id=id))
    if not found:
        raise NotFound(f"there is no {kind.KIND} {id}", kind=kind.KIND, id=id)
    return found[0]


async def own(deps: Deps, kind: type[E], id: str) -> E:
    """The row, for whoever may see it; a party is told of another's row what it is told of a missing one.

    Raises:
        InvalidIdentifier: no row can have this id.
        NotFound: there is none in this tenant, or the actor is a party and no side of it.
    """
    row = await get(deps, kind, id)
    if not may(deps, "rows.get", row, sides_of(row)):
        raise NotFound(f"there is no {kind.KIND} {id}", kind=kind.KIND, id=id)
    return row


async def page(
    deps: Deps, kind: type[E], /, *, after: str = "", limit: int = 50, **conditions: Any
) -> Rows[E]:
    """Rows that meet the conditions, oldest first; conditions of None are left out.

    Raises:
        NotAllowed: a party asks, and no condition names it.
        InvalidInput: the limit is outside 1 to 200.
        InvalidIdentifier: a condition or the cursor is none that a row can have.
    """
    wanted = {name: value for name, value in conditions.items() if value is not None}
    for name, value in wanted.items():
        identifier_or_none(value, name)
    _window(after, limit)
    await _may_list(deps, kind, wanted)
    if after:
        wanted["id__gt"] = after
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.find(find(kind, order=("id",), limit=limit + 1, **wanted))
    return Rows(found[:limit], found[limit - 1].id if len(found) > limit else "")


async def _may_list(deps: Deps, kind: type[E], conditions: Mapping[str, Any]) -> None:
    """A party searches only among what it is a side of."""
    named = {SIDES[name]: id for name, id in conditions.items() if name in SIDES}
    await allow(deps, "rows.list", kind=kind.KIND, sides=named)


def _window(after: str, limit: int) -> None:
    identifier_or_none(after, "after")
    whole(limit, "limit", least=1, most=LARGEST_PAGE)


async def every(deps: Deps, wanted: Find[E]) -> tuple[E, ...]:
    """All matches of a search."""
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.find(wanted)


async def wallet_balance(
    deps: Deps, party_id: str, asset: str, *, at: datetime | None = None
) -> WalletBalance:
    """What a party has of an asset, now or as of an instant.

    Raises:
        NotAllowed: another party asks.
        NotFound: nobody is registered under that id, where parties are not made on first use (D14).
    """
    identifier(party_id, "the party")
    identifier(asset, "the asset")
    await allow(deps, "wallets.get", kind=Wallet.KIND, sides={Side.OWNER: party_id})
    codes = (Code.AVAILABLE, Code.HELD, Code.CREDIT_RESERVE, Code.FROZEN)
    accounts = [Account(code, asset, party_id) for code in codes]
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.balances(accounts, at=at)
        wallets = await reader.find(find(Wallet, id=wallet_id(party_id, asset)))
        if not wallets and not any(found.values()):
            await _require_party(deps, reader, party_id)
    parts = [Money.from_micros(found[account], asset) for account in accounts]
    return WalletBalance(
        party_id=party_id,
        asset=asset,
        status=wallets[0].status if wallets else WalletStatus.ACTIVE,
        available=parts[0],
        held=parts[1],
        credit_reserve=parts[2],
        frozen=parts[3],
    )


async def _require_party(deps: Deps, reader: Reader, party_id: str) -> None:
    """So that a misspelt id does not look like an empty wallet."""
    if deps.programme.unknown_parties != "register" and not await reader.find(find(Party, id=party_id)):
        raise NotFound(f"there is no party {party_id}", kind=Party.KIND, id=party_id)


async def balances(deps: Deps, *, party_id: str | None = None, at: datetime | None = None) -> Balances:
    """Every account that holds something, by code; of one party, or as of an instant."""
    if party_id is not None:
        identifier_or_none(party_id, "the party")
    await allow(deps, "ledger.balances", sides={Side.OWNER: party_id} if party_id else {})
    async with deps.repository.reader(deps.tenant_id) as reader:
        found = await reader.balances(party_id=party_id, at=at)
    accounts = sorted((account for account, n in found.items() if n), key=lambda account: account.id)
    return Balances({account: Money.from_micros(found[account], account.asset) for account in accounts})


async def transactions(
    deps: Deps, *, memo: str | None = None, after: str = "", limit: int = LARGEST_PAGE
) -> tuple[Booked, ...]:
    """Ledger transactions in order, all or those about one thing (a payment, a deposit, …)."""
    if memo is not None:
        identifier_or_none(memo, "about")
    _window(after, limit)
    await allow(deps, "ledger.transactions")
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.transactions(memo=memo, after=after, limit=limit)


async def history(deps: Deps, entity_id: str) -> tuple[Event, ...]:
    """Every step of one entity, in order."""
    identifier(entity_id, "the entity")
    await allow(deps, "audit.history")
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.events(entity_id=entity_id, limit=LARGEST_PAGE)


async def trail(deps: Deps, entity_id: str) -> tuple[AuditRecord, ...]:
    """Every audited command that changed one entity, in order."""
    identifier(entity_id, "the entity")
    await allow(deps, "audit.trail")
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.audit_trail(entity_id)


async def operations(deps: Deps, *, after: int = 0, limit: int = LARGEST_PAGE) -> tuple[Operation, ...]:
    """What people of the operator decided, and every call that was denied, in order (S-36)."""
    whole(after, "after_position", least=0)
    whole(limit, "limit", least=1, most=LARGEST_PAGE)
    await allow(deps, "audit.operations")
    async with deps.repository.reader(deps.tenant_id) as reader:
        records = await reader.audit_records(stream=OPERATIONS, after=after, limit=limit)
        ids = tuple(record.remark[0] for record in records if record.remark)
        remarks = await reader.find(find(Remark, id__in=ids)) if ids else ()
    said = {remark.id: remark for remark in remarks}
    return tuple(operation(record, said) for record in records)


async def verify_audit(
    deps: Deps, kept: Iterable[str | Anchor] = (), *, told: Callable[[int, int], None] | None = None
) -> Verification:
    """Recompute every hash from the beginning; compare heads, checkpoints, anchors (INV-22); operators only.

    Streams are read page by page: what is in memory does not grow with them.

    Args:
        told: called after each page with how many records were read, and how many there are.
    """
    await allow(deps, "audit.verify")
    total, faults = 0, list[str]()
    async with deps.repository.reader(deps.tenant_id) as reader:
        heads, points = await reader.audit_heads(), await reader.checkpoints()
        sealed = {(head.stream, head.position): "" for point in points for head in point.heads}
        size = sum(head.position for head in heads)
        for head in heads:
            so_far = partial(_so_far, told, total, size)
            read, found = await _stream_faults(deps.tenant_id, reader, head, sealed, so_far)
            total, faults = total + read, faults + found
    faults += broken_checkpoints(deps.tenant_id, points)
    for point in points:
        faults += [
            f"{head.stream}#{head.position}: differs from checkpoint {point.position}"
            for head in point.heads
            if sealed[head.stream, head.position] != head.hash
        ]
    faults += await broken_anchors(deps, kept, points)
    return Verification(
        records=total, streams=len(heads), checkpoints=len(points), faults=tuple(dict.fromkeys(faults))
    )


def _so_far(told: Callable[[int, int], None] | None, before: int, size: int, done: int) -> None:
    if told is not None:
        told(before + done, size)


async def _stream_faults(
    tenant_id: str,
    reader: Reader,
    head: Head,
    sealed: dict[tuple[str, int], str],
    told: Callable[[int], None],
) -> tuple[int, list[str]]:
    """How many records a stream has, and what is wrong with them; fills in the hashes that were sealed."""
    end, count, faults = (0, GENESIS), 0, list[str]()
    while page := await reader.audit_records(stream=head.stream, after=end[0], limit=VERIFIED_AT_ONCE):
        faults += broken_links(tenant_id, head.stream, page, end)
        for record in page:
            if (head.stream, record.position) in sealed:
                sealed[head.stream, record.position] = record.hash
        count, end = count + len(page), (page[-1].position, page[-1].hash)
        told(count)
    if end != (head.position, head.hash):
        faults.append(f"{head.stream}: ends at {end[0]}, its recorded head is {head.position}")
    return count, faults


async def violations(deps: Deps) -> tuple[Violation, ...]:
    """Run every stored-data invariant; empty when the books are right; operators only."""
    await allow(deps, "invariants.check")
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await reader.violations()
