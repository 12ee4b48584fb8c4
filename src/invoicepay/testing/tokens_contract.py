"""The promises of `TokenProvider`, as tests that any adapter runs by subclassing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from invoicepay.domain.money import Money
from invoicepay.errors import (
    InvoicePayError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.tokens import (
    MoveKind,
    TokenBatches,
    TokenCapabilities,
    TokenEvent,
    TokenMove,
    TokenOrder,
    TokenProvider,
    TokenStatus,
    TokenTransfer,
)
from invoicepay.ports.webhooks import PreparesWebhooks
from invoicepay.testing.contracts import Contract, FarSide, Webhook, is_recent, mutated
from invoicepay.testing.hosts import Host

WORK = ("mint", "burn", "transfer")


class IssuerSide(FarSide, Protocol):
    """What a token issuer or chain does besides answering."""

    def finalize(self) -> None:
        """Bring everything pending to finality."""
        ...


@dataclass(frozen=True, slots=True)
class TokensBench:
    """An adapter under test and its far side.

    Attributes:
        amount: what is moved; `holder` has at least ten times as much when the test begins.
        holder, receiver: two parties that both sides know.
    """

    tokens: TokenProvider
    far_side: IssuerSide
    amount: Money
    holder: str
    receiver: str

    def order(self, work: str) -> TokenOrder:
        """The order for one kind of work."""
        return TokenOrder(
            reference=f"eff_{work}",
            amount=self.amount,
            from_party="" if work == "mint" else self.holder,
            to_party="" if work == "burn" else self.holder if work == "mint" else self.receiver,
            memo="00" * 32,
        )


class TokenContract(Contract):
    """Checks a `TokenProvider`; every test runs in both kinds of host.

    Examples:
        class TestAcmeTokens(TokenContract):
            def make_bench(self, host: Host) -> TokensBench:
                chain = AcmeSimulator()
                return TokensBench(AcmeTokens(chain.url), chain, Money.of("1.00 USD"), "ann", "bob")
    """

    def make_bench(self, host: Host) -> TokensBench:
        """A fresh adapter and far side, for one test."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, host: Host) -> TokensBench:
        """A fresh adapter and far side."""
        return self.make_bench(host)

    def test_it_has_a_name_and_tells_what_it_can(self, bench: TokensBench) -> None:
        can = bench.tokens.capabilities()

        assert bench.tokens.name
        assert bench.tokens.name.isascii()
        assert isinstance(can, TokenCapabilities)
        assert can.absent_grace_seconds >= 0
        assert can.key_lifetime_seconds >= 0

    @pytest.mark.parametrize("work", WORK)
    def test_an_order_is_answered_in_our_words(self, host: Host, bench: TokensBench, work: str) -> None:
        before = bench.far_side.movements()

        transfer = _start(host, bench, work)

        _check(transfer, bench, work)
        assert transfer.status in (TokenStatus.PENDING, TokenStatus.FINAL)
        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize(
        ("work", "supply", "held", "received"),
        [("mint", 1, 1, 0), ("burn", -1, -1, 0), ("transfer", 0, -1, 1)],
    )
    def test_supply_and_balances_move_once_it_is_final(
        self, host: Host, bench: TokensBench, work: str, supply: int, held: int, received: int
    ) -> None:
        before = _figures(host, bench)

        _start(host, bench, work)
        bench.far_side.finalize()

        growth = [after - start for after, start in zip(_figures(host, bench), before, strict=True)]
        assert growth == [sign * bench.amount.micros for sign in (supply, held, received)]

    @pytest.mark.parametrize("work", WORK)
    def test_one_key_moves_tokens_once_and_answers_alike(
        self, host: Host, bench: TokensBench, work: str
    ) -> None:
        if not bench.tokens.capabilities().deduplicates:
            pytest.skip("the provider does not claim to know keys")
        before = bench.far_side.movements()
        first = _start(host, bench, work)

        again = _start(host, bench, work)

        assert again.provider_ref == first.provider_ref
        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_a_lost_answer_is_unknown_and_can_be_looked_up(
        self, host: Host, bench: TokensBench, work: str
    ) -> None:
        before = bench.far_side.movements()
        bench.far_side.lose_next_answer()

        with pytest.raises(ProviderUnknown):
            _start(host, bench, work)

        assert bench.far_side.movements() == before + 1
        if bench.tokens.capabilities().finds_by_reference:
            found = host.run(bench.tokens.find(bench.order(work).reference))
            assert found is not None
            _check(found, bench, work)

    def test_the_same_key_after_a_lost_answer_moves_nothing_more(
        self, host: Host, bench: TokensBench
    ) -> None:
        if not bench.tokens.capabilities().deduplicates:
            pytest.skip("the provider does not claim to know keys")
        before = bench.far_side.movements()
        bench.far_side.lose_next_answer()
        with pytest.raises(ProviderUnknown):
            _start(host, bench, "mint")

        _start(host, bench, "mint")

        assert bench.far_side.movements() == before + 1

    @pytest.mark.parametrize("work", WORK)
    def test_what_never_left_is_told_as_unavailable(self, host: Host, bench: TokensBench, work: str) -> None:
        before = bench.far_side.movements()
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            _start(host, bench, work)

        assert bench.far_side.movements() == before

    def test_a_question_that_is_not_answered_is_told_as_unavailable(
        self, host: Host, bench: TokensBench
    ) -> None:
        bench.far_side.be_unreachable()

        with pytest.raises(ProviderUnavailable):
            host.run(bench.tokens.find("eff_mint"))
        with pytest.raises(ProviderUnavailable):
            host.run(bench.tokens.supply(bench.amount.asset))
        with pytest.raises(ProviderUnavailable):
            host.run(bench.tokens.balance(bench.holder, bench.amount.asset))

    @pytest.mark.parametrize("work", WORK)
    def test_a_refusal_for_good_moves_nothing(self, host: Host, bench: TokensBench, work: str) -> None:
        before = bench.far_side.movements()
        bench.far_side.reject_next()

        with pytest.raises(ProviderRejected):
            _start(host, bench, work)

        assert bench.far_side.movements() == before

    def test_tokens_that_are_not_there_are_never_burned(self, host: Host, bench: TokensBench) -> None:
        everything = host.run(bench.tokens.supply(bench.amount.asset))
        order = replace(bench.order("burn"), amount=everything + bench.amount)
        failed = False

        try:
            host.run(bench.tokens.burn(order, idempotency_key="key-too-much"))
        except ProviderRejected:
            failed = True
        bench.far_side.finalize()

        found = host.run(bench.tokens.find(order.reference))
        assert failed or (found is not None and found.status is TokenStatus.FAILED)
        assert host.run(bench.tokens.supply(bench.amount.asset)) == everything

    def test_a_reference_that_it_never_saw_is_not_found(self, host: Host, bench: TokensBench) -> None:
        if not bench.tokens.capabilities().finds_by_reference:
            pytest.skip("the provider does not claim look-ups")

        assert host.run(bench.tokens.find("eff_never_sent")) is None

    @pytest.mark.parametrize("work", WORK)
    def test_a_look_up_tells_finality(self, host: Host, bench: TokensBench, work: str) -> None:
        if not bench.tokens.capabilities().finds_by_reference:
            pytest.skip("the provider does not claim look-ups")
        first = _start(host, bench, work)

        bench.far_side.finalize()
        found = host.run(bench.tokens.find(bench.order(work).reference))

        assert found is not None
        _check(found, bench, work)
        assert (found.status, found.provider_ref) == (TokenStatus.FINAL, first.provider_ref)

    def test_orders_handed_over_together_are_answered_each_in_its_place(
        self, host: Host, bench: TokensBench
    ) -> None:
        before = bench.far_side.movements()

        answers = _together(host, bench)

        for work, answer in zip(WORK, answers, strict=True):
            assert isinstance(answer, TokenTransfer)
            _check(answer, bench, work)
        assert len({answer.provider_ref for answer in answers if isinstance(answer, TokenTransfer)}) == 3
        assert bench.far_side.movements() == before + 3

    def test_orders_handed_over_together_move_tokens_as_if_each_had_come_alone(
        self, host: Host, bench: TokensBench
    ) -> None:
        before = _figures(host, bench)

        _together(host, bench)
        bench.far_side.finalize()

        growth = [after - start for after, start in zip(_figures(host, bench), before, strict=True)]
        assert growth == [sign * bench.amount.micros for sign in (0, -1, 1)]

    def test_the_same_orders_together_again_move_nothing_more(self, host: Host, bench: TokensBench) -> None:
        first = _together(host, bench)
        before = bench.far_side.movements()

        again = _together(host, bench)

        assert [_ref(answer) for answer in again] == [_ref(answer) for answer in first]
        assert bench.far_side.movements() == before

    def test_an_order_too_large_does_not_keep_its_neighbours_from_moving(
        self, host: Host, bench: TokensBench
    ) -> None:
        everything = host.run(bench.tokens.supply(bench.amount.asset))
        before = bench.far_side.movements()

        mint, burn, transfer = _together(host, bench, burned=everything + bench.amount + bench.amount)
        bench.far_side.finalize()

        assert isinstance(mint, TokenTransfer)
        assert isinstance(transfer, TokenTransfer)
        assert isinstance(burn, ProviderRejected) or _is_failed(host, bench)
        assert bench.far_side.movements() in (before + 2, before + 3)
        assert host.run(bench.tokens.supply(bench.amount.asset)) == everything + bench.amount

    def test_a_call_for_several_that_never_left_is_told_of_each(self, host: Host, bench: TokensBench) -> None:
        bench.far_side.be_unreachable()
        before = bench.far_side.movements()

        try:
            answers = _together(host, bench)
        except ProviderUnavailable as error:
            answers = [error] * 3

        assert [type(answer) for answer in answers] == [ProviderUnavailable] * 3
        assert bench.far_side.movements() == before

    def test_a_webhook_is_read_in_our_words(self, host: Host, bench: TokensBench) -> None:
        webhooks = _told(host, bench)

        events = [event for webhook in webhooks for event in _read(bench, webhook)]

        assert any(event.transfer.status is TokenStatus.FINAL for event in events)
        for event in events:
            assert event.event_id
            assert event.transfer.reference in ("", "eff_mint")
            assert event.transfer.amount == bench.amount
            assert is_recent(event.occurred_at, bench.far_side.now())

    def test_a_webhook_read_twice_has_the_same_event_id(self, host: Host, bench: TokensBench) -> None:
        for webhook in _told(host, bench):
            first, again = (_read(bench, webhook) for _ in range(2))

            assert [event.event_id for event in first] == [event.event_id for event in again]

    def test_header_names_are_read_in_any_case(self, host: Host, bench: TokensBench) -> None:
        for headers, body in _told(host, bench):
            assert _read(bench, ({name.upper(): value for name, value in headers.items()}, body))

    def test_a_changed_webhook_is_refused_with_the_one_error(self, host: Host, bench: TokensBench) -> None:
        for webhook in _told(host, bench):
            for changed in mutated(webhook):
                with pytest.raises(WebhookSignatureInvalid):
                    _read(bench, changed)

    def test_a_webhook_from_another_time_is_refused(self, host: Host, bench: TokensBench) -> None:
        if not self.signs_time:
            pytest.skip("the scheme signs no instant; the inbox alone guards against repetition")
        for headers, body in _told(host, bench):
            for apart in (timedelta(minutes=6), -timedelta(minutes=6), timedelta(days=4000)):
                with pytest.raises(WebhookSignatureInvalid):
                    bench.tokens.parse_webhook(body, headers, received_at=bench.far_side.now() + apart)


