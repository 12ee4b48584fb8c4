"""The promises of `Treasury`, as tests that any adapter runs by subclassing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from invoicepay.domain.money import Money
from invoicepay.errors import (
    IdempotencyConflict,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.treasury import (
    Treasury,
    TreasuryEvent,
    TreasuryKind,
    TreasuryMovement,
    TreasuryOrder,
    TreasuryStatus,
)
from invoicepay.ports.webhooks import PreparesWebhooks
from invoicepay.testing.contracts import Contract, FarSide, Webhook, is_recent, mutated
from invoicepay.testing.hosts import Host

WORK = ("fund", "sweep", "pay_out")
KINDS = {"fund": TreasuryKind.FUND, "sweep": TreasuryKind.SWEEP, "pay_out": TreasuryKind.PAYOUT}
MOVES = {"fund": (-1, 1), "sweep": (1, -1), "pay_out": (-1, 0)}
"""What an order does to the account and to the wallet."""


class TreasurySide(FarSide, Protocol):
    """What a provider of accounts does besides answering."""

    def finalize(self) -> None:
        """Bring everything under way to its end."""
        ...

    def return_payout(self, provider_ref: str) -> None:
        """Have the bank send a final payout back."""
        ...


@dataclass(frozen=True, slots=True)
class TreasuryBench:
    """An adapter under test and its far side.

    Attributes:
        amount: what is moved; account and wallet have at least ten times as much when the test begins.
    """

    treasury: Treasury
    far_side: TreasurySide
    amount: Money

    @property
    def order(self) -> TreasuryOrder:
        """The order of every test."""
        return TreasuryOrder(reference="batch-1", amount=self.amount)


class TreasuryContract(Contract):
    """Checks a `Treasury`; every test runs in both kinds of host.

    Examples:
        class TestAcmeTreasury(TreasuryContract):
            def make_bench(self, host: Host) -> TreasuryBench:
                acme = AcmeSimulator()
                return TreasuryBench(AcmeTreasury(acme.url), acme, Money.of("1.00 USD"))
    """

    def make_bench(self, host: Host) -> TreasuryBench:
        """A fresh adapter and far side, for one test."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, host: Host) -> TreasuryBench:
        """A fresh adapter and far side."""
        return self.make_bench(host)

    def test_it_has_a_name(self, bench: TreasuryBench) -> None:
        assert bench.treasury.name
        assert bench.treasury.name.isascii()

    @pytest.mark.parametrize("work", WORK)
    def test_an_order_is_answered_in_our_words(self, host: Host, bench: TreasuryBench, work: str) -> None:
        before = bench.far_side.movements()

        moved = _start(host, bench, work)

        _check(moved, bench, work)
        assert moved.reference == bench.order.reference
        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_account_and_wallet_change_once_it_is_final(
        self, host: Host, bench: TreasuryBench, work: str
    ) -> None:
        before = host.run(bench.treasury.position())

        moved = _start(host, bench, work)
        bench.far_side.finalize()

        found = host.run(bench.treasury.find(moved.kind, moved.provider_ref))
        after = host.run(bench.treasury.position())
        growth = ((after.available - before.available).micros, (after.wallet - before.wallet).micros)
        assert found is not None
        assert found.status is TreasuryStatus.FINAL
        assert growth == tuple(sign * bench.amount.micros for sign in MOVES[work])

    @pytest.mark.parametrize("work", WORK)
    def test_one_key_moves_money_once_and_answers_alike(
        self, host: Host, bench: TreasuryBench, work: str
    ) -> None:
        before = bench.far_side.movements()
        first = _start(host, bench, work)

        again = _start(host, bench, work)

        assert again.provider_ref == first.provider_ref
        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_a_key_of_another_order_is_refused(self, host: Host, bench: TreasuryBench, work: str) -> None:
        before = bench.far_side.movements()
        _start(host, bench, work)
        other = replace(bench.order, amount=bench.amount + bench.amount)

        with pytest.raises(IdempotencyConflict):
            _start(host, bench, work, other)

        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_a_lost_answer_is_unknown_and_found_out_by_the_same_key(
        self, host: Host, bench: TreasuryBench, work: str
    ) -> None:
        before = bench.far_side.movements()
        bench.far_side.lose_next_answer()
        with pytest.raises(ProviderUnknown):
            _start(host, bench, work)

        _check(_start(host, bench, work), bench, work)

        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_what_never_left_is_told_as_unavailable(
        self, host: Host, bench: TreasuryBench, work: str
    ) -> None:
        before = bench.far_side.movements()
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            _start(host, bench, work)

        assert bench.far_side.movements() == before

    def test_a_question_that_is_not_answered_is_told_as_unavailable(
        self, host: Host, bench: TreasuryBench
    ) -> None:
        since = bench.far_side.now() - timedelta(days=1)
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            host.run(bench.treasury.position())
        with pytest.raises(ProviderUnavailable):
            host.run(bench.treasury.find(TreasuryKind.PAYOUT, "ref-1"))
        with pytest.raises(ProviderUnavailable):
            host.run(bench.treasury.movements(TreasuryKind.PAYOUT, since=since))

    @pytest.mark.parametrize("work", WORK)
    def test_a_refusal_for_good_moves_nothing(self, host: Host, bench: TreasuryBench, work: str) -> None:
        before = bench.far_side.movements()
        bench.far_side.reject_next()

        with pytest.raises(ProviderRejected):
            _start(host, bench, work)

        assert bench.far_side.movements() == before

    @pytest.mark.parametrize("work", WORK)
    def test_what_was_ordered_is_listed_in_its_time(
        self, host: Host, bench: TreasuryBench, work: str
    ) -> None:
        moved, now = _start(host, bench, work), bench.far_side.now()

        listed = host.run(bench.treasury.movements(moved.kind, since=now - timedelta(hours=1)))
        later = host.run(bench.treasury.movements(moved.kind, since=now + timedelta(hours=1)))

        assert [each.provider_ref for each in listed] == [moved.provider_ref]
        assert later == ()
        _check(listed[0], bench, work)

    def test_what_does_not_exist_is_not_found(self, host: Host, bench: TreasuryBench) -> None:
        for kind in TreasuryKind:
            assert host.run(bench.treasury.find(kind, "00000000-0000-4000-8000-000000000000")) is None

    def test_a_final_payout_is_watched_until_it_has_come_back(self, host: Host, bench: TreasuryBench) -> None:
        paid = _start(host, bench, "pay_out")
        bench.far_side.finalize()
        final = host.run(bench.treasury.find(paid.kind, paid.provider_ref))

        bench.far_side.return_payout(paid.provider_ref)
        back = host.run(bench.treasury.find(paid.kind, paid.provider_ref))

        assert final is not None
        assert back is not None
        assert (final.status, final.is_watched) == (TreasuryStatus.FINAL, True)
        assert (back.status, back.is_watched) == (TreasuryStatus.RETURNED, False)
        assert back.returned is not None
        assert back.returned <= bench.amount

    def test_a_webhook_is_read_in_our_words(self, host: Host, bench: TreasuryBench) -> None:
        events = [event for webhook in _told(host, bench) for event in _read(bench, webhook)]

        assert any(event.movement.status is TreasuryStatus.FINAL for event in events)
        for event in events:
            assert event.event_id
            assert event.movement.kind is TreasuryKind.PAYOUT
            assert event.movement.amount == bench.amount
            assert is_recent(event.occurred_at, bench.far_side.now())

    def test_a_webhook_read_twice_is_the_same_event(self, host: Host, bench: TreasuryBench) -> None:
        for webhook in _told(host, bench):
            assert _read(bench, webhook) == _read(bench, webhook)

    def test_a_changed_webhook_is_refused_with_the_one_error_or_says_the_same(
        self, host: Host, bench: TreasuryBench
    ) -> None:
        for webhook in _told(host, bench):
            original, refused = _read(bench, webhook), 0
            for changed in mutated(webhook):
                try:
                    assert _read(bench, changed) == original
                except WebhookSignatureInvalid:
                    refused += 1
            assert refused > 30, "what is signed may be values and not bytes, yet most bytes are values"


