"""Answers that hold many values and draw themselves: by key, such as balances, or one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from invoicepay.domain.accounts import Account
from invoicepay.domain.frames import data_frame
from invoicepay.domain.html import listing
from invoicepay.domain.invoices import AgeingBucket
from invoicepay.domain.money import Money
from invoicepay.domain.shown import Shown
from invoicepay.domain.wording import account_words

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


T = TypeVar("T", bound=Shown)


class Listing(tuple[T, ...]):
    """Values of one kind, all of them: a tuple that a notebook draws as a table.

    Examples:
        >>> from invoicepay import InvoicePay
        >>> pay = InvoicePay()
        >>> _ = pay.parties.register("ann")
        >>> trail = pay.audit.trail("ann")
        >>> trail[0].action, trail.to_df()["action"].tolist()
        ('parties.register', ['parties.register'])
    """

    _kind: type[T]

    def __new__(cls, kind: type[T], rows: Iterable[T]) -> Listing[T]:
        """The rows in their order; `kind` tells the columns, also where there is no row."""
        made = super().__new__(cls, rows)
        made._kind = kind
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self._kind, tuple(self)

    def to_df(self) -> Any:
        """A `pandas.DataFrame` with a row for each value; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(self._kind, self, self._kind.SHOWN)

    def _repr_html_(self) -> str:
        return listing(self, caption=self._kind.__name__)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> CoreSchema:
        """Let a web host answer with it, as with any tuple."""
        from pydantic_core import core_schema

        (kind,) = get_args(source)
        plain: Any = tuple
        rows = handler(plain[kind, ...])
        return core_schema.no_info_after_validator_function(lambda found: cls(kind, found), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """What one account holds.

    Attributes:
        meaning: the account in words.
        party: empty for the operator's accounts.
    """

    account: str
    meaning: str
    party: str
    balance: Money
    asset: str


class Balances(dict[Account, Money]):
    """What accounts hold, by account: a dict that a notebook draws as a table.

    Examples:
        >>> from invoicepay import InvoicePay
        >>> pay = InvoicePay()
        >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
        >>> pay.ledger.balances().to_df()[["account", "balance"]].values.tolist()
        [['reserve:backing', Decimal('200.00')], ['wallet:available:ann', Decimal('200.00')]]
    """

    __slots__ = ()

    def to_df(self) -> Any:
        """A `pandas.DataFrame` with a row for each account; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(BalanceLine, self._lines())

    def _repr_html_(self) -> str:
        return listing(list(self._lines()), caption="balances")

    def _lines(self) -> Iterator[BalanceLine]:
        for account, held in self.items():
            yield BalanceLine(
                account=account.name,
                meaning=account_words(account),
                party=account.party_id,
                balance=held,
                asset=account.asset,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingLine:
    """What is open of invoices of one age."""

    asset: str
    days_past_due: AgeingBucket
    remaining: Money


class Ageing(dict[str, dict[AgeingBucket, Money]]):
    """What is open of an enterprise's invoices, by asset and then by age; a notebook draws it as a table.

    Examples:
        >>> from invoicepay import InvoicePay
        >>> pay = InvoicePay()
        >>> _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
        >>> frame = pay.invoices.ageing("acme").to_df().set_index("days_past_due")
        >>> frame.loc["current", "remaining"]
        Decimal('9.00')
    """

    __slots__ = ()

    def to_df(self) -> Any:
        """A `pandas.DataFrame` with a row for each asset and age; needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(AgeingLine, self._lines())

    def _repr_html_(self) -> str:
        return listing(list(self._lines()), caption="open by days past due")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> CoreSchema:
        """Let a web host answer with it."""
        from pydantic_core import core_schema

        inner = handler(dict[str, dict[AgeingBucket, Money]])
        return core_schema.no_info_after_validator_function(cls, inner)

    def _lines(self) -> Iterator[AgeingLine]:
        for asset, buckets in self.items():
            for bucket, left in buckets.items():
                yield AgeingLine(asset=asset, days_past_due=bucket, remaining=left)
