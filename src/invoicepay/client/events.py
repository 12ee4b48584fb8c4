"""Handlers that a host registers: which events one is told, and how it is called."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any

from invoicepay.domain.entity import Entity, kinds_of
from invoicepay.domain.events import Event
from invoicepay.errors import InvalidInput
from invoicepay.use_cases.outbox import Handler


def event_pattern(text: str) -> str:
    """A pattern that some event can meet, so that a misspelt kind is not waited for in vain.

    Raises:
        InvalidInput: no kind of event is called that.
    """
    if not isinstance(text, str):
        raise InvalidInput('name the events first: @pay.on("invoice.paid")')
    kind, dot, step = text.partition(".")
    kinds = sorted(kinds_of(Entity))
    if text != "*" and not (dot and step and any(fnmatchcase(known, kind) for known in kinds)):
        raise InvalidInput(
            f"no event is called {text!r}: write a kind and a step, such as invoice.paid or invoice.*",
            hint=f"Kinds are {', '.join(kinds)}.",
        )
    return text


def handler_of(pattern: str, call: Callable[[Event], Any]) -> Handler:
    """Offers the matching events to a function of the host, plain or awaited."""

    async def offered(event: Event) -> None:
        if fnmatchcase(event.name, pattern):
            result = call(event)
            if inspect.isawaitable(result):
                awaited: Awaitable[Any] = result
                await awaited

    return offered
