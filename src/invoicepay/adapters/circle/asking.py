"""Bounds what strangers can make us ask: anybody may send a delivery that names a key we do not have."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from math import ceil

from invoicepay.adapters.locks import Lock
from invoicepay.errors import ProviderUnavailable

FORGOTTEN_AFTER = timedelta(seconds=30)
"""How long a name that leads to no key is not asked about again."""
MOST_QUESTIONS, QUESTION_TIME = 10, timedelta(minutes=1)
"""How many questions about unknown names there are at most in a time."""
MOST_ABSENT = 64
ZERO = timedelta(0)


class Allowance:
    """Ten questions a minute, and none about what was absent a moment ago."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._absent: OrderedDict[str, datetime] = OrderedDict()
        self._asked: deque[datetime] = deque(maxlen=MOST_QUESTIONS)

    def takes(self, name: str, at: datetime) -> bool:
        """Whether a question about a name may go now; it counts as asked then.

        Raises:
            ProviderUnavailable: too many were asked; the name may be a good one, so its sender comes again.
        """
        with self._lock:
            absent_at = self._absent.get(name)
            if absent_at is not None and at - absent_at < FORGOTTEN_AFTER:
                return False
            if len(self._asked) == MOST_QUESTIONS and (rest := self._asked[0] + QUESTION_TIME - at) > ZERO:
                raise ProviderUnavailable(
                    "too many unknown keys are asked about", retry_after_seconds=ceil(rest.total_seconds())
                )
            self._asked.append(at)
            return True

    def found_nothing(self, name: str, at: datetime) -> None:
        """The question led to no key."""
        with self._lock:
            self._absent[name] = at
            while len(self._absent) > MOST_ABSENT:
                self._absent.popitem(last=False)