def _start(host: Host, bench: TokensBench, work: str) -> TokenTransfer:
    calls: dict[str, Callable[..., object]] = {
        "mint": bench.tokens.mint,
        "burn": bench.tokens.burn,
        "transfer": bench.tokens.transfer,
    }
    coroutine = calls[work](bench.order(work), idempotency_key=f"key-{work}")
    return host.run(coroutine)  # type: ignore[arg-type]


def _together(
    host: Host, bench: TokensBench, *, burned: Money | None = None
) -> list[TokenTransfer | InvoicePayError]:
    """A mint, a burn and a transfer in one call, where the provider takes several."""
    if not isinstance(bench.tokens, TokenBatches):
        pytest.skip("the provider takes one order at a time")
    orders = {work: bench.order(work) for work in WORK}
    if burned is not None:
        orders["burn"] = replace(orders["burn"], amount=burned)
    moves = [
        TokenMove(kind=MoveKind(work), order=order, idempotency_key=f"key-{work}")
        for work, order in orders.items()
    ]
    return list(host.run(bench.tokens.move(moves)))


def _ref(answer: TokenTransfer | InvoicePayError) -> str:
    assert isinstance(answer, TokenTransfer), str(answer)
    return answer.provider_ref


def _is_failed(host: Host, bench: TokensBench) -> bool:
    found = host.run(bench.tokens.find(bench.order("burn").reference))
    return found is not None and found.status is TokenStatus.FAILED


