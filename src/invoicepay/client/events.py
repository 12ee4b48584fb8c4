"""Handlers that a host registers: which events one is told, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any

from invoicepay.domain.events import Event
from invoicepay.errors import ConfigurationError, InvoicePayError
from invoicepay.use_cases.outbox import Handler
from invoicepay.use_cases.pending import PendingSummary


def handler_of(pattern: str, call: Callable[[Event], Any], *, blocks: bool) -> Handler:
    """Offers the matching events to a function of the host, plain or awaited.

    Raises:
        ConfigurationError: the function is awaited, and the client that calls it cannot wait.
    """
    if blocks and inspect.iscoroutinefunction(call):
        raise ConfigurationError(
            f"{call.__name__} is an async function, and InvoicePay cannot await it",
            hint="Make the handler a plain function, or use AsyncInvoicePay.",
        )

    async def offered(event: Event) -> None:
        if fnmatchcase(event.name, pattern):
            result = call(event)
            if inspect.isawaitable(result):
                awaited: Awaitable[Any] = result
                await awaited

    return offered


def log_undelivered(summary: PendingSummary) -> None:
    """Tell what a handler raised where nobody looks at the summary: the call that led to it has succeeded."""
    for event in summary.undelivered:
        from logging import getLogger

        getLogger("invoicepay.handlers").error(
            "a handler of %s refused %s and will be offered it again: %s",
            event.name,
            event.entity_id,
            event.error.encode("unicode_escape").decode(),
        )


def log_left_waiting(trouble: InvoicePayError) -> None:
    """Tell that what follows from a batch waits for the next run; the outcomes of the batch were told."""
    from logging import getLogger

    text = str(trouble).encode("unicode_escape").decode()
    getLogger("invoicepay.pending").warning("what follows from a batch waits for run_pending: %s", text)
