"""Authorization holds: placed, captured whole or in part, released, expired (spec 4.7)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from invoicepay.domain.accounts import frozen
from invoicepay.domain.holds import Hold, HoldPurpose, HoldStatus
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Limits, Programme
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    ComplianceBlocked,
    CurrencyMismatch,
    InsufficientFunds,
    InvalidInput,
    InvalidTime,
    InvalidTransition,
    InvoicePayError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    SelfPayment,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases.holds import (
    CaptureHold,
    ExpireHold,
    PlaceHold,
    ReleaseHold,
    capture_hold,
    expire_due,
    expire_hold,
    place_hold,
    release_hold,
)
from invoicepay.use_cases.parties import FreezeWallet, UnfreezeWallet, freeze_wallet, unfreeze_wallet
from tests.support.friends import Friends, FriendsOnChain, Stops
from tests.support.till import usd


@pytest.fixture
def friends() -> Iterator[Friends]:
    """People whose books hold afterwards."""
    friends = Friends()
    yield friends
    assert friends.violations() == ()


def place(friends: Friends, amount: str = "50.00", *, payee: str = "acme", **facts: Any) -> Hold:
    command = PlaceHold(owner_id="ben", amount=usd(amount), payee_id=payee, **facts)
    return friends.run(place_hold(friends.acting_as("ben"), command))


def capture(friends: Friends, hold: Hold, amount: str | None = None, *, by: str = "acme") -> Hold:
    command = CaptureHold(hold_id=hold.id, amount=None if amount is None else usd(amount))
    return friends.run(capture_hold(friends.acting_as(by), command))


def release(friends: Friends, hold: Hold, *, by: str = "acme") -> Hold:
    command = ReleaseHold(hold_id=hold.id, reason="room not used")
    return friends.run(release_hold(friends.acting_as(by), command))


def in_an_hour(friends: Friends) -> datetime:
    friends.clock.advance(hours=1)
    soon = friends.clock.now()
    friends.clock.advance(hours=-1)
    return soon


class TestPlace:
    def test_p10_tokens_are_set_aside(self, friends: Friends) -> None:
        hold = place(friends)

        assert (hold.status, hold.purpose, hold.payee_id) == (
            HoldStatus.ACTIVE,
            HoldPurpose.AUTHORIZATION,
            "acme",
        )
        assert friends.rules(hold.id) == ["P-10"]
        assert (friends.available("ben"), friends.held("ben")) == (usd("450.00"), usd("50.00"))
        assert friends.events(hold.id) == ["hold.placed"]

    def test_what_is_set_aside_is_not_spent(self, friends: Friends) -> None:
        place(friends, "450.00")

        with pytest.raises(InsufficientFunds):
            friends.send("ben", "ann", "50.01")

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"amount": "0"}, AmountNotPositive),
            ({"amount": "0.001"}, AmountPrecision),
            ({"amount": "500.01"}, InsufficientFunds),
            ({"payee": "ben"}, SelfPayment),
            ({"payee": "nobody"}, NotFound),
        ],
    )
    def test_what_cannot_be_set_aside_is_refused(
        self, friends: Friends, facts: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        with pytest.raises(error):
            place(friends, **facts)

        assert friends.rows(Hold) == ()

    def test_an_expiry_lies_ahead(self, friends: Friends) -> None:
        with pytest.raises(InvalidTime):
            place(friends, expires_at=friends.clock.now())

    def test_nobody_sets_the_tokens_of_another_aside(self, friends: Friends) -> None:
        command = PlaceHold(owner_id="ben", amount=usd("1.00"), payee_id="acme")

        with pytest.raises(NotThePayer):
            friends.run(place_hold(friends.acting_as("acme"), command))

    def test_a_frozen_wallet_sets_nothing_aside(self, friends: Friends) -> None:
        friends.run(freeze_wallet(friends.deps, FreezeWallet(party_id="ben", asset="USD", reason="x")))

        with pytest.raises(WalletFrozen):
            place(friends)

    def test_limits_count_it_from_now_on(self) -> None:
        friends = Friends(Programme(limits=Limits(by_tier={0: 60_000_000})))
        hold = place(friends, "50.00")

        with pytest.raises(LimitExceeded):
            friends.send("ben", "ann", "10.01")

        assert capture(friends, hold).status is HoldStatus.CAPTURED

    def test_screening_is_asked_where_a_payee_is_named(self) -> None:
        stops = Stops(Verdict.BLOCK)
        friends = Friends(screening=stops)

        with pytest.raises(ComplianceBlocked):
            place(friends)

        assert place(friends, payee="").status is HoldStatus.ACTIVE
        assert [subject.counterparty_id for subject in stops.asked] == ["acme"]


class TestCapture:
    def test_p17_all_of_it_reaches_the_payee(self, friends: Friends) -> None:
        hold = place(friends)

        captured = capture(friends, hold)

        assert (captured.status, captured.captured) == (HoldStatus.CAPTURED, usd("50.00"))
        (transfer,) = friends.rows(Transfer)
        assert (transfer.status, transfer.hold_id) == (TransferStatus.COMPLETED, hold.id)
        (posting,) = friends.postings(transfer.id)
        assert [entry.account.id for entry in posting.entries] == ["2010/USD/ben", "2000/USD/acme"]
        assert (friends.held("ben"), friends.available("acme")) == (usd("0"), usd("50.00"))

    def test_p12_the_rest_of_a_part_goes_back(self, friends: Friends) -> None:
        hold = place(friends)

        captured = capture(friends, hold, "30.00")

        assert captured.captured == usd("30.00")
        assert friends.rules(hold.id) == ["P-10", "P-12"]
        assert (friends.available("ben"), friends.available("acme")) == (usd("470.00"), usd("30.00"))
        assert friends.held("ben") == usd("0")

    def test_a_hold_is_captured_once(self, friends: Friends) -> None:
        hold = place(friends)
        capture(friends, hold, "30.00")

        with pytest.raises(InvalidTransition):
            capture(friends, hold, "20.00")

    def test_more_than_it_holds_is_refused(self, friends: Friends) -> None:
        with pytest.raises(InsufficientFunds):
            capture(friends, place(friends), "50.01")

    def test_another_asset_is_refused(self, friends: Friends) -> None:
        command = CaptureHold(hold_id=place(friends).id, amount=Money("1.00", "EUR"))

        with pytest.raises(CurrencyMismatch):
            friends.run(capture_hold(friends.deps, command))

    @pytest.mark.parametrize("who", ["ben", "cal"])
    def test_only_the_payee_captures(self, friends: Friends, who: str) -> None:
        with pytest.raises(NotAllowed):
            capture(friends, place(friends), by=who)

    def test_another_payee_than_authorized_is_refused(self, friends: Friends) -> None:
        command = CaptureHold(hold_id=place(friends).id, payee_id="cal")

        with pytest.raises(InvalidInput, match="is for acme"):
            friends.run(capture_hold(friends.deps, command))

    def test_from_the_instant_of_its_expiry_nothing_is_captured(self, friends: Friends) -> None:
        hold = place(friends, expires_at=in_an_hour(friends))
        friends.clock.advance(hours=1)

        with pytest.raises(InvalidTransition, match="hold is expired: cannot capture"):
            capture(friends, hold)

    def test_a_frozen_owner_pays_nothing_out_of_a_hold(self, friends: Friends) -> None:
        hold = place(friends)
        friends.run(freeze_wallet(friends.deps, FreezeWallet(party_id="ben", asset="USD", reason="x")))

        with pytest.raises(WalletFrozen):
            capture(friends, hold)

    def test_a_hold_without_a_payee_goes_where_its_owner_says(self, friends: Friends) -> None:
        hold = place(friends, payee="")
        to_cal = CaptureHold(hold_id=hold.id, payee_id="cal")

        with pytest.raises(NotThePayer):
            friends.run(capture_hold(friends.acting_as("cal"), to_cal))
        with pytest.raises(InvalidInput, match="say who takes it"):
            capture(friends, hold, by="ben")

        friends.run(capture_hold(friends.acting_as("ben"), to_cal))
        assert friends.available("cal") == usd("550.00")

    def test_the_owner_does_not_capture_for_the_owner(self, friends: Friends) -> None:
        command = CaptureHold(hold_id=place(friends, payee="").id, payee_id="ben")

        with pytest.raises(SelfPayment):
            friends.run(capture_hold(friends.acting_as("ben"), command))

    def test_a_payee_named_late_is_screened_then(self) -> None:
        stops = Stops()
        friends = Friends(screening=stops)
        hold = place(friends, payee="")
        stops.verdict = Verdict.BLOCK

        with pytest.raises(ComplianceBlocked):
            friends.run(capture_hold(friends.deps, CaptureHold(hold_id=hold.id, payee_id="cal")))

        assert friends.held("ben") == usd("50.00")

    def test_one_key_captures_once(self, friends: Friends) -> None:
        command = CaptureHold(hold_id=place(friends).id, amount=usd("30.00"))
        first = friends.run(capture_hold(friends.deps, command, "night-1"))

        again = friends.run(capture_hold(friends.deps, command, "night-1"))

        assert (again, again.replayed, friends.available("acme")) == (first, True, usd("30.00"))

    def test_an_unknown_hold_is_not_found(self, friends: Friends) -> None:
        with pytest.raises(NotFound):
            friends.run(capture_hold(friends.deps, CaptureHold(hold_id="hld_none")))


class TestRelease:
    def test_p12_the_owner_has_the_tokens_back(self, friends: Friends) -> None:
        hold = place(friends)

        released = release(friends, hold)

        assert (released.status, released.reason) == (HoldStatus.RELEASED, "room not used")
        assert friends.rules(hold.id) == ["P-10", "P-12"]
        assert (friends.available("ben"), friends.held("ben")) == (usd("500.00"), usd("0"))

    def test_the_owner_does_not_take_an_authorization_back(self, friends: Friends) -> None:
        with pytest.raises(NotAllowed):
            release(friends, place(friends), by="ben")

    def test_a_hold_without_a_payee_is_the_owners_to_release(self, friends: Friends) -> None:
        assert release(friends, place(friends, payee=""), by="ben").status is HoldStatus.RELEASED

    def test_p12_goes_to_2030_while_the_owner_is_frozen(self, friends: Friends) -> None:
        hold = place(friends)
        friends.run(freeze_wallet(friends.deps, FreezeWallet(party_id="ben", asset="USD", reason="x")))

        release(friends, hold)

        assert (friends.available("ben"), friends.balance(frozen("ben", "USD"))) == (usd("0"), usd("500.00"))
        friends.run(unfreeze_wallet(friends.deps, UnfreezeWallet(party_id="ben", asset="USD", reason="y")))
        assert friends.available("ben") == usd("500.00")

    def test_a_released_hold_is_over(self, friends: Friends) -> None:
        hold = place(friends)
        release(friends, hold)

        with pytest.raises(InvalidTransition):
            release(friends, hold)
        with pytest.raises(InvalidTransition):
            capture(friends, hold)


class TestExpire:
    def test_p12_a_hold_whose_time_is_over_is_released_by_posting(self, friends: Friends) -> None:
        hold = place(friends, expires_at=in_an_hour(friends))
        forever = place(friends, "10.00")
        early = friends.run(expire_due(friends.deps))
        friends.clock.advance(hours=1)

        first, second = friends.run(expire_due(friends.deps)), friends.run(expire_due(friends.deps))

        assert (early.count, first.count, second.count) == (0, 1, 0)
        assert friends.hold(hold.id).status is HoldStatus.EXPIRED
        assert friends.hold(forever.id).status is HoldStatus.ACTIVE
        assert friends.rules(hold.id) == ["P-10", "P-12"]
        assert (friends.available("ben"), friends.held("ben")) == (usd("490.00"), usd("10.00"))
        assert friends.events(hold.id) == ["hold.placed", "hold.expired"]

    def test_only_the_clock_or_an_operator_expires(self, friends: Friends) -> None:
        hold = place(friends, expires_at=in_an_hour(friends))

        with pytest.raises(NotAllowed):
            friends.run(expire_hold(friends.acting_as("ben"), ExpireHold(hold_id=hold.id)))
        with pytest.raises(InvalidTransition, match="expire before expires_at"):
            friends.run(expire_hold(friends.deps, ExpireHold(hold_id=hold.id)))


class TestOnChain:
    def test_p17_a_captured_part_leaves_when_the_chain_confirms(self) -> None:
        chain = FriendsOnChain()
        hold = place(chain, payee="ann")

        committed = capture(chain, hold, "30.00", by="ann")
        (transfer,) = chain.rows(Transfer)
        chain.submit()
        chain.finalize(transfer.id)

        assert (committed.status, committed.amount) == (HoldStatus.ACTIVE, usd("30.00"))
        assert chain.rules(hold.id) == ["P-10", "P-12"]
        assert chain.rules(transfer.id) == ["P-17"]
        assert chain.hold(hold.id).status is HoldStatus.CAPTURED
        assert (chain.available("ben"), chain.available("ann")) == (usd("470.00"), usd("530.00"))
        assert chain.violations() == ()

    def test_p12_a_capture_that_the_chain_refuses_goes_back(self) -> None:
        chain = FriendsOnChain()
        hold = place(chain, payee="ann")
        capture(chain, hold, by="ann")
        (transfer,) = chain.rows(Transfer)
        chain.submit()

        chain.refuse(transfer.id)

        assert chain.hold(hold.id).status is HoldStatus.RELEASED
        assert chain.available("ben") == usd("500.00")
        assert chain.violations() == ()

    def test_a_hold_in_flight_is_moved_by_its_transfer_alone(self) -> None:
        chain = FriendsOnChain()
        hold = place(chain, payee="ann", expires_at=in_an_hour(chain))
        capture(chain, hold, by="ann")
        chain.clock.advance(hours=2)

        assert chain.run(expire_due(chain.deps)).count == 0
        for again in (capture, release):
            with pytest.raises(InvalidTransition, match="part of trf_"):
                again(chain, hold, by="ann")
