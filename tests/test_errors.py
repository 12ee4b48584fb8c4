"""The tree of errors: names, hints, records, and text that is safe to log."""

import copy
import json
import pickle
import re
import traceback
from collections.abc import Iterator
from enum import StrEnum

import pytest

from invoicepay import errors
from invoicepay.errors import (
    ConcurrentUpdate,
    FloatAmount,
    InsufficientFunds,
    InvalidAmount,
    InvalidTransition,
    InvoicePayError,
    MissingExtra,
    NotFound,
    OutcomeUnknown,
    ProviderRejected,
    StoreBusy,
    error_from,
)


def _tree(kind: type[InvoicePayError]) -> Iterator[type[InvoicePayError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _tree(below)


TREE = tuple(_tree(InvoicePayError))
PLAIN = tuple(kind for kind in TREE if kind not in (InvalidTransition, OutcomeUnknown, MissingExtra))
STATUS = {
    "InvalidInput": 400,
    "StateError": 409,
    "MoneyError": 409,
    "IdentityError": 409,
    "ComplianceError": 403,
    "ProviderError": 502,
    "ConcurrencyError": 409,
    "StoreError": 503,
    "ConfigurationError": 500,
    "InsufficientFunds": 402,
    "NotFound": 404,
    "NotAllowed": 403,
    "IdempotencyConflict": 422,
    "ProviderUnavailable": 503,
}


@pytest.mark.parametrize("kind", PLAIN)
def test_every_error_says_by_itself_what_happened_and_what_to_do(kind: type[InvoicePayError]) -> None:
    error = kind()

    assert str(error) == kind.title()
    assert re.fullmatch(r"[A-Z].*\.", str(error))
    assert re.fullmatch(r"[A-Z].*\.", error.hint)
    assert 400 <= error.http_status < 600


def test_codes_are_the_class_names_in_snake_case_and_unique() -> None:
    codes = [kind.code for kind in TREE]

    assert len(codes) == len(set(codes))
    assert InsufficientFunds.code == "insufficient_funds"
    assert InvoicePayError.code == "invoice_pay_error"


def test_the_drawing_names_every_class_once() -> None:
    drawing = (errors.__doc__ or "").partition("\n\n")[2].partition("\n\n")[0]

    drawn = [name for name in re.findall(r"\b[A-Z]\w+", drawing) if name not in ("ValueError", "TypeError")]

    assert sorted(drawn) == sorted(kind.__name__ for kind in TREE)


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_families_carry_the_http_status(name: str, status: int) -> None:
    assert getattr(errors, name).http_status == status


def test_only_outcomes_that_may_change_are_retryable() -> None:
    retryable = {kind.__name__ for kind in TREE if kind.retryable}

    assert retryable == {
        "AuthorizerUnavailable",
        "ProviderUnavailable",
        "ConcurrencyError",
        "ConcurrentUpdate",
        "StoreBusy",
        "StoreUnreachable",
        "OutcomeUnknown",
    }


def test_a_float_amount_is_a_type_error_and_an_invalid_amount() -> None:
    assert issubclass(FloatAmount, TypeError)
    assert issubclass(FloatAmount, InvalidAmount)
    assert issubclass(InvalidAmount, ValueError)


def test_a_busy_store_is_retried_like_a_concurrent_update() -> None:
    assert issubclass(StoreBusy, ConcurrentUpdate)


def test_an_invalid_transition_lists_what_is_allowed() -> None:
    error = InvalidTransition("invoice", "open", "reopen", ("void", "expire"), id="inv_1")

    assert str(error) == "invoice is open: cannot reopen (allowed: void, expire)"
    assert error.details == {
        "entity": "invoice",
        "state": "open",
        "command": "reopen",
        "allowed": ["void", "expire"],
        "id": "inv_1",
    }


def test_an_invalid_transition_with_no_way_out_says_nothing_is_allowed() -> None:
    assert (
        str(InvalidTransition("invoice", "paid", "void")) == "invoice is paid: cannot void (allowed: nothing)"
    )


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    error = MissingExtra("postgres", needed_for="A postgresql:// store")

    assert str(error) == 'A postgresql:// store needs pip install "invoicepay[postgres]"'
    assert "pip install" in error.hint


def test_an_unknown_outcome_names_the_key_to_repeat() -> None:
    assert OutcomeUnknown(retry_same_key="order-7").details == {"retry_same_key": "order-7"}


@pytest.mark.parametrize(
    "error",
    [
        InsufficientFunds("ann has 5.00 USD", available="5.00 USD", hint="Deposit 95.00 USD."),
        InvalidTransition("invoice", "paid", "void", ("a", "b")),
        OutcomeUnknown(retry_same_key="k"),
        MissingExtra("png"),
        FloatAmount(),
    ],
)
def test_errors_survive_pickle_copy_and_the_record(error: InvoicePayError) -> None:
    stored = json.loads(json.dumps(error.to_record()))

    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), error_from(**stored)):
        assert type(again) is type(error)
        assert again.to_problem() == error.to_problem()
        assert str(again) == str(error)


