"""Ids, party ids, keys and text: what is spelled how, and what is refused."""

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.adapters.system import SystemIds
from invoicepay.domain.ids import (
    Prefix,
    clean_text,
    idempotency_key,
    parse_typeid,
    party_id,
    ten_letters,
    timed_id,
    typeid,
    uuid7_bytes,
)
from invoicepay.errors import InvalidIdentifier, InvalidKey, InvalidText, InvoicePayError

MILLIS = st.integers(0, 2**48 - 1)
CHANCE = st.binary(min_size=10, max_size=10)
NAUGHTY = [
    "a\nb",
    "a\rb",
    "a\tb",
    "\x00",
    "a\x1b[0m",
    "a\x7f",
    "a\u0085",
    "a\u202eb",
    "a\u2066b",
    "\ud800",
    "a\u2028b",
]


@given(MILLIS, CHANCE)
def test_uuids_have_version_seven_and_the_standard_variant(millis: int, chance: bytes) -> None:
    uuid = UUID(bytes=uuid7_bytes(millis, chance))

    assert uuid.version == 7
    assert uuid.variant == "specified in RFC 4122"
    assert uuid.int >> 80 == millis


@given(MILLIS, CHANCE)
def test_an_id_is_read_back_to_the_same_uuid(millis: int, chance: bytes) -> None:
    uuid = uuid7_bytes(millis, chance)

    text = typeid("inv", uuid)

    assert len(text) == 30
    assert parse_typeid(text) == parse_typeid(text, "inv") == ("inv", uuid)


@given(st.tuples(MILLIS, CHANCE), st.tuples(MILLIS, CHANCE))
def test_ids_sort_by_time_then_by_the_bytes_in_front(one: tuple[int, bytes], two: tuple[int, bytes]) -> None:
    first, second = sorted([one, two])

    assert typeid("inv", uuid7_bytes(*first)) <= typeid("inv", uuid7_bytes(*second))


@given(MILLIS, st.integers(0, 2**24 - 1), st.integers(0, 2**50 - 1))
def test_an_id_made_of_parts_is_the_same(millis: int, counter: int, chance: int) -> None:
    tail = (counter << 50 | chance) << 6

    assert timed_id("inv", ten_letters(millis), counter, ten_letters(chance)) == typeid(
        "inv", uuid7_bytes(millis, tail.to_bytes(10))
    )


def test_the_published_example_is_spelled_alike() -> None:
    uuid = UUID("01890a5d-ac96-774b-bcce-b302099a8057").bytes

    assert typeid("prefix", uuid) == "prefix_01h455vb4pex5vsknk084sn02q"


def test_prefixes_are_short_distinct_words() -> None:
    assert len(set(Prefix)) == len(Prefix)
    for prefix in Prefix:
        assert parse_typeid(typeid(prefix, bytes(16)), prefix) == (prefix, bytes(16))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "inv",
        "inv_",
        "inv_01h455vb4pex5vsknk084sn02",
        "inv_01h455vb4pex5vsknk084sn02qq",
        "inv_81h455vb4pex5vsknk084sn02q",
        "inv_01h455vb4pex5vsknk084sn0lq",
        "inv_01H455VB4PEX5VSKNK084SN02Q",
        "INV_01h455vb4pex5vsknk084sn02q",
        "inv-01h455vb4pex5vsknk084sn02q",
        "inv_01h455vb4pex5vsknk084sn02q\n",
        " inv_01h455vb4pex5vsknk084sn02q",
        "inv_" + "0" * 10**6,
        None,
        7,
    ],
    ids=lambda text: repr(text)[:12],
)
def test_another_spelling_is_no_id(text: Any) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_typeid(text)


def test_an_id_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidIdentifier, match="pmt_"):
        parse_typeid(typeid("inv", bytes(16)), "pmt")


@pytest.mark.parametrize("text", ["user:42", "ann", "Zoë", "用户 42", "a" * 128, "0"])
def test_the_hosts_party_ids_are_kept_as_they_are(text: str) -> None:
    assert party_id(text) is text


@pytest.mark.parametrize(
    "text", ["", " ", " ann", "ann ", "a" * 129, "Zoe\u0308", "a\u200bb", None, 42, *NAUGHTY]
)
def test_unreliable_party_ids_are_refused(text: Any) -> None:
    with pytest.raises(InvalidIdentifier):
        party_id(text)


@pytest.mark.parametrize("text", ["", "Dinner, 12 € 🍜", "שלום", "👩\u200d👩\u200d👧", "a" * 200])
def test_ordinary_text_is_kept(text: str) -> None:
    assert clean_text(text, 200, "the note") == text


def test_text_is_composed() -> None:
    assert clean_text("Zoe\u0308", 10, "the note") == "Zo\u00eb"


@pytest.mark.parametrize("text", NAUGHTY)
def test_control_and_override_characters_are_refused(text: str) -> None:
    with pytest.raises(InvalidText, match="the note"):
        clean_text(text, 200, "the note")


@pytest.mark.parametrize(
    "text", ["a" * 201, "é" * 201, "\u0958" * 200, "a" * 10**7, None, b"a"], ids=range(6)
)
def test_long_text_and_other_types_are_refused(text: Any) -> None:
    with pytest.raises(InvalidText):
        clean_text(text, 200, "the note")


@given(st.text(max_size=50))
def test_accepted_text_is_stable_and_encodable(text: str) -> None:
    try:
        kept = clean_text(text, 50, "the note")
    except InvoicePayError:
        return

    assert clean_text(kept, 50, "the note") == kept
    assert kept.encode().decode() == kept
    assert unicodedata.is_normalized("NFC", kept)


@pytest.mark.parametrize("key", ["a", "order-7", "order 7", "~" * 255])
def test_keys_are_printable_ascii(key: str) -> None:
    assert idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "a" * 256, "é", "a\n", "\x7f", "a\x00", None, 5])
def test_other_keys_are_refused(key: Any) -> None:
    with pytest.raises(InvalidKey):
        idempotency_key(key)


def test_ids_of_one_instant_keep_the_order_of_calls_though_another_thread_makes_ids_of_another() -> None:
    ids, mine = SystemIds(), datetime(2026, 1, 31, tzinfo=UTC)

    made = []
    for _ in range(200):
        made.append(ids.new("evt", mine))
        ids.new("evt", mine + timedelta(milliseconds=1))

    assert made == sorted(made)
    assert len(set(made)) == 200
