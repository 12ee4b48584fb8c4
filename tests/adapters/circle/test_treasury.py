"""The operator's float: wires in, funding, sweeping, paying out, and what comes back after it."""

from __future__ import annotations

import re
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.circle import CircleTreasury, MintSetup, find_token_id, set_up, set_up_mint
from invoicepay.domain.money import Money
from invoicepay.errors import (
    ConfigurationError,
    IdempotencyConflict,
    ProviderRejected,
    ProviderUnavailable,
)
from invoicepay.ports.treasury import TreasuryKind, TreasuryMovement, TreasuryOrder, TreasuryStatus
from invoicepay.testing.contracts import Contract
from invoicepay.testing.hosts import BlockingHost, Host
from tests.adapters.circle.stage import ASSET, CHAIN, HOOKS, QUICK, TRANSFER, Stage, staged
from tests.adapters.circle.vault import Vault, mint_config, vaulted

PAYOUTS, TRANSFERS = "POST /v1/businessAccount/payouts", "POST /v1/businessAccount/transfers"
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def vault(host: Host) -> Iterator[Vault]:
    with vaulted(host) as vault:
        yield vault


class TestTreasury(Contract):
    """Every test runs in a blocking and in an awaiting host."""

    def test_a_sweep_leaves_the_wallet_and_arrives_in_the_account(self, vault: Vault) -> None:
        before = vault.stage.run(vault.treasury.position())
        swept = vault.stage.run(vault.treasury.sweep(vault.order(), idempotency_key="k"))

        vault.stage.circle.finish()

        seen = vault.find(swept)
        (arrival,) = vault.stage.run(vault.treasury.movements(TreasuryKind.ARRIVAL, since=SINCE))
        after = vault.stage.run(vault.treasury.position())
        assert (seen.status, arrival.status) == (TreasuryStatus.FINAL, TreasuryStatus.FINAL)
        assert seen.transaction_hash == arrival.transaction_hash != ""
        assert after.available - before.available == before.wallet - after.wallet == Money("250.00", ASSET)
        assert after.total == before.total
        assert vault.stage.run(vault.treasury.find(TreasuryKind.FUND, arrival.provider_ref)) is None

    def test_a_payout_that_is_complete_may_come_back(self, vault: Vault) -> None:
        paid = vault.pay_out()
        vault.stage.circle.finish()
        complete = vault.find(paid)
        assert (complete.status, complete.is_watched) == (TreasuryStatus.FINAL, True)
        assert complete.bank_reference

        vault.stage.circle.return_payout(paid.provider_ref, "R03", fee=15_000_000)

        back = vault.find(paid)
        assert (back.status, back.reason) == (TreasuryStatus.RETURNED, "R03")
        assert (back.returned, back.return_fee) == (Money("235.00", ASSET), Money("15.00", ASSET))
        assert not back.is_watched

    def test_a_wire_that_arrived_is_a_deposit(self, vault: Vault) -> None:
        id = vault.stage.circle.wire_in(vault.config.bank_id, 5_000_000_000)
        unsettled = vault.stage.run(vault.treasury.position()).unsettled
        vault.stage.circle.finish()

        (deposit,) = vault.stage.run(vault.treasury.movements(TreasuryKind.DEPOSIT, since=SINCE))

        assert unsettled == Money("5000.00", ASSET)
        assert (deposit.provider_ref, deposit.status) == (id, TreasuryStatus.FINAL)
        assert (deposit.counterpart, deposit.amount) == (vault.config.bank_id, Money("5000.00", ASSET))

    def test_notifications_tell_what_asking_tells(self, vault: Vault) -> None:
        circle = vault.stage.circle
        circle.subscribe(1, HOOKS)
        own = vault.treasury
        circle.deliveries()
        paid = vault.pay_out()
        circle.finish()
        circle.return_payout(paid.provider_ref)

        told = list[TreasuryMovement]()
        for delivery in circle.deliveries():
            now = circle.now()
            vault.stage.run(own.prepare_webhook(delivery.body, delivery.headers, received_at=now))
            told += [e.movement for e in own.parse_webhook(delivery.body, delivery.headers, received_at=now)]

        assert list(dict.fromkeys(each.status for each in told)) == [  # several topics may tell one fact
            TreasuryStatus.PENDING,
            TreasuryStatus.FINAL,
            TreasuryStatus.RETURNED,
        ]
        assert told[-1] == vault.find(paid)


@pytest.fixture
def host() -> Host:
    return BlockingHost()


def test_one_key_moves_money_once(vault: Vault) -> None:
    first, again = vault.fund(), vault.fund()
    other = vault.again()
    third = vault.stage.run(other.fund(vault.order(), idempotency_key="k"))
    vault.stage.run(other.aclose())

    assert first.provider_ref == again.provider_ref == third.provider_ref
    assert len(vault.stage.circle.world.transfers) == 1


