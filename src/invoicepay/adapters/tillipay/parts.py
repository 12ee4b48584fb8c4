"""The parts of a TilliPay profile: frozen, validated when read, every wire spelling in one of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from invoicepay.adapters.signatures import SCHEMES, Scheme
from invoicepay.adapters.tillipay.pointers import POINTER
from invoicepay.ports.rails import Direction, RailStatus

V = TypeVar("V")

SOURCES = frozenset(
    {"merchant_id", "api_key", "secret_key", "reference", "account_token", "amount", "currency", "party_id"}
    | {f"payer.{name}" for name in ("first_name", "last_name", "address_one", "address_two", "city", "state")}
    | {f"payer.{name}" for name in ("postal_code", "phone", "email")}
    | {f"account.{name}" for name in ("card_number", "expiry_year", "expiry_month", "cvv")}
    | {f"account.{name}" for name in ("routing_number", "account_number", "account_type", "check_type")}
)
"""What a request can be filled with."""

PLACE = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")


def frozen(mapping: Mapping[str, V]) -> Mapping[str, V]:
    """The mapping as it is now, for ever."""
    return MappingProxyType(dict(mapping))


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


def _source(name: str) -> str:
    if name not in SOURCES:
        raise ValueError(f"no request can be filled with {name}; known are {', '.join(sorted(SOURCES))}")
    return name


def _path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("a path starts with /")
    for place in PLACE.findall(path):
        _source(place)
    return path


def _matching(pattern: re.Pattern[str], meaning: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"this is no {meaning}")
        return text

    return AfterValidator(check)


def _several(one_or_more: object) -> object:
    return (one_or_more,) if isinstance(one_or_more, str) else one_or_more


Pointer = Annotated[str, _matching(POINTER, "JSON pointer (RFC 6901)")]
Pointers = Annotated[tuple[Pointer, ...], BeforeValidator(_several)]
"""Places in an answer; the first that is there counts."""
Header = Annotated[str, _matching(_HEADER, "header name")]
Source = Annotated[str, AfterValidator(_source)]
Path = Annotated[str, AfterValidator(_path)]
Scalar = str | int | bool
Codes = frozenset[str]
HttpCodes = frozenset[Annotated[int, Field(ge=400, le=599)]]
Fields = Annotated[Mapping[str, Source], AfterValidator(frozen)]
Constants = Annotated[Mapping[str, Scalar], AfterValidator(frozen)]
Statuses = Annotated[Mapping[str, RailStatus], AfterValidator(frozen)]
Letters = Annotated[Mapping[str, str], AfterValidator(frozen)]
Method = Literal["GET", "POST", "PUT", "DELETE"]
Environment = Literal["qa", "staging", "production"]
Unsettled = Literal[RailStatus.PENDING, RailStatus.IN_REVIEW, RailStatus.SENT, RailStatus.NEEDS_REVIEW]
"""What mere success on an order may mean at most."""


class Part(BaseModel):
    """A part of a profile; a name that it does not know is refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Grade(StrEnum):
    """How well something is known."""

    DOCUMENTED = "D"
    IN_CODE = "C"
    DESIGNED = "G"
    ASSUMED = "A"


CONFIRMED = frozenset({Grade.DOCUMENTED, Grade.IN_CODE})


