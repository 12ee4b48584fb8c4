"""JSON that somebody else wrote: read strictly, and never deeper than the interpreter can stand."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

DEEPEST = 32
"""Levels of nesting (S-08).

Counted before parsing: the parser leans on the interpreter's recursion limit, which some libraries raise for
the whole process (py_ecc sets 100,000 when it is imported), and a body of brackets then ends the process.
"""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))


def strict_json(body: bytes) -> Any:
    """The value: fractions as Decimal, never as float.

    Raises:
        ValueError: it is no JSON in UTF-8, has a number that is none, names a key twice, or is nested deeper
            than `DEEPEST`. The text says nothing of the body, which may hold secrets.

    Examples:
        >>> strict_json(b'{"amount": 12.5}')
        {'amount': Decimal('12.5')}
    """
    value = _parsed(body)
    del body  # so that no traceback that shows variables shows it
    if value is _NOTHING:
        raise ValueError("this is no JSON")
    return value


_NOTHING = object()


def _parsed(body: bytes) -> Any:
    """The value, or `_NOTHING`: an error of the parser would carry the body along."""
    if _is_too_deep(body):
        return _NOTHING
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refused,
            object_pairs_hook=_without_repetition,
        )
    except ValueError:
        return _NOTHING


def _is_too_deep(body: bytes) -> bool:
    depth = 0
    for bracket in _STRING.sub(b"", body).translate(None, _OTHERS):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _refused(word: str) -> Any:
    raise ValueError(word)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found
