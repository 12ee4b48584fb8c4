"""SQL that narrows a store of any size down to what may break an invariant (spec 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from invoicepay.adapters.sql.schema import TABLE_NAMES, Place
from invoicepay.domain.accounts import BACKING_CODES, TOKEN_CODES, Code
from invoicepay.domain.credits import CreditStatus
from invoicepay.domain.deposits import ReserveStatus
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.domain.holds import HoldStatus
from invoicepay.domain.invoices import InvoiceStatus
from invoicepay.domain.netting import OPEN
from invoicepay.domain.payments import UNRESOLVED, PaymentStatus
from invoicepay.domain.policies import CreditBacking, Numbering
from invoicepay.domain.references import Reference
from invoicepay.domain.tokens import BurnStatus, MintStatus
from invoicepay.domain.withdrawals import WithdrawalStatus


def _in(values: Iterable[Any]) -> str:
    """A list of our own words or codes, for IN."""
    return "(" + ", ".join(str(int(v)) if isinstance(v, int) else f"'{v}'" for v in sorted(values)) + ")"


@dataclass(frozen=True, slots=True)
class Sum:
    """Amounts by key: `amount` of the rows `x` of `source` for which `where` holds."""

    keys: tuple[str, ...]
    amount: str
    source: str
    where: str = ""

    def select(self, is_left: bool) -> str:
        """One half of a comparison."""
        keys = ", ".join(f"{key} AS k{number}" for number, key in enumerate(self.keys))
        left, right = (self.amount, "0") if is_left else ("0", self.amount)
        own = " AND ".join(filter(None, ("x.tenant_id = :tenant", self.where)))
        return f"SELECT {keys}, {left} AS l, {right} AS r FROM {self.source} WHERE {own}"


@dataclass(frozen=True, slots=True)
class Equation:
    """Two sums that are equal for every key; the names are those that the domain gives them."""

    rule: str
    left_name: str
    left: Sum
    right_name: str
    right: Sum


def _of_accounts(codes: Iterable[Code], *keys: str) -> Sum:
    return Sum(keys, "x.balance", "{ledger_accounts} x", f"x.code IN {_in(codes)}")


_OF_PARTY, _OF_ASSET = ("x.party_id", "x.asset"), ("x.asset",)
_REDEMPTIONS = (Code.REDEMPTION_PAYABLE, Code.REDEMPTION_IN_TRANSIT, Code.REDEMPTION_RETURNED)
_UNPAID = (WithdrawalStatus.BURNED, WithdrawalStatus.PAYOUT_SUBMITTED, WithdrawalStatus.RETURNED)
_MINTED = f"x.status = '{MintStatus.COMPLETED}'"
_GROWTH = (  # an account's id begins with its code; assets (1) and expenses (5) grow by debit
    "CASE WHEN (x.side = 'D') = (SUBSTR(x.account_id, 1, 1) IN ('1', '5')) THEN x.amount ELSE -x.amount END"
)

_WITH_POSITIONS = (
    "EXISTS (SELECT 1 FROM {chain_positions} c WHERE c.tenant_id = x.tenant_id AND c.asset = x.asset)"
)

ENTRIES = Equation(
    "INV-01",
    "balance",
    Sum(("x.id",), "x.balance", "{ledger_accounts} x"),
    "entries",
    Sum(
        ("x.account_id",),
        _GROWTH,
        "{ledger_entries} x JOIN {ledger_transactions} t ON t.tenant_id = x.tenant_id AND t.id = x.tx_id",
    ),
)
"""Stored balances by account id."""

EQUATIONS = (
    Equation(
        "INV-02",
        "backing",
        _of_accounts(BACKING_CODES, *_OF_ASSET),
        "tokens",
        _of_accounts(TOKEN_CODES, *_OF_ASSET),
    ),
    Equation(
        "INV-06",
        "tokens",
        _of_accounts(TOKEN_CODES, *_OF_ASSET),
        "mints less burns",
        Sum(
            ("x.asset",),
            "x.amount",
            "(SELECT tenant_id, asset, status, amount FROM {token_mints} "
            f"WHERE status = '{MintStatus.COMPLETED}' UNION ALL "
            "SELECT tenant_id, asset, status, -amount FROM {token_burns} "
            f"WHERE status = '{BurnStatus.COMPLETED}') x",
        ),
    ),
    Equation(
        "INV-14",
        "ring-fence",
        _of_accounts((Code.CREDIT_RESERVE,), *_OF_PARTY),
        "credits",
        Sum(
            ("x.enterprise_id", "x.asset"),
            "x.remaining",
            "{customer_credits} x",
            f"x.backing = '{CreditBacking.RING_FENCED}'",
        ),
    ),
    Equation(
        "INV-16",
        "held",
        _of_accounts((Code.HELD,), *_OF_PARTY),
        "active holds",
        Sum(("x.owner_id", "x.asset"), "x.amount", "{holds} x", f"x.status = '{HoldStatus.ACTIVE}'"),
    ),
    Equation(
        "INV-17",
        "unminted",
        _of_accounts((Code.UNMINTED,), *_OF_PARTY),
        "confirmed reserves",
        Sum(
            _OF_PARTY,
            "x.amount - x.fee - COALESCE((SELECT SUM(m.amount) FROM {token_mints} m WHERE m.status = "
            f"'{MintStatus.COMPLETED}' AND m.tenant_id = x.tenant_id AND m.reserve_id = x.id), 0)",
            "{fiat_reserves} x",
            f"x.status = '{ReserveStatus.CONFIRMED}'",
        ),
    ),
    Equation(
        "INV-18",
        "redemptions",
        _of_accounts(_REDEMPTIONS, *_OF_PARTY),
        "unpaid withdrawals",
        Sum(_OF_PARTY, "x.amount - x.fee", "{withdrawals} x", f"x.status IN {_in(_UNPAID)}"),
    ),
    Equation(
        "INV-24",
        "positions",
        Sum(_OF_ASSET, "x.held", "{chain_positions} x"),
        "final mints less burns",
        Sum(
            _OF_ASSET,
            f"CASE WHEN x.kind = '{EffectKind.MINT}' THEN x.amount ELSE -x.amount END",
            "{effects} x",
            f"x.status = '{EffectStatus.FINAL}' AND {_WITH_POSITIONS} "
            f"AND x.kind IN {_in((EffectKind.MINT, EffectKind.BURN))}",
        ),
    ),
    Equation(
        "INV-24",
        "leaving",
        Sum(_OF_ASSET, "x.leaving", "{chain_positions} x"),
        "intents on their way",
        Sum(
            _OF_ASSET,
            "x.amount",
            "{effects} x",
            f"x.status IN {_in(OPEN)} AND {_WITH_POSITIONS} AND (x.kind = '{EffectKind.TRANSFER}' "
            f"OR (x.kind = '{EffectKind.BURN}' AND x.last_sent_at IS NOT NULL))",
        ),
    ),
)

_NO_EQUATION = _in((InvoiceStatus.DRAFT, InvoiceStatus.DELETED, InvoiceStatus.VOID))
_PAID_OR_OWED = _in((InvoiceStatus.PAID, InvoiceStatus.OPEN, InvoiceStatus.PARTIALLY_PAID))
_DEAD_MINTS = _in((MintStatus.FAILED, MintStatus.CANCELLED))
_NOT_FINAL = _in((ReserveStatus.PENDING, ReserveStatus.CANCELLED))
_OF_INVOICE = "a.tenant_id = x.tenant_id AND a.invoice_id = x.id"
_OF_SOURCE = "a.tenant_id = x.tenant_id AND a.source_id = x.id"

NEGATIVE = "SELECT x.id FROM {ledger_accounts} x WHERE x.balance < 0 AND x.tenant_id = :tenant"

SUMS_OF_CODES = """
SELECT x.code, x.asset, SUM(x.balance) FROM {ledger_accounts} x WHERE x.tenant_id = :tenant
GROUP BY x.code, x.asset"""

UNBALANCED = """
SELECT e.tx_id FROM {ledger_entries} e WHERE e.tenant_id = :tenant
GROUP BY e.tx_id, e.asset
HAVING COUNT(*) < 2 OR SUM(CASE WHEN e.side = 'D' THEN e.amount ELSE -e.amount END) <> 0
UNION SELECT t.id FROM {ledger_transactions} t
LEFT JOIN {ledger_entries} e ON e.tenant_id = t.tenant_id AND e.tx_id = t.id
WHERE t.tenant_id = :tenant AND e.tx_id IS NULL"""

OVERMINTED = f"""
SELECT m.reserve_id FROM {{token_mints}} m
LEFT JOIN {{fiat_reserves}} r ON r.tenant_id = m.tenant_id AND r.id = m.reserve_id
WHERE m.tenant_id = :tenant AND m.reserve_id <> '' AND m.status NOT IN {_DEAD_MINTS}
GROUP BY m.reserve_id, r.id, r.amount, r.fee, r.status
HAVING r.id IS NULL OR SUM(m.amount) > r.amount - r.fee OR r.status IN {_NOT_FINAL}"""

INVOICES = f"""
SELECT x.id FROM {{invoices}} x WHERE x.tenant_id = :tenant AND (x.status NOT IN {_NO_EQUATION} AND (
  x.total <> x.credited_pre + x.credited_post + x.applied + x.written_off + x.remaining
  OR x.applied < 0 OR x.remaining < 0 OR x.credited_pre < 0 OR x.credited_post < 0 OR x.written_off < 0
  OR (x.status IN {_PAID_OR_OWED} AND (x.status = '{InvoiceStatus.PAID}') <> (x.remaining = 0)))
OR x.pending <> COALESCE((SELECT SUM(a.amount) FROM {{invoice_payments}} a
  WHERE {_OF_INVOICE} AND a.status IN {_in(UNRESOLVED)}), 0))"""

PAYMENTS = f"""
SELECT x.id FROM {{invoice_payments}} x
WHERE x.tenant_id = :tenant AND x.status = '{PaymentStatus.COMPLETED}'
AND (x.amount <> x.applied + x.excess + x.refunded OR x.applied < 0 OR x.excess < 0 OR x.refunded < 0)"""

ALLOCATED = f"""
SELECT x.id FROM {{invoices}} x WHERE x.tenant_id = :tenant
AND x.applied <> COALESCE((SELECT SUM(a.amount) FROM {{payment_allocations}} a WHERE {_OF_INVOICE}), 0)
UNION SELECT x.id FROM {{customer_credits}} x WHERE x.tenant_id = :tenant
AND x.applied <> COALESCE((SELECT SUM(a.amount) FROM {{payment_allocations}} a WHERE {_OF_SOURCE}), 0)
UNION SELECT x.id FROM {{invoice_payments}} x WHERE x.tenant_id = :tenant
AND x.status = '{PaymentStatus.COMPLETED}' AND (
  x.applied <> COALESCE((SELECT SUM(a.amount) FROM {{payment_allocations}} a WHERE {_OF_SOURCE}), 0)
  OR x.fee <> COALESCE((SELECT SUM(a.fee) FROM {{payment_allocations}} a WHERE {_OF_SOURCE}), 0))"""

LOTS = f"""
SELECT x.id FROM {{customer_credits}} x WHERE x.tenant_id = :tenant AND (x.remaining < 0
OR x.amount <> x.applied + x.refunded + x.expired + x.voided + x.remaining
OR (x.status = '{CreditStatus.AVAILABLE}') <> (x.remaining <> 0))"""

LINKS = """
SELECT a.id FROM {payment_allocations} a
LEFT JOIN {invoices} i ON i.tenant_id = a.tenant_id AND i.id = a.invoice_id
LEFT JOIN {invoice_payments} p
  ON a.source_kind = 'payment' AND p.tenant_id = a.tenant_id AND p.id = a.source_id
