"""Webhooks: only the provider's, each once, applied in any order, never trusted beyond what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from invoicepay.adapters.simulated import Delivery, SimControl, SimulatedRails
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.deposits import UnmatchedFunds
from invoicepay.domain.effects import EffectKind, EffectStatus, InboxMessage, InboxStatus, Source
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.errors import ProviderUnavailable, WebhookSignatureInvalid
from invoicepay.ports.rails import Direction, RailEvent, RailStatus, RailTransfer
from invoicepay.ports.tokens import TokenStatus
from invoicepay.use_cases import providers
from invoicepay.use_cases.inbox import apply_received, receive_webhook
from invoicepay.use_cases.observations import record
from tests.support.desk import Desk
from tests.support.intents import effect, intend, observations, send, status
from tests.support.till import ON_CHAIN, Till

S = EffectStatus


def sent(desk: Desk, kind: EffectKind = EffectKind.PAYOUT) -> str:
    """An accepted intent whose webhooks so far were taken away."""
    id = intend(desk, kind)
    send(desk)
    desk.rails.drain()
    return id


def receive(desk: Desk, *deliveries: Delivery, slot: str = "rails") -> list[InboxMessage]:
    """Hand deliveries in, as a host's endpoint does."""
    return [
        message
        for delivery in deliveries
        for message in desk.run(receive_webhook(desk.deps, slot, delivery.body, delivery.headers))
    ]


def apply(desk: Desk) -> int:
    return desk.run(apply_received(desk.deps, 100)).count


def messages(desk: Desk) -> list[InboxMessage]:
    return list(desk.rows(InboxMessage))


def test_a_delivery_is_kept_first_and_applied_afterwards() -> None:
    desk = Desk()
    id = sent(desk)
    SimControl(desk.rails, desk.tokens).settle(id)

    (message,) = receive(desk, *desk.rails.drain())
    before = status(desk, id)
    apply(desk)

    assert (message.status, before) == (InboxStatus.RECEIVED, S.ACCEPTED)
    assert status(desk, id) is S.SETTLED
    assert messages(desk)[0].status is InboxStatus.APPLIED


def test_a_forged_delivery_is_refused_and_not_kept() -> None:
    desk = Desk()
    id = sent(desk)

    with pytest.raises(WebhookSignatureInvalid):
        receive(desk, desk.rails.forged(id))

    assert messages(desk) == []


def test_a_delivery_for_the_other_endpoint_is_refused() -> None:
    desk = Desk()
    id = sent(desk)
    SimControl(desk.rails, desk.tokens).settle(id)

    with pytest.raises(WebhookSignatureInvalid):
        receive(desk, *desk.rails.drain(), slot="tokens")


def test_a_repeated_delivery_changes_nothing() -> None:
    desk = Desk()
    id = sent(desk)
    desk.rails.postbox.duplicate(3)
    SimControl(desk.rails, desk.tokens).settle(id)

    receive(desk, *desk.rails.drain())
    applied = apply(desk)

    assert (applied, len(messages(desk))) == (1, 1)
    assert status(desk, id) is S.SETTLED


def test_a_delivery_repeated_months_later_is_still_known() -> None:
    desk = Desk()
    id = sent(desk)
    desk.rails.move(id, BankCommand.SETTLE)
    transfer = desk.rails.transfer(id)
    event = RailEvent(event_id="evt-1", occurred_at=desk.clock.now(), transfer=transfer)
    receive(desk, desk.rails.postbox.delivery(event))
    apply(desk)
    desk.clock.advance(days=200)

    (message,) = receive(desk, desk.rails.postbox.delivery(event))

    assert message.status is InboxStatus.APPLIED
    assert apply(desk) == 0