def test_a_key_of_another_amount_is_refused_here_and_by_mint(vault: Vault) -> None:
    vault.pay_out("10.00")
    with pytest.raises(IdempotencyConflict):
        vault.pay_out("11.00")
    assert vault.stage.asked(PAYOUTS) == 1

    other = vault.again()
    with pytest.raises(IdempotencyConflict) as refused:
        vault.stage.run(other.pay_out(vault.order("11.00"), idempotency_key="k"))
    vault.stage.run(other.aclose())
    assert refused.value.details["code"] == 1083


@pytest.mark.parametrize(
    ("call", "on", "word", "other"),
    [
        ("fund", TRANSFERS, rb"250\.00", b"251.00"),
        ("fund", TRANSFERS, rb'"source":\s*\{"type":\s*"wallet"', b'"source":{"type":"blockchain"'),
        ("pay_out", PAYOUTS, rb"250\.00", b"251.00"),
        ("pay_out", PAYOUTS, rb'"type":\s*"wire",\s*"id":\s*"', b'"type":"wire","id":"0'),
    ],
)
def test_an_answer_about_another_order_needs_a_person(
    vault: Vault, call: str, on: str, word: bytes, other: bytes
) -> None:
    vault.stage.faults.change(lambda body: re.sub(word, other, body), on=on)

    told = getattr(vault, call)()

    assert told.status is TreasuryStatus.NEEDS_REVIEW


def test_an_amount_in_another_currency_needs_a_person(vault: Vault) -> None:
    vault.stage.faults.change(lambda body: body.replace(b'"USD"', b'"EUR"'), on=PAYOUTS)

    assert vault.pay_out().status is TreasuryStatus.NEEDS_REVIEW


@pytest.mark.parametrize("amount", ["0.001", "1.000001"])
def test_parts_of_a_cent_are_refused_and_never_rounded(vault: Vault, amount: str) -> None:
    with pytest.raises(ProviderRejected, match="whole cents"):
        vault.pay_out(amount)
    with pytest.raises(ProviderRejected, match="whole cents"):
        vault.fund(amount)
    with pytest.raises(ProviderRejected, match="whole cents"):
        vault.stage.run(vault.treasury.sweep(vault.order(amount), idempotency_key="k"))

    assert sum(map(vault.stage.asked, (PAYOUTS, TRANSFERS, TRANSFER))) == 0


@pytest.mark.parametrize("call", ["fund", "sweep", "pay_out"])
@pytest.mark.parametrize("amount", [Money("1.00", "EUR.eurc"), Money.zero(ASSET)])
def test_another_asset_and_nothing_at_all_are_refused(vault: Vault, call: str, amount: Money) -> None:
    order = TreasuryOrder(reference="r", amount=amount)

    with pytest.raises(ProviderRejected):
        vault.stage.run(getattr(vault.treasury, call)(order, idempotency_key="k"))

    assert sum(map(vault.stage.asked, (PAYOUTS, TRANSFERS, TRANSFER))) == 0


@pytest.mark.parametrize("call", ["fund", "pay_out"])
def test_an_account_with_too_little_waits_for_a_top_up(vault: Vault, call: str) -> None:
    with pytest.raises(ProviderUnavailable) as refused:
        getattr(vault, call)("5000.00")

    assert refused.value.details["cause"] == "funds"


def test_a_payout_over_the_limit_waits_for_the_next_window(vault: Vault) -> None:
    vault.stage.circle.knobs.payout_limit = 100_000_000

    with pytest.raises(ProviderUnavailable) as refused:
        vault.pay_out()

    assert refused.value.details["cause"] == "limit"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("transfer_denied", TreasuryStatus.DENIED),
        ("blockchain_error", TreasuryStatus.FAILED),
        ("transfer_failed", TreasuryStatus.FAILED),
    ],
)
def test_a_funding_that_fails_says_why(vault: Vault, reason: str, status: TreasuryStatus) -> None:
    vault.stage.circle.fail_next_at_mint("transfer", reason)
    moved = vault.fund()
    vault.stage.circle.finish()

    found = vault.find(moved)

    assert (found.status, reason in found.reason) == (status, True)
    assert not found.is_watched


def test_a_payout_that_the_bank_refuses_says_why(vault: Vault) -> None:
    vault.stage.circle.fail_next_at_mint("payout", "invalid_wire_rtn")
    paid = vault.pay_out()
    vault.stage.circle.finish()

    found = vault.find(paid)

    assert (found.status, found.reason) == (TreasuryStatus.FAILED, "invalid_wire_rtn")


def test_a_denied_wire_is_told_as_denied(vault: Vault) -> None:
    vault.stage.circle.fail_next_at_mint("deposit", "3100")
    vault.stage.circle.wire_in(vault.config.bank_id, 1_000_000)
    vault.stage.circle.finish()

    (deposit,) = vault.stage.run(vault.treasury.movements(TreasuryKind.DEPOSIT, since=SINCE))

    assert (deposit.status, deposit.reason) == (TreasuryStatus.DENIED, "risk denied 3100")