LEFT JOIN {customer_credits} c
  ON a.source_kind = 'credit' AND c.tenant_id = a.tenant_id AND c.id = a.source_id
WHERE a.tenant_id = :tenant AND (i.id IS NULL OR COALESCE(p.id, c.id) IS NULL
OR i.enterprise_id <> COALESCE(p.enterprise_id, c.enterprise_id)
OR i.customer_id <> COALESCE(p.customer_id, c.customer_id)
OR i.asset <> a.asset OR COALESCE(p.asset, c.asset) <> a.asset)"""

GAPS = f"""
SELECT s.id FROM {{number_series}} s
WHERE s.tenant_id = :tenant AND s.numbering = '{Numbering.GAPLESS}' AND s.next_number - 1 <> (
  SELECT COUNT(*) FROM {{invoices}} i WHERE i.tenant_id = s.tenant_id AND i.number <> ''
  AND i.enterprise_id = s.enterprise_id AND i.series = s.series) + (
  SELECT COUNT(*) FROM {{credit_notes}} n WHERE n.tenant_id = s.tenant_id
  AND n.enterprise_id = s.enterprise_id AND s.series = 'CN')"""

REVERSED_TWICE = """
SELECT t.id FROM {ledger_transactions} t WHERE t.tenant_id = :tenant AND t.reverses IN (
  SELECT reverses FROM {ledger_transactions} WHERE tenant_id = :tenant AND reverses <> ''
  GROUP BY reverses HAVING COUNT(*) > 1)"""

EDGES = "SELECT DISTINCT kind, from_status, to_status FROM {state_transitions} WHERE tenant_id = :tenant"

WITH_EDGE = """
SELECT DISTINCT entity_id FROM {state_transitions}
WHERE tenant_id = :tenant AND kind = :kind AND from_status = :start AND to_status = :end"""

BROKEN_STEPS = """
SELECT DISTINCT entity_id FROM (SELECT entity_id, seq, from_status,
  LAG(to_status) OVER (PARTITION BY kind, entity_id ORDER BY seq) AS before
  FROM {outbox} WHERE tenant_id = :tenant) s
