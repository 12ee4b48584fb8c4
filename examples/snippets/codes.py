"""A signed code to scan: for a notebook, a terminal and a file."""

from pathlib import Path

from invoicepay import InvoicePay
from invoicepay.documents.epc import TransferRequest

pay = InvoicePay()

request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner")
code = pay.requests.qr(request)  # last value of a cell: drawn as SVG
print(code.payload, code.text())  # signed link; block characters for a terminal
Path("dinner.png").write_bytes(code.png(scale=8))  # needs invoicepay[png]

invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Hosting", "34.51 EUR")])
pay.invoices.qr(invoice)  # ours, signed; a SEPA transfer names an account, which only you know:
transfer = TransferRequest(
    name="Acme GmbH", iban="DE89370400440532013000", amount=invoice.remaining, remittance=invoice.number
)
transfer.qr()
