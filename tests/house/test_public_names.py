"""What a host may import from `invoicepay`: adding a name is deliberate, removing one breaks somebody."""

import invoicepay

NAMES = [
    "Asset",
    "AsyncInvoicePay",
    "AsyncPage",
    "CreditLot",
    "CreditNote",
    "Deposit",
    "Event",
    "Every",
    "Finalize",
    "Hold",
    "Invoice",
    "InvoicePay",
    "InvoicePayError",
    "Issue",
    "Line",
    "Money",
    "MoneyLike",
    "Page",
    "Party",
    "Pay",
    "Payment",
    "PaymentRequest",
    "Policy",
    "Programme",
    "QrCode",
    "Register",
    "Schedule",
    "Settings",
    "Transfer",
    "Withdrawal",
    "errors",
    "migrate",
    "run_blocking",
]


def test_the_public_names_are_exactly_these() -> None:
    assert invoicepay.__all__ == NAMES


def test_every_public_name_can_be_had_and_is_shown() -> None:
    assert [name for name in NAMES if getattr(invoicepay, name, None) is None] == []
    assert dir(invoicepay) == NAMES


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(invoicepay, "Invoicepay")
