"""One key for each leg, the same for ever; one fingerprint for each request."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.adapters.circle.ids import (
    SECRET_FIELD,
    SKEW,
    KeysUsed,
    Memory,
    earliest,
    fingerprint,
    leg_key,
)
from invoicepay.domain.ids import typeid, uuid7_bytes
from invoicepay.errors import IdempotencyConflict

BODY = {"walletId": "w", "amounts": ["1.50"]}


@given(st.text(), st.sampled_from(["mint", "burn", "transfer", "fund", "sweep", "pay_out"]))
def test_a_key_is_a_version_4_uuid_and_the_same_for_ever(operation: str, leg: str) -> None:
    key = leg_key(operation, leg)

    read = uuid.UUID(key)
    assert (str(read), read.version, read.variant) == (key, 4, uuid.RFC_4122)
    assert leg_key(operation, leg) == key


def test_keys_of_different_legs_and_operations_differ() -> None:
    keys = {leg_key(f"eff_{number}", leg) for number in range(5_000) for leg in ("mint", "burn")}

    assert len(keys) == 10_000


def test_the_ciphertext_is_no_part_of_what_is_asked() -> None:
    assert fingerprint({**BODY, SECRET_FIELD: "a"}) == fingerprint({SECRET_FIELD: "b", **BODY})
    assert fingerprint(BODY) != fingerprint({**BODY, "amounts": ["1.51"]})


def test_a_key_is_bound_to_the_first_request_it_was_used_for() -> None:
    used = KeysUsed()
    used.check("k", BODY)
    used.check("k", {**BODY, SECRET_FIELD: "fresh"})

    with pytest.raises(IdempotencyConflict):
        used.check("k", {**BODY, "walletId": "other"})
    used.check("k", BODY)


def test_an_id_of_ours_tells_when_it_was_made_and_another_does_not() -> None:
    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    made = typeid("eff", uuid7_bytes(int(at.timestamp() * 1000), bytes(10)))

    assert earliest(made) == at - SKEW
    assert timedelta(minutes=5) < SKEW
    assert earliest("order 17") is None


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    memory = Memory[int](most=3)
    for number in range(5):
        memory.put(str(number), number)

    assert [memory.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    assert memory.put("4", 99) == 4
