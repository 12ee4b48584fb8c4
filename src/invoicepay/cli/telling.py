"""What a worker says: a line when something moved, when something failed, and now and then that it lives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from invoicepay.adapters.system import SystemClock
from invoicepay.domain.time import iso
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases.pending import PendingSummary

COUNTED = ("sent", "polled", "received", "due", "delivered", "posted")


class Telling:
    """Writes lines for people, or one JSON object a line for machines; each is complete and flushed."""

    def __init__(self, out: TextIO, *, as_json: bool, pid: int) -> None:
        self._out, self._as_json, self._pid = out, as_json, pid
        self._clock = SystemClock()
        self._counts: Counter[str] = Counter()

    @property
    def has_news(self) -> bool:
        """Whether anything moved or was refused since the last line."""
        return any(self._counts[name] for name in (*COUNTED, "refused", "undelivered"))

    def count(self, summaries: Mapping[str, PendingSummary]) -> None:
        """Add what one pass did, over all tenants."""
        self._counts["passes"] += 1
        self._counts["tenants"] = len(summaries)
        for summary in summaries.values():
            for name in COUNTED:
                self._counts[name] += getattr(summary, name)
            self._counts["refused"] += len(summary.refusals)
            self._counts["undelivered"] += len(summary.undelivered)

    def started(self, client: str) -> None:
        """The first line."""
        self._line("started", client=client)

    def heartbeat(self) -> None:
        """What was done since the last one."""
        names = ("passes", "tenants", *COUNTED, "refused", "undelivered")
        self._line("worked", **{name: self._counts[name] for name in names})
        self._counts.clear()

    def trouble(self, error: Exception) -> None:
        """A pass that failed; of what is no error of ours only the kind is told, for it may quote data."""
        message = error.message if isinstance(error, InvoicePayError) else ""
        self._line("trouble", error=type(error).__name__, message=message)

    def stopped(self) -> None:
        """The last line, after what was not told yet."""
        if self.has_news:
            self.heartbeat()
        self._line("stopped")

    def _line(self, what: str, **said: object) -> None:
        at = iso(self._clock.now())
        if self._as_json:
            text = json.dumps({"what": what, "at": at, "pid": self._pid, **said})
        else:
            parts = [f"{name}={value}" for name, value in said.items() if value not in (0, "")]
            text = " ".join([at, f"worker {self._pid}", what, *parts]).encode("unicode_escape").decode()
        print(text, file=self._out, flush=True)
