"""Requests and transfers: states, what one payment may be, how a bill is split, what a code says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.codes import payee_payload, request_payload
from invoicepay.domain.money import Money, total
from invoicepay.domain.qr_payload import QrKind
from invoicepay.domain.requests import (
    REQUEST,
    TRANSFER,
    PaymentRequest,
    RequestCommand,
    RequestStatus,
    TransferCommand,
    TransferStatus,
    Uses,
    has_expired,
    payment_amount,
    require_payable,
    shares,
)
from invoicepay.errors import (
    AmountNotPositive,
    BelowMinimumPartial,
    CurrencyMismatch,
    InvalidInput,
    InvalidTransition,
    OverpaymentRefused,
    PartialPaymentRefused,
    RequestAlreadyResolved,
    RequestExpired,
    RequestInFlight,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
REQUEST_STATES: tuple[RequestStatus | None, ...] = (None, *RequestStatus)
TRANSFER_STATES: tuple[TransferStatus | None, ...] = (None, *TransferStatus)


def usd(text: str) -> Money:
    return Money(text, "USD")


DINNER = PaymentRequest(
    id="req_1",
    requester_id="ann",
    payer_id="ben",
    asset="USD",
    status=RequestStatus.PENDING,
    paid=usd("0"),
    amount=usd("18.50"),
    nonce="0" * 22,
)
TIPS = replace(DINNER, payer_id="", amount=None, minimum=usd("1.00"), maximum=usd("20.00"))
IN_PARTS = replace(DINNER, amount_editable=True, minimum=usd("5.00"))


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product(REQUEST_STATES, RequestCommand) if pair not in REQUEST.table],
)
def test_every_step_of_a_request_not_in_the_table_is_refused(
    state: RequestStatus | None, command: RequestCommand
) -> None:
    with pytest.raises(InvalidTransition):
        REQUEST.after(state, command)


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product(TRANSFER_STATES, TransferCommand) if pair not in TRANSFER.table],
)
def test_every_step_of_a_transfer_not_in_the_table_is_refused(
    state: TransferStatus | None, command: TransferCommand
) -> None:
    with pytest.raises(InvalidTransition):
        TRANSFER.after(state, command)


def test_a_request_ends_in_four_ways() -> None:
    assert REQUEST.terminal == {
        RequestStatus.PAID,
        RequestStatus.DECLINED,
        RequestStatus.CANCELLED,
        RequestStatus.EXPIRED,
    }


def test_an_unknown_transfer_leaves_only_by_an_answer() -> None:
    assert TRANSFER.allowed(TransferStatus.UNKNOWN) == (
        TransferCommand.SUBMIT,
        TransferCommand.SETTLE,
        TransferCommand.FAIL,
    )


class TestPaymentAmount:
    def test_nothing_chosen_is_what_is_due(self) -> None:
        assert payment_amount(DINNER, None) == usd("18.50")

    def test_what_is_due_shrinks_with_what_was_paid(self) -> None:
        assert payment_amount(replace(IN_PARTS, paid=usd("10.00")), None) == usd("8.50")

    def test_a_multi_use_request_asks_each_payer_for_the_whole(self) -> None:
        ticket = replace(DINNER, payer_id="", uses=Uses.MANY, paid=usd("37.00"))

        assert payment_amount(ticket, None) == usd("18.50")

    def test_more_than_asked_for_is_refused(self) -> None:
        with pytest.raises(OverpaymentRefused) as refusal:
            payment_amount(DINNER, usd("18.51"))

        assert refusal.value.details["most"] == "18.50 USD"

    def test_less_than_asked_for_is_refused_where_parts_are_not_taken(self) -> None:
        with pytest.raises(PartialPaymentRefused):
            payment_amount(DINNER, usd("18.49"))

    def test_a_part_is_taken_where_the_amount_is_editable(self) -> None:
        assert payment_amount(IN_PARTS, usd("5.00")) == usd("5.00")

    def test_a_part_below_the_minimum_is_refused(self) -> None:
        with pytest.raises(BelowMinimumPartial):
            payment_amount(IN_PARTS, usd("4.99"))

    def test_a_rest_below_the_minimum_is_taken(self) -> None:
        assert payment_amount(replace(IN_PARTS, paid=usd("15.00")), usd("3.50")) == usd("3.50")

    def test_an_open_amount_must_be_chosen(self) -> None:
        with pytest.raises(InvalidInput, match="leaves the amount to the payer"):
            payment_amount(TIPS, None)

    @pytest.mark.parametrize("amount", ["1.00", "20.00"])
    def test_an_open_amount_lies_between_its_bounds(self, amount: str) -> None:
        assert payment_amount(TIPS, usd(amount)) == usd(amount)

    def test_an_open_amount_below_its_minimum_is_refused(self) -> None:
        with pytest.raises(BelowMinimumPartial):
            payment_amount(TIPS, usd("0.99"))

    def test_an_open_amount_above_its_maximum_is_refused(self) -> None:
        with pytest.raises(OverpaymentRefused):
            payment_amount(TIPS, usd("20.01"))

    def test_another_asset_is_refused(self) -> None:
        with pytest.raises(CurrencyMismatch):
            payment_amount(TIPS, Money("5", "EUR"))

    def test_nothing_is_no_payment(self) -> None:
        with pytest.raises(AmountNotPositive):
            payment_amount(TIPS, usd("0"))


class TestRequirePayable:
    @pytest.mark.parametrize("status", [RequestStatus.PENDING, RequestStatus.PARTIALLY_PAID])
    def test_a_waiting_request_is_payable(self, status: RequestStatus) -> None:
        require_payable(replace(DINNER, status=status), NOON)

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (RequestStatus.ACCEPTED, RequestInFlight),
            (RequestStatus.PAID, RequestAlreadyResolved),
            (RequestStatus.DECLINED, RequestAlreadyResolved),
            (RequestStatus.CANCELLED, RequestAlreadyResolved),
            (RequestStatus.EXPIRED, RequestExpired),
        ],
    )
    def test_another_is_not(self, status: RequestStatus, error: type[Exception]) -> None:
        with pytest.raises(error):
            require_payable(replace(DINNER, status=status), NOON)

    @pytest.mark.parametrize(("seconds", "is_over"), [(-1, False), (0, True)])
    def test_its_time_is_over_from_the_instant_of_the_expiry(self, seconds: int, is_over: bool) -> None:
        request = replace(DINNER, expires_at=NOON)

        assert has_expired(request, NOON + timedelta(seconds=seconds)) is is_over

    def test_a_request_that_was_split_is_paid_by_its_parts(self) -> None:
        with pytest.raises(InvalidInput, match="was split"):
            require_payable(replace(DINNER, is_split=True), NOON)


class TestShares:
    def test_e12_a_hundred_over_three(self) -> None:
        assert shares(usd("100.00"), 3) == (usd("33.34"), usd("33.33"), usd("33.33"))

    def test_a_currency_without_cents_is_split_in_whole_units(self) -> None:
        assert [part.amount_text for part in shares(Money("100", "JPY"), 3)] == ["34", "33", "33"]

    def test_less_than_one_unit_each_is_refused(self) -> None:
        with pytest.raises(AmountNotPositive):
            shares(usd("0.02"), 3)

    @given(cents=st.integers(200, 10**9), parts=st.integers(1, 200))
    def test_the_parts_are_the_whole_and_differ_by_at_most_one_unit(self, cents: int, parts: int) -> None:
        whole = Money.from_micros(cents * 10_000, "USD")

        split = shares(whole, parts)

        assert total(split, "USD") == whole
        assert max(split) - min(split) <= usd("0.01")
        assert list(split) == sorted(split, reverse=True)


class TestCodes:
    def test_a_requests_code_says_who_asks_for_what(self) -> None:
        payload = request_payload(replace(DINNER, expires_at=NOON), "acme-pay")

        assert (payload.kind, payload.id, payload.payee) == (QrKind.REQUEST, "req_1", "ann")
        assert (payload.amount, payload.expires_at) == (usd("18.50"), NOON)

    def test_a_code_of_an_open_amount_names_none(self) -> None:
        assert request_payload(TIPS, "acme-pay").amount is None

    def test_a_partly_paid_requests_code_asks_for_the_rest(self) -> None:
        assert request_payload(replace(IN_PARTS, paid=usd("8.50")), "acme-pay").amount == usd("10.00")

    def test_equal_requests_give_equal_codes(self) -> None:
        assert request_payload(DINNER, "acme-pay") == request_payload(DINNER, "acme-pay")

    def test_a_payees_code_is_static_with_or_without_an_amount(self) -> None:
        free = payee_payload("acme", "acme-pay", "0" * 22, asset="USD")
        fixed = payee_payload("acme", "acme-pay", "0" * 22, asset="USD", amount=usd("2.50"))

        assert (free.kind, free.amount) == (QrKind.STATIC_PAYEE, None)
        assert (fixed.kind, fixed.amount) == (QrKind.STATIC_AMOUNT, usd("2.50"))

    def test_an_amount_of_another_asset_is_refused(self) -> None:
        with pytest.raises(InvalidInput):
            payee_payload("acme", "acme-pay", "0" * 22, asset="USD", amount=Money("2", "EUR"))
