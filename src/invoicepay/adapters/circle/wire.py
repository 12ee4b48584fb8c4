"""What Circle writes, as frozen models: tolerant of what is new, strict about what we rely on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from invoicepay.domain.money import COLUMN_MAX, MICROS, Money

M = TypeVar("M", bound="Wire")

_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,18}))?")


def _utc(value: Any) -> Any:
    """Circle writes up to nine decimals of a second; we keep six."""
    if not isinstance(value, str):
        raise ValueError("an instant is text")
    at = datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", value))
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _text(value: Any) -> Any:
    """Optional text: Circle leaves it out, or writes null."""
    return "" if value is None else value


Instant = Annotated[datetime, BeforeValidator(_utc)]
Text = Annotated[str, BeforeValidator(_text)]


class Wire(BaseModel):
    """Anything of Circle's: fields in camelCase, unknown ones left out."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Listed(Wire):
    """A page of a list, whose entries have ids."""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the page; a list goes on behind the last of them."""
        raise NotImplementedError


class Entry(Wire):
    """Something with an id."""

    id: str


class Fault(Wire):
    """The body of a refusal."""

    code: int
    message: Text = ""
    errors: tuple[dict[str, Any], ...] = ()


class PublicKey(Wire):
    """The key that entity secrets are encrypted to."""

    public_key: str


class Entity(Wire):
    """Our account at the wallet API."""

    app_id: Text = ""


class WalletSet(Wire):
    """A group of wallets under one seed."""

    id: str
    name: Text = ""


class WalletSetBox(Wire):
    """One wallet set."""

    wallet_set: WalletSet


class Wallet(Wire):
    """An address that Circle signs for."""

    id: str
    address: str
    blockchain: str
    state: str
    wallet_set_id: str
    ref_id: Text = ""
    create_date: Instant


class Wallets(Listed):
    """A page of wallets."""

    wallets: tuple[Wallet, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.wallets)


class WalletBox(Wire):
    """One wallet."""

    wallet: Wallet


class Token(Wire):
    """A coin or token on one blockchain."""

    id: str
    blockchain: str
    is_native: bool
    token_address: Text = ""


class Balance(Wire):
    """How much of a token a wallet holds."""

    amount: str
    token: Token


class Balances(Listed):
    """What one wallet holds."""

    token_balances: tuple[Balance, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(balance.token.id for balance in self.token_balances)


class WalletWithBalances(Wallet):
    """A wallet and what it holds."""

    token_balances: tuple[Balance, ...] = ()


class WalletsWithBalances(Listed):
    """A page of wallets and what they hold."""

    wallets: tuple[WalletWithBalances, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.wallets)


class Created(Wire):
    """The answer to a new transaction."""

    id: str
    state: str


class Evaluation(Wire):
    """What transaction screening found."""

    rule_name: Text = ""
    actions: tuple[str, ...] = ()


class Transaction(Wire):
    """One movement, seen from one wallet: what a transfer between two wallets moves is listed twice."""

    id: str
    state: str
    blockchain: str
    transaction_type: str
    create_date: Instant
    update_date: Instant
    operation: Text = ""
    amounts: tuple[str, ...] | None = None
    source_address: Text = ""
    destination_address: Text = ""
    token_id: Text = ""
    wallet_id: Text = ""
    tx_hash: Text = ""
    ref_id: Text = ""
    error_reason: Text = ""
    error_details: Text = ""
    transaction_screening_evaluation: Evaluation | None = None


class TransactionBox(Wire):
    """One transaction."""

    transaction: Transaction


class Transactions(Listed):
    """A page of transactions."""

    transactions: tuple[Transaction, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.transactions)


class Notification(Wire):
    """A delivery of version 2; the transaction in it is read only where the type says that there is one."""

    notification_id: str
    notification_type: str
    notification: dict[str, Any]
    timestamp: Instant
    version: int


class NotificationKey(Wire):
    """The key that deliveries of version 2 are signed with."""

    id: str
    algorithm: str
    public_key: str


class Decision(Wire):
    """What the screening rules say."""

    rule_name: Text = ""
    actions: tuple[str, ...] = ()


class AddressScreening(Wire):
    """The result of screening one address."""

    result: str
    decision: Decision


class Amount(Wire):
    """Money as Mint writes it."""

    amount: str
    currency: str


class Configuration(Wire):
    """Our account at Mint."""

    class Payments(Wire):
        """Where payments arrive."""

        master_wallet_id: str

    payments: Payments


class MintBalances(Wire):
    """What the Mint account holds."""

    available: tuple[Amount, ...]
    unsettled: tuple[Amount, ...]


class Endpoint(Wire):
    """One end of a movement of Mint's: a wallet, a chain, a bank account."""

    type: Text = ""
    id: Text = ""
    chain: Text = ""
    address: Text = ""


