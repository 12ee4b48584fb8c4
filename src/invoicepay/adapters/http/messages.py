"""What goes to a provider over HTTP and what comes back, as plain values that show no secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from invoicepay.domain.strict_json import strict_json

if TYPE_CHECKING:
    from pydantic import SecretStr

    Text = str | SecretStr
    Secret = str | bytes | SecretStr
    Pairs = Mapping[str, Text] | Sequence[tuple[str, Text]]

REQUEST_IDS = ("x-request-id", "request-id", "x-correlation-id", "x-amzn-requestid", "cf-ray")
"""Headers in which providers name a request; the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how large a call may become.

    Attributes:
        total_seconds: the whole call with its repetitions and waits; less than the 30 that a worker allows.
        connect_seconds, write_seconds, read_seconds, pool_seconds: the longest silence in each phase.
        max_bytes: the largest answer that is read.
        connections: at once, for each provider and process (and event loop).
        tries: how often a call is begun at most.
        failures: in a row, after which an operation rests.
        rest_seconds: how long it rests then.
    """

    total_seconds: float = 20.0
    connect_seconds: float = 5.0
    write_seconds: float = 10.0
    read_seconds: float = 15.0
    pool_seconds: float = 5.0
    max_bytes: int = 1 << 20
    connections: int = 20
    tries: int = 3
    failures: int = 6
    rest_seconds: float = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One call to a provider; its repr shows method and operation, nothing of what is sent.

    Attributes:
        path: below the sender's base URL, or an absolute URL.
        operation: names the call in errors, logs and the breaker; never an id.
        headers, query: texts, or pydantic secrets, which are unwrapped only while they are sent.
        json: what is sent as JSON; `content` are bytes that are sent as they are.

    Examples:
        >>> Request("POST", "/transfers", operation="transfer", json={"account": "000123456789"})
        <Request POST transfer>
    """

    method: str
    path: str
    operation: str = field(kw_only=True)
    query: Pairs = field(default=(), kw_only=True)
    headers: Pairs = field(default=(), kw_only=True)
    json: object | None = field(default=None, kw_only=True)
    content: bytes | None = field(default=None, kw_only=True)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.operation}>"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a provider answered, read to its end; its repr shows the status and the length only.

    Attributes:
        headers: names in lower case; of a header that came several times, the values joined by commas.
        provider, operation: what was asked, for error messages.

    Examples:
        >>> Answer(200, {}, b'{"amount": 12.5}', provider="acme", operation="transfer").json()
        {'amount': Decimal('12.5')}
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    provider: str = field(default="the provider", kw_only=True)
    operation: str = field(default="the call", kw_only=True)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str:
        """What the provider calls this request, for its support; empty when it says nothing."""
        return next((self.headers[name][:100] for name in REQUEST_IDS if name in self.headers), "")

    def json(self) -> Any:
        """The body as JSON: fractions as Decimal, never as float.

        Raises:
            ValueError: it is no JSON, names a key twice, or is nested beyond reason. The text says nothing of
                the body, which may hold secrets.
        """
        return strict_json(self.body)

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


def header_map(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Headers by their names in lower case.

    Examples:
        >>> dict(header_map([("Retry-After", "3"), ("X-A", "1"), ("x-a", "2")]))
        {'retry-after': '3', 'x-a': '1, 2'}
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return MappingProxyType(found)


def pairs_of(pairs: Pairs) -> list[tuple[str, str]]:
    """Names and values with the secrets in them readable; keep the result in no frame that raises."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return [(name, plain(value)) for name, value in items]


def plain(secret: Secret) -> str:
    """The text inside a secret."""
    if isinstance(secret, bytes):
        return secret.decode("utf-8", "replace")
    return secret if isinstance(secret, str) else secret.get_secret_value()
