"""Money: whole micros of one asset, parsed strictly, rounded in one place each, never a float."""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, final

from invoicepay.domain.iso4217 import MINOR_UNITS
from invoicepay.errors import (
    AmountNotPositive,
    AmountOutOfRange,
    AmountPrecision,
    CurrencyMismatch,
    FloatAmount,
    InvalidAmount,
    InvalidInput,
    MalformedData,
    UnknownAsset,
    not_what,
    quoted,
)

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

MICROS = 1_000_000
"""Micros in one unit of an asset."""
MAX_MICROS = 9 * 10**15
"""The largest amount that is accepted from outside: nine thousand million units (S-04)."""
COLUMN_MAX = 2**63 - 1
"""The largest sum: what a signed 64-bit column holds (S-07)."""
MAX_PARTS = 10_000
"""The most parts that one amount is split into."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,6}))?")
_AMOUNT_LENGTH = 20
_ASSET = re.compile(r"[A-Z]{3}(?:\.[a-z][a-z0-9_-]{0,31})?")
_ASSET_LENGTH = 36
_UNITS = (1_000_000, 100_000, 10_000, 1_000, 100)
"""By scale: micros in the smallest amount that a document shows."""


@final
class Money:
    """An amount of one asset, exact to the micro (spec 1.2).

    Amounts that are handed in are never negative; a negative `Money` only comes out of arithmetic.

    Examples:
        >>> Money("150.00", "USD") - Money.of("30.5 USD")
        Money('119.50', 'USD')
        >>> [str(part) for part in Money.of("100.00 USD").split(3)]
        ['33.34 USD', '33.33 USD', '33.33 USD']
    """

    __slots__ = ("asset", "micros")
    micros: int
    asset: str

    def __init__(self, amount: str | Decimal, asset: str) -> None:
        """Read an amount.

        Args:
            amount: plain decimal text or a finite Decimal, at most 6 decimals, no sign, no exponent.
            asset: an ISO 4217 currency or an asset of one: "USD", "USD.tempo".

        Raises:
            FloatAmount: a float was passed.
            InvalidAmount: the amount has another form.
            AmountOutOfRange: the amount is above 9,000,000,000.
            UnknownAsset: the asset is not known.
        """
        scale_of(asset)
        _set_micros(self, _micros(amount))
        _set_asset(self, str(asset))

    @classmethod
    def of(cls, text: str) -> "Money":
        """Read amount and asset from one text: `Money.of("12.50 USD")`."""
        return cls.parse(text)

    @classmethod
    def parse(cls, value: "MoneyLike", *, asset: str | None = None) -> "Money":
        """Read what a caller may pass for an amount.

        Args:
            value: a `Money`, or text such as "12.50 USD"; "12.50" is enough when `asset` is given.
            asset: the asset that the amount must have.

        Raises:
            InvalidAmount: the value is not an amount, or no asset is known for it.
            CurrencyMismatch: the value names another asset than `asset`.
        """
        money = value if isinstance(value, Money) else _money_of(value, asset)
        if asset is not None and money.asset != asset:
            raise CurrencyMismatch(f"expected {asset}, not {money.asset}", assets=[asset, money.asset])
        return money

    @classmethod
    def from_micros(cls, micros: int, asset: str) -> "Money":
        """Take whole micros, of either sign, as the books hold them.

        Raises:
            AmountOutOfRange: the sum does not fit a signed 64-bit column.
        """
        if type(micros) is not int:
            raise InvalidAmount("micros are a whole number")
        scale_of(asset)
        return _make(micros, asset)

    @classmethod
    def restored(cls, amount: str, asset: str) -> "Money":
        """Read back what was rendered for storage, sign included; input from outside goes through `parse`."""
        if not isinstance(amount, str):
            _refused(amount)
        scale_of(asset)
        micros = _micros_of_text(amount.removeprefix("-"), COLUMN_MAX)
        return _make(-micros if amount.startswith("-") else micros, asset)

    @classmethod
    def zero(cls, asset: str) -> "Money":
        """Nothing of an asset."""
        return _zero(asset)

    @property
    def amount(self) -> Decimal:
        """The amount as Decimal, with at least the decimals of the currency."""
        return Decimal(self.amount_text)

    @property
    def amount_text(self) -> str:
        """The amount as text: the currency's decimals, more only when the micros need them."""
        whole, micros = divmod(abs(self.micros), MICROS)
        scale = _scale(self.asset)
        if scale == 2 and micros % 10_000 == 0 and self.micros >= 0:  # nearly every amount, and often asked
            return f"{whole}.{micros // 10_000:02}"
        digits = f"{micros:06}"
        decimals = digits[:scale] + digits[scale:].rstrip("0")
        sign = "-" if self.micros < 0 else ""
        return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"

    def __str__(self) -> str:
        return f"{self.amount_text} {self.asset}"

    def __repr__(self) -> str:
        return f"Money({self.amount_text!r}, {self.asset!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def _repr_html_(self) -> str:
        return f'<span style="font-variant-numeric: tabular-nums; white-space: nowrap">{self}</span>'

    def __add__(self, other: "Money") -> "Money":
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return _make(self.micros + other.micros, self.asset)

    def __sub__(self, other: "Money") -> "Money":
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return _make(self.micros - other.micros, self.asset)

    def __neg__(self) -> "Money":
        return _make(-self.micros, self.asset)

    def split(self, parts: int) -> tuple["Money", ...]:
        """Divide into parts that lose nothing (spec 1.2).

        Each part is the floor at the currency's decimals (at micros when the amount is finer), and the units
        that are left over go to the first parts, one each.
        """
        if type(parts) is not int or not 1 <= parts <= MAX_PARTS:
            raise InvalidInput(f"an amount is split into 1 to {MAX_PARTS} parts")
        unit = _unit(self.asset)
        if self.micros % unit:
            unit = 1
        share, rest = divmod(abs(self.micros) // unit, parts)
        sign = -1 if self.micros < 0 else 1
        return tuple(_make(sign * unit * (share + (place < rest)), self.asset) for place in range(parts))

    def __bool__(self) -> bool:
        return self.micros != 0

    def __eq__(self, other: object) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.micros == other.micros and self.asset == other.asset

    def __hash__(self) -> int:
        return hash((self.micros, self.asset))

    def __lt__(self, other: "Money") -> bool:
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return self.micros < other.micros

    def __le__(self, other: "Money") -> bool:
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return self.micros <= other.micros

    def __gt__(self, other: "Money") -> bool:
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return self.micros > other.micros

    def __ge__(self, other: "Money") -> bool:
        if type(other) is not Money:
            return NotImplemented
        if other.asset != self.asset:
            raise _mixed(self, other)
        return self.micros >= other.micros

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"Money is frozen: cannot set {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Money is frozen: cannot delete {name}")

    def __reduce__(self) -> tuple[object, ...]:
        return Money.from_micros, (self.micros, self.asset)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> "CoreSchema":
        """Let FastAPI and `TypeAdapter` read what `money_from` reads and write what `money_to` writes."""
        from pydantic_core import PydanticCustomError, core_schema

        def read(value: object) -> Money:
            try:
                return money_from(value)
            except InvalidInput as error:
                raise PydanticCustomError(error.code, "{reason}", {"reason": error.message}) from error

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(money_to, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: "CoreSchema", handler: Any) -> dict[str, object]:
        written: dict[str, object] = {
            "type": "object",
            "title": "Money",
            "properties": {
                "amount": {"type": "string", "examples": ["12.30"]},
                "asset": {"type": "string", "pattern": f"^{_ASSET.pattern}$", "examples": ["USD"]},
            },
            "required": ["amount", "asset"],
            "additionalProperties": False,
        }
        if handler.mode == "serialization":
            return written
        return {"anyOf": [written, {"type": "string", "examples": ["12.30 USD"]}], "title": "Money"}