def test_a_code_from_a_newer_version_is_rebuilt_as_the_root_error() -> None:
    error = error_from("teapot_refused", "no tea", {"cup": 1})

    assert type(error) is InvoicePayError
    assert (str(error), error.details) == ("no tea", {"cup": 1, "code": "teapot_refused"})


def test_a_hosts_own_error_below_ours_is_rebuilt() -> None:
    class CouponExpired(InsufficientFunds, hint="Use another coupon."):
        """The coupon has expired."""

    error = error_from("coupon_expired")

    assert type(error) is CouponExpired
    assert (str(error), error.hint, error.http_status) == (
        "The coupon has expired.",
        "Use another coupon.",
        402,
    )


def test_the_problem_document_has_the_members_of_rfc_9457() -> None:
    problem = NotFound("no invoice inv_1", kind="invoice", id="inv_1").to_problem()

    assert problem == {
        "type": "urn:invoicepay:error:not_found",
        "title": "There is nothing with this identifier.",
        "status": 404,
        "detail": "no invoice inv_1",
        "code": "not_found",
        "retryable": False,
        "hint": "Check the identifier and the tenant.",
        "details": {"kind": "invoice", "id": "inv_1"},
    }


@pytest.mark.parametrize(
    "hostile", ["a\nb", "a\rb", "\x1b[31m", "a\u202eb", "a\u2066b", "\u2028", "\x00", "\ud800"]
)
def test_control_and_bidi_characters_are_escaped_in_messages_and_details(hostile: str) -> None:
    error = ProviderRejected(
        f"bank said {hostile}", word=hostile, hint=f"ask {hostile}", **{f"k{hostile}": 1}
    )

    for text in (str(error), error.hint, str(error.details["word"]), *error.details):
        assert text.isprintable()
        assert text.isascii()


def test_long_provider_text_is_cut() -> None:
    error = ProviderRejected("x" * 100_000, body="y" * 100_000)

    assert len(str(error)) == 1_000
    assert len(str(error.details["body"])) == 1_000


def test_details_are_json_ready() -> None:
    class Word(StrEnum):
        OPEN = "open"

    error = NotFound(state=Word.OPEN, options=(1, None), nested={"a": [True]}, raw=b"abc", kind=NotFound)

    assert json.loads(json.dumps(error.details)) == error.details
    assert error.details["state"] == "open"
    assert error.details["raw"] == "<3 bytes>"


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "api_key",
        "apiKey",
        "password",
        "Authorization",
        "private_key",
        "account_number",
        "iban",
        "account_token",
    ],
)
def test_details_never_echo_secrets(name: str) -> None:
    error = ProviderRejected(**{name: "canary"}, headers={name: "canary"}, id="pmt_1")

    assert "canary" not in json.dumps(error.to_problem())
    assert error.details["id"] == "pmt_1"


@pytest.mark.parametrize("hint", [None, "Ask the bank."])
def test_a_traceback_shows_the_hint_below_the_message(hint: str | None) -> None:
    error = InsufficientFunds("ann is short of 5.00 USD", hint=hint)

    shown = "".join(traceback.format_exception(pickle.loads(pickle.dumps(error))))

    assert shown.endswith(f"InsufficientFunds: ann is short of 5.00 USD\nhint: {error.hint}\n")
