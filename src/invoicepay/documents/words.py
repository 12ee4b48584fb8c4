"""Dates and numbers as people write them, in English whatever the locale of the process."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day(value: date) -> str:
    """A date in words.

    Examples:
        >>> day(date(2026, 1, 5))
        '5 January 2026'
    """
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def number(value: Decimal) -> str:
    """A number without idle zeros.

    Examples:
        >>> number(Decimal("1.50")), number(Decimal("120"))
        ('1.5', '120')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(rate: Decimal) -> str:
    """A fraction as a percentage.

    Examples:
        >>> percent(Decimal("0.19"))
        '19 %'
    """
    return f"{number(rate * 100)} %"
