"""How each message ends: its status, its reason, and what became of what it told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.deposits import UnmatchedFunds
from invoicepay.domain.effects import EffectKind, EffectStatus, InboxMessage, InboxStatus
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.money import Money
from invoicepay.domain.payments import Payment
from invoicepay.domain.policies import Asset, Programme
from invoicepay.errors import StoreUnreachable
from invoicepay.ports.rails import Direction, RailStatus
from invoicepay.ports.tokens import TokenEvent, TokenStatus, TokenTransfer
from invoicepay.use_cases.inbox import (
    MATCHING_TIME,
    apply_received,
    receive_webhook,
)
from tests.support.desk import Desk
from tests.support.greetings import raising, watched
from tests.support.intents import effect, intend, send, status
from tests.support.messages import (
    TEN,
    UNKNOWN,
    A,
    F,
    P,
    R,
    Several,
    apply,
    ends,
    pushed,
    receive,
    sent,
    told,
)
from tests.support.till import ON_CHAIN, Till


def test_what_taught_something_is_applied_and_names_the_intent() -> None:
    desk = Desk()
    id = sent(desk)
    ref = effect(desk, id).provider_ref
    (message,) = receive(
        desk, told(desk, reference=id, provider_ref=ref, direction=Direction.WITHDRAWAL, amount=TEN)
    )

    served = apply(desk)

    ended = desk.row(InboxMessage, message.id)
    assert (served.count, served.refusals) == (1, ())
    assert (ended.status, ended.reason, ended.effect_id) == (A, "", id)
    assert status(desk, id) is EffectStatus.SETTLED


def test_what_is_about_nothing_known_is_parked_for_a_day_and_then_ends() -> None:
    desk = Desk()
    receive(desk, told(desk, direction=Direction.WITHDRAWAL))

    assert apply(desk).count == 1
    assert ends(desk) == [(P, UNKNOWN)]
    desk.clock.advance(seconds=int(MATCHING_TIME.total_seconds()))
    assert apply(desk).count == 0
    assert ends(desk) == [(P, UNKNOWN)]
    desk.clock.advance(seconds=1)
    assert apply(desk).count == 1
    assert ends(desk) == [(F, UNKNOWN)]
    assert apply(desk).count == 0


DOLLARS = Programme(assets={"USD": Asset("USD")}, only_listed_assets=True)
LATE: list[tuple[dict[str, Any], tuple[InboxStatus, str], str]] = [
    ({}, (A, "kept as unmatched money"), "50.00"),
    ({"status": RailStatus.FINAL}, (A, "kept as unmatched money"), "50.00"),
    ({"fee": Money("1.50", "USD")}, (A, "kept as unmatched money"), "48.50"),
    ({"fee": Money("1.50", "CHF")}, (A, "kept as unmatched money"), "50.00"),
    ({"status": RailStatus.PENDING}, (F, UNKNOWN), ""),
    ({"status": RailStatus.FAILED}, (F, UNKNOWN), ""),
    ({"status": RailStatus.RETURNED}, (F, UNKNOWN), ""),
    ({"direction": Direction.WITHDRAWAL}, (F, UNKNOWN), ""),
    ({"amount": Money("50.00", "CHF")}, (F, UNKNOWN), ""),
    ({"provider_ref": "", "reference": "dep_x"}, (F, UNKNOWN), ""),
    ({"body_authenticated": False}, (F, UNKNOWN), ""),
]


@pytest.mark.parametrize(("about", "end", "kept"), LATE, ids=range(len(LATE)))
def test_only_money_that_a_bank_says_it_settled_for_us_is_kept_when_its_day_is_over(
    about: dict[str, Any], end: tuple[InboxStatus, str], kept: str
) -> None:
    desk = Desk(DOLLARS)
    receive(desk, told(desk, **about))
    apply(desk)
    desk.clock.advance(days=1, seconds=1)

    apply(desk)

    assert ends(desk) == [end]
    funds = desk.rows(UnmatchedFunds)
    assert [(one.amount.amount_text, one.provider, one.provider_ref, one.reason) for one in funds] == (
        [(kept, desk.rails.name, "wire-7", "came by itself")] if kept else []
    )


def test_money_that_went_back_says_so() -> None:
    desk = Desk()
    receive(desk, told(desk, 2, status=RailStatus.RETURNED, part="a"), told(desk, 1, part="a"))
    apply(desk)
    desk.clock.advance(days=1, seconds=1)

    apply(desk)

    assert ends(desk) == [(A, "kept as unmatched money"), (A, "unmatched money went back")]
    (funds,) = desk.rows(UnmatchedFunds)
    assert (funds.provider_ref, funds.status) == ("wire-7/a", "returned")


def test_another_amount_that_went_back_is_told_as_the_refusal_that_it_is() -> None:
    desk = Desk()
    receive(desk, told(desk, 1), told(desk, 2, status=RailStatus.RETURNED, amount=TEN))
    apply(desk)
    desk.clock.advance(days=1, seconds=1)

    (refusal,) = apply(desk).refusals

    assert refusal.code == "invalid_transition"
    assert ends(desk) == [(A, "kept as unmatched money"), (F, f"invalid_transition: {refusal.message}")]


def test_trouble_when_a_day_is_over_is_told_and_leaves_the_message_as_it_was() -> None:
    desk = Desk()
    receive(desk, told(desk))
    apply(desk)
    desk.clock.advance(days=1, seconds=1)
    repository = watched(desk)
    repository.before_apply = raising(StoreUnreachable("no way there"), times=1)

    served = apply(desk)

    assert [refusal.code for refusal in served.refusals] == ["store_unreachable"]
    assert ends(desk) == [(P, UNKNOWN)]
    repository.before_apply = raising(KeyError("a fault"), times=1)
    with pytest.raises(KeyError, match="a fault"):
        apply(desk)
    assert ends(desk) == [(P, UNKNOWN)]
    apply(desk)
    assert ends(desk) == [(A, "kept as unmatched money")]


def test_so_many_messages_are_applied_or_ended_at_a_time_oldest_first() -> None:
    desk = Desk()
    for number in (3, 1, 2):
        receive(desk, told(desk, number, provider_ref=f"wire-{number}"))
        desk.clock.advance(seconds=1)

    assert apply(desk, 2).count == 2
    assert ends(desk) == [(P, UNKNOWN), (R, ""), (P, UNKNOWN)]
    apply(desk, 2)
    desk.clock.advance(days=1, seconds=1)
    assert apply(desk, 2).count == 2
    assert [one for one, _ in ends(desk)] == [A, P, A]
    assert {one.provider_ref for one in desk.rows(UnmatchedFunds)} == {"wire-1", "wire-3"}


def test_a_hint_about_what_the_provider_does_not_know_is_parked_with_that_reason() -> None:
    desk = Desk()
    id = intend(desk)
    receive(
        desk, told(desk, reference=id, direction=Direction.WITHDRAWAL, body_authenticated=False, amount=TEN)
    )

    apply(desk)

    assert ends(desk) == [(P, "the provider does not know it yet")]
    assert status(desk, id) is EffectStatus.PLANNED


# what a message is about


def test_without_our_reference_the_provider_its_name_and_the_direction_tell_what_it_is_about() -> None:
    for provider, direction, is_ours in (
        ("", Direction.WITHDRAWAL, True),
        ("", Direction.DEPOSIT, False),
        ("another", Direction.WITHDRAWAL, False),
    ):
        desk = Desk()
        id = sent(desk)
        ref = effect(desk, id).provider_ref
        event = told(desk, provider_ref=ref, direction=direction, amount=TEN)
        bank = Several(desk, event)
        bank.called = provider
        deps = replace(desk.deps, rails=bank)

        desk.run(receive_webhook(deps, "rails", b"", {}))
        desk.run(apply_received(desk.deps, 100))

        assert ends(desk) == [(A, "") if is_ours else (P, UNKNOWN)]
        assert (status(desk, id) is EffectStatus.SETTLED) is is_ours


@pytest.mark.parametrize("kind", [EffectKind.MINT, EffectKind.BURN, EffectKind.TRANSFER])
def test_a_token_message_is_about_any_movement_of_that_name(kind: EffectKind) -> None:
    till = Till(programme=ON_CHAIN)
    id = intend(till, kind)
    send(till)
    known = effect(till, id)
    till.tokens.drain()
    transfer = TokenTransfer(
        provider_ref=known.provider_ref,
        reference="",
        status=TokenStatus.FINAL,
        provider_status="final",
        amount=TEN,
        observed_at=till.clock.now(),
    )

    receive(till, TokenEvent(event_id="evt-1", occurred_at=till.clock.now(), transfer=transfer))
    apply(till)

    (message,) = till.rows(InboxMessage)
    assert (message.status, message.reason, message.effect_id) == (A, "", id)


# tokens that arrive by themselves


def test_a_push_is_booked_with_payer_enterprise_provider_and_name() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    event = pushed(till, invoice.id)

    receive(till, event)
    served = apply(till)

    (payment,) = till.rows(Payment)
    assert (payment.invoice_id, payment.payer_id, payment.enterprise_id) == (invoice.id, "ann", "acme")
    assert (payment.provider, payment.provider_ref) == (till.tokens.name, event.transfer.provider_ref)
    assert payment.applied == Money.of("60.00 USD")
    assert (ends(till), served.count) == ([(A, "")], 1)
    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PAID


def test_a_push_that_is_not_final_is_applied_without_a_word() -> None:
    till = Till(programme=ON_CHAIN)
    event = pushed(till)
    receive(till, replace(event, transfer=replace(event.transfer, status=TokenStatus.PENDING)))

    apply(till)

    assert (ends(till), till.rows(Payment)) == ([(A, "")], ())


def test_a_push_that_is_refused_keeps_the_code_and_the_words_of_the_refusal() -> None:
    till = Till(programme=ON_CHAIN)
    receive(till, pushed(till, to="nobody"))

    (refusal,) = apply(till).refusals

    assert ends(till) == [(F, f"not_found: {refusal.message}")]


def test_a_push_that_meets_trouble_with_the_store_waits_as_it_was() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    receive(till, pushed(till, invoice.id))
    till.clock.advance(seconds=1)
    watched(till).before_apply = raising(StoreUnreachable("no way there"), times=1)

    (refusal,) = apply(till).refusals

    assert (refusal.code, ends(till)) == ("store_unreachable", [(R, "")])
    apply(till)
    assert (ends(till), till.row(Invoice, invoice.id).status) == ([(A, "")], InvoiceStatus.PAID)


def test_a_fault_of_the_program_is_raised_once_the_others_had_their_turn() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    receive(till, pushed(till, invoice.id))
    till.clock.advance(seconds=1)
    receive(till, told(till))
    watched(till).before_apply = raising(KeyError("a fault"), times=1)

    with pytest.raises(KeyError, match="a fault"):
        apply(till)

    assert sorted(ends(till)) == [(P, UNKNOWN), (R, "")]
    assert apply(till).count == 1
    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PAID


def test_where_setting_aside_fails_its_trouble_is_told_and_the_message_comes_again() -> None:
    till = Till(programme=ON_CHAIN)
    invoice = till.issue("60.00")
    receive(till, pushed(till, invoice.id))
    repository = watched(till)

    def refuse(outcomes: Sequence[Any]) -> None:
        if any(outcome.command == "inbox.set_aside" for outcome in outcomes):
            raise StoreUnreachable("no way there")

    repository.before_apply = refuse
    served = apply(till)

    assert ([one.code for one in served.refusals], ends(till)) == (["store_unreachable"], [(R, "")])
    assert till.row(Invoice, invoice.id).status is InvoiceStatus.PAID
    repository.before_apply = raising(StoreUnreachable(), times=0)
    assert (apply(till).count, ends(till)) == (1, [(A, "")])
    assert len(till.rows(Payment)) == 1


def test_each_message_of_a_turn_counts_once() -> None:
    desk = Desk()
    ids = [sent(desk), sent(desk)]
    for number, id in enumerate(ids):
        ref = effect(desk, id).provider_ref
        receive(desk, told(desk, number, provider_ref=ref, direction=Direction.WITHDRAWAL, amount=TEN))
    receive(desk, told(desk, 7))

    served = apply(desk)

    assert (served.count, ends(desk)) == (3, [(A, ""), (A, ""), (P, UNKNOWN)])
