"""JSON pointers (RFC 6901): places in an answer, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable

POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")

ABSENT = object()
"""What is found where nothing is; null is something."""


def at(document: object, pointer: str) -> object:
    """What is there, or `ABSENT`.

    Examples:
        >>> at({"data": {"items": [{"a/b": 1}]}}, "/data/items/0/a~1b")
        1
        >>> at({"data": {}}, "/data/token") is ABSENT
        True
    """
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name, ABSENT)
        elif isinstance(document, list) and name.isascii() and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return ABSENT
    return document


def first_at(document: object, pointers: Iterable[str]) -> object:
    """What is at the first place that has something, or `ABSENT`."""
    found = (at(document, pointer) for pointer in pointers)
    return next((value for value in found if value is not ABSENT), ABSENT)
