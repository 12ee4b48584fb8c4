"""The tables: one for each entity with a column for each field, and those of ledger, audit and outbox."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    quoted_name,
    select,
    text,
    type_coerce,
)
from sqlalchemy.types import NULLTYPE, TypeEngine

from invoicepay.adapters.sql.rows import Choice, Flag, Instant, Shape, Whole, Words
from invoicepay.domain.accounts import AccountType, Code
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.bank_accounts import BankAccount
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Attestation, Deposit, Reserve, UnmatchedFunds
from invoicepay.domain.effects import Effect, InboxMessage, Observation
from invoicepay.domain.entity import Entity
from invoicepay.domain.holds import Hold
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.netting import ChainPosition, SettlementRun
from invoicepay.domain.numbering import NumberSeries
from invoicepay.domain.parties import LimitCounter, Party, Wallet
from invoicepay.domain.payments import Payment, Receipt
from invoicepay.domain.provider_switches import ProviderSwitch
from invoicepay.domain.remarks import Remark
from invoicepay.domain.requests import PaymentRequest, Transfer
from invoicepay.domain.schedules import Schedule
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.domain.webhook_deliveries import WebhookDelivery
from invoicepay.domain.webhook_endpoints import WebhookEndpoint
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.domain.writes import UNIQUE
from invoicepay.ports.slots import OPEN_SLOTS

TABLE_NAMES: dict[type[Entity], str] = {
    Invoice: "invoices",
    CreditNote: "credit_notes",
    NumberSeries: "number_series",
    Payment: "invoice_payments",
    Allocation: "payment_allocations",
    Receipt: "receipts",
    CreditLot: "customer_credits",
    Deposit: "deposits",
    Reserve: "fiat_reserves",
    UnmatchedFunds: "unmatched_funds",
    Attestation: "attestations",
    Mint: "token_mints",
    Burn: "token_burns",
    SettlementRun: "settlement_runs",
    ChainPosition: "chain_positions",
    Withdrawal: "withdrawals",
    PaymentRequest: "payment_requests",
    Transfer: "transfers",
    Wallet: "consumer_wallets",
    Party: "parties",
    BankAccount: "bank_accounts",
    ProviderSwitch: "provider_switches",
    LimitCounter: "limit_counters",
    Hold: "holds",
    Schedule: "schedules",
    Effect: "effects",
    Observation: "effect_observations",
    InboxMessage: "webhook_inbox",
    Remark: "remarks",
    WebhookEndpoint: "webhook_endpoints",
    WebhookDelivery: "webhook_deliveries",
}
"""Every kind of entity and where it is kept."""

SEARCHED: dict[type[Entity], tuple[tuple[str, ...], ...]] = {
    Invoice: (
        ("customer_id", "enterprise_id"),
        ("customer_id", "id"),
        ("enterprise_id", "id"),
        ("expires_at",),
        ("overdue_check_at",),
    ),
    CreditNote: (("invoice_id", "id"), ("enterprise_id", "id")),
    Payment: (("invoice_id", "id"), ("payer_id", "id"), ("enterprise_id", "id")),
    Allocation: (("invoice_id",), ("source_id",)),
    CreditLot: (
        ("customer_id", "enterprise_id"),
        ("customer_id", "id"),
        ("enterprise_id", "id"),
        ("source_id",),
        ("expires_at",),
    ),
    Deposit: (("party_id", "id"), ("status", "confirm_at"), ("parent_id", "id")),
    Reserve: (("party_id", "id"),),
    Attestation: (("asset", "as_of"),),
    Mint: (("party_id", "id"), ("reserve_id",), ("withdrawal_id",)),
    Burn: (("party_id", "id"), ("withdrawal_id",)),
    SettlementRun: (("asset", "id"),),
    ChainPosition: (("asset", "id"),),
    Withdrawal: (("party_id", "id"), ("status", "expected_settlement_at")),
    PaymentRequest: (("payer_id", "id"), ("requester_id", "id"), ("parent_id", "id"), ("expires_at",)),
    Transfer: (("payer_id", "id"), ("payee_id", "id"), ("request_id",), ("pay_at",)),
    Hold: (("owner_id", "id"), ("expires_at",)),
    BankAccount: (("party_id", "id"),),
    Schedule: (("enterprise_id", "id"), ("customer_id", "id"), ("status", "next_on")),
    Effect: (("status", "due_at"), ("cause_id",)),
    Observation: (("effect_id",),),
    InboxMessage: (("status", "created_at"), ("effect_id",)),
    Remark: (("about_id",),),
    WebhookDelivery: (("endpoint_id", "status", "due_at"), ("endpoint_id", "id"), ("status", "id")),
}
"""Fields by which rows are searched; none names an invoice's status, which changes with every payment."""

