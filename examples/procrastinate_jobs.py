"""A job queue in the same PostgreSQL as the books: Procrastinate calls the two functions that bring all on.

Run it with: INVOICEPAY_STORE=postgresql+psycopg://… python examples/procrastinate_jobs.py
Without a store both the queue and the books are in memory. It brings on what waits, and ends.
"""

import asyncio
import os

from procrastinate import App, Blueprint, JobContext, PsycopgConnector
from procrastinate.testing import InMemoryConnector
from sqlalchemy import make_url

from invoicepay import AsyncInvoicePay, Every

jobs = Blueprint()


@jobs.periodic(cron="* * * * *")
@jobs.task(name="work", queueing_lock="work", pass_context=True)
async def work(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - of the minute it is for
    """Every minute: provider work, webhooks, due dates, handlers."""
    pay: AsyncInvoicePay = context.additional_context["pay"]
    done = await pay.run_pending(limit=100)
    print("work    ", done.moved, "things moved")


@jobs.periodic(cron="5 * * * *")
@jobs.task(name="bill", queueing_lock="bill", pass_context=True)
async def bill(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - of the hour it is for
    """Every hour: recurring invoices, each once however often this runs."""
    pay: AsyncInvoicePay = context.additional_context["pay"]
    for invoice in await pay.schedules.run_due():
        print("billed  ", invoice.number, invoice.total)


async def queue_at(store: str) -> App:
    """The queue, with its tables where they were missing."""
    if store == "memory://":
        return App(connector=InMemoryConnector(), import_paths=[])
    conninfo = make_url(store).set(drivername="postgresql").render_as_string(hide_password=False)
    queue = App(connector=PsycopgConnector(conninfo=conninfo))
    async with queue.open_async():
        if not await queue.check_connection_async():
            await queue.schema_manager.apply_schema_async()
    return queue


async def main(store: str) -> None:
    """Leave something to do, and let a worker of the queue do it."""
    queue = await queue_at(store)
    queue.add_tasks_from(jobs, namespace="pay")
    async with AsyncInvoicePay(store, dispatch="deferred") as pay, queue.open_async():
        await pay.parties.register("acme", kind="enterprise")
        await pay.parties.register("ann")
        await pay.deposits.initiate("ann", "50.00 USD")
        await pay.schedules.create(
            enterprise="acme", customer="ann", lines=[("Pro plan", "29.00 USD")], every=Every.month()
        )
        await queue.tasks["pay:work"].defer_async(timestamp=0)  # at once; later every minute
        await queue.tasks["pay:bill"].defer_async(timestamp=0)
        await queue.run_worker_async(wait=False, additional_context={"pay": pay})


if __name__ == "__main__":
    asyncio.run(main(os.environ.get("INVOICEPAY_STORE", "memory://")))