class Risk(Wire):
    """What Mint's risk control decided, and why."""

    decision: Text = ""
    reason: Text = ""


class MintTransfer(Entry):
    """USDC that went out of the Mint account or came into it."""

    source: Endpoint
    destination: Endpoint
    amount: Amount
    status: str
    transaction_hash: Text = ""
    error_code: Text = ""
    risk_evaluation: Risk | None = None
    create_date: Instant | None = None


class Returned(Wire):
    """What the bank sent back of a payout."""

    id: str
    reason: Text = ""
    amount: Amount | None = None
    fees: Amount | None = None


class Payout(Entry):
    """Money paid to the operator's own bank account; `returned` may follow `complete`."""

    destination: Endpoint
    amount: Amount
    status: str
    fees: Amount | None = None
    tracking_ref: Text = ""
    error_code: Text = ""
    risk_evaluation: Risk | None = None
    returned: Returned | None = Field(default=None, alias="return")
    create_date: Instant
    update_date: Instant


class MintDeposit(Entry):
    """A wire of the operator's that arrived; it bears no reference of ours."""

    source_wallet_id: Text = ""
    source: Endpoint | None = None
    amount: Amount
    fees: Amount | None = Field(default=None, validation_alias=AliasChoices("fees", "fee"))
    status: str
    risk_evaluation: Risk | None = None
    create_date: Instant
    update_date: Instant | None = None

    @property
    def bank_id(self) -> str:
        """The linked bank account it came from; Circle has written it in two places."""
        return self.source.id if self.source is not None and self.source.id else self.source_wallet_id


class Recipient(Entry):
    """An address that USDC may be sent to once an administrator has approved it in the console."""

    address: str
    chain: str
    status: Text = ""


APPROVED = ("active", "verification_succeeded")
"""A recipient that USDC may be sent to."""


class DepositAddress(Wire):
    """Mint's own address on one chain."""

    address: str
    chain: str


class Bank(Entry):
    """A linked bank account."""

    status: str


class SubscriptionDetail(Wire):
    """One of the confirmations of a subscription."""

    url: Text = ""
    status: str


class Subscription(Entry):
    """Where Mint sends notifications."""

    endpoint: str
    subscription_details: tuple[SubscriptionDetail, ...] = ()


def money_from(text: str, asset: str) -> Money:
    """An amount of a stablecoin; what is finer than six decimals is refused, never rounded.

    Raises:
        ValueError: no plain decimal number, or one that our books cannot hold exactly.

    Examples:
        >>> money_from("1.500000000", "USD.usdc")
        Money('1.50', 'USD.usdc')
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError("an amount that is no plain decimal number")
    decimals = (found[2] or "").ljust(6, "0")
    micros = int(found[1]) * MICROS + int(decimals[:6])
    if decimals[6:].strip("0") or micros > COLUMN_MAX:
        raise ValueError("an amount that whole micros cannot hold")
    return Money.from_micros(micros, asset)
