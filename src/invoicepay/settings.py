"""What a host chooses, read from the mapping it passes; the environment is never read by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from invoicepay.domain.audit import OPERATIONS
from invoicepay.domain.ids import party_id
from invoicepay.domain.policies import Programme
from invoicepay.domain.qr_payload import MIN_SECRET_BYTES
from invoicepay.errors import ConfigurationError

MEMORY = "memory://"
PREFIX = "INVOICEPAY_"
DISPATCH = ("inline", "deferred")
PRODUCTION = "production"
ENVIRONMENTS = ("development", PRODUCTION)
GROUP_COMMIT = ("auto", "on", "off")
LOCAL = "allow_local_webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Choices of one installation.

    Attributes:
        store: `memory://`, `sqlite:///file.db` or `postgresql+psycopg://…`.
        rails, token: names of installed providers, where the host passes none; simulated when left out.
        environment: `production` refuses what is only good for trying out: a store in memory, simulated
            providers, test keys, plain http, unchecked certificates, made-up secrets (S-35).
        dispatch: `inline` drains provider work and handlers right after each commit (notebooks, scripts);
            `deferred` leaves it to `run_pending` in a worker.
        group_commit: `on` lets calls that come at the same time share a transaction, `off` gives each its
            own; `auto` is on in SQLite and PostgreSQL, off in memory and in a repository of yours.
        schema, table_prefix: where our tables live in the host's database.
        audit_stream: this writer's lane of the audit trail (decision D9); `operations` is taken.
        qr_secret: at least 32 bytes that sign payment codes; made at random when left out.
        qr_old_secrets: earlier ones, so that the codes they signed still verify.
        webhook_secret: at least 32 bytes from which the secrets of webhook endpoints are made; only in memory
            it is made at random when left out, elsewhere the first endpoint asks for it.
        webhook_old_secrets: earlier ones, which go on signing until they are left out.
        allow_local_webhooks: endpoints may be `http://127.0.0.1`, for trying out; never in production.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {
        "extra": "forbid"
    }  # a misspelt name in a host's nested settings

    store: str = MEMORY
    rails: str = ""
    token: str = ""
    tenant: str = "default"
    environment: str = "development"
    dispatch: str = "inline"
    group_commit: str = "auto"
    schema: str | None = None
    table_prefix: str = ""
    audit_stream: str = "main"
    qr_secret: bytes | None = field(default=None, repr=False)
    qr_old_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    webhook_secret: bytes | None = field(default=None, repr=False)
    webhook_old_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    allow_local_webhooks: bool = False
    programme: Programme = field(default_factory=Programme)

    def __post_init__(self) -> None:
        _one_of("environment", self.environment, ENVIRONMENTS)
        _one_of("dispatch", self.dispatch, DISPATCH)
        _one_of("group_commit", self.group_commit, GROUP_COMMIT)
        if self.audit_stream == OPERATIONS:
            raise ConfigurationError(f"the audit stream {OPERATIONS} is the log of operations: take another")
        if not (isinstance(self.rails, str) and isinstance(self.token, str)):
            raise ConfigurationError("in settings rails and token are names: pass an object to the client")
        if not isinstance(self.programme, Programme):
            raise ConfigurationError(f"programme is a Programme, not {type(self.programme).__name__}")
        party_id(self.tenant, "the tenant")
        _check_secrets("qr", "payment codes", self.qr_secret, self.qr_old_secrets)
        _check_secrets("webhook", "webhooks", self.webhook_secret, self.webhook_old_secrets)
        if type(self.allow_local_webhooks) is not bool:
            raise ConfigurationError("allow_local_webhooks is True or False")
        if self.allow_local_webhooks and self.environment == PRODUCTION:
            raise ConfigurationError(
                "allow_local_webhooks is for trying out, and the environment is production",
                hint="Leave it out: in production webhooks go to https and public addresses only.",
            )


def _one_of(name: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ConfigurationError(f"{name} is one of {', '.join(words)}, not {word!r}")


def _check_secrets(name: str, what: str, current: bytes | None, old: tuple[bytes, ...]) -> None:
    if not isinstance(old, tuple | list):
        raise ConfigurationError(f"{name}_old_secrets is a tuple of secrets: (secret,)")
    for secret in (current, *old):
        if secret is not None and not (isinstance(secret, bytes) and len(secret) >= MIN_SECRET_BYTES):
            raise ConfigurationError(
                f"a secret for {what} is at least {MIN_SECRET_BYTES} bytes, as bytes",
                hint=f"Make one with secrets.token_bytes({MIN_SECRET_BYTES}) and keep it with the others.",
            )


def settings_from(values: Mapping[str, str]) -> Settings:
    """Settings from `INVOICEPAY_*` entries of a mapping such as `os.environ`.

    Raises:
        ConfigurationError: an entry of that prefix is not known, so that a misspelt one is never ignored.

    Examples:
        >>> settings_from({"INVOICEPAY_STORE": "sqlite:///pay.db", "HOME": "/"}).store
        'sqlite:///pay.db'
    """
    given = {
        name.removeprefix(PREFIX).lower(): text for name, text in values.items() if name.startswith(PREFIX)
    }
    words = "store rails token tenant environment dispatch group_commit schema table_prefix audit_stream"
    known = set(words.split())
    secrets = {"qr_secret", "qr_old_secrets", "webhook_secret", "webhook_old_secrets"}
    if unknown := sorted(given.keys() - known - secrets - {LOCAL}):
        raise ConfigurationError(f"unknown setting {PREFIX}{unknown[0].upper()}")
    keys = {name: given.pop(name, "") for name in secrets}
    is_local = given.pop(LOCAL, "false").lower()
    _one_of(LOCAL, is_local, ("true", "false"))
    return Settings(
        **given,  # type: ignore[arg-type]
        qr_secret=keys["qr_secret"].encode() or None,
        qr_old_secrets=tuple(part.encode() for part in keys["qr_old_secrets"].split()),
        webhook_secret=keys["webhook_secret"].encode() or None,
        webhook_old_secrets=tuple(part.encode() for part in keys["webhook_old_secrets"].split()),
        allow_local_webhooks=is_local == "true",
    )
