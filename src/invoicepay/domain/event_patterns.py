"""Patterns of event names, such as `invoice.paid`, `invoice.*` and `*`, for handlers and for endpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from invoicepay.domain.entity import Entity, kinds_of
from invoicepay.errors import InvalidInput, quoted

LONGEST_PATTERN = 100
ANY = "*"


def event_pattern(text: str, *, withheld: Collection[str] = ()) -> str:
    """A pattern that some event can meet, so that a misspelt kind is not waited for in vain.

    Args:
        withheld: kinds of entity whose events are not told here.

    Raises:
        InvalidInput: no kind of event is called that.

    Examples:
        >>> event_pattern("invoice.*")
        'invoice.*'
    """
    if not isinstance(text, str):
        raise InvalidInput('name the events first: "invoice.paid"')
    kind, dot, step = text.partition(".")
    kinds = sorted(kinds_of(Entity).keys() - set(withheld))
    is_met = bool(dot and step) and any(fnmatchcase(known, kind) for known in kinds)
    if len(text) > LONGEST_PATTERN or (text != ANY and not is_met):
        raise InvalidInput(
            f"no event is called {quoted(text) or 'that'}: write a kind and a step, such as invoice.paid",
            hint=f"Kinds are {', '.join(kinds)}.",
        )
    return text


def is_matched(name: str, patterns: Iterable[str]) -> bool:
    """Whether an event's name meets one of the patterns.

    Examples:
        >>> is_matched("invoice.paid", ("payment.*", "invoice.*"))
        True
    """
    return any(fnmatchcase(name, pattern) for pattern in patterns)
