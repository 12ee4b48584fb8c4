"""The promises of `RailsProvider`, as tests that any adapter runs by subclassing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from invoicepay.domain.money import Money
from invoicepay.errors import (
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.rails import (
    Direction,
    RailEvent,
    RailOrder,
    RailsCapabilities,
    RailsProvider,
    RailStatus,
    RailTransfer,
)
from invoicepay.testing.contracts import Contract, FarSide, Webhook, is_recent, mutated
from invoicepay.testing.hosts import Host

SETTLED = (RailStatus.SETTLED, RailStatus.FINAL)


class BankSide(FarSide, Protocol):
    """What a bank does besides answering."""

    def settle(self, reference: str) -> None:
        """Settle the transfer under our reference, in full and without a fee."""
        ...

    def return_(self, reference: str) -> None:
        """Send a settled transfer back with the return code R01."""
        ...


@dataclass(frozen=True, slots=True)
class RailsBench:
    """An adapter under test and its far side.

    Attributes:
        order: a deposit that both sides can carry out.
        payout: a withdrawal that both can, where it takes another rail or account; by default the same order.
    """

    rails: RailsProvider
    far_side: BankSide
    order: RailOrder
    payout: RailOrder | None = None

    def order_of(self, direction: Direction) -> RailOrder:
        """What is ordered that way."""
        return self.order if direction is Direction.DEPOSIT else self.payout or self.order

    def needs(self, direction: Direction) -> None:
        """Skip where the adapter claims no rail that way."""
        can = self.rails.capabilities()
        if not (can.deposit_rails if direction is Direction.DEPOSIT else can.withdrawal_rails):
            pytest.skip(f"the provider claims no {direction}s")


class RailsContract(Contract):
    """Checks a `RailsProvider`; every test runs in both kinds of host.

    Examples:
        class TestAcmeRails(RailsContract):
            def make_bench(self, host: Host) -> RailsBench:
                simulator = AcmeSimulator()
                return RailsBench(AcmeRails(simulator.url), simulator, an_order)
    """

    def make_bench(self, host: Host) -> RailsBench:
        """A fresh adapter and far side, for one test."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, host: Host) -> RailsBench:
        """A fresh adapter and far side."""
        return self.make_bench(host)

    def test_it_has_a_name_and_tells_what_it_can(self, bench: RailsBench) -> None:
        can = bench.rails.capabilities()

        assert bench.rails.name
        assert bench.rails.name.isascii()
        assert isinstance(can, RailsCapabilities)
        assert can.absent_grace_seconds >= 0
        assert can.key_lifetime_seconds >= 0
        assert bench.order.rail in can.deposit_rails
        assert not can.withdrawal_rails or bench.order_of(Direction.WITHDRAWAL).rail in can.withdrawal_rails

    def test_a_direction_without_rails_is_refused(self, host: Host, bench: RailsBench) -> None:
        if bench.rails.capabilities().withdrawal_rails:
            pytest.skip("the provider has both directions")

        with pytest.raises(ProviderRejected):
            _start(host, bench, Direction.WITHDRAWAL)

        assert bench.far_side.movements() == 0

    @pytest.mark.parametrize("direction", list(Direction))
    def test_an_order_is_answered_in_our_words(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        bench.needs(direction)

        transfer = _start(host, bench, direction)

        _check(transfer, bench, direction)
        assert transfer.status in (RailStatus.PENDING, RailStatus.IN_REVIEW, RailStatus.SENT, *SETTLED)
        assert bench.far_side.movements() == 1

    @pytest.mark.parametrize("direction", list(Direction))
    def test_one_key_moves_money_once_and_answers_alike(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        if not bench.rails.capabilities().deduplicates:
            pytest.skip("the provider does not claim to know keys")
        bench.needs(direction)
        first = _start(host, bench, direction)

        again = _start(host, bench, direction)

        assert again.provider_ref == first.provider_ref
        assert bench.far_side.movements() == 1

    def test_two_keys_move_money_twice(self, host: Host, bench: RailsBench) -> None:
        first = _start(host, bench, Direction.DEPOSIT)
        other = replace(bench, order=replace(bench.order, reference=f"{bench.order.reference}b"))

        second = _start(host, other, Direction.DEPOSIT)

        assert second.provider_ref != first.provider_ref
        assert bench.far_side.movements() == 2

    @pytest.mark.parametrize("direction", list(Direction))
    def test_a_lost_answer_is_unknown_and_can_be_looked_up(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        bench.needs(direction)
        bench.far_side.lose_next_answer()

        with pytest.raises(ProviderUnknown):
            _start(host, bench, direction)

        assert bench.far_side.movements() == 1
        if bench.rails.capabilities().finds_by_reference:
            found = host.run(bench.rails.find(bench.order_of(direction).reference))
            assert found is not None
            _check(found, bench, direction)

    @pytest.mark.parametrize("direction", list(Direction))
    def test_the_same_key_after_a_lost_answer_moves_nothing_more(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        if not bench.rails.capabilities().deduplicates:
            pytest.skip("the provider does not claim to know keys")
        bench.needs(direction)
        bench.far_side.lose_next_answer()
        with pytest.raises(ProviderUnknown):
            _start(host, bench, direction)

        _start(host, bench, direction)

        assert bench.far_side.movements() == 1

    @pytest.mark.parametrize("direction", list(Direction))
    def test_what_never_left_is_told_as_unavailable(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        bench.needs(direction)
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            _start(host, bench, direction)

        assert bench.far_side.movements() == 0

    def test_a_question_that_is_not_answered_is_told_as_unavailable(
        self, host: Host, bench: RailsBench
    ) -> None:
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            host.run(bench.rails.find(bench.order.reference))
        if bench.rails.capabilities().tells_balance:
            with pytest.raises(ProviderUnavailable):
                host.run(bench.rails.balance(bench.order.amount.asset))

    @pytest.mark.parametrize("direction", list(Direction))
    def test_a_refusal_for_good_moves_nothing(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        bench.needs(direction)
        bench.far_side.reject_next()

        with pytest.raises(ProviderRejected):
            _start(host, bench, direction)

        assert bench.far_side.movements() == 0

    @pytest.mark.parametrize("direction", list(Direction))
    def test_a_rail_that_it_does_not_have_is_refused(
        self, host: Host, bench: RailsBench, direction: Direction
    ) -> None:
        pigeon = replace(bench.order_of(direction), rail="carrier_pigeon")
        other = replace(bench, order=pigeon, payout=pigeon)

        with pytest.raises(ProviderRejected):
            _start(host, other, direction)

        assert bench.far_side.movements() == 0

    def test_a_reference_that_it_never_saw_is_not_found(self, host: Host, bench: RailsBench) -> None:
        if not bench.rails.capabilities().finds_by_reference:
            pytest.skip("the provider does not claim look-ups")

        assert host.run(bench.rails.find("eff_never_sent")) is None

    def test_a_look_up_tells_settlement_and_return(self, host: Host, bench: RailsBench) -> None:
        if not bench.rails.capabilities().finds_by_reference:
            pytest.skip("the provider does not claim look-ups")
        _start(host, bench, Direction.DEPOSIT)

        bench.far_side.settle(bench.order.reference)
        settled = host.run(bench.rails.find(bench.order.reference))
        bench.far_side.return_(bench.order.reference)
        returned = host.run(bench.rails.find(bench.order.reference))

        assert settled is not None
        assert settled.status in SETTLED
        assert returned is not None
        assert (returned.status, returned.return_code) == (RailStatus.RETURNED, "R01")
        assert returned.provider_ref == settled.provider_ref

    def test_a_transfer_is_cancelled_once_or_not_at_all(self, host: Host, bench: RailsBench) -> None:
        ref = _start(host, bench, Direction.DEPOSIT).provider_ref
        if not bench.rails.capabilities().cancels:
            with pytest.raises(ProviderRejected):
                host.run(bench.rails.cancel(ref, idempotency_key="c1"))
            return

        first = host.run(bench.rails.cancel(ref, idempotency_key="c1"))
        again = host.run(bench.rails.cancel(ref, idempotency_key="c1"))

        assert first.status is again.status is RailStatus.CANCELLED

    def test_what_is_settled_is_no_longer_cancelled(self, host: Host, bench: RailsBench) -> None:
        ref = _start(host, bench, Direction.DEPOSIT).provider_ref
        bench.far_side.settle(bench.order.reference)

        with pytest.raises(ProviderRejected):
            host.run(bench.rails.cancel(ref, idempotency_key="c1"))

    def test_the_balance_follows_settlement(self, host: Host, bench: RailsBench) -> None:
        if not bench.rails.capabilities().tells_balance:
            pytest.skip("the provider does not claim to tell its balance")
        asset = bench.order.amount.asset
        before = host.run(bench.rails.balance(asset))
        _start(host, bench, Direction.DEPOSIT)

        bench.far_side.settle(bench.order.reference)

        assert host.run(bench.rails.balance(asset)) - before == bench.order.amount

    def test_a_webhook_is_read_in_our_words(self, host: Host, bench: RailsBench) -> None:
        webhooks = _told(host, bench)

        read = [_read(bench, webhook) for webhook in webhooks]

        assert read
        for events in read:
            for event in events:
                assert event.event_id
                assert event.transfer.reference in ("", bench.order.reference)
                assert event.transfer.amount == bench.order.amount
                assert is_recent(event.occurred_at, bench.far_side.now())
        assert any(event.transfer.status in SETTLED for events in read for event in events)

    def test_a_webhook_read_twice_has_the_same_event_id(self, host: Host, bench: RailsBench) -> None:
        for webhook in _told(host, bench):
            first, again = (_read(bench, webhook) for _ in range(2))

            assert [event.event_id for event in first] == [event.event_id for event in again]

    def test_header_names_are_read_in_any_case(self, host: Host, bench: RailsBench) -> None:
        for headers, body in _told(host, bench):
            assert _read(bench, ({name.upper(): value for name, value in headers.items()}, body))

    def test_a_changed_webhook_is_refused_with_the_one_error(self, host: Host, bench: RailsBench) -> None:
        for webhook in _told(host, bench):
            for changed in mutated(webhook):
                if changed[1] == webhook[1] or all(e.body_authenticated for e in _read(bench, webhook)):
                    with pytest.raises(WebhookSignatureInvalid):
                        _read(bench, changed)

    def test_a_webhook_from_another_time_is_refused(self, host: Host, bench: RailsBench) -> None:
        if not self.signs_time:
            pytest.skip("the scheme signs no instant; the inbox alone guards against repetition")
        for headers, body in _told(host, bench):
            for apart in (timedelta(minutes=6), -timedelta(minutes=6), timedelta(days=4000)):
                with pytest.raises(WebhookSignatureInvalid):
                    bench.rails.parse_webhook(body, headers, received_at=bench.far_side.now() + apart)


def _start(host: Host, bench: RailsBench, direction: Direction) -> RailTransfer:
    order = bench.order_of(direction)
    key = f"key-{order.reference}"
    if direction is Direction.DEPOSIT:
        return host.run(bench.rails.initiate_deposit(order, idempotency_key=key))
    return host.run(bench.rails.initiate_withdrawal(order, idempotency_key=key))


def _told(host: Host, bench: RailsBench) -> list[Webhook]:
    """The webhooks of a deposit that settled."""
    _start(host, bench, Direction.DEPOSIT)
    bench.far_side.settle(bench.order.reference)
    return bench.far_side.webhooks()


def _read(bench: RailsBench, webhook: Webhook) -> tuple[RailEvent, ...]:
    headers, body = webhook
    return bench.rails.parse_webhook(body, headers, received_at=bench.far_side.now())


def _check(transfer: RailTransfer, bench: RailsBench, direction: Direction) -> None:
    assert isinstance(transfer, RailTransfer)
    assert isinstance(transfer.amount, Money)
    assert isinstance(transfer.fee, Money)
    order = bench.order_of(direction)
    assert (transfer.amount, transfer.reference) == (order.amount, order.reference)
    assert transfer.fee.asset == order.amount.asset
    assert transfer.direction is direction
    assert isinstance(transfer.status, RailStatus)
    assert transfer.provider_ref
    assert transfer.provider_status
    assert is_recent(transfer.observed_at, bench.far_side.now())
