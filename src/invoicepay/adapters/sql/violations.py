"""Rows that break an invariant: SQL finds the suspects, the domain's own checks judge them (spec 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from invoicepay.adapters.sql import look, suspects
from invoicepay.adapters.sql.audit_checks import audit_faults
from invoicepay.adapters.sql.chunks import chunks
from invoicepay.adapters.sql.finds import among, found
from invoicepay.adapters.sql.schema import TABLE_NAMES, Place
from invoicepay.domain.accounts import Account, Booked, Code, account_of
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.books import Books, Violation, differences
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Reserve
from invoicepay.domain.entity import Entity
from invoicepay.domain.invariants import CHECKS
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.needs import Find
from invoicepay.domain.numbering import NumberSeries
from invoicepay.domain.parties import Party
from invoicepay.domain.payments import Payment
from invoicepay.domain.references import REFERENCES, dangling
from invoicepay.domain.sums import summed
from invoicepay.domain.tokens import Mint
from invoicepay.domain.trail_checks import LIFECYCLES
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.domain.writes import UNIQUE

_OWNERS = """
SELECT enterprise_id FROM {invoices} WHERE tenant_id = :tenant
UNION SELECT enterprise_id FROM {customer_credits} WHERE tenant_id = :tenant
UNION SELECT id FROM {parties} WHERE tenant_id = :tenant AND kind <> 'user'"""
_STEPS = {table.entity: {(start or "", end) for start, _, end in table.edges} for table in LIFECYCLES}


def violations(connection: Connection, place: Place) -> tuple[Violation, ...]:
    """Every row of the tenant that breaks a stored-data invariant, by rule."""
    _take_time(connection)
    court = _Court(connection, place)
    return tuple(sorted(court.verdicts(), key=lambda violation: violation.rule))


def _take_time(connection: Connection) -> None:
    """Let this transaction last: limits meant for calls would break off the check of a large store."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


