"""Accounts become tokens; their numbers pass through once and are found nowhere afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.tillipay import (
    AccountKind,
    AccountToken,
    BankDetails,
    CardDetails,
    HolderKind,
    TilliPay,
    TilliPayProfile,
)
from invoicepay.errors import (
    ConfigurationError,
    InvalidIdentifier,
    InvoicePayError,
    ProviderRejected,
    ProviderUnknown,
)
from invoicepay.testing.hosts import Host
from invoicepay.testing.simulators.faults import Faults
from tests.adapters.tillipay.desk import Desk, desk
from tests.security.canaries import told

ROUTING, ACCOUNT, PAN, CVV = "021000021", "000777123456", "4111111111111111", "739"
BANK = BankDetails(routing_number=SecretStr(ROUTING), account_number=SecretStr(ACCOUNT))
CARD = CardDetails(number=SecretStr(PAN), expiry_month="07", expiry_year="31", cvv=SecretStr(CVV))
SAVE = "token/save"


def saved(host: Host, at: Desk, account: BankDetails | CardDetails, **options: Any) -> AccountToken:
    return host.run(at.rails.tokenise(account, party_id="ann", **options))


@pytest.mark.parametrize(("account", "rail", "end"), [(BANK, "bank_debit", "3456"), (CARD, "card", "1111")])
def test_an_account_leaves_a_token_that_takes_payments(
    host: Host, at: Desk, account: BankDetails | CardDetails, rail: str, end: str
) -> None:
    token = saved(host, at, account)
    order = replace(at.order(rail=rail), account_token=token.token)

    host.run(at.rails.initiate_deposit(order, idempotency_key="k"))

    assert (token.rail, token.last_four, at.movements()) == (rail, end, 1)
    assert token.token in at.gateway.accounts()


def test_a_check_by_phone_is_saved_in_its_own_channel(host: Host, at: Desk) -> None:
    token = saved(host, at, BANK, rail="bank_debit_by_phone")
    order = replace(at.order(rail="bank_debit_by_phone"), account_token=token.token)

    host.run(at.rails.initiate_deposit(order, idempotency_key="k"))

    assert [payment.channel for payment in at.gateway.payments()] == ["cbp"]


def test_one_account_has_one_fingerprint_under_every_token_and_another_key_another_one(
    host: Host, at: Desk
) -> None:
    spaced = replace(BANK, account_number=SecretStr("000 777-123456"))
    one, two, card = (saved(host, at, account) for account in (BANK, spaced, CARD))
    with desk(limits=None) as elsewhere:
        elsewhere.rails._fingerprint_key = SecretStr("another key")
        other = saved(host, elsewhere, BANK)
        host.run(elsewhere.rails.aclose())

    assert one.token != two.token
    assert one.fingerprint == two.fingerprint
    assert len({one.fingerprint, card.fingerprint, other.fingerprint}) == 3


def test_a_forgotten_account_takes_no_payments(host: Host, at: Desk) -> None:
    token = saved(host, at, BANK)

    host.run(at.rails.forget(token))

    with pytest.raises(ProviderRejected):
        host.run(
            at.rails.initiate_deposit(replace(at.order(), account_token=token.token), idempotency_key="k")
        )
    with pytest.raises(ProviderUnknown, match="404"):
        host.run(at.rails.forget(token))


@pytest.mark.parametrize(
    ("account", "what"),
    [
        (replace(BANK, routing_number=SecretStr("021000022")), "routing number"),
        (replace(BANK, routing_number=SecretStr("02100002")), "routing number"),
        (replace(BANK, routing_number=SecretStr("٠٢١٠٠٠٠٢١")), "routing number"),
        (replace(BANK, account_number=SecretStr("77")), "account number"),
        (replace(BANK, account_number=SecretStr("DE44500105175407324931")), "account number"),
        (replace(CARD, number=SecretStr("4111111111111112")), "card number"),
        (replace(CARD, cvv=SecretStr("7")), "verification value"),
    ],
)
def test_a_number_that_cannot_be_right_is_refused_unsent(
    host: Host, at: Desk, account: BankDetails | CardDetails, what: str
) -> None:
    with pytest.raises(InvalidIdentifier, match=what):
        saved(host, at, account)

    assert at.gateway.faults.seen == ()


def test_an_account_that_the_profile_cannot_spell_is_refused_unsent(host: Host, at: Desk) -> None:
    with pytest.raises(ConfigurationError, match="company checking"):
        saved(host, at, replace(BANK, holder=HolderKind.COMPANY))
    assert saved(host, at, replace(BANK, kind=AccountKind.SAVINGS)).last_four == "3456"


def test_tokenising_needs_a_key_for_fingerprints_and_a_call_in_the_profile(host: Host, at: Desk) -> None:
    bare: dict[str, Any] = {"environment": "simulator", "base_url": at.gateway.url}
    keyless = TilliPay(at.gateway.profile, at.gateway.credentials, **bare)
    profile = TilliPayProfile.known().amended({"without": ["operations.ach_save"]})
    mute = TilliPay(profile, at.gateway.credentials, **bare, fingerprint_key=SecretStr("a key"))

    with pytest.raises(ConfigurationError, match="fingerprint_key"):
        host.run(keyless.tokenise(BANK, party_id="ann"))
    with pytest.raises(ProviderRejected, match="no save_account over bank_debit"):
        host.run(mute.tokenise(BANK, party_id="ann"))


def test_an_answer_without_a_token_is_unknown(host: Host, at: Desk) -> None:
    at.gateway.faults.change(lambda _: b'{"statusCode": "200"}', on=SAVE)

    with pytest.raises(ProviderUnknown, match="no token"):
        saved(host, at, BANK)


ECHO = json.dumps({"statusCode": "422", "statusDesc": f"no {ACCOUNT} {ROUTING} {PAN} {CVV}"}).encode()
TROUBLE: dict[str, Callable[[Faults], object]] = {
    "refused, repeating the numbers": lambda faults: faults.change(lambda _: ECHO, on=SAVE),
    "no shape, repeating the numbers": lambda faults: faults.change(lambda _: ECHO[20:], on=SAVE),
    "lost": lambda faults: faults.drop_answer(on=SAVE),
    "500": lambda faults: faults.fail_after(500, on=SAVE),
    "nothing": lambda faults: None,
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("account", [BANK, CARD], ids=["bank", "card"])
def test_numbers_keys_and_tokens_stand_in_no_log_error_or_local_of_ours(
    host: Host,
    at: Desk,
    caplog: pytest.LogCaptureFixture,
    trouble: str,
    account: BankDetails | CardDetails,
) -> None:
    order, raised = TROUBLE[trouble], list[InvoicePayError]()
    order(at.gateway.faults)

    with caplog.at_level(logging.DEBUG):
        try:
            token = saved(host, at, account)
            host.run(
                at.rails.initiate_deposit(
                    replace(at.order(rail=token.rail), account_token=token.token), idempotency_key="k"
                )
            )
        except InvoicePayError as error:
            raised.append(error)

    said = "\n".join([*caplog.messages, *(text for error in raised for text in told(error))])
    known = [one for c in at.gateway.credentials.values() for one in (c.api_key, c.secret_key)]
    canaries = {ROUTING, ACCOUNT, PAN, f"'{CVV}'", *(one.get_secret_value() for one in known), "gps-token-"}
    assert caplog.messages
    assert bool(raised) == (trouble != "nothing")
    assert {canary for canary in canaries if canary in said} == set()


def test_the_log_shows_what_helps_and_hides_the_rest(
    host: Host, at: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="invoicepay.tillipay"):
        host.run(at.rails.initiate_deposit(at.order(), idempotency_key="k"))

    (message,) = [record.getMessage() for record in caplog.records if record.name == "invoicepay.tillipay"]
    assert "ach_payment: sent" in message
    assert "'amount': '10.00'" in message
    assert "'clientRequestId': 'eff_1'" in message
    assert "'token': '[redacted]'" in message
    assert "'statusCode': '200'" in message
