"""Lists: rows in order of time, fetched a page at a time while they are walked over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, get_args

from invoicepay.bridge import run_blocking
from invoicepay.domain.entity import E
from invoicepay.domain.frames import data_frame
from invoicepay.domain.html import listing
from invoicepay.domain.sheets import rows_csv
from invoicepay.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

SHOWN_IDS = 5


class AsyncPage(Generic[E]):
    """Some rows of a list, oldest first; `async for` goes on through every page that follows.

    Attributes:
        items: the rows of this page.
        next_cursor: pass it as `after` to begin where this page ends; empty at the end of the list.
    """

    __slots__ = ("_fetch", "_kind", "items", "next_cursor")

    items: tuple[E, ...]
    next_cursor: str

    def __init__(
        self,
        kind: type[E],
        items: tuple[E, ...],
        next_cursor: str,
        fetch: Callable[[str], Awaitable[AsyncPage[E]]],
    ) -> None:
        self.items, self.next_cursor = items, next_cursor
        self._kind, self._fetch = kind, fetch

    async def next_page(self) -> AsyncPage[E] | None:
        """The page that follows; None at the end of the list."""
        return await self._fetch(self.next_cursor) if self.next_cursor else None

    async def to_records(self) -> list[dict[str, Any]]:
        """JSON-ready rows of this page and every one that follows, for data frames and exports."""
        return [item.to_dict() async for item in self]

    async def to_csv(self) -> str:
        """This page and every one that follows as CSV, a column for each field (RFC 4180).

        Amounts are plain numbers beside their asset; no text is read as a formula by a spreadsheet.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "9.00 USD"))
            >>> _ = pay.holds.place("ann", "5.00 USD")
            >>> head, row = pay.holds.list(owner="ann").to_csv().splitlines()
            >>> dict(zip(head.split(","), row.split(",")))["amount"]
            '5.00'
        """
        return rows_csv(self._kind, [item async for item in self])

    async def to_df(self) -> Any:
        """This page and every one that follows as a `pandas.DataFrame`, a column for each field.

        Amounts are exact `Decimal` values, never floats; a chart may need `.astype(float)`.
        Instants are UTC timestamps; what is absent is missing. Needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed; `to_records` and `to_csv` need nothing.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> for price in ("9.00 USD", "20.50 USD"):
            ...     _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", price)])
            >>> invoices = pay.invoices.list().to_df()
            >>> invoices["total"].sum()
            Decimal('29.50')
        """
        return data_frame(self._kind, [item async for item in self])

    async def __aiter__(self) -> AsyncIterator[E]:
        page: AsyncPage[E] | None = self
        while page is not None:
            for item in page.items:
                yield item
            page = await page.next_page()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> CoreSchema:
        """Let a web host answer with a page: its rows, and the cursor of the next one."""
        return _page_schema(cls, source, handler, _read_back)

    def __bool__(self) -> bool:
        return bool(self.items)

    def __repr__(self) -> str:
        ids = ", ".join([item.id for item in self.items[:SHOWN_IDS]] or ["nothing"])
        dots = ", …" if len(self.items) > SHOWN_IDS else ""
        more = ", more follow" if self.next_cursor else ""
        return f"<page of {len(self.items)} {self._kind.__name__}{more}: {ids}{dots}>"

    def _repr_html_(self) -> str:
        more = "More follow: walk over the list, or pass next_cursor as after." if self.next_cursor else ""
        return listing(self.items, caption=self._kind.KIND.replace("_", " "), note=more)


class Page(Generic[E]):
    """Some rows of a list, oldest first; `for` goes on through every page that follows.

    Attributes:
        items: the rows of this page.
        next_cursor: pass it as `after` to begin where this page ends; empty at the end of the list.
    """

    __slots__ = ("_page", "items", "next_cursor")

    items: tuple[E, ...]
    next_cursor: str

    def __init__(self, page: AsyncPage[E]) -> None:
        self.items, self.next_cursor = page.items, page.next_cursor
        self._page = page

    def next_page(self) -> Page[E] | None:
        """The page that follows; None at the end of the list."""
        following = run_blocking(self._page.next_page())
        return None if following is None else Page(following)

    def to_records(self) -> list[dict[str, Any]]:
        """JSON-ready rows of this page and every one that follows, for data frames and exports."""
        return [item.to_dict() for item in self]

    def to_csv(self) -> str:
        """This page and every one that follows as CSV, a column for each field (RFC 4180).

        Amounts are plain numbers beside their asset; no text is read as a formula by a spreadsheet.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> _ = pay.sim.settle(pay.deposits.initiate("ann", "9.00 USD"))
            >>> _ = pay.holds.place("ann", "5.00 USD")
            >>> head, row = pay.holds.list(owner="ann").to_csv().splitlines()
            >>> dict(zip(head.split(","), row.split(",")))["amount"]
            '5.00'
        """
        return run_blocking(self._page.to_csv())

    def to_df(self) -> Any:
        """This page and every one that follows as a `pandas.DataFrame`, a column for each field.

        Amounts are exact `Decimal` values, never floats; a chart may need `.astype(float)`.
        Instants are UTC timestamps; what is absent is missing. Needs `invoicepay[dataframe]`.

        Raises:
            MissingExtra: pandas is not installed; `to_records` and `to_csv` need nothing.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> for price in ("9.00 USD", "20.50 USD"):
            ...     _ = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", price)])
            >>> invoices = pay.invoices.list().to_df()
            >>> invoices["total"].sum()
            Decimal('29.50')
        """
        return run_blocking(self._page.to_df())

    def __iter__(self) -> Iterator[E]:
        page: Page[E] | None = self
        while page is not None:
            yield from page.items
            page = page.next_page()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: Any) -> CoreSchema:
        """Let a web host answer with a page: its rows, and the cursor of the next one."""
        return _page_schema(cls, source, handler, lambda kind, written: Page(_read_back(kind, written)))

    def __bool__(self) -> bool:
        return bool(self.items)

    def __repr__(self) -> str:
        return repr(self._page)

    def _repr_html_(self) -> str:
        return self._page._repr_html_()


@dataclass(frozen=True, slots=True)
class PageOf(Generic[E]):
    """Some rows of a list as JSON: pass `next_cursor` as `after`; it is empty at the end of the list."""

    items: tuple[E, ...]
    next_cursor: str


def _read_back(kind: type[E], written: PageOf[E]) -> AsyncPage[E]:
    """A page from JSON: its rows and its cursor; where the list is, nobody wrote down."""

    async def fetch(cursor: str) -> AsyncPage[E]:
        raise InvalidInput(
            "this page was read from JSON and cannot fetch the next one",
            hint="Call list again with after=page.next_cursor.",
            after=cursor,
        )

    return AsyncPage(kind, written.items, written.next_cursor, fetch)


def _page_schema(
    face: type, source: object, handler: Any, read: Callable[[type[Any], PageOf[Any]], object]
) -> CoreSchema:
    from pydantic_core import core_schema

    (kind,) = get_args(source) or (Any,)
    shape: Any = PageOf
    written = handler.generate_schema(shape[kind])
    reading = core_schema.no_info_after_validator_function(lambda page: read(kind, page), written)
    return core_schema.json_or_python_schema(
        json_schema=reading,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(face), reading]),
        serialization=core_schema.plain_serializer_function_ser_schema(
            lambda page: PageOf(page.items, page.next_cursor), return_schema=written, when_used="json"
        ),
    )