APPEND_ONLY = (
    "ledger_entries",
    "ledger_transactions",
    "audit_log",
    "audit_checkpoints",
    TABLE_NAMES[Observation],
)
"""Tables whose rows are written once; the store itself refuses changes (spec 3.1, D9, S-28)."""

ROOM_LEFT = {"invoices": 75, "ledger_accounts": 70}
"""How full PostgreSQL fills the pages of rows that payments change: the new version then lies beside the old
one, and no index is touched. None of their indexes names what a payment changes.
"""
LARGEST_ENTRY = 9 * 10**15
_LIVE_MINT = "reserve_id <> '' AND status NOT IN ('completed', 'failed', 'cancelled')"
_FLOOR = (
    f"balance >= 0 OR code = {int(Code.OPERATIONAL)} "
    f"OR type NOT IN ('{AccountType.ASSET}', '{AccountType.LIABILITY}')"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where and how one kind of entity is kept.

    Attributes:
        rows: every row's fields in the shape's order, as the driver has them; built once, as a row is wide.
        unique_unless_empty: fields whose unique index leaves out rows where they are empty.
    """

    table: Table
    shape: Shape
    rows: Select[Any]
    unique_unless_empty: frozenset[str]


@dataclass(frozen=True, slots=True)
class SlotTables:
    """What was signed for a chain; the only tables that no command of ours reads or writes."""

    lanes: Table
    slots: Table
    moves: Table
    attempts: Table

    @property
    def all(self) -> tuple[Table, ...]:
        """In the order in which they are made."""
        return self.lanes, self.slots, self.moves, self.attempts


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables under one schema and prefix."""

    metadata: MetaData
    prefix: str
    kinds: dict[type[Entity], Kept]
    accounts: Table
    transactions: Table
    entries: Table
    outbox: Table
    audit: Table
    streams: Table
    checkpoints: Table
    replies: Table
    turns: Table
    version: Table
    slots: SlotTables

    @property
    def name(self) -> str | None:
        """The database's schema, where one was chosen."""
        return self.metadata.schema

    def full_name(self, plain: str) -> str:
        """A table's or view's name with schema and prefix."""
        return f"{self.name}.{self.prefix}{plain}" if self.name else self.prefix + plain


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of one tenant: no statement is written without it."""

    schema: Schema
    tenant_id: str

    def owns(self, table: Table) -> ColumnElement[bool]:
        """The condition that a row is this tenant's."""
        return table.c.tenant_id == self.tenant_id


@cache
def schema_of(schema: str | None = None, prefix: str = "") -> Schema:
    """The tables, built once for each place where they are kept."""
    metadata = MetaData(schema=schema)
    make = _Maker(metadata, prefix)
    return Schema(
        metadata=metadata,
        prefix=prefix,
        kinds={kind: make.kept(Shape(kind), name) for kind, name in TABLE_NAMES.items()},
        accounts=_accounts(make),
        transactions=_transactions(make),
        entries=_entries(make),
        outbox=_outbox(make),
        audit=_audit(make),
        streams=make.table("audit_streams", ("stream",), stream=Words, position=Whole, hash=Words),
        checkpoints=_checkpoints(make),
        replies=_replies(make),
        turns=make.table("turns", ("work",), work=Words, holder=Words, until=Instant()),
        version=_version(make),
        slots=_slots(make),
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes tables whose keys, names and options follow one rule."""

    metadata: MetaData
    prefix: str

    def table(self, name: str, by: tuple[str, ...], /, **columns: TypeEngine[Any]) -> Table:
        """A table of tenants' rows without absent values; its key starts with the tenant."""
        required = [Column(part, kind, nullable=False) for part, kind in columns.items()]
        return self.declared(name, by, required)

    def declared(self, name: str, by: tuple[str, ...], columns: list[Column[Any]]) -> Table:
        return Table(
            self.prefix + name,
            self.metadata,
            Column("tenant_id", Words, nullable=False),
            *columns,
            PrimaryKeyConstraint("tenant_id", *by, name=f"{self.prefix}pk_{name}"),
            sqlite_strict=True,
            postgresql_with={"fillfactor": ROOM_LEFT[name]} if name in ROOM_LEFT else None,
        )

    def index(self, table: Table, *by: str, where: str = "", unique: bool = False, name: str = "") -> None:
        """An index that starts with the tenant, over the rows for which `where` holds."""
        title = table.name.removeprefix(self.prefix)
        predicate = text(where) if where else None
        Index(
            f"{self.prefix}{'uq' if unique else 'ix'}_{title}_{name or '_'.join(by)}",
            table.c.tenant_id,
            *(table.c[part] for part in by),
            unique=unique,
            sqlite_where=predicate,
            postgresql_where=predicate,
        )

    def check(self, table: Table, about: str, rule: str) -> None:
        title = table.name.removeprefix(self.prefix)
        table.append_constraint(CheckConstraint(rule, name=f"{self.prefix}ck_{title}_{about}"))

    def kept(self, shape: Shape, name: str) -> Kept:
        """The table of one kind of entity."""
        columns = [  # quoted, since a field may have a name that one of the databases reserves
            Column(quoted_name(part.name, quote=True), part.type, nullable=part.nullable)
            for part in shape.fields
        ]
        table = self.declared(name, ("id",), columns)
        for part in shape.fields:
            if isinstance(part.type, Choice):
                words = ", ".join(f"'{choice.value}'" for choice in part.type.choices)
                self.check(table, part.name, f'"{part.name}" IN ({words})')
        for unique in UNIQUE:
            if unique.kind is shape.kind:
                where = f"{unique.unless_empty} <> ''" if unique.unless_empty else ""
                self.index(table, *unique.fields, where=where, unique=True)
        absent = {part.name for part in shape.fields if part.nullable}
        for by in SEARCHED.get(shape.kind, ()):
            self.index(table, *by, where=f"{by[0]} IS NOT NULL" if by[0] in absent else "")
        if shape.kind is Mint:
            self.index(table, "reserve_id", where=_LIVE_MINT, unique=True, name="live_reserve")
        exempt = {unique.unless_empty for unique in UNIQUE if unique.kind is shape.kind}
        plain: list[ColumnElement[Any]] = [type_coerce(table.c[name], NULLTYPE) for name in shape.names]
        rows = select(*plain)
        return Kept(table, shape, rows, frozenset(exempt))


def _accounts(make: _Maker) -> Table:
    table = make.table(
        "ledger_accounts",
        ("id",),
        id=Words,
        code=Whole,
        asset=Words,
        party_id=Words,
        type=Words,
        balance=Whole,
    )
    make.check(table, "floor", _FLOOR)
    make.index(table, "party_id")
    return table


def _transactions(make: _Maker) -> Table:
    table = make.table(
        "ledger_transactions",
        ("id",),
        id=Words,
        group_id=Words,
        rule=Words,
        memo=Words,
        reverses=Words,
        effective_at=Instant(),
        recorded_at=Instant(),
    )
    make.index(table, "reverses", where="reverses <> ''", unique=True)
    make.index(table, "memo")
    make.index(table, "group_id")
    return table


def _entries(make: _Maker) -> Table:
    table = make.table(
        "ledger_entries",
        ("tx_id", "position"),
        tx_id=Words,
        position=Whole,
        account_id=Words,
        side=Words,
        amount=Whole,
        asset=Words,
    )
    make.check(table, "amount", f"amount BETWEEN 1 AND {LARGEST_ENTRY}")
    make.check(table, "side", "side IN ('D', 'C')")
    make.index(table, "account_id")
    return table


def _outbox(make: _Maker) -> Table:
    names = ("id", "name", "kind", "entity_id", "from_status", "to_status", "data", "group_id")
    columns: list[Column[Any]] = [Column(name, Words, nullable=False) for name in names]
    columns += [
        Column("seq", Whole, nullable=False),
        Column("at", Instant(), nullable=False),
        Column("published_at", Instant()),
    ]
    table = make.declared("outbox", ("id",), columns)
    make.index(table, "entity_id", "kind", "seq", unique=True)
    make.index(table, "id", where="published_at IS NULL", name="unpublished")
    return table


def _audit(make: _Maker) -> Table:
    table = make.table(
        "audit_log",
        ("stream", "position"),
        stream=Words,
        position=Whole,
        id=Words,
        recorded_at=Instant(),
        actor=Words,
        action=Words,
        entity_ids=Words,
        body=Words,
        previous_hash=Words,
        hash=Words,
    )
    make.index(table, "id", unique=True)
    return table


def _checkpoints(make: _Maker) -> Table:
    return make.table(
        "audit_checkpoints",
        ("position",),
        position=Whole,
        at=Instant(),
        heads=Words,
        previous_hash=Words,
        hash=Words,
    )


def _replies(make: _Maker) -> Table:
    return make.table(
        "idempotency_keys",
        ("operation", "key"),
        operation=Words,
        key=Words,
        fingerprint=Words,
        is_error=Flag(),
        body=Words,
        event_id=Words,
        recorded_at=Instant(),
    )


def _slots(make: _Maker) -> SlotTables:
    lane: dict[str, TypeEngine[Any]] = {"signer": Words, "nonce_key": Words}
    slot: dict[str, TypeEngine[Any]] = {**lane, "nonce": Whole}
    tables = SlotTables(
        lanes=make.table("chain_lanes", ("signer", "nonce_key"), **lane, next_nonce=Whole),
        slots=make.table(
            "chain_slots", tuple(slot), **slot, state=Words, taken_at=Instant(), changed_at=Instant()
        ),
        moves=make.table("chain_moves", ("reference",), **_move_columns(), **slot, position=Whole),
        attempts=make.table(
            "chain_attempts",
            (*slot, "hash"),
            **slot,
            hash=Words,
            raw=Words,
            valid_before=Whole,
            max_fee=Whole,
            position=Whole,
            signed_at=Instant(),
        ),
    )
    is_open = ", ".join(f"'{state}'" for state in OPEN_SLOTS)
    make.index(tables.slots, *slot, where=f"state IN ({is_open})", name="open")
    make.index(tables.moves, "idempotency_key", unique=True)
    make.index(tables.moves, *slot, name="slot")
    make.check(tables.moves, "amount", f"amount BETWEEN 1 AND {LARGEST_ENTRY}")
    return tables


def _move_columns() -> dict[str, TypeEngine[Any]]:
    names = ("reference", "idempotency_key", "kind", "asset", "from_party", "to_party", "source", "target")
    words = dict.fromkeys((*names, "memo", "state", "proof", "reason"), Words)
    return {**words, "amount": Whole}


def _version(make: _Maker) -> Table:
    return Table(
        f"{make.prefix}schema_version",
        make.metadata,
        Column("version", Whole, primary_key=True, autoincrement=False),
        Column("name", Words, nullable=False),
        sqlite_strict=True,
    )