WHERE before <> from_status OR (before IS NULL AND seq = 1 AND from_status <> '')"""

LAST_STEPS = """
SELECT o.entity_id FROM {{outbox}} o JOIN (
  SELECT entity_id, MAX(seq) AS seq FROM {{outbox}} WHERE tenant_id = :tenant AND kind = :kind
  GROUP BY entity_id
) last ON last.entity_id = o.entity_id AND last.seq = o.seq
LEFT JOIN {table} r ON r.tenant_id = o.tenant_id AND r.id = o.entity_id
WHERE o.tenant_id = :tenant AND o.kind = :kind
AND (r.id IS NULL OR o.seq > r.version OR o.to_status <> {status})"""


def ids(connection: Connection, place: Place, query: str, **values: str) -> list[str]:
    """What a query names, in order."""
    return sorted({row[0] for row in rows(connection, place, query, **values)})


def rows(connection: Connection, place: Place, query: str, **values: str) -> Sequence[Any]:
    """The rows of a query over the tables and views by their plain names."""
    named = query.format_map(_Names(place))
    return connection.execute(text(named), {"tenant": place.tenant_id, **values}).all()


def unequal(
    connection: Connection, place: Place, equation: Equation
) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    """Both sums of the keys for which they differ."""
    width = len(equation.left.keys)
    keys = ", ".join(f"k{number}" for number in range(width))
    halves = f"{equation.left.select(True)} UNION ALL {equation.right.select(False)}"
    query = f"SELECT {keys}, SUM(l), SUM(r) FROM ({halves}) s GROUP BY {keys} HAVING SUM(l) <> SUM(r)"
    found = rows(connection, place, query)
    return (
        {tuple(row[:width]): int(row[width]) for row in found},
        {tuple(row[:width]): int(row[width + 1]) for row in found},
    )


class _Names(dict[str, str]):
    """The full name of a table or view for its plain one."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._schema = place.schema

    def __missing__(self, plain: str) -> str:
        return self._schema.full_name(plain)


