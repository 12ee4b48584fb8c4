"""Splitting a bill: its shares, its parts, and what their fates make of the whole (spec 4.6, E12)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from invoicepay.domain.requests import PaymentRequest, RequestStatus
from invoicepay.errors import (
    AmountNotPositive,
    InvalidInput,
    NotAllowed,
    NotFound,
    RequestInFlight,
    SelfPayment,
)
from invoicepay.use_cases.requests import (
    ApproveRequest,
    CancelRequest,
    DeclineRequest,
    SplitRequest,
    approve_request,
    cancel_request,
    decline_request,
    execute_due,
    expire_due,
    split_request,
)
from tests.support.friends import Friends
from tests.support.till import usd


@pytest.fixture
def friends() -> Iterator[Friends]:
    """People whose books hold afterwards."""
    friends = Friends()
    friends.fund("dora", "500.00 USD")
    yield friends
    assert friends.violations() == ()


def test_e12_a_bill_of_100_over_three(friends: Friends) -> None:
    bill = friends.split("100.00", "ben", "cal", "dora", note="Dinner")

    assert [(part.payer_id, part.amount) for part in bill.children] == [
        ("ben", usd("33.34")),
        ("cal", usd("33.33")),
        ("dora", usd("33.33")),
    ]
    assert {(part.parent_id, part.requester_id, part.note) for part in bill.children} == {
        (bill.parent.id, "ann", "Dinner")
    }
    assert (bill.parent.amount, bill.parent.is_split) == (usd("100.00"), True)
    assert len({part.nonce for part in bill.children}) == 3


@pytest.mark.parametrize(
    ("refusing", "paid"),
    [(0, "66.66"), (1, "66.67"), (2, "66.67")],
)
def test_e12_one_declines_and_the_bill_stays_partly_paid(friends: Friends, refusing: int, paid: str) -> None:
    bill = friends.split("100.00", "ben", "cal", "dora")
    parts = list(bill.children)
    refused = parts.pop(refusing)

    no = DeclineRequest(request_id=refused.id)
    friends.run(decline_request(friends.acting_as(refused.payer_id), no))
    for part in parts:
        friends.approve(part, by=part.payer_id)

    whole = friends.request(bill.parent.id)
    assert (whole.status, whole.paid) == (RequestStatus.PARTIALLY_PAID, usd(paid))
    assert friends.available("ann") == usd("500.00") + usd(paid)


def test_a_bill_is_paid_when_every_part_is(friends: Friends) -> None:
    bill = friends.split("100.00", "ben", "cal", "dora")

    statuses = []
    for part in bill.children:
        friends.approve(part, by=part.payer_id)
        statuses.append(friends.request(bill.parent.id).status)

    assert statuses == [RequestStatus.PARTIALLY_PAID, RequestStatus.PARTIALLY_PAID, RequestStatus.PAID]
    assert friends.events(bill.parent.id) == [
        "request.created",
        "request.partially_paid",
        "request.partially_paid",
        "request.paid",
    ]


def test_a_share_may_be_paid_in_parts_where_the_bill_says_so(friends: Friends) -> None:
    bill = friends.split("20.00", "ben", "cal", amount_editable=True)
    part = bill.children[0]

    friends.approve(part, "4.00")
    friends.approve(part)

    assert friends.request(part.id).status is RequestStatus.PAID
    assert friends.request(bill.parent.id).paid == usd("10.00")


def test_the_bill_itself_is_not_paid(friends: Friends) -> None:
    bill = friends.split("20.00", "ben", "cal")
    command = ApproveRequest(request_id=bill.parent.id, payer_id="ben")

    with pytest.raises(InvalidInput, match="was split"):
        friends.run(approve_request(friends.deps, command))


def test_cancelling_the_bill_cancels_what_is_open_of_it(friends: Friends) -> None:
    bill = friends.split("30.00", "ben", "cal", "dora")
    friends.approve(bill.children[0])

    whole = friends.run(cancel_request(friends.deps, CancelRequest(request_id=bill.parent.id)))

    assert (whole.status, whole.paid) == (RequestStatus.CANCELLED, usd("10.00"))
    assert [friends.request(part.id).status for part in bill.children] == [
        RequestStatus.PAID,
        RequestStatus.CANCELLED,
        RequestStatus.CANCELLED,
    ]


def test_a_bill_with_a_part_in_flight_is_neither_cancelled_nor_expired(friends: Friends) -> None:
    noon = friends.clock.now() + timedelta(hours=3)
    bill = friends.split("30.00", "ben", "cal", "dora", expires_at=noon)
    friends.approve(bill.children[0], pay_at=noon)

    with pytest.raises(RequestInFlight):
        friends.run(cancel_request(friends.deps, CancelRequest(request_id=bill.parent.id)))

    friends.clock.advance(hours=3)
    friends.run(expire_due(friends.deps))
    assert friends.request(bill.parent.id).status is RequestStatus.PENDING
    assert friends.request(bill.children[1].id).status is RequestStatus.EXPIRED

    friends.run(execute_due(friends.deps))
    friends.run(expire_due(friends.deps))
    whole = friends.request(bill.parent.id)
    assert (whole.status, whole.paid) == (RequestStatus.EXPIRED, usd("10.00"))


@pytest.mark.parametrize(
    ("payers", "error"),
    [
        ((), InvalidInput),
        (("ben", "ben"), InvalidInput),
        (("ben", "ann"), SelfPayment),
        (("ben", "nobody"), NotFound),
    ],
)
def test_a_bill_needs_payers_each_once(
    friends: Friends, payers: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        friends.split("10.00", *payers)

    assert friends.rows(PaymentRequest) == ()


def test_a_bill_that_gives_nobody_a_cent_is_refused(friends: Friends) -> None:
    with pytest.raises(AmountNotPositive):
        friends.split("0.02", "ben", "cal", "dora")


def test_nobody_splits_in_the_name_of_another(friends: Friends) -> None:
    command = SplitRequest(requester_id="ann", amount=usd("10.00"), payer_ids=("ben",))

    with pytest.raises(NotAllowed):
        friends.run(split_request(friends.acting_as("ben"), command))


def test_a_repeated_key_splits_once(friends: Friends) -> None:
    command = SplitRequest(requester_id="ann", amount=usd("10.00"), payer_ids=("ben", "cal"))
    first = friends.run(split_request(friends.deps, command, "bill"))

    assert friends.run(split_request(friends.deps, command, "bill")) == first
    assert len(friends.rows(PaymentRequest)) == 3
