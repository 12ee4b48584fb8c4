"""Texts, words, assets, cursors and keys that nobody should have to store or show (S-18, S-20, S-21)."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from invoicepay.errors import (
    InvalidIdentifier,
    InvalidInput,
    InvalidKey,
    InvalidText,
    UnknownAsset,
    WebhookSignatureInvalid,
)
from tests.input.calls import CALLS, Role, make, methods, taking
from tests.input.refusals import slips
from tests.input.scene import Scene

NO_TEXTS: dict[str, Any] = {
    "a NUL": "a\x00b",
    "a lone surrogate": "a\ud800",
    "a surrogate backwards": "\udc00\ud800",
    "a direction override": "a\u202eb",
    "an isolate": "a\u2066b",
    "an escape": "\x1b[2Jx",
    "a line end": "a\nb",
    "a carriage return": "a\rb",
    "a line separator": "a\u2028b",
    "a delete": "a\x7fb",
    "a million characters": "x" * 1_000_000,
    "a million wide characters": "\U0001f600" * 1_000_000,
    "an int": 42,
    "bytes": b"x",
    "a list": ["x"],
    "a dict": {"x": 1},
}
FREE = [pair for pair in taking(Role.TEXT) if pair[0].partition(".")[0] != "sim"]
WORDS = {
    "another word": "nonsense",
    "a capital": "Open",
    "a space": "open ",
    "a number": 1,
    "a list": ["open"],
}
NO_KEYS: dict[str, Any] = {
    "empty": "",
    "a space before": " k",
    "a line end": "k\n",
    "256 characters": "k" * 256,
    "a million characters": "k" * 1_000_000,
    "an umlaut": "schlüssel",
    "full-width digits": "１２",
    "a NUL": "k\x00",
    "a lone surrogate": "k\ud800",
    "an int": 42,
    "bytes": b"k",
    "a bool": True,
    "a list": ["k"],
}
NO_ASSETS: dict[str, Any] = {
    "unknown": "XXQ",
    "lower case": "usd",
    "an upper-case network": "USD.TEMPO",
    "a NUL": "USD\x00",
    "a lone surrogate": "\ud800",
    "a million characters": "USD." + "x" * 1_000_000,
    "an int": 42,
    "a list": ["USD"],
    "None": None,
}
NO_CURSORS: dict[str, Any] = {
    "a NUL": "x\x00",
    "a lone surrogate": "\ud800",
    "an escape": "\x1b[2J",
    "300 characters": "x" * 300,
    "an int": 1,
    "a list": ["x"],
    "a dict": {"x": 1},
    "bytes": b"x",
}
INJECTIONS = (
    "' OR 1=1 --",
    '"; DROP TABLE invoices; --',
    "%",
    "_",
    "${jndi:x}",
    "{{7*7}}",
    "../../etc/passwd",
)


@pytest.mark.parametrize(("call", "name"), FREE)
def test_a_hostile_text_is_refused_everywhere(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_TEXTS, InvalidInput) == {}


@pytest.mark.parametrize(("call", "name"), taking(Role.WORD))
def test_a_word_that_is_not_on_the_list_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_TEXTS | WORDS, InvalidInput, WebhookSignatureInvalid) == {}


@pytest.mark.parametrize(("call", "name"), taking(Role.KEY))
def test_a_key_that_is_none_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_KEYS, InvalidKey) == {}


@pytest.mark.parametrize(
    ("call", "name"), [pair for pair in taking(Role.ASSET) if pair[0] != "requests.create"]
)
def test_an_asset_that_is_none_is_refused(home: Scene, call: str, name: str) -> None:
    forms = (
        NO_ASSETS if call != "requests.payee_qr" else {k: v for k, v in NO_ASSETS.items() if v is not None}
    )

    assert slips(home, call, name, forms, UnknownAsset, InvalidIdentifier, InvalidText) == {}


@pytest.mark.parametrize("store", ["home", "sqlite_home", "postgres_home"])
@pytest.mark.parametrize(("call", "name"), taking(Role.CURSOR)[::3])
def test_a_cursor_that_is_none_is_refused(
    request: pytest.FixtureRequest, store: str, call: str, name: str
) -> None:
    scene: Scene = request.getfixturevalue(store)

    assert slips(scene, call, name, NO_CURSORS, InvalidIdentifier) == {}


@pytest.mark.parametrize("store", ["sqlite_home", "postgres_home"])
@pytest.mark.parametrize(("call", "name"), FREE[::4])
def test_no_store_is_given_a_hostile_text(
    request: pytest.FixtureRequest, store: str, call: str, name: str
) -> None:
    scene: Scene = request.getfixturevalue(store)

    assert slips(scene, call, name, NO_TEXTS, InvalidInput) == {}


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("store", ["home", "sqlite_home", "postgres_home"])
def test_text_that_means_something_elsewhere_is_only_text(
    request: pytest.FixtureRequest, store: str, text: str
) -> None:
    scene: Scene = request.getfixturevalue(store)
    pay = scene.pay

    draft = pay.invoices.draft(
        enterprise="acme", customer="ann", lines=[(text, "1.00 USD")], note=text, reference=text
    )

    stored = pay.invoices.get(draft.id)
    assert (stored.note, stored.reference, stored.lines[0].description) == (text, text, text)
    assert not pay.invoices.list(customer=text)
    assert len(pay.invoices.list(after=text, limit=200).items) <= 200
    assert pay.invariants.check() == ()


@pytest.mark.parametrize("form", ["e\u0301", "\u212b", "ﬁ", "\u00e9"])
@pytest.mark.parametrize("store", ["home", "sqlite_home", "postgres_home"])
def test_text_is_returned_as_it_is_stored(request: pytest.FixtureRequest, store: str, form: str) -> None:
    pay = request.getfixturevalue(store).pay

    drafted = pay.invoices.draft(enterprise="acme", customer="ann", lines=[(form, "1.00 USD")], note=form)

    assert pay.invoices.get(drafted.id).note == drafted.note
    assert pay.invoices.get(drafted.id).lines == drafted.lines


def test_only_texts_that_may_be_left_out_have_a_default() -> None:
    needed = {
        (call, name)
        for call, signature in methods()
        for name, parameter in signature.parameters.items()
        if parameter.default is inspect.Parameter.empty and name not in ("self", *CALLS.get(call, ()))
    }

    assert needed == set()


def test_a_text_from_outside_is_bounded_in_every_message(home: Scene) -> None:
    with pytest.raises(InvalidInput) as caught:
        make(home, "invoices.list", status="x" * 1_000_000)

    assert len(str(caught.value)) <= 1_000
    assert len(repr(caught.value.to_problem())) < 5_000