MoneyLike: TypeAlias = Money | str


def _mixed(one: Money, other: Money) -> CurrencyMismatch:
    assets = [one.asset, other.asset]
    return CurrencyMismatch(f"{one.asset} and {other.asset} were used together", assets=assets)


def _micros_in(money: Money, asset: str) -> int:
    if money.asset != asset:
        raise _mixed(Money.zero(asset), money)
    return money.micros


# The slots themselves: the quick way past the frozen __setattr__.
_set_micros = Money.__dict__["micros"].__set__
_set_asset = Money.__dict__["asset"].__set__
_new = object.__new__


def _make(micros: int, asset: str) -> Money:
    if not -COLUMN_MAX <= micros <= COLUMN_MAX:
        raise AmountOutOfRange("the sum does not fit the books")
    money = _new(Money)
    _set_micros(money, micros)
    _set_asset(money, asset)
    return money


@lru_cache(maxsize=1024)
def _zero(asset: str) -> Money:
    scale_of(asset)
    return _make(0, asset)


def currency_of(asset: str) -> str:
    """The ISO 4217 currency behind an asset: "USD.tempo" is of "USD"."""
    scale_of(asset)
    return asset[:3]


def scale_of(asset: str) -> int:
    """The decimals of a document in this asset: USD 2, JPY 0 (spec 1.2).

    Raises:
        UnknownAsset: the currency is not in ISO 4217, or the asset is spelled differently.
    """
    if not isinstance(asset, str):
        raise UnknownAsset(f"an asset is text, not {type(asset).__name__}")
    return _scale(asset)


