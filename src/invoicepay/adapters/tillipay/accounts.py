"""Bank accounts and cards on their way to a token: their numbers pass through once and are shown nowhere."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import SecretStr

from invoicepay.errors import ConfigurationError, InvalidIdentifier

if TYPE_CHECKING:
    from invoicepay.adapters.tillipay.parts import AccountLetters


class AccountKind(StrEnum):
    """What a bank account is."""

    CHECKING = "checking"
    SAVINGS = "savings"


class HolderKind(StrEnum):
    """Whose it is."""

    PERSONAL = "personal"
    COMPANY = "company"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDetails:
    """A bank account in the United States, as its holder typed it in."""

    routing_number: SecretStr
    account_number: SecretStr
    kind: AccountKind = AccountKind.CHECKING
    holder: HolderKind = HolderKind.PERSONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class CardDetails:
    """A card, as its holder typed it in; the year has two digits."""

    number: SecretStr
    expiry_month: str
    expiry_year: str
    cvv: SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """What is kept of an account.

    Attributes:
        token: the provider's; pass it as `account_token`.
        fingerprint: equal for equal numbers, and tells nothing of them without the key.
        rail: the rail on which the token is good.
    """

    token: str = field(repr=False)
    last_four: str
    fingerprint: str
    rail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """What the gateway may want to know of whoever pays; left out where empty, kept nowhere."""

    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    address_one: str = field(default="", repr=False)
    address_two: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    state: str = field(default="", repr=False)
    postal_code: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)


def check_account(account: BankDetails | CardDetails, letters: AccountLetters) -> None:
    """Refuse numbers that cannot be right, before they leave.

    Raises:
        InvalidIdentifier: a number has the wrong digits; it is not repeated.
        ConfigurationError: the profile has no letter for such an account.
    """
    if wrong := _wrong(account):
        raise InvalidIdentifier(f"{wrong} has the wrong digits")
    if isinstance(account, BankDetails):
        is_spelt = account.kind in letters.account_type and account.holder in letters.check_type
        if not is_spelt:
            raise ConfigurationError(
                f"the profile has no letter for a {account.holder} {account.kind} account"
            )


def fields_of(account: BankDetails | CardDetails, letters: AccountLetters) -> dict[str, SecretStr]:
    """What fills a request; readable only where it is built."""
    if isinstance(account, CardDetails):
        found = {
            "card_number": _digits(account.number),
            "expiry_month": account.expiry_month,
            "expiry_year": account.expiry_year,
            "cvv": _digits(account.cvv),
        }
    else:
        found = {
            "routing_number": _digits(account.routing_number),
            "account_number": _digits(account.account_number),
            "account_type": letters.account_type[account.kind],
            "check_type": letters.check_type[account.holder],
        }
    return {f"account.{name}": SecretStr(text) for name, text in found.items()}


def last_four(account: BankDetails | CardDetails) -> str:
    """The end of the number, for people to recognise it by."""
    return _digits(account.number if isinstance(account, CardDetails) else account.account_number)[-4:]


def fingerprint(account: BankDetails | CardDetails, key: SecretStr) -> str:
    """A keyed digest of the number, so that one account is recognised under two tokens."""
    if isinstance(account, CardDetails):
        text = f"card|{_digits(account.number)}"
    else:
        text = f"bank|{_digits(account.routing_number)}|{_digits(account.account_number)}"
    return hmac.digest(key.get_secret_value().encode(), text.encode(), hashlib.sha256).hex()[:32]


def _digits(secret: SecretStr) -> str:
    return secret.get_secret_value().replace(" ", "").replace("-", "")


def _wrong(account: BankDetails | CardDetails) -> str:
    """Which number cannot be right, in words; a frame that raises must not hold the numbers themselves."""
    if isinstance(account, CardDetails):
        checks = {
            "the card number": _is_luhn(_digits(account.number)),
            "the card's verification value": _is_number(_digits(account.cvv), 3, 4),
        }
    else:
        checks = {
            "the routing number": _is_aba(_digits(account.routing_number)),
            "the account number": _is_number(_digits(account.account_number), 4, 17),
        }
    return next((name for name, is_right in checks.items() if not is_right), "")


def _is_number(text: str, shortest: int, longest: int) -> bool:
    return text.isascii() and text.isdecimal() and shortest <= len(text) <= longest


def _is_luhn(number: str) -> bool:
    """Whether the check digit of a card number fits (ISO/IEC 7812)."""
    if not _is_number(number, 12, 19):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(digit - 9 * (digit > 9) for digit in doubled) % 10 == 0


def _is_aba(number: str) -> bool:
    """Whether the check digit of a routing number fits: weights 3, 7, 1."""
    if not _is_number(number, 9, 9):
        return False
    return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0
