"""Every code of Circle's has one cause, and every cause one of the three answers."""

from __future__ import annotations

import json
import pickle

import pytest

from invoicepay.adapters.circle.errors import (
    CODES,
    FOR_GOOD,
    NOT_DONE,
    Cause,
    cause_of,
    is_locked_out,
    require_done,
)
from invoicepay.adapters.http import Answer
from invoicepay.errors import (
    IdempotencyConflict,
    InvoicePayError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

TABLE = {
    Cause.ACCESS: [1, 3, 401, 155502, 156007, 156013, 156016, 156019, 175405, 175409, 177604, 177605, 177606],
    Cause.INVALID: [
        *(
            2,
            1077,
            1078,
            1088,
            1100,
            1101,
            1106,
            1108,
            1112,
            2005,
            2009,
            2020,
            5002,
            5007,
            5011,
            5017,
            155211,
        ),
        *(155219, 155221, 155224, 155226, 155228, 155231, 155245, 156006, 156009, 156014, 156017, 156027),
        *(177010, 177017, 280001, 280002),
    ],
    Cause.PREFLIGHT: [155206, 155208, 155209, 155210, 177005, 177007, 177008, 177009],
    Cause.STATE: [155215, 155229, 1084, 1085, 1086, 1087, 1097],
    Cause.KEY_REUSED: [1083, 500004, 156020, 175403, 177607],
    Cause.EXISTS: [2003, 155601, 155101],
    Cause.NOT_FOUND: [1089, 5001, 5004, 5005, 156001, 156002, 156003, 156005, 156010, 156012],
    Cause.FUNDS: [1093, 5006, 155205, 177003],
    Cause.GAS: [155201, 155204, 155207, 177004, 177006],
    Cause.RECIPIENT: [2004, 5003],
    Cause.FROZEN: [155501, 177301],
    Cause.LIMIT: [1107],
    Cause.BUSY: [155202, 155264, 155505, 177001, 177303],
    Cause.CIPHERTEXT: [156004, 177602],
    Cause.OUTAGE: [-1, 175406, 175407],
}
PAIRS = [(cause, code) for cause, codes in TABLE.items() for code in codes]


def answer(status: int, code: int | None = 2, **headers: str) -> Answer:
    told = {"code": code, "message": "the account 000123456789 is unknown"}
    return Answer(status, headers, json.dumps(told).encode(), provider="circle", operation="transfer")


def raised(seen: Answer, *, is_order: bool = True, waits_for_funds: bool = False) -> InvoicePayError:
    with pytest.raises(InvoicePayError) as refused:
        require_done(seen, operation="transfer", is_order=is_order, waits_for_funds=waits_for_funds)
    return refused.value


@pytest.mark.parametrize(("cause", "code"), PAIRS)
def test_a_code_has_its_cause(cause: Cause, code: int) -> None:
    assert CODES[code] is cause
    assert cause_of(answer(400, code)) == (cause, code)


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_of_an_order_is_one_of_the_three_answers(cause: Cause) -> None:
    code = TABLE[cause][0] if cause in TABLE else 999_999
    answers: dict[type[InvoicePayError], bool] = {
        ProviderRejected: cause in FOR_GOOD,
        ProviderUnavailable: cause in NOT_DONE,
        IdempotencyConflict: cause is Cause.KEY_REUSED,
        ProviderUnknown: cause in (Cause.OUTAGE, Cause.UNKNOWN),
    }

    assert [kind for kind, applies in answers.items() if applies] == [type(raised(answer(400, code)))]


@pytest.mark.parametrize(("cause", "code"), PAIRS)
def test_a_question_that_is_refused_was_not_answered(cause: Cause, code: int) -> None:
    assert type(raised(answer(400, code), is_order=False)) is ProviderUnavailable


def test_the_operators_own_money_may_be_topped_up_and_a_partys_is_refused() -> None:
    assert type(raised(answer(400, 155205), waits_for_funds=True)) is ProviderUnavailable
    assert type(raised(answer(400, 155205))) is ProviderRejected


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ProviderUnavailable),
        (403, ProviderUnavailable),
        (404, ProviderUnknown),
        (409, IdempotencyConflict),
        (429, ProviderUnavailable),
        (400, ProviderUnknown),
        (302, ProviderUnknown),
        (408, ProviderUnknown),
        (500, ProviderUnknown),
        (503, ProviderUnknown),
    ],
)
def test_without_a_known_code_the_status_speaks(status: int, kind: type[InvoicePayError]) -> None:
    assert type(raised(Answer(status, {}, b"<html>"))) is kind


def test_a_404_with_a_code_that_is_not_in_the_table_is_circles_own() -> None:
    assert type(raised(answer(404, 404))) is ProviderRejected


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", [2, 5001, 155205, 156004, 155202, 1083, 401])
def test_an_order_that_failed_inside_circle_may_have_been_done_whatever_its_code(
    status: int, code: int
) -> None:
    assert type(raised(answer(status, code), waits_for_funds=True)) is ProviderUnknown
    assert cause_of(answer(status, code)) == (Cause.OUTAGE, code)


@pytest.mark.parametrize("seen", [Answer(404, {}, b"<html>"), answer(502, 5001)])
def test_a_question_that_circle_did_not_answer_tells_of_no_absence(seen: Answer) -> None:
    assert cause_of(seen)[0] not in (Cause.NOT_FOUND, Cause.INVALID)
    assert type(raised(seen, is_order=False)) is ProviderUnavailable


@pytest.mark.parametrize(
    ("seen", "locked_out"),
    [
        (answer(401, 401), True),
        (answer(403, 3), True),
        (Answer(403, {}, b"<html>"), True),
        (answer(403, 999_999), True),
        (answer(403, 155501), False),
        (answer(403, 156020), False),
        (answer(403, 177003), False),
    ],
)
def test_a_403_about_one_order_is_told_from_one_about_our_key(seen: Answer, locked_out: bool) -> None:
    assert is_locked_out(seen) is locked_out


def test_a_pause_that_circle_asks_for_is_told() -> None:
    assert raised(answer(429, None, **{"retry-after": "30"})).details["retry_after_seconds"] == 30


def test_an_error_names_the_cause_the_code_and_the_request_and_repeats_nothing_of_circles_text() -> None:
    error = raised(answer(400, 155501, **{"x-request-id": "7c2a"}))

    assert error.details == {
        "cause": "frozen",
        "operation": "transfer",
        "status": 400,
        "code": 155501,
        "request_id": "7c2a",
    }
    assert "000123456789" not in repr((error, error.to_problem(), pickle.dumps(error)))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_what_was_done_raises_nothing(status: int) -> None:
    require_done(answer(status), operation="transfer", is_order=True)
