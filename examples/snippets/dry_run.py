"""What a call would do, before it does it."""

from invoicepay import InvoicePay

pay = InvoicePay()
pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Hosting", "120.00 USD")])

with pay.dry_run() as trial:  # real code path, rolled back, no provider called
    trial.invoices.pay(invoice.id, payer="ann", amount="150.00 USD")
print(trial.explain())  # states, amounts, rule applied (overpay=credit), postings, what was withheld

assert pay.invoices.get(invoice).status == "open"
