"""A first notebook: each cell ends in a value, and the value draws itself.

Open it with jupytext, or paste a cell at a time into any notebook. It runs as a script too.
"""

# %%
from invoicepay import InvoicePay, Line, Money

pay = InvoicePay()  # in memory, simulated bank and token network
deposit = pay.deposits.initiate("ann", "200.00 USD")  # bank debit -> reserve -> tokens
pay.sim.settle(deposit)

# %%
invoice = pay.invoices.issue(
    enterprise="acme", customer="ann", lines=[Line.of("Hosting, November", "120.00 USD")]
)
payment = pay.invoices.pay(invoice, payer="ann", amount=Money("150.00", "USD"))
print(payment.payment_type, payment.credit)
payment

# %%
pay.invoices.list(customer="ann")

# %%
# What would happen if? The real call, with nothing left of it.
with pay.dry_run() as trial:
    trial.transfers.send("ann", "ben", "20.00 USD", note="Tickets")
trial.explain()

# %%
request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner")
code = pay.requests.qr(request)
print(code.text())
code

# %%
report = pay.reserves.audit()
print(report.explain())
report
