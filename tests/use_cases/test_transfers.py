"""Transfers that nobody asked for, and tokens that cross the programme's border (P-17, P-18)."""

from collections.abc import Iterator
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Code, frozen
from invoicepay.domain.holds import HoldStatus
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Asset, Custody, Limits, Programme
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.errors import (
    AmountNotPositive,
    AmountPrecision,
    AssetNotAccepted,
    ComplianceBlocked,
    DuplicateProviderReference,
    InsufficientFunds,
    InvalidText,
    InvoicePayError,
    LimitExceeded,
    NotAllowed,
    NotFound,
    NotThePayer,
    SelfPayment,
    WalletFrozen,
)
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases.parties import CloseParty, FreezeWallet, close_party, freeze_wallet
from invoicepay.use_cases.requests import (
    ReceiveFromOutside,
    SendOutside,
    SendTransfer,
    receive_from_outside,
    send_outside,
    send_transfer,
)
from tests.support.friends import Friends, FriendsOnChain, Stops
from tests.support.till import ON_CHAIN, usd

OUTSIDE = Account(Code.EXTERNAL_HOLDERS, "USD")


@pytest.fixture
def friends() -> Iterator[Friends]:
    """People whose books hold afterwards."""
    friends = Friends()
    yield friends
    assert friends.violations() == ()


def freeze(friends: Friends, id: str) -> None:
    command = FreezeWallet(party_id=id, asset="USD", reason="order 12")
    friends.run(freeze_wallet(friends.deps, command))


class TestSend:
    def test_p17_tokens_move_at_once_in_the_book(self, friends: Friends) -> None:
        sent = friends.send("ben", "ann", "20.00")

        assert (sent.status, sent.completed_at) == (TransferStatus.COMPLETED, friends.clock.now())
        assert friends.rules(sent.id) == ["P-17"]
        assert (friends.available("ben"), friends.available("ann")) == (usd("480.00"), usd("520.00"))
        assert friends.events(sent.id) == ["transfer.completed"]

    def test_an_enterprise_is_sent_tokens_like_anybody(self, friends: Friends) -> None:
        friends.send("ben", "acme", "20.00")

        assert friends.available("acme") == usd("20.00")

    @pytest.mark.parametrize(
        ("facts", "error"),
        [
            ({"payee_id": "ben"}, SelfPayment),
            ({"payee_id": "nobody"}, NotFound),
            ({"amount": usd("0")}, AmountNotPositive),
            ({"amount": usd("0.001")}, AmountPrecision),
            ({"amount": usd("500.01")}, InsufficientFunds),
            ({"note": "a\x00b"}, InvalidText),
        ],
    )
    def test_what_cannot_move_is_refused(
        self, friends: Friends, facts: dict[str, Any], error: type[InvoicePayError]
    ) -> None:
        asked: dict[str, Any] = {"payer_id": "ben", "payee_id": "ann", "amount": usd("20.00"), **facts}

        with pytest.raises(error):
            friends.run(send_transfer(friends.deps, SendTransfer(**asked)))

        assert friends.rows(Transfer) == ()

    def test_nobody_sends_the_tokens_of_another(self, friends: Friends) -> None:
        command = SendTransfer(payer_id="ben", payee_id="ann", amount=usd("1.00"))

        with pytest.raises(NotThePayer):
            friends.run(send_transfer(friends.acting_as("cal"), command))

    def test_a_closed_party_is_sent_nothing(self, friends: Friends) -> None:
        friends.user("dora")
        friends.run(close_party(friends.deps, CloseParty(party_id="dora")))

        with pytest.raises(NotFound):
            friends.send("ben", "dora", "1.00")

    def test_a_frozen_wallet_sends_nothing(self, friends: Friends) -> None:
        freeze(friends, "ben")

        with pytest.raises(WalletFrozen):
            friends.send("ben", "ann", "1.00")

    def test_p17_arrives_in_2030_while_the_payee_is_frozen(self, friends: Friends) -> None:
        freeze(friends, "ann")

        friends.send("ben", "ann", "1.00")

        assert (friends.available("ann"), friends.balance(frozen("ann", "USD"))) == (usd("0"), usd("501.00"))

    def test_a_limit_per_call_is_kept(self) -> None:
        friends = Friends(Programme(limits=Limits(per_call_micros=10_000_000)))

        friends.send("ben", "ann", "10.00")
        with pytest.raises(LimitExceeded):
            friends.send("ben", "ann", "10.01")

    def test_what_screening_stops_moves_nothing(self) -> None:
        friends = Friends(screening=Stops(Verdict.BLOCK))

        with pytest.raises(ComplianceBlocked):
            friends.send("ben", "ann", "10.00")

        assert friends.available("ben") == usd("500.00")

    def test_p10_and_p17_on_a_chain(self) -> None:
        chain = FriendsOnChain()
        sent = chain.send("ben", "ann", "20.00")
        chain.submit()

        chain.finalize(sent.id)

        done = chain.transfer(sent.id)
        assert (sent.status, done.status) == (TransferStatus.PENDING, TransferStatus.COMPLETED)
        assert chain.rules(sent.id) == ["P-10", "P-17"]
        assert chain.hold(done.hold_id).status is HoldStatus.CAPTURED
        assert chain.events(sent.id) == ["transfer.started", "transfer.processing", "transfer.completed"]
        assert chain.violations() == ()


