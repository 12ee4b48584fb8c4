"""The clock, ids and retry of a running system."""

from __future__ import annotations

import pytest

from invoicepay.adapters.system import RETRIES, TransactionRetry, blocking_sleep
from invoicepay.bridge import run_blocking
from invoicepay.errors import ConcurrentUpdate, InsufficientFunds


async def _at_once(seconds: float) -> None:
    """A sleep that takes no time."""


class Attempts:
    """An attempt that a neighbour disturbs so many times."""

    def __init__(self, disturbed: int, refusal: type[Exception] = ConcurrentUpdate) -> None:
        self.made, self._disturbed, self._refusal = 0, disturbed, refusal

    async def try_it(self) -> int:
        """The number of the attempt that succeeds."""
        self.made += 1
        if self.made <= self._disturbed:
            raise self._refusal
        return self.made


def test_a_disturbed_transaction_is_tried_again_until_it_succeeds() -> None:
    attempts = Attempts(disturbed=3)

    assert run_blocking(TransactionRetry(_at_once)(attempts.try_it)) == 4


def test_whatever_makes_the_attempt_it_is_awaited() -> None:
    attempts = Attempts(disturbed=1)

    assert run_blocking(TransactionRetry(blocking_sleep)(lambda: attempts.try_it())) == 2


def test_the_last_disturbance_is_told() -> None:
    attempts = Attempts(disturbed=RETRIES)

    with pytest.raises(ConcurrentUpdate):
        run_blocking(TransactionRetry(_at_once)(attempts.try_it))
    assert attempts.made == RETRIES


def test_a_refusal_is_no_disturbance() -> None:
    attempts = Attempts(disturbed=1, refusal=InsufficientFunds)

    with pytest.raises(InsufficientFunds):
        run_blocking(TransactionRetry(_at_once)(attempts.try_it))
    assert attempts.made == 1
