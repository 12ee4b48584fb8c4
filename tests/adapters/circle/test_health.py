"""Health tells what would stop money at Circle, in words for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from invoicepay.adapters.circle import CircleTokens, CircleTreasury, set_up_mint
from invoicepay.domain.money import Money
from invoicepay.ports.health import Health
from tests.adapters.circle.stage import ASSET, CHAIN, QUICK, Stage, staged
from tests.adapters.circle.vault import mint_config


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def of_tokens(stage: Stage, **marks: object) -> Health:
    asset = replace(stage.config.assets[0], **marks)  # type: ignore[arg-type] # marks of CircleAsset
    own = CircleTokens(replace(stage.config, assets=(asset,)), limits=QUICK)
    stage.others.append(own)
    return stage.run(own.health())


def failed(health: Health) -> dict[str, str]:
    return {check.name: check.detail for check in health.failed}


def test_a_treasury_that_can_pay_is_well(stage: Stage) -> None:
    stage.circle.fund(CHAIN, stage.made.treasury_address, native=10**17)

    health = of_tokens(stage, low_float=Money("1000.00", ASSET), low_gas="0.1")

    assert health.is_ok
    assert [check.name for check in health.checks] == [
        "access",
        "treasury USD.usdc",
        "float USD.usdc",
        "gas USD.usdc",
    ]


def test_a_low_float_and_low_gas_are_told_with_what_is_left(stage: Stage) -> None:
    health = of_tokens(stage, low_float=Money("1000.01", ASSET), low_gas="0.1")

    assert failed(health) == {
        "float USD.usdc": "1,000.00 USD.usdc left".replace(",", ""),
        "gas USD.usdc": "0 left",
    }


def test_a_frozen_treasury_is_told(stage: Stage) -> None:
    stage.circle.freeze(stage.made.treasury_wallet_id)

    assert failed(of_tokens(stage)) == {"treasury USD.usdc": "FROZEN"}


def test_a_treasury_that_does_not_exist_is_told(stage: Stage) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"

    assert set(failed(of_tokens(stage, treasury_wallet_id=nowhere))) == {
        "treasury USD.usdc",
        "float USD.usdc",
    }


def test_a_key_that_is_refused_is_told_and_not_shown(stage: Stage) -> None:
    wrong = replace(stage.config, api_key=SecretStr("TEST_API_KEY:an-id:a-canary"))
    own = CircleTokens(wrong, limits=QUICK)
    stage.others.append(own)

    health = stage.run(own.health())

    assert "access" in failed(health)
    assert "canary" not in repr(health)


def test_a_service_that_does_not_answer_is_told(stage: Stage) -> None:
    stage.server.close()

    assert len(failed(of_tokens(stage))) == 3


def test_the_treasury_tells_what_an_operator_has_still_to_do(stage: Stage) -> None:
    bare = mint_config(stage)
    made = stage.run(set_up_mint(bare, treasury_address=stage.made.treasury_address, chain="BASE"))
    config = replace(bare, recipient_id=made.recipient_id, bank_id=stage.circle.link_bank())
    own = CircleTreasury(config, stage.tokens, limits=QUICK)

    before = stage.run(own.health())
    stage.circle.approve_recipient(made.recipient_id)
    stage.circle.finish()
    stage.circle.subscribe(1, "https://host.example/hooks")
    after = stage.run(own.health())
    stage.run(own.aclose())

    assert failed(before) == {
        "recipient": "not approved yet",
        "bank": "pending",
        "notifications": "no confirmed subscription",
    }
    assert after.is_ok
