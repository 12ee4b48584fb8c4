"""How payments are treated and money is trusted, by enterprise and by programme (spec 6, 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from invoicepay.domain.iso4217 import MINOR_UNITS
from invoicepay.domain.money import Money, currency_of, percentage
from invoicepay.errors import InvalidInput, UnknownAsset, not_what, quoted

WHOLE_BPS = 10_000
UNKNOWN_PARTIES = ("default", "register", "refuse")


class Overpay(StrEnum):
    """What a pull payment above the open amount does."""

    CREDIT = "credit"
    REFUSE = "refuse"
    CAP = "cap"


class Partial(StrEnum):
    """Whether a payment below the open amount is taken."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Late(StrEnum):
    """What a push payment after expiry does."""

    ACCEPT = "accept"
    CREDIT = "credit"


class AutoApply(StrEnum):
    """When a customer's credits are put on open invoices without being asked."""

    ON_FINALIZE = "on_finalize"
    ON_CREDIT = "on_credit"
    MANUAL = "manual"


class CreditBacking(StrEnum):
    """Whether cash credits ring-fence the enterprise's tokens (spec 2.3)."""

    RING_FENCED = "ring_fenced"
    UNSECURED = "unsecured"
    NONE = "none"


class Numbering(StrEnum):
    """Gapless document numbers, or blocks with declared gaps."""

    GAPLESS = "gapless"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How an enterprise treats payments of its invoices (spec 6).

    Attributes:
        min_partial_micros: smallest partial payment taken; 0 means any.
        tolerance_micros, tolerance_bps: a push that leaves at most the smaller of both closes the invoice.
        fee_bps: platform fee on applied amounts, in hundredths of a percent.
        cash_credit_expiry_days: None means cash credits never expire.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    overpay: Overpay = Overpay.CREDIT
    partial: Partial = Partial.ALLOW
    min_partial_micros: int = 0
    tolerance_micros: int = 0
    tolerance_bps: int = 0
    late: Late = Late.ACCEPT
    auto_apply: AutoApply = AutoApply.ON_FINALIZE
    credit_backing: CreditBacking = CreditBacking.RING_FENCED
    cash_credit_expiry_days: int | None = None
    numbering: Numbering = Numbering.GAPLESS
    fee_bps: int = 0
    micro_payments: bool = False

    def __post_init__(self) -> None:
        _keep_words(
            self,
            overpay=Overpay,
            partial=Partial,
            late=Late,
            auto_apply=AutoApply,
            credit_backing=CreditBacking,
            numbering=Numbering,
        )
        for name in ("min_partial_micros", "tolerance_micros", "tolerance_bps", "fee_bps"):
            _at_least_zero(name, getattr(self, name))
        if self.fee_bps > WHOLE_BPS or self.tolerance_bps > WHOLE_BPS:
            raise InvalidInput("a share is at most 10,000 basis points")

    def fee(self, applied: Money) -> Money:
        """The platform's fee on an applied amount; never on excess (spec 2.3)."""
        if not self.fee_bps:
            return Money.zero(applied.asset)
        return min(applied, percentage(applied, Decimal(self.fee_bps).scaleb(-4)))


class Custody(StrEnum):
    """Issued tokens are backed by cash (1000); custodied ones are themselves held (1010)."""

    ISSUED = "issued"
    CUSTODIED = "custodied"


class Settlement(StrEnum):
    """Where a token moves: in the book at once, on chain after a hold, or in the book and net later (1.4).

    `netted` answers like `ledger`; settlement runs move the net of each wallet on chain (ADR 0029).
    """

    LEDGER = "ledger"
    ONCHAIN = "onchain"
    NETTED = "netted"


@dataclass(frozen=True, slots=True)
class Asset:
    """A token that is worth one unit of its currency, for example `USD` or `USD.tempo`."""

    code: str
    custody: Custody = Custody.ISSUED
    settlement: Settlement = Settlement.LEDGER

    def __post_init__(self) -> None:
        _keep_words(self, custody=Custody, settlement=Settlement)

    @property
    def currency(self) -> str:
        """ISO 4217 code of the fiat behind it."""
        return currency_of(self.code)

    @property
    def books_at_once(self) -> bool:
        """Whether a movement between parties is done once it is booked, with nothing to wait for."""
        return self.settlement is not Settlement.ONCHAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Finality:
    """When money that a rail delivered is trusted enough to back tokens (spec 4.4).

    Attributes:
        business_days: days after settlement before the reserve is confirmed.
        needs_buffer: confirm only while the operator's buffer covers the amount.
        settles_in_days: banking days from sending to settlement; tells when to expect the money.
        cut_off: latest time in New York at which something is sent on the same day; None around the clock.
        seasoning_days: banking days after settlement in which tokens of a deposit may only be withdrawn to
            the account that they came from; 0 lets them go anywhere once they exist.
    """

    business_days: int = 0
    needs_buffer: bool = False
    settles_in_days: int = 0
    cut_off: time | None = None
    seasoning_days: int = 0


