"""Codes for SEPA transfers: what an independent writer writes, read by an independent reader."""

from decimal import Decimal
from io import BytesIO

import pytest
from segno.helpers import make_epc_qr

from invoicepay import Money
from invoicepay.documents.epc import TransferRequest
from invoicepay.errors import (
    AmountOutOfRange,
    AmountPrecision,
    AssetNotAccepted,
    InvalidIdentifier,
    InvalidText,
)
from tests.documents.test_qr import decoded, pixels_of

IBAN = "DE89 3704 0044 0532 0130 00"


def asked(**changes: object) -> TransferRequest:
    given = {
        "name": "Müller GmbH",
        "iban": IBAN,
        "amount": Money.of("34.51 EUR"),
        "remittance": "Invoice A-1",
    }
    return TransferRequest(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("bic", ["", "COBADEFFXXX"])
@pytest.mark.parametrize("amount", ["34.51", "0.01", "999999999.99"])
def test_a_code_reads_as_one_of_an_independent_writer(amount: str, bic: str) -> None:
    iban, theirs = IBAN.replace(" ", ""), BytesIO()
    writer = make_epc_qr(
        "Müller GmbH", iban, Decimal(amount), text="Invoice A-1", bic=bic or None, encoding="utf-8"
    )
    writer.save(theirs, kind="png", scale=4, border=4)

    ours = asked(amount=Money(amount, "EUR"), bic=bic).qr().png(scale=4)

    assert decoded(pixels_of(ours)) == decoded(pixels_of(theirs.getvalue()))


def test_the_account_is_written_without_blanks_and_never_shown_in_logs() -> None:
    request = asked(iban=IBAN.lower())

    assert "\nDE89370400440532013000\nEUR34.51\n" in str(request)
    assert "3704" not in repr(request)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iban": "DE88 3704 0044 0532 0130 00"}, InvalidIdentifier),
        ({"iban": "not an account"}, InvalidIdentifier),
        ({"bic": "COBA"}, InvalidIdentifier),
        ({"amount": Money.of("34.51 USD")}, AssetNotAccepted),
        ({"amount": Money.of("0.00 EUR")}, AmountOutOfRange),
        ({"amount": Money.of("1000000000.00 EUR")}, AmountOutOfRange),
        ({"amount": Money("0.015", "EUR")}, AmountPrecision),
        ({"name": ""}, InvalidText),
        ({"name": "N" * 71}, InvalidText),
        ({"remittance": "one\ntwo"}, InvalidText),
        ({"remittance": "R" * 141}, InvalidText),
        ({"remittance": "ü" * 140}, InvalidText),
    ],
)
def test_what_no_bank_would_carry_out_is_refused_without_repeating_an_account(
    changes: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        asked(**changes)

    assert "3704" not in str(refused.value)
