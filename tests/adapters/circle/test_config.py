"""A configuration that cannot work is refused where it is written, and shows no secret."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.circle import CircleAsset, CircleConfig, CircleTokens, CircleTreasury, MintConfig
from invoicepay.domain.money import Money
from invoicepay.errors import ConfigurationError, UnknownAsset

WALLET = "11111111-2222-4333-8444-555555555555"
USDC = CircleAsset(asset="USD.usdc", blockchain="BASE-SEPOLIA", treasury_wallet_id=WALLET)
CONFIG = CircleConfig(
    api_key=SecretStr("TEST_API_KEY:an-id:a-canary"),
    entity_secret=SecretStr("c0" * 32),
    wallet_set_id=WALLET,
    assets=(USDC,),
)
MINT = MintConfig(api_key=SecretStr("SAND_API_KEY:an-id:a-canary"))


def test_published_token_ids_are_known() -> None:
    assert USDC.token_id == "bdf128b4-827b-5267-8f9e-243694989b5f"
    assert CONFIG.asset_of_token(USDC.token_id) is USDC
    assert CONFIG.asset("EUR.eurc") is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: replace(CONFIG, api_key="TEST_API_KEY:a:b"),  # type: ignore[arg-type] # the mistake
        lambda: replace(CONFIG, api_key=SecretStr("")),
        lambda: replace(CONFIG, api_key=SecretStr("a-canary")),
        lambda: replace(CONFIG, api_key=SecretStr("TEST_API_KEY:a:b\r\nX: y")),
        lambda: replace(CONFIG, api_key=SecretStr("LIVE_API_KEY:an-id:a-canary")),
        lambda: replace(CONFIG, entity_secret=SecretStr("c0" * 31)),
        lambda: replace(CONFIG, entity_secret=SecretStr("zz" * 32)),
        lambda: replace(CONFIG, wallet_set_id="../x"),
        lambda: replace(CONFIG, assets=()),
        lambda: replace(CONFIG, assets=(USDC, USDC)),
        lambda: replace(CONFIG, account_type="MPC"),
        lambda: replace(CONFIG, fee_level="FAST"),
        lambda: replace(USDC, treasury_wallet_id="treasury"),
        lambda: replace(USDC, blockchain="OP-SEPOLIA", token_id=""),
        lambda: replace(USDC, asset="EUR.eurc", token_id=""),
        lambda: replace(USDC, low_gas="much"),
        lambda: replace(USDC, low_float=Money("5.00", "EUR.eurc")),
        lambda: replace(MINT, topics=("arn:aws:sqs:us-west-2:1:x",)),
        lambda: replace(MINT, bank_kind="pigeon"),
        lambda: replace(MINT, recipient_id="../payouts"),
    ],
)
def test_what_cannot_work_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        wrong()

    assert "canary" not in str(refused.value)


def test_an_asset_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownAsset):
        replace(USDC, asset="usdc")


@pytest.mark.parametrize("shown", [CONFIG, MINT, CircleTokens(CONFIG), CircleTreasury(MINT)])
def test_no_secret_is_shown(shown: object) -> None:
    assert "canary" not in repr(shown)
    assert "c0c0" not in repr(shown)


def test_amounts_of_a_live_chain_need_a_live_key() -> None:
    live = CircleAsset(asset="USD.usdc", blockchain="BASE", treasury_wallet_id=WALLET)

    assert not replace(CONFIG, api_key=SecretStr("LIVE_API_KEY:an-id:a-canary"), assets=(live,)).is_test
    with pytest.raises(ConfigurationError, match="test api_key does not go with BASE"):
        replace(CONFIG, assets=(live,))


def test_without_the_extra_the_first_call_names_it() -> None:
    without = """
import sys
sys.modules["cryptography"] = None
from invoicepay.adapters.circle import CircleTokens  # imports without it
from invoicepay.adapters.circle.entity_secret import entity_key
from invoicepay.errors import MissingExtra
try:
    entity_key("")
except MissingExtra as error:
    print(error.details["extra"])
"""
    printed = subprocess.run([sys.executable, "-c", without], check=True, capture_output=True, text=True)

    assert printed.stdout == "circle\n"
