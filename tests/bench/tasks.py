"""Work for the benchmark's workers, in a module that their processes can import."""

import time
from collections.abc import Iterator

PREPARES_SECONDS = 2.0
"""More than a busy machine keeps two workers waiting once they were told to start."""


def counting(number: int) -> Iterator[int | None]:
    """Prepare for a while, then count."""
    time.sleep(PREPARES_SECONDS)
    yield None
    if number < 0:
        raise ValueError(number)
    yield None
    yield number
