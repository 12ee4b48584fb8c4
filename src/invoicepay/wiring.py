"""Settings and the host's own parts become a working client; the one module that sees every adapter."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from invoicepay.adapters.choices import banks_from, check_routes, networks_from
from invoicepay.adapters.system import (
    SystemClock,
    SystemIds,
    TransactionRetry,
    awaiting_sleep,
    blocking_sleep,
    fresh_secret,
)
from invoicepay.adapters.webhook_sender import HttpWebhookSender
from invoicepay.client.base import Core
from invoicepay.client.notices import Notices, require_waiting
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme, Settlement
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.domain.webhook_secrets import WebhookKeys
from invoicepay.errors import ConfigurationError
from invoicepay.ports.authorizer import Authorizer
from invoicepay.ports.production import production_faults
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.repository import Repository
from invoicepay.ports.routes import Rails, RailsChoice, RailsRoutes, TokenChoice, TokenRoutes, Tokens
from invoicepay.ports.runtime import Clock, GroupCommit, Ids
from invoicepay.ports.screening import Screening
from invoicepay.ports.sealing import FieldCipher
from invoicepay.ports.signing import CheckpointKey
from invoicepay.ports.tokens import TokenProvider
from invoicepay.settings import MEMORY, PREFIX, PRODUCTION, Settings, settings_from
from invoicepay.use_cases.perform import Deps

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from invoicepay.adapters.simulated import SimControl

    Store = str | Engine | AsyncEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a host brings itself; absent parts are simulated or the machine's.

    Attributes:
        environ: what installed providers are told; the environment of the process when left out.
    """

    rails: RailsChoice | None = None
    token: TokenChoice | None = None
    clock: Clock | None = None
    ids: Ids | None = None
    screening: Screening | None = None
    cipher: FieldCipher | None = None
    repository: Repository | None = None
    authorizer: Authorizer | None = None
    checkpoint_keys: tuple[CheckpointKey, ...] = ()
    notices: Notices | None = None
    environ: Mapping[str, str] | None = None


def core_from(store: Store | None, settings: Settings, parts: Parts, *, blocking: bool) -> Core:
    """A wired client.

    Raises:
        ConfigurationError: options contradict each other; the message says what to do.
    """
    from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens

    banks, token = _providers(parts, settings)
    _check_parts(parts, banks, token)
    require_waiting(parts.notices, blocks=blocking)
    chosen = _chosen_store(store, settings, parts, blocking=blocking)
    clock = parts.clock or SystemClock()
    ids = parts.ids or SystemIds()
    is_memory = chosen == MEMORY and parts.repository is None
    programme = _programme(settings.programme, is_memory=is_memory)
    after = 0 if is_memory else int(clock.now().timestamp() * 1_000_000)
    rails = banks or SimulatedRails(clock, after=after)
    tokens = token or SimulatedTokens(clock, custody=_custody(programme), after=after)
    check_routes(rails, programme)
    check_routes(tokens, programme)
    if token is not None:
        _check_settlement(programme, token)
    repository = parts.repository or _repository(
        chosen, settings, ids, blocking=blocking, tells_time=parts.clock is None
    )
    if settings.environment == PRODUCTION:
        _check_production(
            settings, repository, rails, tokens, clock, parts.screening, parts.authorizer, parts.notices
        )
    return Core(
        wired=Deps(
            repository=_sealed(repository, parts.cipher),
            clock=clock,
            ids=ids,
            retry=TransactionRetry(blocking_sleep if blocking else awaiting_sleep),
            programme=programme,
            rails=rails,
            tokens=tokens,
            screening=parts.screening,
            authorizer=parts.authorizer,
            tenant_id=settings.tenant,
            actor=Actor("host", Role.OPERATOR),
            qr_keys=_qr_keys(settings),
            group_commit=_group_commit(chosen, settings, blocking=blocking),
            checkpoint_keys=parts.checkpoint_keys,
            webhook_sender=HttpWebhookSender(allow_local=settings.allow_local_webhooks),
            webhook_keys=_webhook_keys(settings, is_memory=is_memory),
        ),
        dispatch=settings.dispatch,
        sim=_sim(rails, tokens),
        place=type(parts.repository).__name__ if parts.repository else _place(chosen),
        notices=parts.notices,
    )


def _sim(rails: Rails, tokens: Tokens) -> SimControl | None:
    """Commands for the providers, where all of them are simulated."""
    from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens

    several = rails.providers if isinstance(rails, RailsRoutes) else (rails,)
    banks = [bank for bank in several if isinstance(bank, SimulatedRails)]
    networks = tokens.providers if isinstance(tokens, TokenRoutes) else (tokens,)
    issuers = [network for network in networks if isinstance(network, SimulatedTokens)]
    return SimControl(banks, issuers) if (len(banks), len(issuers)) == (len(several), len(networks)) else None


