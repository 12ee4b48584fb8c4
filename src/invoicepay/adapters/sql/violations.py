"""Rows that break an invariant, found by SQL (spec 7)."""

from __future__ import annotations

from sqlalchemy import Connection

from invoicepay.adapters.sql.schema import Place
from invoicepay.domain.invariants import Violation


def violations(connection: Connection, place: Place) -> tuple[Violation, ...]:
    """Every row of the tenant that breaks a stored-data invariant."""
    raise NotImplementedError