@pytest.mark.parametrize("is_dated", [True, False])
def test_older_and_newer_words_are_read_alike(vault: Vault, is_dated: bool) -> None:
    vault.stage.circle.knobs.is_dated = is_dated
    vault.stage.circle.wire_in(vault.config.bank_id, 1_000_000)

    (deposit,) = vault.stage.run(vault.treasury.movements(TreasuryKind.DEPOSIT, since=SINCE))

    assert (deposit.counterpart, deposit.fee) == (vault.config.bank_id, Money.zero(ASSET))


def test_a_word_that_is_new_needs_a_person(vault: Vault) -> None:
    paid = vault.pay_out()
    vault.stage.circle.knobs.words = {"pending": "hibernating"}

    found = vault.find(paid)

    assert (found.status, found.provider_status) == (TreasuryStatus.NEEDS_REVIEW, "hibernating")


def test_movements_of_a_time_are_all_of_that_time(vault: Vault) -> None:
    for number in range(60):
        vault.pay_out("1.00", key=f"k{number}")
    start = vault.stage.circle.now()

    all_of_it = vault.stage.run(vault.treasury.movements(TreasuryKind.PAYOUT, since=SINCE))
    later = vault.stage.run(
        vault.treasury.movements(TreasuryKind.PAYOUT, since=start + timedelta(minutes=1), until=None)
    )

    assert len({each.provider_ref for each in all_of_it}) == 60
    assert later == ()


def test_sweeps_are_listed_from_the_wallets_side(vault: Vault) -> None:
    vault.stage.run(vault.stage.tokens.mint(vault.stage.order("mint"), idempotency_key="m"))
    vault.stage.run(vault.treasury.sweep(vault.order(), idempotency_key="k"))

    (swept,) = vault.stage.run(vault.treasury.movements(TreasuryKind.SWEEP, since=SINCE))

    assert (swept.reference, swept.amount) == ("batch-7", Money("250.00", ASSET))


def test_what_does_not_exist_is_not_found(vault: Vault) -> None:
    paid = vault.pay_out()
    other = "00000000-0000-4000-8000-000000000000"

    for kind in TreasuryKind:
        assert vault.stage.run(vault.treasury.find(kind, other)) is None
    assert vault.stage.run(vault.treasury.find(TreasuryKind.DEPOSIT, paid.provider_ref)) is None
    assert vault.stage.run(vault.treasury.find(TreasuryKind.PAYOUT, "../balances")) is None


@pytest.mark.parametrize(
    ("call", "name"), [("fund", "recipient_id"), ("sweep", "deposit_address"), ("pay_out", "bank_id")]
)
def test_an_order_names_what_the_configuration_lacks(vault: Vault, call: str, name: str) -> None:
    bare = vault.again(**{name: ""})

    with pytest.raises(ConfigurationError, match=name):
        vault.stage.run(getattr(bare, call)(vault.order(), idempotency_key="k"))


def test_setting_up_twice_makes_nothing_twice(host: Host) -> None:
    with staged(host) as stage:
        circle, url = stage.circle, stage.server.url
        secret = SecretStr(str(circle.keys.entity_secret))

        def once() -> object:
            key = SecretStr(circle.keys.wallets)
            return stage.run(set_up(key, secret, name="acme", blockchain=CHAIN, base_url=url))

        before = len(circle.world.wallets)
        assert once() == once()
        assert len(circle.world.wallets) == before + 1


def test_a_token_id_is_read_from_a_wallet_that_holds_the_token(host: Host) -> None:
    with staged(host) as stage:
        usdc = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"

        assert stage.run(token_id(stage, usdc.lower())) == stage.config.assets[0].token_id
        with pytest.raises(ConfigurationError, match="send it some"):
            stage.run(token_id(stage, "0x" + "ab" * 20))


def token_id(stage: Stage, address: str) -> Coroutine[Any, Any, str]:
    return find_token_id(
        stage.config.api_key,
        stage.config.entity_secret,
        wallet_id=stage.made.treasury_wallet_id,
        token_address=address,
        base_url=stage.server.url,
    )


def test_a_recipient_waits_for_an_administrator(host: Host) -> None:
    with staged(host) as stage:
        bare, address = mint_config(stage), stage.made.treasury_address

        def once() -> MintSetup:
            return stage.run(set_up_mint(bare, treasury_address=address, chain="BASE"))

        made = once()
        assert not made.is_approved
        config = replace(bare, recipient_id=made.recipient_id)
        own = CircleTreasury(config, stage.tokens, limits=QUICK)
        order = TreasuryOrder(reference="r", amount=Money("1.00", ASSET))
        with pytest.raises(ProviderUnavailable) as refused:
            stage.run(own.fund(order, idempotency_key="k"))
        assert refused.value.details["cause"] == "recipient_not_ready"

        stage.circle.approve_recipient(made.recipient_id)
        stage.circle.fund_mint(5_000_000)

        assert stage.run(own.fund(order, idempotency_key="k")).status is TreasuryStatus.PENDING
        assert once().recipient_id == made.recipient_id
        stage.run(own.aclose())
