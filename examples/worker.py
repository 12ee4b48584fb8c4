"""A worker process of your own: what waits is done at once, recurring invoices are looked for every hour.

Run it with: python examples/worker.py, in a folder that may keep work.db; it ends when nothing waits
Any number of them may run; SIGTERM and SIGINT let one finish what it is at.
"""

from collections.abc import Mapping

from invoicepay import Event, Every, InvoicePay, PendingSummary

HOUR_SECONDS = 3600.0


def work(pay: InvoicePay) -> None:
    """Make passes until nothing moves; a worker that is to stay up never stops by itself."""

    def passed(done: Mapping[str, PendingSummary]) -> None:
        for tenant, summary in done.items():
            if summary.moved:
                print(f"{tenant:8} {summary.sent} sent, {summary.delivered} told")
        if not any(summary.moved for summary in done.values()):
            worker.stop()

    def troubled(error: Exception) -> None:
        print("trouble ", error)  # tell somebody; the next pass comes after a pause

    worker = pay.worker(
        poll_seconds=0.1, bill_every_seconds=HOUR_SECONDS, on_pass=passed, on_trouble=troubled
    )
    worker.run_forever()


def main() -> None:
    """Leave something to do, and do it."""
    with InvoicePay("sqlite:///work.db", dispatch="deferred") as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        pay.deposits.initiate("ann", "50.00 USD")
        lines = [("Pro plan", "29.00 USD")]
        pay.schedules.create(enterprise="acme", customer="ann", lines=lines, every=Every.month())

        @pay.on("invoice.*")
        def told(event: Event) -> None:
            print(f"{event.tenant_id:8} {event.name}")

        work(pay)


if __name__ == "__main__":
    main()
