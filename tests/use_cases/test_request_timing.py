"""Payments set for later, taken back, and settled by a chain (spec 4.6, 1.4)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.holds import HoldStatus
from invoicepay.domain.requests import RequestStatus, TransferStatus, Uses
from invoicepay.errors import (
    InsufficientFunds,
    InvalidTime,
    InvalidTransition,
    NotThePayer,
    RequestAlreadyResolved,
    RequestInFlight,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases.parties import FreezeWallet, freeze_wallet
from invoicepay.use_cases.requests import CancelRequest, cancel_request, execute_due, expire_due
from tests.support.friends import Friends, FriendsOnChain, Stops
from tests.support.till import usd


@pytest.fixture
def friends() -> Iterator[Friends]:
    """People whose books hold afterwards."""
    friends = Friends()
    yield friends
    assert friends.violations() == ()


@pytest.fixture
def chain() -> Iterator[FriendsOnChain]:
    """The same on a chain."""
    chain = FriendsOnChain()
    yield chain
    assert chain.violations() == ()


def tomorrow(friends: Friends) -> datetime:
    return friends.clock.now() + timedelta(days=1)


class TestLater:
    def test_an_approval_for_later_moves_nothing_yet(self, friends: Friends) -> None:
        request = friends.ask("18.50")

        accepted = friends.approve(request, pay_at=tomorrow(friends))

        assert (accepted.status, accepted.pay_at) == (RequestStatus.ACCEPTED, tomorrow(friends))
        assert friends.transfer(accepted.transfer_id).status is TransferStatus.SCHEDULED
        assert friends.available("ben") == usd("500.00")

    def test_p17_is_booked_when_its_instant_has_come_and_once(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))
        early = friends.run(execute_due(friends.deps))
        friends.clock.advance(days=1)

        first, second = friends.run(execute_due(friends.deps)), friends.run(execute_due(friends.deps))

        assert (early.count, first.count, second.count) == (0, 1, 0)
        assert friends.request(request.id).status is RequestStatus.PAID
        assert friends.rules(request.transfer_id) == ["P-17"]
        assert friends.events(request.transfer_id) == ["transfer.scheduled", "transfer.completed"]

    def test_approving_again_alike_answers_with_the_same(self, friends: Friends) -> None:
        request = friends.ask("18.50", payer="")
        accepted = friends.approve(request, pay_at=tomorrow(friends))

        assert friends.approve(request, pay_at=tomorrow(friends)) == accepted
        with pytest.raises(RequestInFlight):
            friends.approve(request)
        with pytest.raises(RequestInFlight):
            friends.approve(request, by="cal", pay_at=tomorrow(friends))

    def test_the_instant_lies_ahead_and_within_the_requests_time(self, friends: Friends) -> None:
        request = friends.ask(expires_at=tomorrow(friends))

        with pytest.raises(InvalidTime):
            friends.approve(request, pay_at=friends.clock.now())
        with pytest.raises(InvalidTime):
            friends.approve(request, pay_at=tomorrow(friends) + timedelta(seconds=1))

        assert friends.approve(request, pay_at=tomorrow(friends)).status is RequestStatus.ACCEPTED

    def test_a_payment_at_the_very_expiry_is_executed_not_expired(self, friends: Friends) -> None:
        request = friends.approve(friends.ask(expires_at=tomorrow(friends)), pay_at=tomorrow(friends))
        friends.clock.advance(days=1)

        friends.run(expire_due(friends.deps))
        friends.run(execute_due(friends.deps))

        assert friends.request(request.id).status is RequestStatus.PAID

    def test_without_the_money_the_request_waits_again(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))
        friends.send("ben", "cal", "490.00")
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        waiting = friends.request(request.id)
        assert (waiting.status, waiting.reason) == (
            RequestStatus.PENDING,
            "insufficient_funds: ben is short of 8.50 USD",
        )
        assert friends.transfer(request.transfer_id).status is TransferStatus.FAILED
        assert friends.run(execute_due(friends.deps)).count == 0

    def test_without_the_money_after_its_expiry_the_request_has_expired(self, friends: Friends) -> None:
        request = friends.approve(
            friends.ask("18.50", expires_at=tomorrow(friends)), pay_at=tomorrow(friends)
        )
        friends.send("ben", "cal", "490.00")
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        assert friends.request(request.id).status is RequestStatus.EXPIRED

    def test_a_part_that_fails_leaves_the_request_partly_paid(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        friends.approve(request, "10.00")
        friends.approve(request, "20.00", pay_at=tomorrow(friends))
        friends.send("ben", "cal", "485.00")
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        waiting = friends.request(request.id)
        assert (waiting.status, waiting.paid) == (RequestStatus.PARTIALLY_PAID, usd("10.00"))

    def test_a_freeze_stops_it(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))
        freeze = FreezeWallet(party_id="ben", asset="USD", reason="order 12")
        friends.run(freeze_wallet(friends.deps, freeze))
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        assert friends.request(request.id).reason.startswith("wallet_frozen")

    def test_screening_is_asked_again_and_can_stop_it(self) -> None:
        stops = Stops()
        friends = Friends(screening=stops)
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))
        stops.verdict = Verdict.BLOCK
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        assert friends.request(request.id).reason.startswith("compliance_blocked")
        assert friends.available("ben") == usd("500.00")

    def test_the_requester_does_not_cancel_what_is_set_for_later(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))

        with pytest.raises(RequestInFlight):
            friends.run(cancel_request(friends.acting_as("ann"), CancelRequest(request_id=request.id)))

    def test_a_multi_use_request_takes_payments_for_later_too(self, friends: Friends) -> None:
        ticket = friends.ask("12.00", payer="", uses=Uses.MANY)
        part = friends.approve(ticket, by="cal", pay_at=tomorrow(friends))
        friends.clock.advance(days=1)

        friends.run(execute_due(friends.deps))

        assert friends.request(part.id).status is RequestStatus.PAID
        assert friends.request(ticket.id).paid == usd("12.00")


class TestRevoke:
    def test_taking_an_approval_back_declines_the_request(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))

        revoked = friends.revoke(request)

        assert (revoked.status, revoked.reason) == (RequestStatus.DECLINED, "changed my mind")
        assert friends.transfer(request.transfer_id).status is TransferStatus.CANCELLED
        friends.clock.advance(days=1)
        assert friends.run(execute_due(friends.deps)).count == 0

    def test_taking_it_back_again_answers_with_the_same(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"), pay_at=tomorrow(friends))
        revoked = friends.revoke(request)

        assert friends.revoke(request) == revoked

    def test_an_open_request_waits_for_somebody_else_then(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50", payer=""), by="cal", pay_at=tomorrow(friends))

        assert friends.revoke(request, by="cal").status is RequestStatus.PENDING
        assert friends.approve(request, by="ben").status is RequestStatus.PAID

    def test_only_whoever_approved_takes_it_back(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50", payer=""), by="cal", pay_at=tomorrow(friends))

        with pytest.raises(NotThePayer):
            friends.revoke(request, by="ben")

    def test_what_was_paid_is_not_taken_back(self, friends: Friends) -> None:
        request = friends.approve(friends.ask("18.50"))

        with pytest.raises(RequestAlreadyResolved):
            friends.revoke(request)

    def test_what_was_not_approved_is_not_taken_back(self, friends: Friends) -> None:
        with pytest.raises(InvalidTransition):
            friends.revoke(friends.ask("18.50"))


class TestOnChain:
    def test_p10_the_tokens_are_held_and_their_transfer_is_planned(self, chain: FriendsOnChain) -> None:
        accepted = chain.approve(chain.ask("18.50"))

        assert accepted.status is RequestStatus.ACCEPTED
        assert chain.rules(accepted.transfer_id) == ["P-10"]
        assert (chain.available("ben"), chain.held("ben")) == (usd("481.50"), usd("18.50"))
        intent = chain.intent(accepted.transfer_id)
        assert (intent.kind, intent.cause_kind, intent.amount) == (
            EffectKind.TRANSFER,
            "transfer",
            usd("18.50"),
        )
        assert (intent.request["from_party"], intent.request["to_party"]) == ("ben", "ann")

    def test_p17_finality_pays_the_request_out_of_the_hold(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))
        chain.submit()
        submitted = chain.transfer(request.transfer_id)

        chain.finalize(request.transfer_id)

        transfer = chain.transfer(request.transfer_id)
        assert (submitted.status, transfer.status) == (TransferStatus.PROCESSING, TransferStatus.COMPLETED)
        assert chain.rules(transfer.id) == ["P-10", "P-17"]
        assert (chain.held("ben"), chain.available("ann")) == (usd("0"), usd("518.50"))
        assert chain.hold(transfer.hold_id).status is HoldStatus.CAPTURED
        assert chain.request(request.id).status is RequestStatus.PAID

    def test_p12_certain_failure_gives_back_and_the_request_waits_again(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))
        chain.submit()

        chain.refuse(request.transfer_id)

        assert chain.rules(request.transfer_id) == ["P-10", "P-12"]
        assert chain.transfer(request.transfer_id).status is TransferStatus.FAILED
        assert chain.request(request.id).status is RequestStatus.PENDING
        assert chain.available("ben") == usd("500.00")

    def test_a_failed_payment_is_tried_again_as_another_transfer(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))
        chain.submit()
        chain.refuse(request.transfer_id)

        again = chain.approve(request)
        chain.submit()
        chain.finalize(again.transfer_id)

        assert again.transfer_id != request.transfer_id
        assert chain.request(request.id).status is RequestStatus.PAID

    def test_an_answer_that_got_lost_keeps_the_hold(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))
        chain.tokens.weather.lose_next_answer()
        chain.submit()

        assert chain.transfer(request.transfer_id).status is TransferStatus.UNKNOWN
        assert chain.request(request.id).status is RequestStatus.ACCEPTED
        assert chain.held("ben") == usd("18.50")

    def test_a_payment_in_flight_is_neither_paid_nor_cancelled_nor_expired(
        self, chain: FriendsOnChain
    ) -> None:
        request = chain.approve(chain.ask("18.50", expires_at=tomorrow(chain)))
        chain.submit()
        chain.clock.advance(days=2)

        assert chain.approve(request).status is RequestStatus.ACCEPTED
        assert chain.run(expire_due(chain.deps)).count == 0
        with pytest.raises(RequestInFlight):
            chain.run(cancel_request(chain.deps, CancelRequest(request_id=request.id)))
        with pytest.raises(RequestInFlight):
            chain.revoke(request)

    def test_p12_an_approval_is_taken_back_before_it_was_sent(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))

        revoked = chain.revoke(request)

        assert revoked.status is RequestStatus.DECLINED
        assert chain.rules(request.transfer_id) == ["P-10", "P-12"]
        (intent,) = chain.rows(Effect)
        assert intent.status is EffectStatus.CANCELLED

    def test_what_is_held_already_is_not_spent_twice(self, chain: FriendsOnChain) -> None:
        chain.approve(chain.ask("400.00"))

        with pytest.raises(InsufficientFunds):
            chain.approve(chain.ask("100.01"))

    def test_p10_is_booked_when_a_scheduled_payment_starts(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"), pay_at=tomorrow(chain))
        chain.clock.advance(days=1)

        chain.run(execute_due(chain.deps))
        chain.submit()
        chain.finalize(request.transfer_id)

        assert chain.rules(request.transfer_id) == ["P-10", "P-17"]
        assert chain.request(request.id).status is RequestStatus.PAID

    def test_a_split_collects_when_the_chain_confirms(self, chain: FriendsOnChain) -> None:
        bill = chain.split("20.00", "ben", "cal")
        first = chain.approve(bill.children[0])
        chain.submit()
        before = chain.request(bill.parent.id)

        chain.finalize(first.transfer_id)

        assert (before.status, before.paid) == (RequestStatus.PENDING, usd("0"))
        assert chain.request(bill.parent.id).paid == usd("10.00")

    def test_p12_goes_to_2030_when_the_payer_was_frozen_meanwhile(self, chain: FriendsOnChain) -> None:
        request = chain.approve(chain.ask("18.50"))
        chain.submit()
        freeze = FreezeWallet(party_id="ben", asset="USD", reason="order 12")
        chain.run(freeze_wallet(chain.deps, freeze))

        chain.refuse(request.transfer_id)

        assert (chain.available("ben"), chain.held("ben")) == (usd("0"), usd("0"))
        released = chain.postings(request.transfer_id)[-1]
        assert [entry.account.id for entry in released.entries] == ["2010/USD/ben", "2030/USD/ben"]