@lru_cache(maxsize=1024)
def _scale(asset: str) -> int:
    if len(asset) > _ASSET_LENGTH or not _ASSET.fullmatch(asset):
        raise UnknownAsset(f"an asset is written like USD or USD.tempo{not_what(asset)}")
    if asset[:3] not in MINOR_UNITS:
        raise UnknownAsset(f"{asset[:3]} is not an ISO 4217 currency", asset=asset)
    return MINOR_UNITS[asset[:3]]


def _unit(asset: str) -> int:
    return _UNITS[scale_of(asset)]


def positive(money: Money) -> Money:
    """The amount of a command: above zero, and within what one command may move.

    Raises:
        AmountNotPositive: zero or less.
        AmountOutOfRange: above 9,000,000,000.
    """
    if money.micros <= 0:
        raise AmountNotPositive(f"the amount must be greater than zero, not {money}", amount=str(money))
    if money.micros > MAX_MICROS:
        raise AmountOutOfRange(amount=str(money))
    return money


def document_amount(money: Money) -> Money:
    """An amount as a document, bank or payout can show it.

    Raises:
        AmountPrecision: it has more decimals than the currency.
    """
    scale = scale_of(money.asset)
    if money.micros % _unit(money.asset):
        raise AmountPrecision(f"{money} has more than {scale} decimals", amount=str(money), decimals=scale)
    return money


def multiply(money: Money, quantity: Decimal) -> Money:
    """Price times quantity, rounded half-up on the absolute value at the document's decimals."""
    top, bottom = _ratio(quantity)
    return _rounded(money.micros * top, bottom, money.asset)


def percentage(money: Money, rate: Decimal) -> Money:
    """A fee, discount or tax, rounded like `multiply`; the rate is a fraction: 0.19 is 19 %."""
    top, bottom = _ratio(rate)
    if not 0 <= top <= bottom:
        raise InvalidInput("a rate is a fraction between 0 and 1: 0.19 is 19 %")
    return _rounded(money.micros * top, bottom, money.asset)


def pro_rata(money: Money, part: Money, whole: Money) -> Money:
    """The share of `money` that `part` is of `whole`, rounded like `multiply` (spec 6, tax of a credit)."""
    if not whole:
        raise InvalidInput("nothing has no parts")
    sign = -1 if whole.micros < 0 else 1
    return _rounded(sign * money.micros * _micros_in(part, whole.asset), abs(whole.micros), money.asset)


