"""A worker process of your own: what waits is done at once, recurring invoices are looked for every hour.

Run it with: python examples/worker.py, in a folder that may keep work.db; it ends when nothing waits
Any number of them may run; SIGTERM and SIGINT let one finish what it is at.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from invoicepay import Event, Every, InvoicePay, PendingSummary

HOUR = timedelta(hours=1)


class Desk:
    """What is told of each pass, and the hourly look for invoices that are due."""

    def __init__(self, pay: InvoicePay) -> None:
        self.pay = pay
        self.next_billing = datetime.now(UTC)
        self.worker = pay.worker(poll_seconds=1.0, on_pass=self.passed, on_trouble=self.troubled)

    def passed(self, done: Mapping[str, PendingSummary]) -> None:
        """Say what was done; a worker that is to stay up never stops by itself."""
        for tenant, summary in done.items():
            if summary.moved:
                print(f"{tenant:8} {summary.sent} sent, {summary.delivered} told")
        if datetime.now(UTC) >= self.next_billing:
            self.bill(list(done))
        elif not any(summary.moved for summary in done.values()):
            self.worker.stop()

    def troubled(self, error: Exception) -> None:
        """Tell somebody; the next pass comes after a pause."""
        print("trouble ", error)

    def bill(self, tenants: list[str]) -> None:
        """Issue what is due in each tenant; each period once, however many workers do this."""
        for tenant in tenants:
            for invoice in self.pay.tenant(tenant).schedules.run_due():
                print(f"{tenant:8} {invoice.number} over {invoice.total}")
        self.next_billing = datetime.now(UTC) + HOUR


def main() -> None:
    """Leave something to do, and work until nothing moves."""
    with InvoicePay("sqlite:///work.db", dispatch="deferred") as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        pay.deposits.initiate("ann", "50.00 USD")
        lines = [("Pro plan", "29.00 USD")]
        pay.schedules.create(enterprise="acme", customer="ann", lines=lines, every=Every.month())

        @pay.on("invoice.*")
        def told(event: Event) -> None:
            print(f"{event.tenant_id:8} {event.name}")

        Desk(pay).worker.run_forever()


if __name__ == "__main__":
    main()
