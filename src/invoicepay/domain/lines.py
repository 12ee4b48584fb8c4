"""Lines of an invoice: what each comes to, and the tax of each group of lines (spec 1.2, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar, NoReturn

from invoicepay.domain.ids import clean_text
from invoicepay.domain.money import MAX_MICROS, Money, MoneyLike, multiply, percentage, total
from invoicepay.domain.shown import Shown
from invoicepay.errors import AmountOutOfRange, CurrencyMismatch, InvalidAmount, InvalidInput, InvalidLine

MAX_LINES = 1_000
"""Most lines of one document."""
DESCRIPTION_LENGTH = 500

_CATEGORY = re.compile(r"[A-Z][A-Z0-9_-]{0,9}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Shown):
    """One position: quantity times unit price, taxed at a rate within a category.

    Attributes:
        unit_price: net of tax; it may be finer than the currency's decimals, the line's net is not.
        quantity: not zero; a negative one takes off, for example a discount.
        tax_rate: a fraction: 0.19 is 19 %.
        tax_category: a short code that keeps equal rates of different kinds apart, "S" for standard.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    description: str
    unit_price: Money
    quantity: Decimal = Decimal(1)
    tax_rate: Decimal = Decimal(0)
    tax_category: str = "S"

    @classmethod
    def of(
        cls,
        description: str,
        price: MoneyLike,
        *,
        quantity: Decimal | int | str = 1,
        tax_rate: Decimal | int | str = 0,
        tax_category: str = "S",
    ) -> Line:
        """A line from plain values.

        Examples:
            >>> Line.of("Pro plan", "29.00 USD", quantity=3, tax_rate="0.19").net
            Money('87.00', 'USD')

        Raises:
            InvalidLine: empty or hostile text, a quantity of zero, a rate outside 0 to 1, a float.
            InvalidAmount: the price is not an amount.
        """
        line = cls(
            description=description,
            unit_price=Money.parse(price),
            quantity=_decimal(quantity, "quantity"),
            tax_rate=_decimal(tax_rate, "tax_rate"),
            tax_category=tax_category,
        )
        return checked(line)

    @property
    def net(self) -> Money:
        """Quantity times price, rounded half-up at the currency's decimals."""
        return multiply(self.unit_price, self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxGroup:
    """The lines of one category and rate: the tax is taken once, of their summed net."""

    category: str
    rate: Decimal
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What lines come to; `total = net + tax`, sums of rounded values that are not rounded again."""

    net: Money
    tax: Money
    total: Money


def checked(line: Line) -> Line:
    """The line with its text in stored form.

    Raises:
        InvalidLine: the details name the field.
    """
    if line.unit_price.micros < 0:
        _refuse("unit_price", "is not negative; a negative quantity takes off")
    if not isinstance(line.quantity, Decimal) or not line.quantity.is_finite() or not line.quantity:
        _refuse("quantity", "is a Decimal other than zero")
    if not isinstance(line.tax_rate, Decimal) or not line.tax_rate.is_finite() or not 0 <= line.tax_rate <= 1:
        _refuse("tax_rate", "is a fraction between 0 and 1: 0.19 is 19 %")
    if not isinstance(line.tax_category, str) or not _CATEGORY.fullmatch(line.tax_category):
        _refuse("tax_category", "is a code of 1 to 10 capitals and digits")
    _check_arithmetic(line)
    description = _description(line.description)
    return line if description == line.description else replace(line, description=description)


def totals(lines: Sequence[Line]) -> Totals:
    """Net, tax and total of lines of one asset.

    Raises:
        InvalidLine: no line, too many, or more taken off than charged.
        CurrencyMismatch: lines of two assets.
        AmountOutOfRange: the total is larger than the books hold.
    """
    if not 1 <= len(lines) <= MAX_LINES:
        raise InvalidLine(f"an invoice has 1 to {MAX_LINES} lines", lines=len(lines))
    groups = tax_groups(lines)
    asset = lines[0].unit_price.asset
    net = total((group.net for group in groups), asset)
    tax = total((group.tax for group in groups), asset)
    if net.micros < 0 or tax.micros < 0:
        raise InvalidLine("the lines take off more than they charge", net=str(net), tax=str(tax))
    if (net + tax).micros > MAX_MICROS:
        raise AmountOutOfRange(total=str(net + tax))
    return Totals(net=net, tax=tax, total=net + tax)


def tax_groups(lines: Sequence[Line]) -> tuple[TaxGroup, ...]:
    """The lines by category and rate, in order of first appearance.

    Raises:
        CurrencyMismatch: lines of two assets.
    """
    nets: dict[tuple[str, Decimal], Money] = {}
    for line in lines:
        if line.unit_price.asset != lines[0].unit_price.asset:
            raise CurrencyMismatch(assets=[lines[0].unit_price.asset, line.unit_price.asset])
        key = (line.tax_category, line.tax_rate)
        nets[key] = nets[key] + line.net if key in nets else line.net
    return tuple(
        TaxGroup(category=category, rate=rate, net=net, tax=percentage(net, rate))
        for (category, rate), net in nets.items()
    )


def _decimal(value: Decimal | int | str, field: str) -> Decimal:
    if isinstance(value, float):
        _refuse(field, f'is written as text: "{value!r}", not as a float')
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        _refuse(field, f"is text, int or Decimal, not {type(value).__name__}")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        _refuse(field, 'is a plain number such as "2.5"')
    return Decimal(value)


def _check_arithmetic(line: Line) -> None:
    try:
        percentage(line.net, line.tax_rate)
    except InvalidAmount as error:
        raise InvalidLine(f"quantity or tax rate: {error.message}", description=line.description) from error
    except AmountOutOfRange as error:
        raise InvalidLine("the line comes to more than the books hold") from error


def _description(text: str) -> str:
    try:
        written = clean_text(text, DESCRIPTION_LENGTH, "description").strip()
    except InvalidInput as error:
        raise InvalidLine(error.message, field="description") from error
    if not written:
        _refuse("description", "says what is charged")
    return written


def _refuse(field: str, rule: str) -> NoReturn:
    raise InvalidLine(f"the {field} of a line {rule}", field=field)