def test_one_id_with_two_bodies_raises_an_alarm_and_moves_nothing() -> None:
    desk = Desk()
    id = sent(desk)
    transfer = desk.rails.transfer(id)
    event = RailEvent(event_id="evt-1", occurred_at=desk.clock.now(), transfer=transfer)
    other = replace(event, transfer=replace(transfer, status=RailStatus.SETTLED))
    receive(desk, desk.rails.postbox.delivery(event))

    (message,) = receive(desk, desk.rails.postbox.delivery(other))
    apply(desk)

    assert message.reason == "came again with another body"
    assert status(desk, id) is S.ACCEPTED
    assert "inbox_message.conflict" in event_names(desk, message.id)


def event_names(desk: Desk, entity_id: str) -> list[str]:
    async def read() -> list[str]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            return [event.name for event in await reader.events(entity_id=entity_id)]

    return desk.run(read())


def test_deliveries_in_the_wrong_order_end_like_the_right_one() -> None:
    desk = Desk()
    id = sent(desk)
    sim = SimControl(desk.rails, desk.tokens)
    sim.settle(id)
    sim.finalize(id)
    sim.return_(id, "R02")

    receive(desk, *desk.rails.drain(lambda queued: queued[::-1]))
    apply(desk)

    assert (status(desk, id), effect(desk, id).return_code) == (S.RETURNED, "R02")
    assert len(observations(desk, id)) == 4


def test_a_signed_event_about_another_amount_needs_a_person() -> None:
    desk = Desk()
    id = sent(desk)
    SimControl(desk.rails, desk.tokens).settle(id, amount=Money.of("9.00 USD"))

    receive(desk, *desk.rails.drain())
    apply(desk)

    assert status(desk, id) is S.NEEDS_REVIEW


def test_an_event_about_nothing_we_know_is_parked_and_found_later() -> None:
    desk = Desk()
    id = sent(desk)
    transfer = replace(
        desk.rails.transfer(id), reference="", provider_ref="out-late", status=RailStatus.SETTLED
    )
    event = RailEvent(event_id="evt-1", occurred_at=desk.clock.now(), transfer=transfer)
    receive(desk, desk.rails.postbox.delivery(event))
    apply(desk)
    parked = messages(desk)[0].status
    nothing_to_do = apply(desk)

    late = intend(desk)
    bank = Late(desk.clock)
    bank.add_cash(Money.of("20.00 USD"))
    desk.deps = replace(desk.deps, rails=bank)
    send(desk)
    apply(desk)

    assert (parked, nothing_to_do) == (InboxStatus.PARKED, 0)
    assert status(desk, late) is S.SETTLED
    assert messages(desk)[0].status is InboxStatus.APPLIED


class Late(SimulatedRails):
    """The same bank, whose own reference we only learn now."""

    def _new(self, *order: object) -> object:  # type: ignore[override]
        return replace(super()._new(*order), provider_ref="out-late")  # type: ignore[arg-type]


def test_an_event_whose_body_was_not_signed_is_only_a_hint_to_ask() -> None:
    desk = Desk()
    id = sent(desk)
    claimed = replace(desk.rails.transfer(id), status=RailStatus.SETTLED)
    event = RailEvent(
        event_id="evt-1", occurred_at=desk.clock.now(), transfer=claimed, body_authenticated=False
    )

    receive(desk, desk.rails.postbox.delivery(event))
    apply(desk)

    assert status(desk, id) is S.ACCEPTED
    assert messages(desk)[0].status is InboxStatus.APPLIED


def test_while_the_provider_cannot_be_asked_an_unsigned_event_waits() -> None:
    desk = Desk()
    id = sent(desk)
    event = RailEvent(
        event_id="evt-1",
        occurred_at=desk.clock.now(),
        transfer=desk.rails.transfer(id),
        body_authenticated=False,
    )
    receive(desk, desk.rails.postbox.delivery(event))
    desk.rails.weather.be_unreachable()

    served = desk.run(apply_received(desk.deps, 100))

    assert [refusal.code for refusal in served.refusals] == ["provider_unavailable"]
    assert messages(desk)[0].status is InboxStatus.RECEIVED


def test_a_token_event_is_matched_by_our_reference() -> None:
    desk = Desk()
    id = intend(desk, EffectKind.MINT)
    desk.tokens.weather.lose_next_answer()
    send(desk)

    receive(desk, *desk.tokens.drain(), slot="tokens")
    apply(desk)

    assert status(desk, id) is S.FINAL


