"""Settings and the host's own parts become a working client; the one module that sees every adapter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from invoicepay.adapters.system import (
    SystemClock,
    SystemIds,
    TransactionRetry,
    awaiting_sleep,
    blocking_sleep,
    fresh_secret,
)
from invoicepay.client.base import Core
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.errors import ConfigurationError
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.repository import Repository
from invoicepay.ports.runtime import Clock, Ids
from invoicepay.ports.screening import Screened, Screening, Subject, Verdict
from invoicepay.ports.tokens import TokenProvider
from invoicepay.settings import Settings
from invoicepay.use_cases.perform import Deps

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    Store = str | Engine | AsyncEngine

MEMORY = "memory://"


class AllowEverything:
    """Screening of a programme that has none: every movement may start."""

    async def screen(self, subject: Subject) -> Screened:  # noqa: ARG002 - the port's signature
        """Allow."""
        return Screened(verdict=Verdict.ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a host brings itself; absent parts are simulated or the machine's."""

    rails: RailsProvider | None = None
    token: TokenProvider | None = None
    clock: Clock | None = None
    ids: Ids | None = None
    screening: Screening | None = None
    repository: Repository | None = None


def core_from(store: Store | None, settings: Settings, parts: Parts, *, blocking: bool) -> Core:
    """A wired client.

    Raises:
        ConfigurationError: options contradict each other; the message says what to do.
    """
    from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens

    chosen = settings.store if store is None else store
    clock = parts.clock or SystemClock()
    ids = parts.ids or SystemIds()
    is_memory = chosen == MEMORY and parts.repository is None
    rails, tokens = parts.rails or SimulatedRails(clock), parts.token or SimulatedTokens(clock)
    return Core(
        deps=Deps(
            repository=parts.repository or _repository(chosen, settings, ids, blocking=blocking),
            clock=clock,
            ids=ids,
            retry=TransactionRetry(blocking_sleep if blocking else awaiting_sleep),
            programme=_programme(settings.programme, is_memory=is_memory),
            rails=rails,
            tokens=tokens,
            screening=parts.screening or AllowEverything(),
            tenant_id=settings.tenant,
            actor=Actor("host", Role.OPERATOR),
            qr_keys=_qr_keys(settings),
        ),
        dispatch=settings.dispatch,
        sim=SimControl(rails, tokens)
        if isinstance(rails, SimulatedRails) and isinstance(tokens, SimulatedTokens)
        else None,
    )


def _programme(programme: Programme, *, is_memory: bool) -> Programme:
    """Unknown parties are made on first use in memory only, unless the host says otherwise (decision D14)."""
    if programme.unknown_parties == "default":
        return replace(programme, unknown_parties="register" if is_memory else "refuse")
    return programme


def _repository(store: Any, settings: Settings, ids: Ids, *, blocking: bool) -> Repository:
    if store == MEMORY:
        from invoicepay.adapters.memory import MemoryRepository

        return MemoryRepository(ids.new, stream=settings.audit_stream)
    from invoicepay.adapters.sql import connect_store

    return connect_store(
        store,
        ids.new,
        blocking=blocking,
        stream=settings.audit_stream,
        schema=settings.schema,
        table_prefix=settings.table_prefix,
    )


def _qr_keys(settings: Settings) -> QrKeys:
    """The configured secrets; one made at random lives only as long as this process."""
    current = settings.qr_secret or fresh_secret()
    named = {_key_name(secret): secret for secret in (*settings.qr_old_secrets, current)}
    return QrKeys(active=_key_name(current), secrets=named)


def _key_name(secret: bytes) -> str:
    """A public name for a secret of 256 bits; the same in every process."""
    return hashlib.sha256(b"invoicepay qr key name\n" + secret).hexdigest()[:8]


def migrate(url: str, *, schema: str | None = None, table_prefix: str = "") -> int:
    """Bring the tables of a database up to this version; returns the version reached.

    Raises:
        StoreUnreachable: no database answers at that URL.
        ConfigurationError: the URL names no SQL database.
    """
    if url.startswith(MEMORY):
        raise ConfigurationError("memory:// has no tables to migrate")
    from invoicepay.adapters.sql import migrate_url

    return migrate_url(url, schema=schema, table_prefix=table_prefix)
