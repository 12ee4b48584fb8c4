"""What is left to do after a commit: in one pass, or pass after pass in a process of its own."""

import os
import signal

from invoicepay import Event, InvoicePay

pay = InvoicePay(dispatch="deferred")
pay.deposits.initiate("ann", "50.00 USD")

summary = pay.run_pending(limit=100)  # one pass: cron, Celery, Procrastinate, a timer
print("sent", summary.sent)


@pay.on("deposit.pending")
def enough(event: Event) -> None:
    """Stand for whoever ends the process."""
    print("told of", event.name)
    os.kill(os.getpid(), signal.SIGTERM)


pay.worker(poll_seconds=1.0).run_forever()  # or `invoicepay worker`; any number; SIGTERM finishes the item
print("stopped after", [deposit.status for deposit in pay.deposits.list()])
