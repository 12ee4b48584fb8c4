"""The awaiting client on a host's own engine: many tasks at once pay one invoice, and nothing is lost.

Run it with: python examples/async_host.py, in a folder that may keep dinner.db
"""

import asyncio

from sqlalchemy.ext.asyncio import create_async_engine

from invoicepay import AsyncInvoicePay, Event, Line

GUESTS = ("ann", "ben", "cho")


async def main() -> None:
    """Give three people money, let all of them pay a shared bill at once, and walk over the payments."""
    engine = create_async_engine("sqlite+aiosqlite:///dinner.db")
    async with AsyncInvoicePay(engine, table_prefix="pay_") as pay:

        @pay.on("invoice.paid")
        async def told(event: Event) -> None:
            print("paid    ", event.data["number"])

        await pay.parties.register("bistro", kind="enterprise")
        for guest in GUESTS:
            await pay.parties.register(guest)
            await pay.sim.settle(await pay.deposits.initiate(guest, "20.00 USD"))
        lines = [Line.of("Dinner for three", "54.00 USD")]
        invoice = await pay.invoices.issue(enterprise="bistro", customer="ann", lines=lines)

        await asyncio.gather(
            *(pay.invoices.pay(invoice, payer=guest, amount="18.00 USD") for guest in GUESTS)
        )

        async for payment in await pay.payments.list(invoice=invoice, limit=2):
            print("payment ", payment.payer_id, payment.applied)
        print("books   ", "right" if not await pay.invariants.check() else "wrong")
    await engine.dispose()  # the engine is the host's, so the host disposes of it


if __name__ == "__main__":
    asyncio.run(main())
