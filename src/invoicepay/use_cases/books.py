"""An enterprise's own book, derived when it is asked for: receivables, revenue, credit (decision D5)."""

from __future__ import annotations

from invoicepay.domain.accounts import Booked
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.authority import Side
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.enterprise_book import EnterpriseBook
from invoicepay.domain.enterprise_journal import Records, journal
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.needs import Find, find
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Payment
from invoicepay.domain.shape import identifier
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.errors import NotFound
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps

PAGE = 500


async def enterprise_book(deps: Deps, enterprise_id: str, asset: str) -> EnterpriseBook:
    """The enterprise's journal and balances in one asset, as of now.

    Raises:
        InvalidIdentifier: nobody can be called that.
        NotAllowed: the actor is neither the enterprise nor an operator.
        NotFound: there is no such enterprise.
        UnknownAsset: the programme does not know the asset.
    """
    identifier(enterprise_id, "the enterprise")
    await allow(deps, "ledger.enterprise_book", sides={Side.ENTERPRISE: enterprise_id})
    code = deps.programme.asset(asset).code
    async with deps.repository.reader(deps.tenant_id) as reader:
        records = await _records(reader, enterprise_id, code)
    entries = (entry for entry in journal(records) if entry.asset == code)
    return EnterpriseBook(enterprise_id=enterprise_id, asset=code, entries=tuple(entries))


async def export_csv(deps: Deps, enterprise_id: str, asset: str) -> str:
    """The journal of `enterprise_book` as CSV; text cells are safe to open in a spreadsheet (S-22).

    Raises:
        NotAllowed, NotFound, UnknownAsset: as `enterprise_book`.
    """
    return (await enterprise_book(deps, enterprise_id, asset)).csv()


async def _records(reader: Reader, enterprise_id: str, asset: str) -> Records:
    parties = await reader.find(find(Party, id=enterprise_id))
    if not parties or parties[0].kind is PartyKind.USER:
        raise NotFound(f"there is no enterprise {enterprise_id}", kind="party", id=enterprise_id)
    rows: dict[type[Entity], tuple[Entity, ...]] = {Party: parties}
    for wanted in _wanted(enterprise_id, asset):
        rows[wanted.kind] = await reader.find(wanted)
    rows[Allocation] = await _allocations(reader, [invoice.id for invoice in rows[Invoice]])
    events = [event for some in rows.values() for row in some for event in await _events(reader, row)]
    return Records(rows=rows, events=events, ledger=await _ledger(reader, enterprise_id))


def _wanted(enterprise_id: str, asset: str) -> list[Find[Entity]]:
    return [
        find(Invoice, enterprise_id=enterprise_id, asset=asset),
        find(CreditNote, enterprise_id=enterprise_id, asset=asset),
        find(Payment, enterprise_id=enterprise_id, asset=asset),
        find(CreditLot, enterprise_id=enterprise_id, asset=asset),
        find(Withdrawal, party_id=enterprise_id, asset=asset),
    ]


async def _allocations(reader: Reader, invoice_ids: list[str]) -> tuple[Allocation, ...]:
    found: list[Allocation] = []
    for start in range(0, len(invoice_ids), PAGE):
        found += await reader.find(find(Allocation, invoice_id__in=tuple(invoice_ids[start : start + PAGE])))
    return tuple(found)


async def _events(reader: Reader, row: Entity) -> tuple[Event, ...]:
    """The row's whole history: it has at most one event for each of its versions."""
    return await reader.events(entity_id=row.id, limit=row.version)


async def _ledger(reader: Reader, party_id: str) -> list[Booked]:
    booked: list[Booked] = []
    while True:
        after = booked[-1].posting.id if booked else ""
        page = await reader.transactions(party_id=party_id, after=after, limit=PAGE)
        booked += page
        if len(page) < PAGE:
            return booked
