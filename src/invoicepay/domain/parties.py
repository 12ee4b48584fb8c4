"""Who takes part: parties by the host's own ids, their wallets, and the actor behind a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Policy
from invoicepay.errors import InvalidInput


class PartyKind(StrEnum):
    """A user holds a wallet; an enterprise also issues invoices; the platform earns fees."""

    USER = "user"
    ENTERPRISE = "enterprise"
    PLATFORM = "platform"


class PartyStatus(StrEnum):
    """A closed party starts nothing new; of an erased one only ids, amounts and states are left."""

    ACTIVE = "active"
    CLOSED = "closed"
    ERASED = "erased"


class PartyCommand(StrEnum):
    """What moves a party."""

    REGISTER = "register"
    UPDATE = "update"
    CLOSE = "close"
    ERASE = "erase"


PARTY: Lifecycle[PartyStatus, PartyCommand] = Lifecycle(
    "party",
    {
        (None, PartyCommand.REGISTER): PartyStatus.ACTIVE,
        (PartyStatus.ACTIVE, PartyCommand.REGISTER): PartyStatus.ACTIVE,
        (PartyStatus.ACTIVE, PartyCommand.UPDATE): PartyStatus.ACTIVE,
        (PartyStatus.ACTIVE, PartyCommand.CLOSE): PartyStatus.CLOSED,
        **{
            (status, PartyCommand.ERASE): PartyStatus.ERASED
            for status in (PartyStatus.CLOSED, PartyStatus.ERASED)
        },
    },
)
"""A party's states; registered again alike it stays as it is, erased again it loses what came since."""


class WalletStatus(StrEnum):
    """A frozen wallet neither pays nor is paid out; what arrives lands in 2030 (spec 10)."""

    ACTIVE = "active"
    FROZEN = "frozen"


class WalletCommand(StrEnum):
    """What moves a wallet."""

    OPEN = "open"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


WALLET: Lifecycle[WalletStatus, WalletCommand] = Lifecycle(
    "wallet",
    {
        (None, WalletCommand.OPEN): WalletStatus.ACTIVE,
        (WalletStatus.ACTIVE, WalletCommand.FREEZE): WalletStatus.FROZEN,
        (WalletStatus.FROZEN, WalletCommand.UNFREEZE): WalletStatus.ACTIVE,
    },
)
"""A wallet's states; a freeze is independent of every other machine (spec 10, P-09)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Entity):
    """A participant under the host's id; no name and no bank number is kept.

    Attributes:
        kyc_tier: the host's verification level, compared with limits.
        policy: how an enterprise treats payments of its invoices.
        timezone: IANA zone that decides when an invoice is overdue.
    """

    KIND: ClassVar[str] = "party"

    kind: PartyKind
    status: PartyStatus = PartyStatus.ACTIVE
    kyc_tier: int = 0
    policy: Policy = field(default_factory=Policy)
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet(Entity):
    """A party's wallet for one asset; its id is `party/asset`, its balances are the ledger's."""

    KIND: ClassVar[str] = "wallet"

    party_id: str
    asset: str
    status: WalletStatus = WalletStatus.ACTIVE
    reason: str = ""


def wallet_id(party_id: str, asset: str) -> str:
    """The id of a party's wallet for one asset."""
    return f"{asset}/{party_id}"


class Role(StrEnum):
    """What an actor may do: `party` only for itself, `operator` for the programme."""

    PARTY = "party"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, with which rights, and in whose place.

    Attributes:
        subject: who really asks: a party's id, or the name of a person or a service.
        role: whose rights are used: those of one party, of the programme's operator, of the library.
        on_behalf_of: in whose place the subject acts; a party's rights are then those of this party.
        request_id: the host's name for the request that led here; the trail keeps it.
    """

    subject: str
    role: Role = Role.OPERATOR
    on_behalf_of: str = ""
    request_id: str = field(default="", compare=False)

    @property
    def party_id(self) -> str:
        """The party whose rights are used, where the role is a party's."""
        return self.on_behalf_of or self.subject

    @property
    def persons(self) -> frozenset[str]:
        """Everybody who stands behind the call; none of them can be its second person (S-03)."""
        return frozenset({self.subject, self.on_behalf_of} - {""})

    def __str__(self) -> str:
        return f"{self.subject} for {self.on_behalf_of}" if self.on_behalf_of else self.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCounter(Entity):
    """What a party moved of one asset on one UTC day; its id is `day/asset/party`."""

    KIND: ClassVar[str] = "limit_counter"

    party_id: str
    asset: str
    day: date
    used: Money


MOST_KYC_TIER = 99


def checked_tier(tier: int) -> int:
    """A verification level: a whole number from 0 to 99.

    Raises:
        InvalidInput: something else.
    """
    if type(tier) is not int or not 0 <= tier <= MOST_KYC_TIER:
        raise InvalidInput(f"a KYC tier is a whole number from 0 to {MOST_KYC_TIER}")
    return tier
