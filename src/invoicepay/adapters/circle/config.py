"""What an operator tells of its Circle account: keys, wallets, tokens, bank; checked before use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import SecretStr

from invoicepay.domain.money import Money
from invoicepay.errors import ConfigurationError

WALLETS_URL = "https://api.circle.com"
MINT_URL = "https://api.circle.com"
MINT_SANDBOX_URL = "https://api-sandbox.circle.com"

DECIMALS = 6
"""Decimals of USDC and EURC on every chain; our micros are the same unit."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MINT_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")
_ENTITY_SECRET = re.compile(r"[0-9a-fA-F]{64}")
_TEST_CHAIN = re.compile(r".*-(?:SEPOLIA|FUJI|AMOY|DEVNET|TESTNET)")
_TOPIC = re.compile(r"arn:aws(?:-cn)?:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")

USDC: Mapping[str, str] = MappingProxyType(
    {
        "ETH": "b037d751-fb22-5f0d-bae6-47373e7ae3e3",
        "ETH-SEPOLIA": "5797fbd6-3795-519d-84ca-ec4c5f80c3b1",
        "BASE": "915ce944-32df-5df5-a6b1-daa9b5069f96",
        "BASE-SEPOLIA": "bdf128b4-827b-5267-8f9e-243694989b5f",
        "MATIC": "db6905b9-8bcd-5537-8b08-f5548bdf7925",
        "MATIC-AMOY": "36b6931a-873a-56a8-8a27-b706b17104ee",
        "ARB": "c87ffcb4-e2cf-5e67-84c6-388c965d2a66",
        "ARB-SEPOLIA": "4b8daacc-5f47-5909-a3ba-30d171ebad98",
        "AVAX": "7efdfdbf-1799-5089-a588-31beb97ba755",
        "AVAX-FUJI": "ff47a560-9795-5b7c-adfc-8f47dad9e06a",
        "SOL": "33ca4ef6-2500-5d79-82bf-e3036139cc29",
        "SOL-DEVNET": "8fb3cadb-0ef4-573d-8fcd-e194f961c728",
        "APTOS": "298eebe2-3131-5183-b528-f925f70848d0",
        "APTOS-TESTNET": "e3cbdafc-42c3-58cc-ae4c-b31dbb10354c",
    }
)
"""Circle's token id of USDC by blockchain, as published; other chains: `find_token_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleAsset:
    """An asset of ours that is a stablecoin in Circle wallets on one blockchain.

    Attributes:
        asset: our code, `USD.usdc`.
        treasury_wallet_id: the wallet that holds the float: a mint is released from it, a burn returns to it.
        token_id: Circle's id of the token on that blockchain; published ones are known.
        low_float, low_gas: health tells when the treasury has less; gas in whole native coins, as text.
    """

    asset: str
    blockchain: str
    treasury_wallet_id: str
    token_id: str = ""
    low_float: Money | None = None
    low_gas: str = ""

    def __post_init__(self) -> None:
        Money.zero(self.asset)  # an unknown asset is refused here
        _keep_uuid("treasury_wallet_id", self.treasury_wallet_id)
        if not self.token_id:
            if self.blockchain not in USDC or not self.asset.startswith("USD"):
                raise ConfigurationError(
                    f"no token id is known for {self.asset} on {self.blockchain}",
                    hint="Pass token_id; find_token_id reads it from a wallet that holds the token.",
                )
            object.__setattr__(self, "token_id", USDC[self.blockchain])
        _keep_uuid("token_id", self.token_id)
        if self.low_gas and not _AMOUNT.fullmatch(self.low_gas):
            raise ConfigurationError('low_gas is a plain decimal number, "0.05"')
        if self.low_float is not None and self.low_float.asset != self.asset:
            raise ConfigurationError(f"low_float is in {self.asset}, not in {self.low_float.asset}")

    @property
    def is_test(self) -> bool:
        """Whether the blockchain is a test network."""
        return _TEST_CHAIN.fullmatch(self.blockchain) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleConfig:
    """Access to developer-controlled wallets.

    Attributes:
        api_key: `TEST_API_KEY:id:secret` or `LIVE_API_KEY:…`; it decides between test and live.
        entity_secret: 32 bytes as hex; signs for every wallet and never leaves except encrypted.
        wallet_set_id: the set that parties' wallets are made in; one set for each tenant.
        account_type: `SCA` lets a gas station pay; `EOA` wallets hold the chain's coin themselves.
        fee_level: how fast the chain is asked to be.
        name: part of every provider reference.
        finds_after_seconds: how long a sent transfer may take to be listed.
    """

    api_key: SecretStr
    entity_secret: SecretStr
    wallet_set_id: str
    assets: tuple[CircleAsset, ...]
    account_type: str = "SCA"
    fee_level: str = "MEDIUM"
    base_url: str = WALLETS_URL
    name: str = "circle"
    finds_after_seconds: int = 120

    def __post_init__(self) -> None:
        _keep_secret("api_key", self.api_key)
        _keep_secret("entity_secret", self.entity_secret)
        if not _ENTITY_SECRET.fullmatch(self.entity_secret.get_secret_value()):
            raise ConfigurationError("entity_secret is 32 bytes written as 64 hexadecimal digits")
        _keep_uuid("wallet_set_id", self.wallet_set_id)
        _keep_word("account_type", self.account_type, ("EOA", "SCA"))
        _keep_word("fee_level", self.fee_level, ("LOW", "MEDIUM", "HIGH"))
        if not self.assets or len({asset.asset for asset in self.assets}) != len(self.assets):
            raise ConfigurationError("assets names at least one asset, and each once")
        self._keep_network()

    @property
    def is_test(self) -> bool:
        """Whether the key is one for test networks."""
        return self.api_key.get_secret_value().startswith("TEST_API_KEY:")

    def production_faults(self) -> tuple[str, ...]:
        """A key of test networks, or Circle's sandbox."""
        return _faults(self.name, self.api_key, self.base_url)

    def asset(self, code: str) -> CircleAsset | None:
        """The asset of that code, where we hold it."""
        return next((asset for asset in self.assets if asset.asset == code), None)

    def asset_of_token(self, token_id: str) -> CircleAsset | None:
        """The asset that a token of Circle's is, where we hold it."""
        return next((asset for asset in self.assets if asset.token_id == token_id), None)

    def _keep_network(self) -> None:
        """A key of one kind with a chain of the other is refused by Circle (156006); we say so first."""
        prefix, *rest = self.api_key.get_secret_value().split(":")
        if prefix not in ("TEST_API_KEY", "LIVE_API_KEY") or len(rest) != 2:
            raise ConfigurationError("api_key is written TEST_API_KEY:id:secret or LIVE_API_KEY:id:secret")
        wrong = [asset.blockchain for asset in self.assets if asset.is_test is not self.is_test]
        if wrong:
            kind = "test" if self.is_test else "live"
            raise ConfigurationError(f"a {kind} api_key does not go with {', '.join(wrong)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MintConfig:
    """Access to Circle Mint: the operator's own account that turns bank money into USDC and back.

    Attributes:
        asset: our code of what it holds, `USD.usdc`; Mint calls it by its currency.
        recipient_id: the approved recipient that is the treasury wallet's address; needed by `fund`.
        bank_id: the linked bank account that payouts go to; needed by `pay_out`.
        bank_kind: what Mint calls the rail to it.
        deposit_address: Mint's own address on the treasury's chain; needed by `sweep`.
        topics: the only Amazon SNS topics that notifications are taken from.
    """

    api_key: SecretStr
    asset: str = "USD.usdc"
    recipient_id: str = ""
    bank_id: str = ""
    bank_kind: str = "wire"
    deposit_address: str = ""
    topics: tuple[str, ...] = field(default=())
    base_url: str = MINT_URL
    name: str = "circle-mint"

    def __post_init__(self) -> None:
        _keep_secret("api_key", self.api_key)
        Money.zero(self.asset)
        _keep_word("bank_kind", self.bank_kind, ("wire", "cubix", "pix", "sepa", "sepa_instant"))
        for name in ("recipient_id", "bank_id"):
            if getattr(self, name) and not _MINT_ID.fullmatch(getattr(self, name)):
                raise ConfigurationError(f"{name} is an id as Mint writes it")
        wrong = [topic for topic in self.topics if not _TOPIC.fullmatch(topic)]
        if wrong:
            raise ConfigurationError(f"a topic is written arn:aws:sns:region:account:name, not {wrong[0]!r}")

    def production_faults(self) -> tuple[str, ...]:
        """A key of test networks, or Circle's sandbox."""
        return _faults(self.name, self.api_key, self.base_url)

    @property
    def currency(self) -> str:
        """Mint's word for the asset: USD means USDC or US dollars by context, EUR likewise."""
        return self.asset.partition(".")[0]


def _faults(name: str, api_key: SecretStr, base_url: str) -> tuple[str, ...]:
    is_test = api_key.get_secret_value().startswith("TEST_API_KEY:")
    host = urlsplit(base_url).hostname or ""
    return (
        *((f"{name} has a test key",) if is_test else ()),
        *((f"{name} is asked at {host}",) if "sandbox" in host else ()),
    )


def _keep_uuid(name: str, value: str) -> None:
    if not _UUID.fullmatch(value):
        raise ConfigurationError(f"{name} is a UUID in lower case, as Circle writes it")


def _keep_word(name: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise ConfigurationError(f"{name} is one of {', '.join(words)}, not {value!r}")


def _keep_secret(name: str, value: object) -> None:
    if not isinstance(value, SecretStr) or not value.get_secret_value():
        raise ConfigurationError(f"{name} is a pydantic SecretStr with a value")
    if not value.get_secret_value().isprintable() or not value.get_secret_value().isascii():
        raise ConfigurationError(f"{name} is printable ASCII text")