def total(amounts: Iterable[Money], asset: str) -> Money:
    """The sum; zero when there is nothing to add."""
    scale_of(asset)
    return _make(sum(_micros_in(money, asset) for money in amounts), asset)


def _rounded(top: int, bottom: int, asset: str) -> Money:
    """`top / bottom` micros, half-up on the absolute value at the document's decimals, sign restored."""
    unit = _unit(asset)
    steps = (2 * abs(top) + bottom * unit) // (2 * bottom * unit)
    return _make((-steps if top < 0 else steps) * unit, asset)


def _ratio(number: Decimal) -> tuple[int, int]:
    """A bounded Decimal as whole numbers `top / bottom` (S-05: bounded before anything is computed)."""
    if isinstance(number, float):
        raise FloatAmount(f'write Decimal("{number!r}"), not a float')
    if not isinstance(number, Decimal) or not number.is_finite() or not -12 <= number.adjusted() <= 12:
        raise InvalidAmount("a quantity or rate is a finite Decimal of moderate size")
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) > 24 or exponent < -12:
        raise InvalidAmount("a quantity or rate has at most 12 decimals")
    top = int("".join(map(str, digits))) * (-1 if sign else 1)
    return (top * 10**exponent, 1) if exponent > 0 else (top, 10**-exponent)


def money_from(value: object) -> Money:
    """Read a `Money`, "12.30 USD" or {"amount": "12.30", "asset": "USD"}: the forms that JSON carries."""
    if isinstance(value, Money):
        return value
    if isinstance(value, dict):
        if value.keys() != {"amount", "asset"} or not isinstance(value["amount"], str):
            raise MalformedData('money is written {"amount": "12.30", "asset": "USD"}, the amount as text')
        return Money(value["amount"], value["asset"])
    return _money_of(value, None)


def money_to(money: Money) -> dict[str, str]:
    """The JSON form: {"amount": "12.30", "asset": "USD"}."""
    return {"amount": money.amount_text, "asset": money.asset}


def _money_of(value: object, asset: str | None) -> Money:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        meant = str(value) if quoted(str(value) if isinstance(value, Decimal) else value) else "12.50"
        raise InvalidAmount(f'a number names no asset: write the amount as text, "{meant} {asset or "USD"}"')
    if not isinstance(value, str):
        _refused(value)
    if len(value) > _AMOUNT_LENGTH + 1 + _ASSET_LENGTH:
        raise InvalidAmount("the amount is too long")
    amount, space, named = value.partition(" ")
    if not space and asset is None:
        given = quoted(value) or "the amount"
        raise InvalidAmount(f'{given} names no asset: write the amount as "12.50 USD"')
    return Money(amount, named if space else str(asset))


def _micros(amount: object) -> int:
    if isinstance(amount, Decimal):
        return _micros_of_text(Decimal.__str__(amount), MAX_MICROS)
    if isinstance(amount, str):
        return _micros_of_text(amount, MAX_MICROS)
    return _refused(amount)


def _micros_of_text(text: str, limit: int) -> int:
    """Whole micros of plain ASCII digits; length first, then form, then value (S-04, S-05)."""
    found = _AMOUNT.fullmatch(text) if len(text) <= _AMOUNT_LENGTH else None
    if found is None:
        given = quoted(text) or "the amount"
        raise InvalidAmount(f"{given} is not a plain decimal number of at most 6 decimals")
    whole, decimals = found.groups(default="")
    micros = int(whole) * MICROS + int(decimals.ljust(6, "0"))
    if micros > limit:
        raise AmountOutOfRange
    return micros


def _refused(amount: object) -> NoReturn:
    if isinstance(amount, float):
        cents = f"{amount:.2f}" if 0 < amount < MAX_MICROS else ""
        meant = cents if cents and float(cents) == amount else "12.50"
        raise FloatAmount(f'a float cannot hold cents exactly: write the amount as text, "{meant} USD"')
    raise InvalidAmount(f"an amount is text or Decimal, not {type(amount).__name__}")