def test_tokens_that_arrive_by_themselves_settle_the_invoice_they_name() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    till.tokens.push("ann", "acme", Money.of("60.00 USD"), invoice_id=invoice.id)

    receive(till, *till.tokens.drain(), slot="tokens")
    apply(till)

    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PAID
    assert messages(till)[0].status is InboxStatus.APPLIED


def test_a_push_told_twice_under_two_ids_pays_once() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    transfer = till.tokens.push("ann", "acme", Money.of("30.00 USD"), invoice_id=invoice.id)
    (delivery,) = till.tokens.drain()
    (event,) = till.tokens.parse_webhook(delivery.body, delivery.headers, received_at=till.clock.now())

    receive(till, delivery, till.tokens.postbox.delivery(replace(event, event_id="evt-2")), slot="tokens")
    apply(till)

    assert [payment.provider_ref for payment in till.rows(Payment)] == [transfer.provider_ref]
    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PARTIALLY_PAID


def test_a_push_to_somebody_unknown_is_kept_as_failed_and_blocks_nobody() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    till.tokens.push("ann", "nobody", Money.of("1.00 USD"))
    till.tokens.push("ann", "acme", Money.of("60.00 USD"), invoice_id=invoice.id)

    receive(till, *till.tokens.drain(), slot="tokens")
    served = till.run(apply_received(till.deps, 100))

    assert [refusal.code for refusal in served.refusals] == ["not_found"]
    assert [message.status for message in messages(till)] == [InboxStatus.FAILED, InboxStatus.APPLIED]
    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PAID


def test_a_push_that_is_not_final_yet_is_not_booked() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    till.tokens.push("ann", "acme", Money.of("60.00 USD"), invoice_id=invoice.id)
    (delivery,) = till.tokens.drain()
    (event,) = till.tokens.parse_webhook(delivery.body, delivery.headers, received_at=till.clock.now())
    pending = replace(event, event_id="evt-0", transfer=replace(event.transfer, status=TokenStatus.PENDING))

    receive(till, till.tokens.postbox.delivery(pending), slot="tokens")
    apply(till)
    before = till.row(Invoice, invoice.id).status
    receive(till, delivery, slot="tokens")
    apply(till)

    assert (before, till.row(Invoice, invoice.id).status) == (InvoiceStatus.OPEN, InvoiceStatus.PAID)


@pytest.mark.parametrize("page", [1, 2, 3, 500])
@pytest.mark.parametrize("seconds", [0, 1])
def test_foreign_events_keep_no_later_one_from_being_tried_again(
    monkeypatch: pytest.MonkeyPatch, page: int, seconds: int
) -> None:
    monkeypatch.setattr("invoicepay.use_cases.inbox.PAGE", page)
    desk = Desk()
    id = unanswered(desk)
    ours = replace(desk.rails.transfer(id), status=RailStatus.SETTLED, reference="", provider_ref="late")
    for number in range(5):
        stranger = replace(ours, provider_ref=f"strange-{number}")
        parked(desk, f"evt-{number}", stranger)
        desk.clock.advance(seconds=seconds)
    parked(desk, "evt-9", ours)
    learn(desk, id, "late")

    desk.run(apply_received(desk.deps, 1))

    ends = {message.event_id: message.status for message in messages(desk)}
    assert ends.pop("evt-9") is InboxStatus.APPLIED
    assert set(ends.values()) == {InboxStatus.PARKED}


def parked(desk: Desk, event_id: str, transfer: RailTransfer) -> None:
    event = RailEvent(event_id=event_id, occurred_at=desk.clock.now(), transfer=transfer)
    receive(desk, desk.rails.postbox.delivery(event))
    apply(desk)


def unanswered(desk: Desk) -> str:
    """An intent whose name at the provider is not known yet."""
    desk.rails.weather.lose_next_answer()
    return sent(desk)


