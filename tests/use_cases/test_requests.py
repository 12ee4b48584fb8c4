"""Requests: asked, paid, paid in parts, declined, cancelled, expired (spec 4.6)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from invoicepay.domain.money import Money
from invoicepay.domain.parties import Party
from invoicepay.domain.policies import Limits, Policy, Programme
from invoicepay.domain.requests import PaymentRequest, RequestStatus, Transfer, TransferStatus, Uses
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    ComplianceBlocked,
    ComplianceReview,
    CurrencyMismatch,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidIdentifier,
    InvalidInput,
    InvalidTime,
    InvalidTransition,
    InvoicePayError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    OverpaymentRefused,
    PartialPaymentRefused,
    RequestAlreadyResolved,
    RequestExpired,
    RequestInFlight,
    SelfPayment,
    UnknownAsset,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases.parties import FreezeWallet, UpdatePolicy, freeze_wallet, update_policy
from invoicepay.use_cases.requests import (
    ApproveRequest,
    CancelRequest,
    CreateRequest,
    DeclineRequest,
    ExpireRequest,
    approve_request,
    cancel_request,
    create_request,
    decline_request,
    execute_due,
    expire_due,
    expire_request,
)
from tests.support.friends import Friends, Stops
from tests.support.till import usd


@pytest.fixture
def friends() -> Iterator[Friends]:
    """People whose books hold afterwards."""
    friends = Friends()
    yield friends
    assert friends.violations() == ()


def decline(friends: Friends, request: PaymentRequest, *, by: str = "ben", reason: str = "no") -> Any:
    command = DeclineRequest(request_id=request.id, reason=reason)
    return friends.run(decline_request(friends.acting_as(by), command))


def cancel(friends: Friends, request: PaymentRequest, *, by: str = "ann") -> PaymentRequest:
    return friends.run(cancel_request(friends.acting_as(by), CancelRequest(request_id=request.id)))


class TestCreate:
    def test_a_request_waits_for_its_payer(self, friends: Friends) -> None:
        request = friends.ask("18.50", note="Dinner")

        assert (request.requester_id, request.payer_id, request.note) == ("ann", "ben", "Dinner")
        assert (request.amount, request.paid, request.status) == (usd("18.50"), usd("0"), "pending")
        assert len(request.nonce) >= 22
        assert friends.events(request.id) == ["request.created"]

    def test_a_repeated_key_gives_the_same_request_and_the_same_code(self, friends: Friends) -> None:
        command = CreateRequest(requester_id="ann", asset="USD", payer_id="ben", amount=usd("5.00"))
        first = friends.run(create_request(friends.deps, command, "dinner"))

        again = friends.run(create_request(friends.deps, command, "dinner"))

        assert again == first
        assert (again.nonce, again.replayed) == (first.nonce, True)

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"payer": "ann"}, SelfPayment),
            ({"payer": "nobody"}, NotFound),
            ({"amount": "0"}, AmountNotPositive),
            ({"amount": "1.001"}, AmountPrecision),
            ({"amount": "5.00", "maximum": usd("9.00")}, InvalidInput),
            ({"amount": "5.00", "minimum": usd("1.00")}, InvalidInput),
            ({"amount": "5.00", "minimum": usd("6.00"), "amount_editable": True}, InvalidInput),
            ({"amount": None, "minimum": usd("6.00"), "maximum": usd("5.00")}, InvalidInput),
            ({"amount": None, "minimum": Money("1", "EUR")}, CurrencyMismatch),
        ],
    )
    def test_what_cannot_be_asked_for_is_refused(
        self, friends: Friends, facts: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        with pytest.raises(error):
            friends.ask(**facts)

        assert friends.rows(PaymentRequest) == ()

    def test_an_expiry_lies_ahead(self, friends: Friends) -> None:
        with pytest.raises(InvalidTime):
            friends.ask(expires_at=friends.clock.now())

    def test_nobody_asks_in_the_name_of_another(self, friends: Friends) -> None:
        command = CreateRequest(requester_id="ann", asset="USD", amount=usd("5.00"))

        with pytest.raises(NotAllowed):
            friends.run(create_request(friends.acting_as("ben"), command))

    def test_an_asset_that_the_programme_does_not_have_is_refused(self) -> None:
        friends = Friends(Programme(only_listed_assets=True))

        with pytest.raises(UnknownAsset):
            friends.ask()

    def test_micro_payments_are_asked_for_where_the_requester_takes_them(self, friends: Friends) -> None:
        policy = UpdatePolicy(party_id="ann", policy=Policy(micro_payments=True))
        friends.run(update_policy(friends.deps, policy))

        assert friends.ask("0.000001").amount == usd("0.000001")


class TestApprove:
    def test_p17_tokens_move_at_once_in_the_book(self, friends: Friends) -> None:
        request = friends.ask("18.50", note="Dinner")

        paid = friends.approve(request)

        assert (paid.status, paid.paid) == (RequestStatus.PAID, usd("18.50"))
        assert (friends.available("ann"), friends.available("ben")) == (usd("518.50"), usd("481.50"))
        transfer = friends.transfer(paid.transfer_id)
        assert (transfer.status, transfer.note) == (TransferStatus.COMPLETED, "Dinner")
        assert (transfer.payer_id, transfer.payee_id, transfer.request_id) == ("ben", "ann", request.id)
        assert friends.rules(transfer.id) == ["P-17"]
        assert friends.events(request.id) == ["request.created", "request.accepted", "request.paid"]

    def test_only_whom_it_names_pays_it(self, friends: Friends) -> None:
        request = friends.ask()

        with pytest.raises(NotThePayer):
            friends.approve(request, by="cal")

    def test_naming_the_payer_does_not_make_one_the_payer(self, friends: Friends) -> None:
        request = friends.ask()
        command = ApproveRequest(request_id=request.id, payer_id="ben")

        with pytest.raises(NotThePayer):
            friends.run(approve_request(friends.acting_as("cal"), command))

    def test_whoever_scans_an_open_request_pays_it(self, friends: Friends) -> None:
        request = friends.ask(payer="")

        paid = friends.approve(request, by="cal")

        assert paid.status is RequestStatus.PAID
        assert friends.transfer(paid.transfer_id).payer_id == "cal"

    def test_an_operator_says_who_pays_an_open_request(self, friends: Friends) -> None:
        request = friends.ask(payer="")

        with pytest.raises(InvalidInput, match="say who pays"):
            friends.run(approve_request(friends.deps, ApproveRequest(request_id=request.id)))

        named = ApproveRequest(request_id=request.id, payer_id="cal")
        assert friends.run(approve_request(friends.deps, named)).status is RequestStatus.PAID

    def test_the_requester_does_not_pay_an_own_open_request(self, friends: Friends) -> None:
        request = friends.ask(payer="")

        with pytest.raises(SelfPayment):
            friends.approve(request, by="ann")

    def test_an_unknown_request_is_not_found(self, friends: Friends) -> None:
        with pytest.raises(NotFound):
            friends.run(approve_request(friends.deps, ApproveRequest(request_id="req_none", payer_id="ben")))

    def test_the_payer_chooses_an_open_amount(self, friends: Friends) -> None:
        request = friends.ask(None, payer="", minimum=usd("1.00"), maximum=usd("20.00"))

        paid = friends.approve(request, "7.25", by="cal")

        assert (paid.status, paid.paid) == (RequestStatus.PAID, usd("7.25"))

    def test_parts_are_paid_until_nothing_is_left(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)

        first = friends.approve(request, "10.00")
        second = friends.approve(request, "5.00")
        last = friends.approve(request)

        assert [(r.status, r.paid.amount_text) for r in (first, second, last)] == [
            (RequestStatus.PARTIALLY_PAID, "10.00"),
            (RequestStatus.PARTIALLY_PAID, "15.00"),
            (RequestStatus.PAID, "30.00"),
        ]
        assert friends.available("ben") == usd("470.00")

    def test_a_part_is_refused_where_the_amount_is_fixed(self, friends: Friends) -> None:
        with pytest.raises(PartialPaymentRefused):
            friends.approve(friends.ask("30.00"), "10.00")

    def test_more_than_the_rest_is_refused(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        friends.approve(request, "10.00")

        with pytest.raises(OverpaymentRefused):
            friends.approve(request, "20.01")

    def test_a_payer_without_the_money_is_refused_and_nothing_changed(self, friends: Friends) -> None:
        request = friends.ask("500.01")

        with pytest.raises(InsufficientFunds):
            friends.approve(request)

        assert friends.request(request.id) == request
        assert friends.rows(Transfer) == ()

    def test_an_expired_request_is_refused_before_anybody_marked_it(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        friends.clock.advance(hours=1)

        with pytest.raises(RequestExpired):
            friends.approve(request)

    def test_paying_again_alike_answers_with_the_same(self, friends: Friends) -> None:
        request = friends.ask("18.50")
        paid = friends.approve(request)

        assert friends.approve(request) == paid
        assert friends.approve(request, "18.50") == paid
        assert friends.available("ben") == usd("481.50")

    def test_paying_a_paid_request_otherwise_is_refused(self, friends: Friends) -> None:
        request = friends.ask("18.50", payer="")
        friends.approve(request, by="ben")

        with pytest.raises(RequestAlreadyResolved):
            friends.approve(request, by="cal")
        with pytest.raises(RequestAlreadyResolved):
            friends.approve(request, "18.49", by="ben")

    def test_one_key_pays_once(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        friends.approve(request, "10.00", key="part-1")

        again = friends.approve(request, "10.00", key="part-1")

        assert (again.replayed, friends.available("ben")) == (True, usd("490.00"))
        with pytest.raises(IdempotencyConflict):
            friends.approve(request, "11.00", key="part-1")

    def test_a_frozen_payer_does_not_pay(self, friends: Friends) -> None:
        freeze = FreezeWallet(party_id="ben", asset="USD", reason="order 12")
        friends.run(freeze_wallet(friends.deps, freeze))

        with pytest.raises(WalletFrozen):
            friends.approve(friends.ask())

    def test_p17_arrives_in_2030_while_the_requester_is_frozen(self, friends: Friends) -> None:
        request = friends.ask("18.50")
        freeze = FreezeWallet(party_id="ann", asset="USD", reason="order 12")
        friends.run(freeze_wallet(friends.deps, freeze))

        friends.approve(request)

        (posting,) = friends.postings(friends.request(request.id).transfer_id)
        assert [entry.account.id for entry in posting.entries] == ["2000/USD/ben", "2030/USD/ann"]

    def test_limits_count_what_was_paid_today(self) -> None:
        friends = Friends(Programme(limits=Limits(by_tier={0: 20_000_000})))
        friends.approve(friends.ask("15.00"))

        with pytest.raises(LimitExceeded):
            friends.approve(friends.ask("5.01"))

        friends.clock.advance(days=1)
        assert friends.approve(friends.ask("5.01")).status is RequestStatus.PAID


class TestScreening:
    def test_it_is_asked_who_pays_whom_how_much(self) -> None:
        stops = Stops()
        friends = Friends(screening=stops)

        friends.approve(friends.ask("18.50"))

        (subject,) = stops.asked
        assert (subject.action, subject.party_id, subject.counterparty_id) == ("transfer", "ben", "ann")
        assert subject.amount == usd("18.50")

    @pytest.mark.parametrize(
        ("verdict", "error"), [(Verdict.BLOCK, ComplianceBlocked), (Verdict.REVIEW, ComplianceReview)]
    )
    def test_what_it_stops_moves_nothing(self, verdict: Verdict, error: type[InvoicePayError]) -> None:
        friends = Friends(screening=Stops(verdict))
        request = friends.ask()

        with pytest.raises(error):
            friends.approve(request)

        assert (friends.request(request.id), friends.available("ben")) == (request, usd("500.00"))

    def test_a_repeated_key_answers_alike_whatever_the_verdict_is_by_then(self) -> None:
        stops = Stops()
        friends = Friends(screening=stops)
        request = friends.ask()
        paid = friends.approve(request, key="pay")
        stops.verdict = Verdict.BLOCK

        assert friends.approve(request, key="pay") == paid


class TestDecline:
    def test_the_payer_says_no(self, friends: Friends) -> None:
        declined = decline(friends, friends.ask(), reason="not my dinner")

        assert (declined.status, declined.reason) == (RequestStatus.DECLINED, "not my dinner")

    def test_nobody_else_does(self, friends: Friends) -> None:
        with pytest.raises(NotThePayer):
            decline(friends, friends.ask(), by="ann")

    def test_an_open_request_has_nobody_who_could(self, friends: Friends) -> None:
        request = friends.ask(payer="")

        with pytest.raises(NotThePayer):
            decline(friends, request)
        with pytest.raises(NotThePayer, match="addressed to nobody"):
            friends.run(decline_request(friends.deps, DeclineRequest(request_id=request.id)))

    def test_a_multi_use_request_is_declined_with_what_is_open_of_it(self, friends: Friends) -> None:
        rent = friends.ask("12.00", uses=Uses.MANY)
        paid = friends.approve(rent)
        later = friends.approve(rent, pay_at=friends.clock.now() + timedelta(hours=1))

        with pytest.raises(RequestInFlight):
            decline(friends, rent)

        friends.send("ben", "cal", "488.00")
        friends.clock.advance(hours=1)
        friends.run(execute_due(friends.deps))
        decline(friends, rent)
        assert [friends.request(r.id).status for r in (rent, paid, later)] == [
            RequestStatus.DECLINED,
            RequestStatus.PAID,
            RequestStatus.DECLINED,
        ]

    def test_declining_again_alike_answers_with_the_same(self, friends: Friends) -> None:
        request = friends.ask()
        declined = decline(friends, request)

        assert decline(friends, request) == declined
        with pytest.raises(RequestAlreadyResolved):
            decline(friends, request, reason="another reason")

    def test_a_paid_request_is_not_declined(self, friends: Friends) -> None:
        request = friends.ask()
        friends.approve(request)

        with pytest.raises(RequestAlreadyResolved):
            decline(friends, request)

    def test_a_partly_paid_request_is_not_declined(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        friends.approve(request, "10.00")

        with pytest.raises(InvalidTransition):
            decline(friends, request)


class TestCancel:
    def test_the_requester_takes_it_back(self, friends: Friends) -> None:
        request = friends.ask()

        assert cancel(friends, request).status is RequestStatus.CANCELLED
        with pytest.raises(RequestAlreadyResolved):
            friends.approve(request)

    def test_nobody_else_does(self, friends: Friends) -> None:
        with pytest.raises(NotAllowed):
            cancel(friends, friends.ask(), by="ben")

    def test_cancelling_again_answers_with_the_same(self, friends: Friends) -> None:
        request = friends.ask()
        cancelled = cancel(friends, request)

        assert cancel(friends, request) == cancelled

    def test_what_was_paid_stays_paid(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        friends.approve(request, "10.00")

        cancelled = cancel(friends, request)

        assert (cancelled.status, cancelled.paid) == (RequestStatus.CANCELLED, usd("10.00"))

    def test_a_declined_request_is_not_cancelled(self, friends: Friends) -> None:
        request = friends.ask()
        decline(friends, request)

        with pytest.raises(RequestAlreadyResolved):
            cancel(friends, request)


class TestExpire:
    def test_whatever_is_over_is_marked_once(self, friends: Friends) -> None:
        soon = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        later = friends.ask(expires_at=friends.clock.now() + timedelta(hours=2))
        never = friends.ask()
        friends.clock.advance(hours=1)

        first, second = friends.run(expire_due(friends.deps)), friends.run(expire_due(friends.deps))

        assert (first.count, second.count) == (1, 0)
        statuses = [friends.request(r.id).status for r in (soon, later, never)]
        assert statuses == [RequestStatus.EXPIRED, RequestStatus.PENDING, RequestStatus.PENDING]
        assert friends.events(soon.id) == ["request.created", "request.expired"]

    def test_a_partly_paid_request_expires_too(self, friends: Friends) -> None:
        request = friends.ask(
            "30.00", amount_editable=True, expires_at=friends.clock.now() + timedelta(hours=1)
        )
        friends.approve(request, "10.00")
        friends.clock.advance(hours=1)

        friends.run(expire_due(friends.deps))

        assert friends.request(request.id).status is RequestStatus.EXPIRED

    def test_an_expired_request_stays_expired(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        friends.clock.advance(hours=1)
        friends.run(expire_due(friends.deps))

        with pytest.raises(RequestExpired):
            friends.approve(request)
        with pytest.raises(RequestAlreadyResolved):
            decline(friends, request)
        with pytest.raises(RequestAlreadyResolved):
            cancel(friends, request)

    def test_only_the_clock_or_an_operator_expires(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))

        with pytest.raises(NotAllowed):
            friends.run(expire_request(friends.acting_as("ann"), ExpireRequest(request_id=request.id)))
        with pytest.raises(InvalidTransition, match="expire before expires_at"):
            friends.run(expire_request(friends.deps, ExpireRequest(request_id=request.id)))


def test_a_multi_use_request_takes_a_payment_from_each_and_stays_pending(friends: Friends) -> None:
    ticket = friends.ask("12.00", payer="", uses=Uses.MANY)

    ben, cal = friends.approve(ticket, by="ben"), friends.approve(ticket, by="cal")

    assert ben.id != cal.id != ticket.id
    assert [(part.payer_id, part.parent_id, part.status) for part in (ben, cal)] == [
        ("ben", ticket.id, RequestStatus.PAID),
        ("cal", ticket.id, RequestStatus.PAID),
    ]
    stored = friends.request(ticket.id)
    assert (stored.status, stored.paid) == (RequestStatus.PENDING, usd("24.00"))
    assert friends.events(ticket.id) == ["request.created", "request.collected", "request.collected"]


def test_unknown_people_are_registered_where_the_programme_says_so() -> None:
    friends = Friends(Programme(unknown_parties="register"))

    friends.approve(friends.ask("1.00", payer="ben"))
    friends.send("ben", "dora", "2.00")

    assert friends.row(Party, "dora").status == "active"
    assert friends.available("dora") == usd("2.00")


def test_nobody_is_registered_under_an_id_that_cannot_be_kept() -> None:
    friends = Friends(Programme(unknown_parties="register"))

    with pytest.raises(InvalidIdentifier):
        friends.send("ben", " dora", "2.00")