WIRE_CUT_OFF = time(18, 45)
"""Until then third parties may send over Fedwire; a provider's own is earlier."""

DEFAULT_FINALITY: Mapping[str, Finality] = {
    "instant": Finality(),
    "wire": Finality(cut_off=WIRE_CUT_OFF),
    "bank_credit": Finality(business_days=1, settles_in_days=1),
    "bank_debit": Finality(business_days=5, needs_buffer=True, settles_in_days=1),
    "card": Finality(business_days=1, needs_buffer=True, settles_in_days=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most that one party may move, per call and per UTC day; None means no limit.

    Attributes:
        by_tier: most per day in micros for each KYC tier, for payments, transfers and withdrawals together.
    """

    per_call_micros: int | None = None
    by_tier: Mapping[int, int] = field(default_factory=dict[int, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """The operator's choices that every decision sees.

    Attributes:
        assets: configured assets by code; an unlisted ISO currency is an issued ledger asset of its own
            unless `only_listed_assets`.
        attestation_max_age_hours: mint only while the last cash tie-out is younger (`ReserveStale`).
        deposit_fee_micros, withdrawal_fee_micros: kept by the operator from each deposit and withdrawal.
        bears_processor_fee: the operator pays what a processor keeps of a deposit, not the depositor (P-02).
        unknown_parties: `register` makes parties on first use, `refuse` answers `NotFound`; `default`
            registers on `memory://` and refuses elsewhere.
    """

    assets: Mapping[str, Asset] = field(default_factory=dict[str, Asset])
    only_listed_assets: bool = False
    finality: Mapping[str, Finality] = field(default_factory=lambda: DEFAULT_FINALITY)
    limits: Limits = field(default_factory=Limits)
    attestation_max_age_hours: int | None = None
    deposit_fee_micros: int = 0
    withdrawal_fee_micros: int = 0
    bears_processor_fee: bool = False
    unknown_parties: str = "default"
    require_idempotency_keys: bool = False
    platform_id: str = "platform"

    def __post_init__(self) -> None:
        _at_least_zero("withdrawal_fee_micros", self.withdrawal_fee_micros)
        if self.unknown_parties not in UNKNOWN_PARTIES:
            raise InvalidInput(f"unknown_parties is one of {', '.join(UNKNOWN_PARTIES)}")

    def asset(self, code: str) -> Asset:
        """The asset of that code.

        Raises:
            UnknownAsset: not configured, or not an ISO 4217 currency.
        """
        if not isinstance(code, str):
            raise UnknownAsset(f"an asset is text, not {type(code).__name__}")
        if code in self.assets:
            return self.assets[code]
        if self.only_listed_assets or code not in MINOR_UNITS:
            raise UnknownAsset(asset=code if quoted(code) else "")
        return _unlisted(code)

    @property
    def seasons(self) -> bool:
        """Whether deposits over any rail are young for a while."""
        return any(finality.seasoning_days for finality in self.finality.values())

    def knows(self, code: str) -> bool:
        """Whether `asset` would find one of that code."""
        return code in self.assets or (not self.only_listed_assets and code in MINOR_UNITS)

    def deposit_fee(self, asset: str) -> Money:
        """The operator's fee on one deposit."""
        return Money.from_micros(self.deposit_fee_micros, asset)

    def withdrawal_fee(self, asset: str) -> Money:
        """The operator's fee on one withdrawal."""
        return Money.from_micros(self.withdrawal_fee_micros, asset)


@lru_cache(maxsize=1024)
def _unlisted(code: str) -> Asset:
    return Asset(code)


def _keep_words(value: object, **kinds: type[StrEnum]) -> None:
    """Turn plain words such as "refuse" into their enum, so that both spellings mean the same.

    Raises:
        InvalidInput: the word is not one of the enum's.
    """
    for name, kind in kinds.items():
        word = getattr(value, name)
        found = next((one for one in kind if one == word), None)
        if found is None:
            raise InvalidInput(f"{name} is one of {', '.join(kind)}{not_what(word)}")
        object.__setattr__(value, name, found)


def _at_least_zero(name: str, number: int) -> None:
    if type(number) is not int or number < 0:
        raise InvalidInput(f"{name} is a whole number, 0 or more")
