"""Asks for a bank transfer in euro as the text that banking apps scan: the EPC code, or GiroCode."""

from __future__ import annotations

import re
from dataclasses import dataclass

from invoicepay.documents.qr import QrCode
from invoicepay.domain.money import Money
from invoicepay.errors import (
    AmountOutOfRange,
    AmountPrecision,
    AssetNotAccepted,
    InvalidIdentifier,
    InvalidText,
)

LONGEST_NAME = 70
LONGEST_REMITTANCE = 140
MOST_BYTES = 331
LARGEST = Money.of("999999999.99 EUR")
SMALLEST = Money.of("0.01 EUR")

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """Somebody is asked for a SEPA credit transfer to an account that you name; nothing of it is stored.

    The fields and their bounds are those of the European Payments Council's guideline EPC069-12, version 2.
    The transfer comes outside of invoicepay: record it with `pay.invoices.record_external`, or as a deposit.

    Attributes:
        name: whose account it is, at most 70 characters.
        iban: with or without blanks; its check digits are checked.
        amount: whole cents of EUR.
        remittance: what the transfer is for, such as the invoice's number; at most 140 characters.
        bic: only needed for accounts outside the European Economic Area.

    Raises:
        AssetNotAccepted, AmountPrecision, AmountOutOfRange: no amount that SEPA transfers.
        InvalidIdentifier: the IBAN or the BIC is none; what was given is not repeated.
        InvalidText: a name or remittance that is missing, too long, or of more than one line.

    Examples:
        >>> amount = Money.of("34.51 EUR")
        >>> asked = TransferRequest(name="Acme GmbH", iban="DE89 3704 0044 0532 0130 00", amount=amount)
        >>> asked.qr().svg(title="34.51 EUR to Acme GmbH")[:4]
        '<svg'
    """

    name: str
    iban: str
    amount: Money
    remittance: str = ""
    bic: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "iban", self.iban.replace(" ", "").upper())
        object.__setattr__(self, "bic", self.bic.replace(" ", "").upper())
        _keep_amount(self.amount)
        if not _IBAN.fullmatch(self.iban) or not _has_its_check_digits(self.iban):
            raise InvalidIdentifier("the IBAN is not one: its check digits tell", field="iban")
        if self.bic and not _BIC.fullmatch(self.bic):
            raise InvalidIdentifier("a BIC has 8 or 11 letters and digits", field="bic")
        _keep_line(self.name, "name", LONGEST_NAME, least=1)
        _keep_line(self.remittance, "remittance", LONGEST_REMITTANCE)
        if len(str(self).encode()) > MOST_BYTES:
            raise InvalidText(f"name and remittance are too long: a code holds {MOST_BYTES} bytes")

    def __str__(self) -> str:
        """The text for a QR code: one field on each line, in UTF-8."""
        head = ("BCD", "002", "1", "SCT")
        amount = f"EUR{self.amount.amount_text}"
        return "\n".join((*head, self.bic, self.name, self.iban, amount, "", "", self.remittance)).rstrip(
            "\n"
        )

    def qr(self) -> QrCode:
        """The code to scan; it draws itself."""
        return QrCode(str(self))

    def __repr__(self) -> str:
        """Without the account, for logs."""
        return f"<TransferRequest of {self.amount} to {self.name!r}>"


def _keep_amount(amount: Money) -> None:
    if amount.asset != "EUR":
        raise AssetNotAccepted("a SEPA transfer is in EUR", accepted=["EUR"])
    if not SMALLEST <= amount <= LARGEST:
        raise AmountOutOfRange(f"a SEPA transfer moves {SMALLEST} to {LARGEST}")
    if amount.micros % SMALLEST.micros:
        raise AmountPrecision("a SEPA transfer moves whole cents")


def _has_its_check_digits(iban: str) -> bool:
    """ISO 7064: the number made of the account and then the country is 1 more than a multiple of 97."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _keep_line(text: str, field: str, longest: int, *, least: int = 0) -> None:
    if not least <= len(text) <= longest or not text.isprintable() or text != text.strip():
        raise InvalidText(f"{field} is one line of {least} to {longest} characters", field=field)