class _Court:
    """Brings before each check what it must see, and no more."""

    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection, self._place = connection, place

    def verdicts(self) -> Iterator[Violation]:
        """What every check says."""
        yield from self._unequal_sums()
        for rule, gather in self._gatherers().items():
            yield from CHECKS[rule](gather())
        yield from self._dangling()
        yield from audit_faults(self._connection, self._place)
        for owner in self._ids(_OWNERS):
            yield from self._book_of(owner)

    def _gatherers(self) -> Mapping[str, Callable[[], Books]]:
        return {
            "INV-01": self._unbalanced,
            "INV-03": self._negative,
            "INV-04": self._sums_of_codes,
            "INV-05": self._overminted,
            "INV-08": self._invoices,
            "INV-10": lambda: self._books(Payment, self._ids(suspects.PAYMENTS)),
            "INV-11": self._allocated,
            "INV-12": lambda: self._books(CreditLot, self._ids(suspects.LOTS)),
            "INV-19": self._steps,
            "INV-20": self._repeated,
            "INV-21": self._linked,
        }

    def _unequal_sums(self) -> Iterator[Violation]:
        for each in suspects.EQUATIONS:
            left, right = suspects.unequal(self._connection, self._place, each)
            yield from differences(each.rule, each.left_name, left, each.right_name, right)
        kept, added = suspects.unequal(self._connection, self._place, suspects.ENTRIES)
        yield from differences("INV-01", "balance", _by_account(kept), "entries", _by_account(added))

    def _dangling(self) -> Iterator[Violation]:
        for one in REFERENCES:
            query = suspects.dangling(self._place, one)
            for row_id, id in suspects.rows(self._connection, self._place, query):
                yield dangling(one, row_id, id)

    def _unbalanced(self) -> Books:
        ledger = self._ledger(self._ids(suspects.UNBALANCED))
        entries = (entry for booked in ledger for entry in booked.posting.entries)
        return self._case(ledger=ledger, balances=summed((entry.account, entry.growth) for entry in entries))

    def _negative(self) -> Books:
        accounts = map(account_of, self._ids(suspects.NEGATIVE))
        return self._case(balances=look.balances(self._connection, self._place, accounts))

    def _sums_of_codes(self) -> Books:
        sums = suspects.rows(self._connection, self._place, suspects.SUMS_OF_CODES)
        return self._case(balances={Account(Code(code), asset): int(n) for code, asset, n in sums})

    def _overminted(self) -> Books:
        ids = self._ids(suspects.OVERMINTED)
        return self._case(
            rows={Reserve: self._rows(Reserve, "id", ids), Mint: self._rows(Mint, "reserve_id", ids)}
        )

    def _invoices(self) -> Books:
        ids = self._ids(suspects.INVOICES)
        return self._case(
            rows={Invoice: self._rows(Invoice, "id", ids), Payment: self._rows(Payment, "invoice_id", ids)}
        )

    def _allocated(self) -> Books:
        ids = self._ids(suspects.ALLOCATED)
        put, drawn = self._rows(Allocation, "invoice_id", ids), self._rows(Allocation, "source_id", ids)
        kinds: tuple[type[Entity], ...] = (Invoice, Payment, CreditLot)
        rows = {kind: self._rows(kind, "id", ids) for kind in kinds}
        return self._case(rows={**rows, Allocation: list({row.id: row for row in [*put, *drawn]}.values())})

    def _linked(self) -> Books:
        links = self._rows(Allocation, "id", self._ids(suspects.LINKS))
        sources = [link.source_id for link in links]
        return self._case(
            rows={
                Allocation: links,
                Invoice: self._rows(Invoice, "id", [link.invoice_id for link in links]),
                Payment: self._rows(Payment, "id", sources),
                CreditLot: self._rows(CreditLot, "id", sources),
            }
        )

    def _steps(self) -> Books:
        ids = {*self._ids(suspects.BROKEN_STEPS), *self._of_illegal_steps()}
        for kind, kept in self._place.schema.kinds.items():
            status = "r.status" if "status" in kept.table.c else "''"
            table = self._place.schema.full_name(TABLE_NAMES[kind])
            last = suspects.LAST_STEPS.format(table=table, status=status)
            ids.update(self._ids(last, kind=kind.KIND))
        rows = {kind: self._rows(kind, "id", sorted(ids)) for kind in TABLE_NAMES} if ids else {}
        return self._case(rows=rows, events=self._events(sorted(ids)))

    def _of_illegal_steps(self) -> Iterator[str]:
        for kind, start, end in suspects.rows(self._connection, self._place, suspects.EDGES):
            if kind in _STEPS and (start, end) not in _STEPS[kind]:
                yield from self._ids(suspects.WITH_EDGE, kind=kind, start=start, end=end)

    def _repeated(self) -> Books:
        rows: dict[type[Entity], list[Any]] = {}
        for unique in UNIQUE:
            table = self._place.schema.full_name(TABLE_NAMES[unique.kind])
            twice = self._ids(suspects.repetitions(table, unique.fields, unique.unless_empty))
            rows.setdefault(unique.kind, []).extend(self._rows(unique.kind, "id", twice))
        series = self._rows(NumberSeries, "id", self._ids(suspects.GAPS))
        enterprises = sorted({each.enterprise_id for each in series})
        for kind in (Invoice, CreditNote):
            rows[kind] += self._rows(kind, "enterprise_id", enterprises)
        unique_rows = {kind: list({row.id: row for row in some}.values()) for kind, some in rows.items()}
        return self._case(
            rows={**unique_rows, NumberSeries: series},
            ledger=self._ledger(self._ids(suspects.REVERSED_TWICE)),
        )

    def _book_of(self, owner: str) -> Iterator[Violation]:
        """What is derived of one enterprise: INV-09, INV-13, INV-15, and INV-01 of its own entries."""
        invoices = self._rows(Invoice, "enterprise_id", [owner])
        rows: dict[type[Entity], list[Any]] = {
            Party: self._rows(Party, "id", [owner]),
            Invoice: invoices,
            Allocation: self._rows(Allocation, "invoice_id", [invoice.id for invoice in invoices]),
            Withdrawal: self._rows(Withdrawal, "party_id", [owner]),
        }
        for kind in (Payment, CreditLot, CreditNote):
            rows[kind] = self._rows(kind, "enterprise_id", [owner])
        books = self._case(
            rows=rows,
            events=self._events([row.id for some in rows.values() for row in some]),
            ledger=look.transactions(self._connection, self._place, party_id=owner),
            balances=look.balances(self._connection, self._place, party_id=owner),
        )
        for rule in ("INV-09", "INV-13", "INV-15"):
            yield from CHECKS[rule](books)
        yield from CHECKS["INV-01"](replace(books, ledger=(), balances={}))

    def _case(self, **seen: Any) -> Books:
        return Books(tenant_id=self._place.tenant_id, **seen)

    def _books(self, kind: type[Entity], ids: Sequence[str]) -> Books:
        return self._case(rows={kind: self._rows(kind, "id", ids)})

    def _ids(self, query: str, **values: str) -> list[str]:
        return suspects.ids(self._connection, self._place, query, **values)

    def _rows(self, kind: type[Any], field: str, values: Iterable[str]) -> list[Any]:
        """Rows whose field has one of the values."""
        wanted = sorted(set(values))
        return [
            row
            for some in chunks(wanted)
            for row in found(self._connection, self._place, Find(kind, ((field, "in", tuple(some)),)))
        ]

    def _events(self, ids: Sequence[str]) -> list[Any]:
        table = self._place.schema.outbox
        own = select(table).where(self._place.owns(table)).order_by(table.c.id)
        return [
            event
            for some in chunks(ids)
            for event in look.told(
                self._connection, own.where(among(self._connection, table.c.entity_id, some))
            )
        ]

    def _ledger(self, ids: Sequence[str]) -> list[Booked]:
        table = self._place.schema.transactions
        own = select(table).where(self._place.owns(table))
        return [
            booked
            for some in chunks(ids)
            for booked in look.booked(
                self._connection, self._place, own.where(among(self._connection, table.c.id, some))
            )
        ]


def _by_account(sums: Mapping[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """Sums by the key that the domain's check of balances uses."""
    accounts = {account_of(id): n for (id,), n in sums.items()}
    return {(str(int(a.code)), a.party_id, a.asset): n for a, n in accounts.items()}