def _figures(host: Host, bench: TokensBench) -> list[int]:
    """Supply, the holder's balance and the receiver's, in micros."""
    asset = bench.amount.asset
    return [
        host.run(bench.tokens.supply(asset)).micros,
        host.run(bench.tokens.balance(bench.holder, asset)).micros,
        host.run(bench.tokens.balance(bench.receiver, asset)).micros,
    ]


def _told(host: Host, bench: TokensBench) -> list[Webhook]:
    """The webhooks of a mint that became final."""
    _start(host, bench, "mint")
    bench.far_side.finalize()
    webhooks = bench.far_side.webhooks()
    assert webhooks, "a final mint was not told"
    if isinstance(bench.tokens, PreparesWebhooks):
        for headers, body in webhooks:
            host.run(bench.tokens.prepare_webhook(body, headers, received_at=bench.far_side.now()))
    return webhooks


def _read(bench: TokensBench, webhook: Webhook) -> tuple[TokenEvent, ...]:
    headers, body = webhook
    return bench.tokens.parse_webhook(body, headers, received_at=bench.far_side.now())


def _check(transfer: TokenTransfer, bench: TokensBench, work: str) -> None:
    assert isinstance(transfer, TokenTransfer)
    assert isinstance(transfer.amount, Money)
    assert (transfer.amount, transfer.reference) == (bench.amount, bench.order(work).reference)
    assert isinstance(transfer.status, TokenStatus)
    assert transfer.provider_ref
    assert transfer.provider_status
    assert is_recent(transfer.observed_at, bench.far_side.now())
