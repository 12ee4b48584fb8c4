"""What is said on the error stream while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def tell(line: str) -> None:
    """Show a line at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Tell what is done now, and then how long it took."""
    started = time.monotonic()
    tell(f"{what} ...")
    yield
    tell(f"{what}: {time.monotonic() - started:.1f} s")
