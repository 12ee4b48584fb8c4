"""The trap itself: what it must find, so that finding nothing means something."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from invoicepay.errors import ProviderUnknown
from tests.security.canaries import Trap, bytes_canary, digits_canary, dump, routing_canary, text_canary

SECRET = text_canary("a secret")
KEY = bytes_canary("a key")
NUMBER = digits_canary("an account")


@pytest.fixture
def trap() -> Trap:
    made = Trap()
    made.plant("secret", SECRET)
    made.plant("key", KEY)
    made.plant("number", NUMBER)
    return made


@pytest.mark.parametrize(
    "told",
    [
        f"token={SECRET}",
        json.dumps({"token": SECRET}),
        SECRET.encode().hex(),
        base64.b64encode(f"me:{SECRET}:x".encode()).decode(),
        base64.b64encode(f"user:{SECRET}:x".encode()).decode(),
        base64.urlsafe_b64encode(f"users:{SECRET}:x".encode()).decode(),
        repr(KEY),
        repr({"seed": KEY}),
        KEY.hex(),
        KEY.hex().upper(),
        str(int.from_bytes(KEY)),
        base64.b64encode(KEY).decode(),
        f"account {NUMBER}",
        f"account {NUMBER[:4]} {NUMBER[4:8]} {NUMBER[8:]}",
    ],
    ids=range(14),
)
def test_a_canary_is_found_in_every_spelling(trap: Trap, told: str) -> None:
    trap.see("somewhere", told)

    assert len({hit.partition(" ")[0] for hit in trap.found()}) == 1


def test_a_canary_is_found_in_a_log_however_it_got_there(trap: Trap) -> None:
    log = logging.getLogger("tests.security.leaky")
    log.setLevel(logging.ERROR)

    with trap.listening():
        log.debug("sent %s", {"key": SECRET})
    log.setLevel(logging.NOTSET)

    assert [hit.partition(",")[0] for hit in trap.found()] == ["secret in the log tests.security.leaky"]


def test_a_canary_is_found_on_an_error_in_its_cause_and_in_its_frames(trap: Trap, tmp_path: Path) -> None:
    module = tmp_path / "leaky.py"
    module.write_text("def leak(hidden):\n    raise KeyError('nothing to see')\n")
    scope: dict[str, object] = {}
    exec(compile(module.read_text(), str(module), "exec"), scope)

    def wrapping() -> None:
        try:
            scope["leak"](SECRET)  # type: ignore[operator]
        except KeyError as error:
            raise ProviderUnknown("it did not answer") from error

    with pytest.raises(ProviderUnknown) as caught:
        wrapping()
    trap.see_error("an error", caught.value)

    assert trap.found() != []


def test_frames_of_tests_are_not_looked_at(trap: Trap) -> None:
    hidden = SECRET
    with pytest.raises(ProviderUnknown) as caught:
        raise ProviderUnknown("it did not answer")
    trap.see_error("an error", caught.value)

    assert hidden
    assert trap.found() == []


def test_a_canary_is_found_in_a_database_dump(trap: Trap, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/pay.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (a TEXT, b BLOB)"))
        connection.execute(text("INSERT INTO kept VALUES ('x', :b)"), {"b": SECRET.encode()})
    engine.dispose()
    for table, row in dump(url):
        trap.see(table, row)

    assert [hit.partition(",")[0] for hit in trap.found()] == ["secret in kept"]


def test_numbers_pass_the_checks_that_adapters_make() -> None:
    card = digits_canary("a card", 16)
    routing = routing_canary("a bank")
    luhn = sum(
        int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10))
        for place, digit in enumerate(reversed(card))
    )

    assert (len(card), luhn % 10) == (16, 0)
    assert sum(int(d) * w for d, w in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def test_a_value_that_chance_would_find_is_not_taken(trap: Trap) -> None:
    with pytest.raises(ValueError, match="too short"):
        trap.plant("pin", "1234")