def dangling(place: Place, one: Reference) -> str:
    """Rows that name nothing of their tenant, with the id that they name."""
    names = [place.schema.full_name(TABLE_NAMES[kind]) for kind in one.to]
    joins = " ".join(
        f"LEFT JOIN {name} t{n} ON t{n}.tenant_id = x.tenant_id AND t{n}.id = x.{one.field}"
        for n, name in enumerate(names)
    )
    absent = " AND ".join(f"t{n}.id IS NULL" for n in range(len(names)))
    return (
        f"SELECT x.id, x.{one.field} FROM {place.schema.full_name(TABLE_NAMES[one.kind])} x {joins} "
        f"WHERE x.tenant_id = :tenant AND x.{one.field} <> '' AND {absent} ORDER BY x.id"
    )


def repetitions(table: str, fields: Sequence[str], unless_empty: str) -> str:
    """Rows that share what should be unique."""
    same = " AND ".join(f"y.{name} = x.{name}" for name in fields)
    exempt = f" AND x.{unless_empty} <> ''" if unless_empty else ""
    return (
        f"SELECT x.id FROM {table} x JOIN {table} y ON y.tenant_id = x.tenant_id AND {same} AND y.id <> x.id "
        f"WHERE x.tenant_id = :tenant{exempt}"
    )