def _providers(parts: Parts, settings: Settings) -> tuple[Rails | None, Tokens | None]:
    """The banks and the token networks that were passed or named; None where they are simulated."""
    environ = os.environ if parts.environ is None else parts.environ

    def make(group: str, name: str) -> Any:
        from invoicepay.adapters.installed import made

        return made(group, name, environ)

    rails = (settings.rails or None) if parts.rails is None else parts.rails
    token = (settings.token or None) if parts.token is None else parts.token
    return (
        None if rails is None else banks_from(rails, partial(make, "invoicepay.rails")),
        None if token is None else networks_from(token, partial(make, "invoicepay.tokens")),
    )


PORTS: tuple[tuple[str, type], ...] = (
    ("clock", Clock),
    ("ids", Ids),
    ("screening", Screening),
    ("cipher", FieldCipher),
    ("repository", Repository),
    ("authorizer", Authorizer),
)
"""What each part of a host's own must be able to do."""


def _check_parts(parts: Parts, rails: Rails | None, token: Tokens | None) -> None:
    """Refuse what is no such part before anything is called on it."""
    if not isinstance(parts.checkpoint_keys, tuple):
        raise ConfigurationError("checkpoint_keys is a tuple: the key that signs, then those that verify")
    if not isinstance(parts.notices, Notices | None):
        raise ConfigurationError("notices is a Notices: Notices(ConsoleNotifier(), contacts=...)")
    banks = rails.providers if isinstance(rails, RailsRoutes) else (rails,)
    networks = token.providers if isinstance(token, TokenRoutes) else (token,)
    given: list[tuple[str, type, Any]] = [("rails", RailsProvider, bank) for bank in banks]
    given += [("token", TokenProvider, network) for network in networks]
    given += [(name, port, getattr(parts, name)) for name, port in PORTS]
    given += [("checkpoint_keys", CheckpointKey, key) for key in parts.checkpoint_keys]
    for name, port, part in given:
        if isinstance(part, type):
            raise ConfigurationError(f"{name} is the class {part.__name__}: pass an instance of it")
        asked = [call for call in vars(port) if not call.startswith("_")]
        lacking = [call for call in asked if not hasattr(part, call)]
        if part is not None and lacking:
            raise ConfigurationError(
                f"{name} is no {port.__name__}: {type(part).__name__} lacks {', '.join(lacking)}",
                hint=f"Implement {port.__module__}.{port.__name__}; invoicepay.testing has its contract.",
            )


def _check_production(settings: Settings, *parts: object) -> None:
    """Refuse what is only good for trying out, all of it at once (S-35)."""
    faults = [fault for part in parts for fault in production_faults(part)]
    if settings.qr_secret is None:
        faults.append("qr_secret is made at random, so payment codes end with the process")
    if faults:
        raise ConfigurationError(
            f"not for production: {'; '.join(faults)}",
            hint='Replace each of them, or leave environment="production" out while you try things.',
            faults=faults,
        )


def _custody(programme: Programme) -> str:
    """How the simulated issuer keeps tokens: by party, unless a listed asset moves in the book only."""
    settlements = {asset.settlement for asset in programme.assets.values()}
    return "wallets" if settlements and Settlement.LEDGER not in settlements else "omnibus"


def _check_settlement(programme: Programme, side: Tokens) -> None:
    """Refuse an asset whose settlement its token network cannot serve."""
    for asset in programme.assets.values():
        tokens = side.issuer_for(asset.code) if isinstance(side, TokenRoutes) else side
        if tokens is None:
            raise ConfigurationError(
                f"no token network issues {asset.code}", hint=f'Name one: token={{"{asset.code}": …}}.'
            )
        per_party = tokens.capabilities().per_party
        if asset.settlement is Settlement.LEDGER and per_party:
            raise ConfigurationError(
                f"{asset.code} moves in the book only, and {tokens.name} keeps a wallet for each party: "
                "a payee could never redeem, for its wallet stays empty",
                hint=f'Write Asset("{asset.code}", settlement="netted"), or "onchain".',
            )
        if asset.settlement is not Settlement.LEDGER and not per_party:
            raise ConfigurationError(
                f"{asset.code} is {asset.settlement}, and {tokens.name} keeps all tokens in one place: "
                "between two parties nothing can move there",
                hint=f'Write Asset("{asset.code}", settlement="ledger"), or use a provider with '
                "capabilities().per_party.",
            )


