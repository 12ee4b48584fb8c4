"""Codes for SEPA transfers are what an independent writer writes and a reader reads."""

import pytest
from segno.helpers import make_epc_qr

from invoicepay import Money
from invoicepay.documents.epc import TransferRequest

IBAN = "DE89 3704 0044 0532 0130 00"


def asked(**changes: object) -> TransferRequest:
    given = {
        "name": "Acme GmbH",
        "iban": IBAN,
        "amount": Money.of("34.51 EUR"),
        "remittance": "Invoice A-0001",
    }
    return TransferRequest(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("bic", ["", "COBADEFFXXX"])
@pytest.mark.parametrize("amount", ["34.51", "0.01", "999999999.99", "5.00"])
def test_the_code_says_what_an_independent_writer_puts_into_its_own(amount: str, bic: str) -> None:
    ours = asked(amount=Money(amount, "EUR"), bic=bic)
    theirs = make_epc_qr(name="Acme GmbH", iban=IBAN, amount=amount, text="Invoice A-0001", bic=bic or None)

    assert str(ours) is None