def _start(
    host: Host, bench: TreasuryBench, work: str, order: TreasuryOrder | None = None
) -> TreasuryMovement:
    calls: dict[str, Callable[..., object]] = {
        "fund": bench.treasury.fund,
        "sweep": bench.treasury.sweep,
        "pay_out": bench.treasury.pay_out,
    }
    coroutine = calls[work](order or bench.order, idempotency_key=f"key-{work}")
    return host.run(coroutine)  # type: ignore[arg-type]


def _told(host: Host, bench: TreasuryBench) -> list[Webhook]:
    """The webhooks of a payout that became final."""
    _start(host, bench, "pay_out")
    bench.far_side.finalize()
    webhooks = bench.far_side.webhooks()
    assert webhooks, "a final payout was not told"
    if isinstance(bench.treasury, PreparesWebhooks):
        for headers, body in webhooks:
            now = bench.far_side.now()
            host.run(bench.treasury.prepare_webhook(body, headers, received_at=now))
    return webhooks


def _read(bench: TreasuryBench, webhook: Webhook) -> tuple[TreasuryEvent, ...]:
    headers, body = webhook
    return bench.treasury.parse_webhook(body, headers, received_at=bench.far_side.now())


def _check(moved: TreasuryMovement, bench: TreasuryBench, work: str) -> None:
    assert isinstance(moved, TreasuryMovement)
    assert (moved.kind, moved.amount) == (KINDS[work], bench.amount)
    assert isinstance(moved.status, TreasuryStatus)
    assert moved.status is not TreasuryStatus.NEEDS_REVIEW
    assert moved.provider_ref
    assert moved.provider_status
    assert is_recent(moved.observed_at, bench.far_side.now())
