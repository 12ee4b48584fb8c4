"""Books, bank and trail checked; the exit code makes it a monitoring check."""

from invoicepay import InvoicePay

pay = InvoicePay()
pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])

report = pay.reserves.reconcile()  # bank statement x ledger x token supply
for v in report.violations:
    print(v.rule, v.message, v.difference_micros)  # e.g. INV-04, 80000000
for b in report.breaks:
    print(b.kind, b.object_id, b.message)  # e.g. timing, dep_..., settles tomorrow
assert pay.audit.verify()  # hash chain unbroken
for entry in pay.audit.trail(invoice.id):
    print(entry.position, entry.recorded_at, entry.actor, entry.action)
if __name__ == "__main__":
    raise SystemExit(0 if report.backed else 1)  # usable as a monitoring check