def learn(desk: Desk, id: str, name: str) -> None:
    """Our intent's name at the provider becomes known."""
    known = effect(desk, id)
    sighting = replace(providers.sighting_of(known, desk.rails.transfer(id)), word="named", provider_ref=name)
    desk.run(record(desk.deps, known, sighting, Source.POLL))


class PreparedRails(SimulatedRails):
    """A bank whose deliveries can be checked only with a key that is asked for first."""

    is_reached = True
    has_key = False

    async def prepare_webhook(
        self, body: bytes, headers: Mapping[str, str], *, received_at: datetime
    ) -> None:
        if not self.is_reached:
            raise ProviderUnavailable("no key")
        self.has_key = True

    def parse_webhook(
        self, body: bytes, headers: dict[str, str], *, received_at: datetime
    ) -> tuple[RailEvent, ...]:
        if not self.has_key:
            raise WebhookSignatureInvalid
        return super().parse_webhook(body, headers, received_at=received_at)


def prepared() -> tuple[Desk, PreparedRails, Delivery]:
    """A desk with such a bank, and a delivery that waits."""
    desk = Desk()
    desk.rails = rails = PreparedRails(desk.clock)
    desk.deps = replace(desk.deps, rails=rails)
    id = intend(desk, EffectKind.PAYOUT)
    send(desk)
    rails.drain()
    rails.move(id, BankCommand.SETTLE)
    (delivery,) = rails.drain()
    return desk, rails, delivery


def test_a_provider_fetches_its_key_before_a_delivery_is_verified() -> None:
    desk, _, delivery = prepared()

    (message,) = receive(desk, delivery)

    assert message.status is InboxStatus.RECEIVED


def test_a_key_that_cannot_be_had_now_keeps_nothing_and_refuses_nothing_for_good() -> None:
    desk, rails, delivery = prepared()
    rails.is_reached = False

    with pytest.raises(ProviderUnavailable):
        receive(desk, delivery)
    assert messages(desk) == []

    rails.is_reached = True
    assert receive(desk, delivery)


def test_money_that_nobody_knows_within_a_day_is_kept_unmatched_once() -> None:
    desk = Desk()
    id = sent(desk, EffectKind.DEPOSIT)
    by_itself = replace(
        desk.rails.transfer(id), reference="", provider_ref="wire-7", status=RailStatus.SETTLED
    )
    payout = replace(by_itself, provider_ref="out-9", direction=Direction.WITHDRAWAL)
    for number, transfer in enumerate((by_itself, by_itself, payout)):
        event = RailEvent(event_id=f"evt-{number}", occurred_at=desk.clock.now(), transfer=transfer)
        receive(desk, desk.rails.postbox.delivery(event))
    apply(desk)
    assert desk.rows(UnmatchedFunds) == ()

    desk.clock.advance(days=1, seconds=1)
    apply(desk)
    apply(desk)

    (kept,) = desk.rows(UnmatchedFunds)
    assert (kept.provider_ref, kept.amount) == ("wire-7", by_itself.amount)
    ended = {message.event_id: message.status for message in messages(desk)}
    assert [ended[f"evt-{n}"] for n in range(3)] == [
        InboxStatus.APPLIED,
        InboxStatus.APPLIED,
        InboxStatus.FAILED,
    ]


def stranger(desk: Desk, status: RailStatus, amount: str = "50.00", **about: Any) -> RailTransfer:
    """A deposit that we never asked for."""
    told = RailTransfer(
        provider_ref="wire-7",
        reference="",
        direction=Direction.DEPOSIT,
        status=status,
        provider_status=status.value,
        amount=Money(amount, "USD"),
        fee=Money.zero("USD"),
        observed_at=desk.clock.now(),
    )
    return replace(told, **about)


