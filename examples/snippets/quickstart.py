"""Money comes in, pays an invoice, and too much of it becomes credit."""

from invoicepay import InvoicePay, Line, Money

pay = InvoicePay()  # in memory, simulated rails and token
deposit = pay.deposits.initiate("ann", "200.00 USD")  # bank debit -> reserve -> tokens
pay.sim.settle(deposit.id)  # exists only with simulated providers
invoice = pay.invoices.issue(  # create + finalize
    enterprise="acme", customer="ann", lines=[Line.of("Hosting, November", "120.00 USD")]
)
payment = pay.invoices.pay(invoice.id, payer="ann", amount=Money("150.00", "USD"))
print(payment.payment_type, payment.credit)  # OVERPAYMENT, 30.00 USD credit towards acme
print(pay.reserves.audit().explain())  # tokens 200.00 = backing 200.00, no violations
pay.invoices.list(customer="ann")  # a table in a notebook; .to_df() for pandas
