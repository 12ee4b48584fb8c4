"""A line on standard error that says how far long work has come, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TextIO

from invoicepay.adapters.system import elapsed_seconds
from invoicepay.cli.output import printable

SECONDS = 0.2
"""Between two looks at what is being done."""
_CLEARED = "\r\x1b[K"


class Progress:
    """What is being done now, drawn over itself while the work goes on in another thread.

    Attributes:
        stage: what is being done, such as `north: 40% of 1,000,000 records`.
    """

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self.stage: str = ""

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw until the work has ended; nothing where nobody looks."""
        if not self._err.isatty():
            yield
            return
        over = Event()
        drawing = Thread(target=self._draw, args=(over,), daemon=True)
        drawing.start()
        try:
            yield
        finally:
            over.set()
            drawing.join()

    def count(self, what: str, done: int, of: int) -> None:
        """Say how much of something is done."""
        share = f"{100 * done // of}% of {of:,}" if of else f"{done:,}"
        self.stage = f"{what}: {share}"

    def _draw(self, over: Event) -> None:
        began = elapsed_seconds()
        while not over.wait(SECONDS):
            seconds = int(elapsed_seconds() - began)
            self._err.write(f"{_CLEARED}{printable(self.stage)} ({seconds} s)")
            self._err.flush()
        self._err.write(_CLEARED)
        self._err.flush()
