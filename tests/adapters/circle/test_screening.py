"""Addresses outside are screened by Circle's rules, and what is no address is not sent there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from invoicepay.adapters.circle import CircleAsset, CircleScreening
from invoicepay.adapters.circle.screening import screened_from
from invoicepay.adapters.http import Answer
from invoicepay.domain.money import Money
from invoicepay.errors import ConfigurationError, ProviderUnavailable
from invoicepay.ports.screening import Screened, Subject, Verdict
from tests.adapters.circle.stage import ASSET, QUICK, SimulatedClock, Stage, staged

SCREENING = "POST /v1/w3s/compliance/screening/addresses"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def screening(stage: Stage) -> Iterator[CircleScreening]:
    own = CircleScreening(stage.config, clock=SimulatedClock(stage.circle), limits=QUICK)
    yield own
    own.close()


def ending(suffix: str) -> str:
    return "0x" + "a" * 36 + suffix


def screen(stage: Stage, screening: CircleScreening, counterparty: str) -> Screened:
    subject = Subject(
        action="transfer", party_id="ann", counterparty_id=counterparty, amount=Money("1.00", ASSET)
    )
    return stage.run(screening.screen(subject))


@pytest.mark.parametrize(
    ("suffix", "verdict"),
    [
        ("1234", Verdict.ALLOW),
        ("9999", Verdict.BLOCK),
        ("8888", Verdict.BLOCK),
        ("7777", Verdict.BLOCK),
        ("8999", Verdict.BLOCK),
        ("8899", Verdict.BLOCK),
        ("8889", Verdict.BLOCK),
        ("7779", Verdict.BLOCK),
        ("7666", Verdict.REVIEW),
        ("7766", Verdict.REVIEW),
    ],
)
@pytest.mark.parametrize("wraps", [True, False])
def test_circles_own_test_addresses_get_their_verdict_with_and_without_envelope(
    stage: Stage, screening: CircleScreening, suffix: str, verdict: Verdict, wraps: bool
) -> None:
    stage.circle.knobs.wraps_screening = wraps

    told = screen(stage, screening, ending(suffix))

    assert told.verdict is verdict
    assert bool(told.reason) is (verdict is not Verdict.ALLOW)


@pytest.mark.parametrize("counterparty", ["", "bob", "0x12", "acct_token_0xabc"])
def test_what_is_no_address_is_never_sent_to_circle(
    stage: Stage, screening: CircleScreening, counterparty: str
) -> None:
    asked = stage.asked(SCREENING)

    told = screen(stage, screening, counterparty)

    assert (told.verdict, stage.asked(SCREENING)) == (Verdict.ALLOW, asked)
    assert told.reason


@pytest.mark.parametrize("spelling", ["0X" + "a" * 36 + "9999", f" {'0x' + 'a' * 36 + '9999'}\n"])
def test_another_spelling_of_an_address_is_screened_too(
    stage: Stage, screening: CircleScreening, spelling: str
) -> None:
    assert screen(stage, screening, spelling).verdict is Verdict.BLOCK


@pytest.mark.parametrize("chain", ["SOL-DEVNET", "APTOS", "XRP", "XETH"])
def test_a_chain_whose_addresses_look_otherwise_needs_their_form(stage: Stage, chain: str) -> None:
    with pytest.raises(ConfigurationError, match=chain):
        CircleScreening(stage.config, chain=chain)

    CircleScreening(stage.config, chain=chain, address=re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")).close()


def test_assets_on_several_chains_need_the_one_to_screen(stage: Stage) -> None:
    (asset,) = stage.config.assets
    other = CircleAsset(
        asset="EUR.eurc",
        blockchain="ETH-SEPOLIA",
        treasury_wallet_id=asset.treasury_wallet_id,
        token_id=asset.token_id,
    )
    config = replace(stage.config, assets=(asset, other))

    with pytest.raises(ConfigurationError, match="several"):
        CircleScreening(config)

    CircleScreening(config, chain="ETH-SEPOLIA").close()


def test_without_an_answer_nothing_starts(stage: Stage, screening: CircleScreening) -> None:
    stage.faults.fail_before(503, on=SCREENING)

    with pytest.raises(ProviderUnavailable):
        screen(stage, screening, ending("1234"))


@pytest.mark.parametrize(
    ("result", "actions", "verdict"),
    [
        ("APPROVED", [], Verdict.ALLOW),
        ("APPROVED", ["APPROVE"], Verdict.ALLOW),
        ("APPROVED", ["REVIEW"], Verdict.REVIEW),
        ("APPROVED", ["FREEZE_WALLET"], Verdict.BLOCK),
        ("APPROVED", ["TELEPORT"], Verdict.REVIEW),
        ("DENIED", ["APPROVE"], Verdict.BLOCK),
        ("MAYBE", ["APPROVE"], Verdict.REVIEW),
    ],
)
def test_only_a_plain_approval_lets_through(result: str, actions: list[str], verdict: Verdict) -> None:
    told = {"data": {"result": result, "decision": {"actions": actions}}}

    assert screened_from(Answer(200, {}, json.dumps(told).encode())).verdict is verdict


def test_an_answer_that_cannot_be_read_is_no_approval() -> None:
    with pytest.raises(ProviderUnavailable):
        screened_from(Answer(200, {}, b'{"data": {"result": "APPROVED"}}'))
