"""Finds a transfer by our reference, which Circle keeps and does not search by."""

from __future__ import annotations

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.ids import Memory, earliest
from invoicepay.adapters.circle.w3s import WalletsApi
from invoicepay.adapters.circle.wallets import outbound_query
from invoicepay.errors import ProviderUnavailable

MOST_PAGES = 200
"""Pages of 50 that one search reads: 10,000 transfers since the intent was made."""


class Finder:
    """Looks through what our wallets sent since the reference was made; remembers every one it sees.

    A remembered reference costs one request; after a restart the first search reads the list. References of
    ours begin with their time, so the search begins there; another reference is looked for from the newest
    transfer on.
    """

    def __init__(self, api: WalletsApi, *, most_pages: int = MOST_PAGES) -> None:
        self._api, self._ids, self._most_pages = api, Memory[str](), most_pages

    def remember(self, reference: str, id: str) -> None:
        """A transfer that Circle just named to us."""
        self._ids.put(reference, id)

    async def find(self, reference: str) -> wire.Transaction | None:
        """The transfer under a reference, or None when the whole list has none.

        Raises:
            ProviderUnavailable: not answered, or the list is too long to be read.
        """
        known = self._ids.get(reference)
        seen = None if known is None else await self.by_id(known)
        return seen or await self._searched(reference)

    async def by_id(self, id: str) -> wire.Transaction | None:
        """A transfer by Circle's id.

        Raises:
            ProviderUnavailable: not answered; ask again.
        """
        path = f"/v1/w3s/transactions/{id}"
        box = await self._api.ask_for(path, wire.TransactionBox, operation="transaction")
        return None if box is None else box.transaction

    async def _searched(self, reference: str) -> wire.Transaction | None:
        query, after = outbound_query(earliest(reference)), ""
        for _ in range(self._most_pages):
            page, after = await self._api.page(
                "/v1/w3s/transactions",
                wire.Transactions,
                operation="transactions",
                query=query,
                after=after,
            )
            found = self._noted(page, reference)
            if found is not None or not after:
                return found
        raise ProviderUnavailable(f"more than {self._most_pages} pages of transfers to look through")

    def _noted(self, page: wire.Transactions, reference: str) -> wire.Transaction | None:
        found = None
        for seen in page.transactions:
            if seen.ref_id and seen.transaction_type == "OUTBOUND":
                self._ids.put(seen.ref_id, seen.id)
                if seen.ref_id == reference and found is None:
                    found = seen
        return found
