"""One item's trouble is never another's, and a fault of the program is never swallowed."""

from __future__ import annotations

import pytest

from invoicepay.bridge import run_blocking
from invoicepay.errors import NotFound
from invoicepay.use_cases.neighbours import one_by_one


def test_a_refusal_is_returned_and_the_others_are_served() -> None:
    seen = list[int]()

    async def act(item: int) -> None:
        if item == 1:
            raise NotFound(id=item)
        seen.append(item)

    served = run_blocking(one_by_one(range(3), act))

    assert (seen, served.count, [refusal.code for refusal in served.refusals]) == ([0, 2], 3, ["not_found"])


def test_a_fault_is_raised_once_the_others_were_served() -> None:
    seen = list[int]()

    async def act(item: int) -> None:
        if item == 0:
            raise KeyError(item)
        seen.append(item)

    with pytest.raises(KeyError):
        run_blocking(one_by_one(range(3), act))

    assert seen == [1, 2]
