"""A signed code to scan: for a notebook, a terminal and a file."""

from pathlib import Path

from invoicepay import InvoicePay

pay = InvoicePay()

request = pay.requests.create(requester="ann", payer="ben", amount="18.50 USD", note="Dinner")
code = pay.requests.qr(request)  # last value of a cell: drawn as SVG
print(code.payload, code.text())  # signed link; block characters for a terminal
Path("dinner.png").write_bytes(code.png(scale=8))  # needs invoicepay[png]
