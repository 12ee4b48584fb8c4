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

MOST_KEYS = 1_000
"""Names in one object (S-08)."""
MOST_DIGITS = 20
"""Digits of a whole number, enough for 64 bits: what has more is told as text."""

_FRACTION = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))


def strict_json(body: bytes) -> Any:
    """The value: fractions as Decimal, never as float.

    Raises:
        ValueError: it is no JSON in UTF-8, has a number that is none or beyond all measure, half of a
            surrogate pair, a key twice, more than `MOST_KEYS` in one object, or is nested deeper than
            `DEEPEST`. The text says nothing of the body, which may hold secrets.

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
        value = json.loads(
            body.decode("utf-8"),
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_refused,
            object_pairs_hook=_object,
        )
        if _SURROGATE.search(body):  # a pair becomes one character; half of one has no bytes
            json.dumps(value, ensure_ascii=False, default=str).encode()
        return value
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


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _fraction(text: str) -> Decimal:
    """Exact; the exponent is bounded, since making a whole number of 1E+1000000 takes most of a minute."""
    if not _FRACTION.fullmatch(text):
        raise ValueError("too many digits")
    return Decimal(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or len(found) > MOST_KEYS:
        raise ValueError("a key comes twice, or there are too many")
    return found
