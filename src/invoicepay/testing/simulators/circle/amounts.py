"""Decimal text to whole smallest parts and back; no float on the way."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.([0-9]+))?")


def parts(text: object, decimals: int) -> int | None:
    """Whole smallest parts of plain decimal text; None when it is none, or too fine.

    Examples:
        >>> parts("1.5", 6), parts("1.234", 2), parts(1.5, 6)
        (1500000, None, None)
    """
    found = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    fraction = (found[2] or "").rstrip("0")
    if len(fraction) > decimals:
        return None
    return int(found[1] + fraction.ljust(decimals, "0"))


def text(amount: int, decimals: int, *, least: int = 0) -> str:
    """Decimal text of whole smallest parts, with at least so many decimals.

    Examples:
        >>> text(1_500_000, 6), text(1_500_000, 6, least=2), text(7, 6)
        ('1.5', '1.50', '0.000007')
    """
    whole, rest = divmod(amount, 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else str(whole)