class Fact(Part):
    """What an entry of the profile claims, and where that is known from.

    Attributes:
        covers: paths of entries, each with everything below it; the longest path that fits an entry decides.
        date: when it was written down.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,60}$")]
    grade: Grade
    claim: str
    covers: tuple[str, ...]
    source: str
    date: date


class Auth(Part):
    """How a channel gets its token, and how a refused one shows.

    Attributes:
        token: where the answer has it, from its root.
    """

    method: Method
    path: Path
    headers: Annotated[Mapping[Header, Source], AfterValidator(frozen)]
    token: Pointers
    token_header: Header
    token_ttl_seconds: Annotated[int, Field(ge=1)]
    refused_http: HttpCodes
    refused_codes: Codes


class Predicate(Part):
    """An entry that has a certain value, of the same kind: text "200" is not the number."""

    at: Pointer
    equals: Scalar


class Envelope(Part):
    """One shape of answers; an answer has it when the entry of its predicate is there.

    Attributes:
        content: where an operation's own entries start.
    """

    success: Predicate
    code: Pointer
    message: Pointer
    content: Pointer


class Channel(Part):
    """One way to be paid, with credentials of its own.

    Attributes:
        rail: our name of it, as in `pay.deposits.initiate(..., rail=...)`.
        constants: added to every request of the channel that moves money.
    """

    rail: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    constants: Constants = Field(default_factory=_nothing)


class Extractors(Part):
    """Where an answer has what, from the content of its envelope."""

    provider_ref: Pointers = ()
    reference: Pointers = ()
    status: Pointers = ()
    amount: Pointers = ()
    currency: Pointers = ()
    fee: Pointers = ()
    return_code: Pointers = ()
    reason: Pointers = ()
    token: Pointers = ()


class Purpose(StrEnum):
    """What an operation is for."""

    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    FIND_DEPOSIT = "find_deposit"
    FIND_WITHDRAWAL = "find_withdrawal"
    SAVE_ACCOUNT = "save_account"
    FORGET_ACCOUNT = "forget_account"


DIRECTIONS: Mapping[Purpose, Direction] = MappingProxyType(
    {
        Purpose.DEPOSIT: Direction.DEPOSIT,
        Purpose.WITHDRAW: Direction.WITHDRAWAL,
        Purpose.FIND_DEPOSIT: Direction.DEPOSIT,
        Purpose.FIND_WITHDRAWAL: Direction.WITHDRAWAL,
    }
)
"""Which way the money goes that an operation moves or finds."""

ORDERS: Mapping[Direction, Purpose] = MappingProxyType(
    {Direction.DEPOSIT: Purpose.DEPOSIT, Direction.WITHDRAWAL: Purpose.WITHDRAW}
)
QUERIES: Mapping[Direction, Purpose] = MappingProxyType(
    {Direction.DEPOSIT: Purpose.FIND_DEPOSIT, Direction.WITHDRAWAL: Purpose.FIND_WITHDRAWAL}
)

_OF_AN_ORDER = {"reference", "account_token", "amount", "currency", "party_id"}
_PAYER = {source for source in SOURCES if source.startswith("payer.")}
_ACCOUNT = {source for source in SOURCES if source.startswith("account.")}
FILLS: Mapping[Purpose, frozenset[str]] = MappingProxyType(
    {
        Purpose.DEPOSIT: frozenset({"merchant_id"} | _OF_AN_ORDER | _PAYER),
        Purpose.WITHDRAW: frozenset({"merchant_id"} | _OF_AN_ORDER | _PAYER),
        Purpose.FIND_DEPOSIT: frozenset({"merchant_id", "reference"}),
        Purpose.FIND_WITHDRAWAL: frozenset({"merchant_id", "reference"}),
        Purpose.SAVE_ACCOUNT: frozenset({"merchant_id", "party_id"} | _ACCOUNT),
        Purpose.FORGET_ACCOUNT: frozenset({"merchant_id", "account_token"}),
    }
)
"""What a request can be filled with, by its purpose."""


class Operation(Part):
    """One call of the gateway.

    Attributes:
        fields, query: wire name → what fills it; what the host did not give is left out.
    """

    purpose: Purpose
    channels: tuple[str, ...]
    method: Method
    path: Path
    fields: Fields = Field(default_factory=_nothing)
    query: Fields = Field(default_factory=_nothing)
    constants: Constants = Field(default_factory=_nothing)
    answer: Extractors = Extractors()

    @model_validator(mode="after")
    def _fillable(self) -> Self:
        asked = {*self.fields.values(), *self.query.values(), *PLACE.findall(self.path)}
        if unknown := sorted(asked - FILLS[self.purpose]):
            raise ValueError(f"a {self.purpose} is not told {', '.join(unknown)}")
        return self


class AccountLetters(Part):
    """How kinds of accounts and of their holders are spelt."""

    account_type: Letters
    check_type: Letters


class Outcomes(Part):
    """What codes and silence mean; a code that is in no list leaves the outcome unknown.

    Attributes:
        accepted: of an order that was taken and whose answer has no status.
        absent_codes: envelope codes that say: no such payment.
    """

    accepted: Unsettled
    refused_http: HttpCodes
    refused_codes: Codes
    not_processed_http: HttpCodes
    absent_codes: Codes


class Idempotency(Part):
    """What the gateway does with a reference that it saw before."""

    deduplicates: bool
    key_lifetime_seconds: Annotated[int, Field(ge=0)]
    absent_grace_seconds: Annotated[int, Field(ge=0)]


class Event(Part):
    """What a delivery says."""

    direction: Direction
    status: RailStatus


class Webhook(Part):
    """How deliveries are signed and read.

    Attributes:
        event_id: entries that together name an event; where the scheme signs an id, that one counts.
    """

    scheme: Literal["standard_v1", "t_v1", "body_hmac_sha256_hex", "headers_hmac_sha512_hex"]
    headers: tuple[Header, ...]
    event_id: tuple[Pointer, ...]
    occurred_at: Pointer | None = None
    event: Pointer
    provider_ref: Pointer
    reference: Pointer | None = None
    amount: Pointer
    currency: Pointer
    fee: Pointer | None = None
    return_code: Pointer | None = None
    events: Annotated[Mapping[str, Event], AfterValidator(frozen)]

    @model_validator(mode="after")
    def _signable(self) -> Self:
        wanted = len(SCHEMES[self.scheme].headers)
        if len(self.headers) != wanted:
            raise ValueError(f"{self.scheme} has {wanted} headers, not {len(self.headers)}")
        return self

    def signature(self) -> Scheme:
        """The scheme under the profile's header names."""
        return SCHEMES[self.scheme].under(*self.headers)


class Logging(Part):
    """Names of entries whose values may appear in logs; every other value is hidden."""

    shown: frozenset[str]
