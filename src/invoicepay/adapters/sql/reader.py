"""Looks at committed rows of one tenant through one transaction that only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import Connection

from invoicepay.adapters.sql import look
from invoicepay.adapters.sql.connect import Link
from invoicepay.adapters.sql.finds import found
from invoicepay.adapters.sql.schema import Place
from invoicepay.adapters.sql.violations import violations
from invoicepay.domain.accounts import Account, Booked
from invoicepay.domain.audit import AuditRecord, Checkpoint, Head
from invoicepay.domain.books import Violation
from invoicepay.domain.entity import E
from invoicepay.domain.events import Event
from invoicepay.domain.needs import Find

P = ParamSpec("P")
T = TypeVar("T")


class SqlReader:
    """One snapshot of one tenant."""

    def __init__(self, link: Link, place: Place) -> None:
        self._link, self._place = link, place

    async def _run(
        self, step: Callable[Concatenate[Connection, Place, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._link.run(lambda connection: step(connection, self._place, *args, **kwargs))

    async def find(self, wanted: Find[E]) -> tuple[E, ...]:
        return cast("tuple[E, ...]", tuple(await self._run(found, wanted)))

    async def balances(
        self,
        accounts: Iterable[Account] | None = None,
        *,
        party_id: str | None = None,
        at: datetime | None = None,
    ) -> Mapping[Account, int]:
        return await self._run(look.balances, accounts, party_id=party_id, at=at)

    async def transactions(
        self,
        *,
        memo: str | None = None,
        group_id: str | None = None,
        party_id: str | None = None,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Booked, ...]:
        return await self._run(
            look.transactions, memo=memo, group_id=group_id, party_id=party_id, after=after, limit=limit
        )

    async def events(
        self,
        *,
        entity_id: str | None = None,
        seq: int | None = None,
        unpublished: bool = False,
        after: str = "",
        limit: int = 200,
    ) -> tuple[Event, ...]:
        return await self._run(
            look.events, entity_id=entity_id, seq=seq, unpublished=unpublished, after=after, limit=limit
        )

    async def audit_records(
        self, *, stream: str, after: int = 0, limit: int = 500
    ) -> tuple[AuditRecord, ...]:
        return await self._run(look.audit_records, stream=stream, after=after, limit=limit)

    async def audit_trail(self, entity_id: str) -> tuple[AuditRecord, ...]:
        return await self._run(look.audit_trail, entity_id)

    async def audit_heads(self) -> tuple[Head, ...]:
        return await self._run(look.every_head)

    async def checkpoints(self) -> tuple[Checkpoint, ...]:
        return await self._run(look.checkpoints)

    async def violations(self) -> tuple[Violation, ...]:
        return await self._run(violations)
