"""Rows that break an invariant (spec 7)."""

from __future__ import annotations

from sqlalchemy import Connection

from invoicepay.adapters.sql import look
from invoicepay.adapters.sql.load import found
from invoicepay.adapters.sql.schema import TABLE_NAMES, Place
from invoicepay.domain.books import Books, Violation
from invoicepay.domain.change import find
from invoicepay.domain.invariants import check


def violations(connection: Connection, place: Place) -> tuple[Violation, ...]:
    """Every row of the tenant that breaks a stored-data invariant."""
    return check(books_of(connection, place))


def books_of(connection: Connection, place: Place) -> Books:
    """Everything that the tenant has."""
    return Books(
        tenant_id=place.tenant_id,
        rows={kind: found(connection, place, find(kind)) for kind in TABLE_NAMES},
        balances=look.balances(connection, place),
        ledger=look.transactions(connection, place),
        events=look.events(connection, place),
        audit=look.audit_records(connection, place),
        heads=look.heads(connection, place),
        checkpoints=look.checkpoints(connection, place),
    )
