"""An installation for production refuses what is only good for trying out, when it is made (S-35)."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay import Asset, InvoicePay, Programme, Settings
from invoicepay.adapters.circle import CircleAsset, CircleConfig, CircleTokens
from invoicepay.adapters.circle.config import MINT_SANDBOX_URL, MintConfig
from invoicepay.adapters.circle.screening import CircleScreening
from invoicepay.adapters.circle.treasury import CircleTreasury
from invoicepay.adapters.http import Sender
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.memory.slots import MemorySlots
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.system import SystemClock, SystemIds
from invoicepay.adapters.tempo import LOCAL, MAINNET, TESTNET, LocalKeys, Tempo, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc, sender_to
from invoicepay.adapters.tillipay import ChannelCredentials, TilliPay, TilliPayProfile
from invoicepay.domain.policies import Custody, Settlement
from invoicepay.errors import ConfigurationError
from invoicepay.ports.production import production_faults
from invoicepay.ports.slots import SlotStore
from invoicepay.testing.clock import FrozenClock
from tests.security.canaries import bytes_canary, text_canary

SECRET = bytes_canary("codes")
PROFILE = TilliPayProfile.known()
USDC = Programme(
    assets={"USD.usdc": Asset("USD.usdc", custody=Custody.CUSTODIED, settlement=Settlement.ONCHAIN)}
)
TEMPO = Programme(assets={"USD.tempo": Asset("USD.tempo", settlement=Settlement.ONCHAIN)})
WALLET = "b037d751-fb22-5f0d-bae6-47373e7ae3e3"


def gateway(environment: str = "production", base_url: str = "https://gateway.example") -> TilliPay:
    keys = ChannelCredentials(
        merchant_id="m-1",
        api_key=SecretStr(text_canary("api key")),
        secret_key=SecretStr(text_canary("secret key")),
    )
    accepted = {fact.id for fact in PROFILE.unconfirmed()}
    return TilliPay(
        PROFILE, {"ica": keys}, environment=environment, base_url=base_url, accept_assumptions=accepted
    )


def circle(key: str = "LIVE", blockchain: str = "BASE", **options: Any) -> CircleConfig:
    return CircleConfig(
        api_key=SecretStr(f"{key}_API_KEY:an-id:{text_canary('circle')}"),
        entity_secret=SecretStr("c0" * 32),
        wallet_set_id=WALLET,
        assets=(CircleAsset(asset="USD.usdc", blockchain=blockchain, treasury_wallet_id=WALLET),),
        **options,
    )


def tempo(
    network: TempoNetwork = MAINNET, url: str = "https://rpc.example", slots: SlotStore | None = None
) -> Tempo:
    kept = slots or SqlSlots("sqlite:///slots.db")
    token = TempoToken(asset="USD.tempo", address="0x20c0" + "0" * 36, policy=2)
    rpc = TempoRpc(sender_to(url))
    return Tempo(rpc, LocalKeys(bytes_canary("seed")), network, [token], slots=kept)


def made(store: str, **options: Any) -> InvoicePay:
    given: dict[str, Any] = {"rails": gateway(), "token": tempo(), "programme": TEMPO, "qr_secret": SECRET}
    return InvoicePay(store, environment="production", **given | options)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'pay.db'}"


def test_what_is_real_is_taken(store: str) -> None:
    with made(store) as pay, made(store, token=CircleTokens(circle()), programme=USDC) as other:
        assert "pay.db" in str(pay)
        assert "pay.db" in str(other)


BAD: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a simulated bank": (lambda: {"rails": SimulatedRails(SystemClock())}, "the bank simulated-bank"),
    "no bank": (lambda: {"rails": None}, "the bank simulated-bank"),
    "simulated tokens": (
        lambda: {"token": SimulatedTokens(SystemClock(), custody="wallets")},
        "the tokens of simulated-tokens are simulated",
    ),
    "no tokens": (lambda: {"token": None}, "the tokens of simulated-tokens are simulated"),
    "a test key": (
        lambda: {"token": CircleTokens(circle("TEST", "BASE-SEPOLIA")), "programme": USDC},
        "circle has a test key",
    ),
    "a screening with a test key": (
        lambda: {"screening": CircleScreening(circle("TEST", "BASE-SEPOLIA"))},
        "circle has a test key",
    ),
    "a sandbox": (
        lambda: {"token": CircleTokens(circle(base_url=MINT_SANDBOX_URL)), "programme": USDC},
        "api-sandbox.circle.com",
    ),
    "plain http": (
        lambda: {"token": CircleTokens(circle(base_url="http://127.0.0.1:8080")), "programme": USDC},
        "circle is asked over plain http",
    ),
    "a gateway's staging": (
        lambda: {"rails": gateway("staging", "https://staging.example")},
        "in its environment staging",
    ),
    "a gateway over http": (
        lambda: {"rails": gateway(base_url="http://localhost:9")},
        "is asked over plain http",
    ),
    "a test chain": (lambda: {"token": tempo(TESTNET)}, "test chain 42431"),
    "a local chain": (lambda: {"token": tempo(LOCAL)}, "test chain 31337"),
    "a node over http": (lambda: {"token": tempo(url="http://127.0.0.1:8545")}, "tempo is asked over plain"),
    "slots in memory": (lambda: {"token": tempo(slots=MemorySlots())}, "slots are kept in memory"),
    "a clock that stands": (lambda: {"clock": FrozenClock()}, "the clock stands still"),
    "made-up code keys": (lambda: {"qr_secret": None}, "qr_secret is made at random"),
}


@pytest.mark.parametrize("what", BAD)
def test_each_thing_that_is_not_is_refused_by_name(store: str, what: str) -> None:
    options, words = BAD[what]

    with pytest.raises(ConfigurationError, match="not for production") as refusal:
        made(store, **options())

    assert words in refusal.value.message


@pytest.mark.parametrize("what", BAD)
def test_the_same_is_taken_elsewhere(store: str, what: str) -> None:
    options: dict[str, Any] = {"rails": gateway(), "token": tempo(), "programme": TEMPO, "qr_secret": SECRET}

    InvoicePay(store, **options | BAD[what][0]()).close()


def test_a_store_in_memory_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the store is in memory"):
        made("memory://")
    with pytest.raises(ConfigurationError, match="the store is in memory"):
        made("memory://", repository=MemoryRepository(SystemIds().new))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        InvoicePay(environment="production")

    faults = refusal.value.details["faults"]
    assert isinstance(faults, list)
    assert len(faults) == 4


def test_no_secret_is_told(store: str) -> None:
    bad = {"token": CircleTokens(circle("TEST", "BASE-SEPOLIA")), "programme": USDC}
    with pytest.raises(ConfigurationError) as refusal:
        made(store, **bad)

    assert text_canary("circle") not in repr(refusal.value.to_problem())


def test_settings_and_the_environment_say_so_too() -> None:
    with pytest.raises(ConfigurationError, match="the store is in memory"):
        InvoicePay.from_settings(Settings(environment="production"))
    with pytest.raises(ConfigurationError, match="the store is in memory"):
        InvoicePay.from_env({"INVOICEPAY_STORE": "memory://", "INVOICEPAY_ENVIRONMENT": "production"})
    with pytest.raises(ConfigurationError, match="environment is one of"):
        Settings(environment="prod")


def test_the_operators_own_account_knows_it_as_well() -> None:
    test = MintConfig(api_key=SecretStr(f"TEST_API_KEY:an-id:{text_canary('mint')}"))
    sandbox = MintConfig(
        api_key=SecretStr(f"SAND_API_KEY:a:{text_canary('mint')}"), base_url=MINT_SANDBOX_URL
    )

    assert production_faults(CircleTreasury(test)) == ("circle-mint has a test key",)
    assert production_faults(CircleTreasury(sandbox)) == ("circle-mint is asked at api-sandbox.circle.com",)


def test_certificates_that_nobody_checks_are_told() -> None:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname = False
    nobody = ssl.create_default_context()
    nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE

    for tls in (unchecked, nobody):
        assert production_faults(Sender("acme", "https://acme.example", tls=tls)) == (
            "acme's certificate is not checked",
        )
    assert production_faults(Sender("acme", "https://acme.example", tls=ssl.create_default_context())) == ()
