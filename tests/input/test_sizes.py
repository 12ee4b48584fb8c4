"""No list is longer than a page, whoever asks for how much (S-31)."""

from __future__ import annotations

from typing import Any

import pytest

from invoicepay.errors import InvalidInput
from invoicepay.use_cases.queries import LARGEST_PAGE
from tests.input.calls import CALLS, make
from tests.input.refusals import slips
from tests.input.scene import Scene

PAGED = [call for call, given in CALLS.items() if "limit" in given and not call.startswith("run_pending")]
NO_SIZES: dict[str, Any] = {
    "nothing": 0,
    "less": -1,
    "one more than a page": LARGEST_PAGE + 1,
    "everything": 10**9,
    "beyond a column": 2**64,
    "a text": "5",
    "a fraction": 5.0,
    "a bool": True,
    "None": None,
}


def test_every_list_is_asked_here() -> None:
    assert len(PAGED) >= 20
    assert {call for call in CALLS if call.endswith(".list")} <= set(PAGED)


@pytest.mark.parametrize("call", PAGED)
def test_a_page_has_at_least_one_row_and_at_most_two_hundred(home: Scene, call: str) -> None:
    assert slips(home, call, "limit", NO_SIZES, InvalidInput) == {}
    for size in (1, LARGEST_PAGE):
        found = make(home, call, limit=size)
        assert len(getattr(found, "items", found)) <= size