def _chosen_store(store: object, settings: Settings, parts: Parts, *, blocking: bool) -> Any:
    """The store that is meant, if the options agree about it."""
    chosen = settings.store if store is None else store
    is_placed = bool(settings.schema or settings.table_prefix)
    if parts.repository is not None and (chosen != MEMORY or is_placed):
        raise ConfigurationError("repository brings its own store: leave out store, schema and table_prefix")
    if isinstance(chosen, os.PathLike):
        raise ConfigurationError(f"the store is a URL or an engine: write sqlite:///{os.fspath(chosen)}")
    if isinstance(chosen, str):
        if chosen.startswith("memory") and chosen != MEMORY:
            raise ConfigurationError(f"the store in memory is written {MEMORY}, not {chosen}")
    else:
        _check_engine(chosen, blocking=blocking)
    if chosen == MEMORY and is_placed:
        raise ConfigurationError(f"{MEMORY} has no tables: schema and table_prefix need a database")
    return chosen


def _check_engine(engine: object, *, blocking: bool) -> None:
    """An engine of the host's that goes with this face of the client."""
    from sqlalchemy import URL, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    if not isinstance(engine, URL | Engine | AsyncEngine):
        raise ConfigurationError(f"the store is a URL or an engine, not {type(engine).__name__}")
    if blocking and isinstance(engine, AsyncEngine):
        raise ConfigurationError("InvoicePay cannot await: pass a create_engine(...), or use AsyncInvoicePay")
    if not blocking and isinstance(engine, Engine):
        raise ConfigurationError(
            "an Engine would hold up the event loop: pass a create_async_engine(...), or use InvoicePay"
        )


def _place(store: Any) -> str:
    """Where the data is, for people: no password, no options."""
    if store == MEMORY:
        return MEMORY
    from sqlalchemy import make_url

    url = make_url(getattr(store, "url", store))
    return url.set(query={}).render_as_string(hide_password=True)


def _programme(programme: Programme, *, is_memory: bool) -> Programme:
    """Unknown parties are made on first use in memory only, unless the host says otherwise (decision D14)."""
    if programme.unknown_parties == "default":
        return replace(programme, unknown_parties="register" if is_memory else "refuse")
    return programme


def environment_settings(environ: Mapping[str, str] | None, programme: Programme | None) -> Settings:
    """Settings from what the host passed, or from the environment of the process as it is now.

    Raises:
        ConfigurationError: no store is named, or an entry of our prefix is not known.
    """
    values = os.environ if environ is None else environ
    if not values.get(f"{PREFIX}STORE"):
        raise ConfigurationError(
            f"{PREFIX}STORE is not set",
            hint=f"Set it to postgresql+psycopg://… or sqlite:///pay.db; {MEMORY} keeps nothing.",
        )
    settings = settings_from(values)
    return settings if programme is None else replace(settings, programme=programme)


def _repository(store: Any, settings: Settings, ids: Ids, *, blocking: bool, tells_time: bool) -> Repository:
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
        tells_time=tells_time,
    )


def _sealed(repository: Repository, cipher: FieldCipher | None) -> Repository:
    """The store, with people's texts sealed where the host gave a key."""
    if cipher is None:
        return repository
    from invoicepay.adapters.sealed import SealedRepository

    return SealedRepository(repository, cipher)


def _group_commit(store: Any, settings: Settings, *, blocking: bool) -> GroupCommit | None:
    """What lets calls share transactions, where that is wanted or, left to us, wins."""
    if settings.group_commit == "off" or (settings.group_commit == "auto" and store == MEMORY):
        return None
    if blocking:
        from invoicepay.adapters.group_commit.threads import ThreadGroupCommit

        return ThreadGroupCommit()
    from invoicepay.adapters.group_commit.tasks import TaskGroupCommit

    return TaskGroupCommit()


def _qr_keys(settings: Settings) -> QrKeys:
    """The configured secrets; one made at random lives only as long as this process."""
    current = settings.qr_secret or fresh_secret()
    named = {_key_name(secret): secret for secret in (*settings.qr_old_secrets, current)}
    return QrKeys(active=_key_name(current), secrets=named)


def _webhook_keys(settings: Settings, *, is_memory: bool) -> WebhookKeys:
    """The configured secrets; one made at random would not be that of the other processes of a database."""
    current = settings.webhook_secret or (fresh_secret() if is_memory else None)
    return WebhookKeys((current, *settings.webhook_old_secrets) if current else ())


def _key_name(secret: bytes) -> str:
    """A public name for a secret of 256 bits; the same in every process."""
    return hashlib.sha256(b"invoicepay qr key name\n" + secret).hexdigest()[:8]


def migrate(url: str, *, schema: str | None = None, table_prefix: str = "") -> int:
    """Bring the tables of a database up to this version; returns the version reached.

    Raises:
        StoreUnreachable: no database answers at that URL.
        ConfigurationError: the URL names no SQL database.
    """
    if str(url).startswith("memory"):
        raise ConfigurationError(f"{MEMORY} has no tables to migrate")
    from invoicepay.adapters.sql import migrate_url

    return migrate_url(url, schema=schema, table_prefix=table_prefix)