def a_day_later(desk: Desk) -> list[tuple[str, str, str]]:
    """The unmatched money once nobody claimed it for a day: its reference, amount and status."""
    desk.clock.advance(days=1, seconds=1)
    apply(desk)
    funds = sorted(desk.rows(UnmatchedFunds), key=lambda one: one.provider_ref)
    return [(one.provider_ref, one.amount.amount_text, one.status.value) for one in funds]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_money_of_nobody_that_was_taken_back_within_the_day_is_gone(order: tuple[int, int]) -> None:
    desk = Desk()
    fee = Money("1.00", "USD")
    told = [stranger(desk, status, fee=fee) for status in (RailStatus.SETTLED, RailStatus.RETURNED)]
    for number in order:
        parked(desk, f"evt-{number}", told[number])

    assert a_day_later(desk) == [("wire-7", "49.00", "returned")]
    assert {message.status for message in messages(desk)} == {InboxStatus.APPLIED}
    assert set(desk.balances().values()) <= {0}


def test_money_of_nobody_that_is_taken_back_days_later_is_gone_then() -> None:
    desk = Desk()
    parked(desk, "evt-0", stranger(desk, RailStatus.SETTLED))
    assert a_day_later(desk) == [("wire-7", "50.00", "open")]

    parked(desk, "evt-1", stranger(desk, RailStatus.RETURNED))

    assert a_day_later(desk) == [("wire-7", "50.00", "returned")]


@pytest.mark.parametrize("amount", ["20.00", "70.00"])
def test_another_amount_than_was_kept_is_left_to_a_person(amount: str) -> None:
    desk = Desk()
    parked(desk, "evt-0", stranger(desk, RailStatus.SETTLED))
    parked(desk, "evt-1", stranger(desk, RailStatus.RETURNED, amount))

    assert a_day_later(desk) == [("wire-7", "50.00", "open")]
    assert sorted(message.status for message in messages(desk)) == [InboxStatus.APPLIED, InboxStatus.FAILED]


def test_every_part_of_money_of_nobody_is_kept() -> None:
    desk = Desk()
    parked(desk, "evt-0", stranger(desk, RailStatus.SETTLED, "40.00", part="p1"))
    parked(desk, "evt-1", stranger(desk, RailStatus.SETTLED, "60.00", part="p2"))
    parked(desk, "evt-2", stranger(desk, RailStatus.FINAL, "60.00", part="p2"))

    assert a_day_later(desk) == [("wire-7/p1", "40.00", "open"), ("wire-7/p2", "60.00", "open")]


@pytest.mark.parametrize(
    ("fee", "ends"),
    [(Money("1.00", "EUR"), [("wire-7", "50.00", "open")]), (Money("51.00", "USD"), [])],
)
def test_an_odd_fee_on_money_of_nobody_keeps_no_later_message_waiting(
    fee: Money, ends: list[tuple[str, str, str]]
) -> None:
    desk = Desk()
    parked(desk, "evt-0", stranger(desk, RailStatus.SETTLED, fee=fee))
    desk.clock.advance(hours=1)
    id = sent(desk)
    SimControl(desk.rails, desk.tokens).settle(id)
    receive(desk, *desk.rails.drain())

    assert a_day_later(desk) == ends
    assert status(desk, id) is S.SETTLED


def test_messages_that_cannot_be_applied_now_give_way_to_others() -> None:
    desk = Desk()
    ids = [sent(desk) for _ in range(3)]
    for id in ids:
        desk.rails.move(id, BankCommand.SETTLE)
        desk.rails.drain()
        now, transfer, is_signed = desk.clock.now(), desk.rails.transfer(id), id == ids[-1]
        event = RailEvent(event_id=id, occurred_at=now, transfer=transfer, body_authenticated=is_signed)
        receive(desk, desk.rails.postbox.delivery(event))
        desk.clock.advance(seconds=1)
    desk.rails.weather.be_unreachable()

    for _ in range(2):
        desk.run(apply_received(desk.deps, 2))
        desk.clock.advance(seconds=1)

    assert [status(desk, id) for id in ids] == [S.ACCEPTED, S.ACCEPTED, S.SETTLED]
    desk.rails.weather.be_reachable()
    apply(desk)
    assert {status(desk, id) for id in ids} == {S.SETTLED}
