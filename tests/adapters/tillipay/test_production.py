"""Production refuses what nobody confirmed and nobody accepted by name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay import run_blocking
from invoicepay.adapters.tillipay import ChannelCredentials, TilliPay, TilliPayProfile
from invoicepay.errors import ConfigurationError

KEYS = ChannelCredentials(
    merchant_id="m-1", api_key=SecretStr("api-key-canary"), secret_key=SecretStr("secret-key-canary")
)
KNOWN, ASSUMED = TilliPayProfile.known(), TilliPayProfile.assumed()
OPEN = {fact.id for fact in KNOWN.unconfirmed()}
HOST = "https://gateway.example"


def wired(profile: TilliPayProfile = KNOWN, **options: Any) -> TilliPay:
    given: dict[str, Any] = {"environment": "production", "base_url": HOST, **options}
    return TilliPay(profile, given.pop("credentials", {"ica": KEYS}), **given)


def test_production_lists_every_unconfirmed_fact_by_name() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        wired()

    unconfirmed: Any = refusal.value.details["unconfirmed"]
    assert set(unconfirmed) == OPEN
    assert all(id in refusal.value.message for id in OPEN)
    assert unconfirmed["payment.accepted"] == "Success on a payment call means accepted, not settled."


def test_accepting_all_but_one_still_refuses_and_names_the_one() -> None:
    with pytest.raises(ConfigurationError, match=r"nor accepted: idempotency\s"):
        wired(accept_assumptions=OPEN - {"idempotency"})


def test_accepting_each_by_name_opens_production_and_confirming_does_as_well() -> None:
    confirmed = KNOWN.amended(
        {
            "facts": [
                {**fact.model_dump(mode="json"), "grade": "D", "source": "the guide, page 7"}
                for fact in KNOWN.unconfirmed()
            ]
        }
    )

    for rails in (wired(accept_assumptions=OPEN), wired(confirmed)):
        assert rails.capabilities().deposit_rails == {"bank_debit"}


@pytest.mark.parametrize("accepted", [{"everything"}, OPEN | {"card.request"}, "idempotency", {"*"}])
def test_only_assumptions_are_accepted_and_only_by_name(accepted: Any) -> None:
    with pytest.raises(ConfigurationError, match="no assumption of the profile"):
        wired(accept_assumptions=accepted)


def test_production_has_no_default_host() -> None:
    with pytest.raises(ConfigurationError, match="no base URL for production"):
        wired(accept_assumptions=OPEN, base_url=None)


def test_an_environment_that_nobody_named_is_refused_so_that_a_misspelt_production_is_none() -> None:
    for environment in ("prod", "Production", "live", ""):
        with pytest.raises(ConfigurationError, match="no base URL"):
            wired(environment=environment)


def test_the_production_host_is_not_reached_under_another_name() -> None:
    hosts = next(fact for fact in KNOWN.facts if fact.id == "hosts")
    profile = KNOWN.amended(
        {"base_urls": {"production": f"{HOST}/v1"}, "facts": [hosts.model_dump(mode="json")]}
    )

    assert wired(profile, accept_assumptions=OPEN, base_url=None).name == "tillipay"
    with pytest.raises(ConfigurationError, match="the host of staging is the one of production"):
        wired(profile, environment="staging", base_url="https://GATEWAY.example/other")


def test_a_host_that_nothing_tells_of_settlement_is_not_well() -> None:
    health = run_blocking(wired(environment="staging", base_url="http://127.0.0.1:9").health())

    assert {check.name: check.detail for check in health.failed}["news"] == "nothing tells of settlement"


def test_staging_needs_no_acceptance_and_knows_its_host() -> None:
    assert wired(environment="staging", base_url=None).name == "tillipay"


def test_withdrawals_are_unsupported_unless_a_profile_describes_them() -> None:
    known = wired(environment="staging").capabilities()
    assumed = wired(ASSUMED, environment="staging").capabilities()

    assert (set(known.withdrawal_rails), set(assumed.withdrawal_rails)) == (set(), {"bank_debit"})
    with pytest.raises(ConfigurationError, match="payout"):
        wired(ASSUMED, accept_assumptions=OPEN & {f.id for f in ASSUMED.unconfirmed()})


def test_abilities_follow_the_operations_and_the_credentials() -> None:
    known = wired(environment="staging", credentials=dict.fromkeys(KNOWN.channels, KEYS)).capabilities()
    assumed = wired(ASSUMED, environment="staging").capabilities()
    without_query = wired(
        ASSUMED.amended({"without": ["operations.payout_status"]}), environment="staging"
    ).capabilities()

    assert known.deposit_rails == {"card", "bank_debit", "bank_debit_by_phone"}
    assert (known.deduplicates, known.finds_by_reference) == (False, False)
    assert (assumed.deduplicates, assumed.finds_by_reference, assumed.key_lifetime_seconds) == (
        True,
        True,
        86400,
    )
    assert not without_query.finds_by_reference
    assert not any((known.cancels, known.tells_balance))


@pytest.mark.parametrize("credentials", [{}, {"sepa": KEYS}])
def test_credentials_of_no_channel_are_refused(credentials: Any) -> None:
    with pytest.raises(ConfigurationError, match="by channel: card, ica, cbp"):
        wired(environment="staging", credentials=credentials)


def test_a_gateway_is_reached_by_https() -> None:
    with pytest.raises(ConfigurationError):
        wired(environment="staging", base_url="http://gateway.example")


def test_no_key_is_shown() -> None:
    rails = wired(environment="staging")

    assert "canary" not in f"{rails!r} {vars(rails)!r} {KEYS!r}"