def leave(friends: Friends, amount: str = "30.00", *, by: str = "ben", address: str = "0xabc") -> Transfer:
    command = SendOutside(payer_id="ben", amount=usd(amount), address=address)
    return friends.run(send_outside(friends.acting_as(by), command))


def arrive(friends: Friends, amount: str, *, ref: str = "0x1:0", payee: str = "ann") -> Transfer:
    command = ReceiveFromOutside(payee_id=payee, amount=usd(amount), provider="custodian", provider_ref=ref)
    return friends.run(receive_from_outside(friends.deps, command))


class TestOutside:
    def test_p18_tokens_leave_and_stay_outstanding(self, friends: Friends) -> None:
        sent = leave(friends)

        assert (sent.status, sent.address, sent.payee_id) == (TransferStatus.COMPLETED, "0xabc", "")
        assert friends.rules(sent.id) == ["P-10", "P-18", "P-18"]
        assert (friends.available("ben"), friends.balance(OUTSIDE)) == (usd("470.00"), usd("30.00"))
        assert friends.held("ben") == usd("0")
        assert friends.events(sent.id) == ["transfer.sent_outside"]

    def test_the_address_that_is_screened_is_the_one_that_is_kept(self) -> None:
        stops = Stops()
        friends = Friends(screening=stops)

        sent = leave(friends, address=" 0xabc\u3000")

        assert [subject.counterparty_id for subject in stops.asked] == ["0xabc"] == [sent.address]

    def test_p18_tokens_come_back(self, friends: Friends) -> None:
        leave(friends)

        seen = arrive(friends, "12.00")

        assert (seen.status, seen.payer_id) == (TransferStatus.COMPLETED, "")
        assert friends.rules(seen.id) == ["P-18"]
        assert (friends.available("ann"), friends.balance(OUTSIDE)) == (usd("512.00"), usd("18.00"))
        assert friends.events(seen.id) == ["transfer.arrived_from_outside"]

    def test_p18_arrives_in_2030_while_the_payee_is_frozen(self, friends: Friends) -> None:
        leave(friends)
        freeze(friends, "ann")

        arrive(friends, "12.00")

        assert friends.balance(frozen("ann", "USD")) == usd("512.00")

    def test_more_than_is_outside_cannot_arrive(self, friends: Friends) -> None:
        leave(friends, "30.00")

        with pytest.raises(InsufficientFunds):
            arrive(friends, "30.01")

    def test_one_movement_arrives_once(self, friends: Friends) -> None:
        leave(friends)
        arrive(friends, "5.00", ref="0x1:0")

        with pytest.raises(DuplicateProviderReference):
            arrive(friends, "5.00", ref="0x1:0")

        assert friends.available("ann") == usd("505.00")

    def test_only_operators_say_what_arrived(self, friends: Friends) -> None:
        command = ReceiveFromOutside(payee_id="ann", amount=usd("1.00"), provider="x", provider_ref="1")

        with pytest.raises(NotAllowed):
            friends.run(receive_from_outside(friends.acting_as("ann"), command))

    def test_nobody_sends_the_tokens_of_another_outside(self, friends: Friends) -> None:
        with pytest.raises(NotThePayer):
            leave(friends, by="cal")

    @pytest.mark.parametrize(
        ("amount", "address", "error"),
        [
            ("500.01", "0xabc", InsufficientFunds),
            ("0", "0xabc", AmountNotPositive),
            ("1.00", "  ", InvalidText),
        ],
    )
    def test_what_cannot_leave_is_refused(
        self, friends: Friends, amount: str, address: str, error: type[InvoicePayError]
    ) -> None:
        with pytest.raises(error):
            leave(friends, amount, address=address)

        assert friends.balance(OUTSIDE) == usd("0")

    def test_a_frozen_wallet_lets_nothing_leave(self, friends: Friends) -> None:
        freeze(friends, "ben")

        with pytest.raises(WalletFrozen):
            leave(friends)

    def test_an_asset_of_a_chain_leaves_there_not_here(self) -> None:
        friends = Friends(ON_CHAIN)

        with pytest.raises(AssetNotAccepted):
            leave(friends)

    def test_what_screening_stops_does_not_leave(self) -> None:
        stops = Stops(Verdict.BLOCK)
        friends = Friends(screening=stops)

        with pytest.raises(ComplianceBlocked):
            leave(friends)

        assert stops.asked[0].counterparty_id == "0xabc"

    def test_a_custodied_asset_leaves_alike(self) -> None:
        friends = Friends(Programme(assets={"EUR": Asset("EUR", custody=Custody.CUSTODIED)}))
        friends.fund("ben", "9.00 EUR")
        command = SendOutside(payer_id="ben", amount=Money("4.00", "EUR"), address="0xabc")

        friends.run(send_outside(friends.deps, command))

        assert friends.available("ben", "EUR") == Money("5.00", "EUR")
