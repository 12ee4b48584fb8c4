"""Bank accounts that are not used any more: only those are on record, by the token of the provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar
from unicodedata import normalize

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import clean_text
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.needs import NOTHING, Needs, need
from invoicepay.domain.return_codes import RETURN_CODES, Consequences
from invoicepay.errors import BankAccountDisabled, InvalidText


class BankAccountStatus(StrEnum):
    """An account nobody spoke of has no row and may be used."""

    DISABLED = "disabled"
    ENABLED = "enabled"


class BankAccountCommand(StrEnum):
    """What moves a bank account."""

    DISABLE = "disable"
    ENABLE = "enable"


S, C = BankAccountStatus, BankAccountCommand

BANK_ACCOUNT: Lifecycle[BankAccountStatus, BankAccountCommand] = Lifecycle(
    "bank_account",
    {
        (None, C.DISABLE): S.DISABLED,
        (S.ENABLED, C.DISABLE): S.DISABLED,
        (S.DISABLED, C.ENABLE): S.ENABLED,
    },
)
"""A bank account's states; it is disabled by a return code or an operator, enabled by two operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount(Entity):
    """A bank account that was disabled at least once; its id is the provider's token, never a number.

    Attributes:
        party_id: whose deposit or payout met the return; empty where an operator named no one.
        return_code: for example R02; empty where a person disabled it.
        cause_id: the deposit or withdrawal that came back.
    """

    KIND: ClassVar[str] = "bank_account"

    party_id: str
    status: BankAccountStatus
    return_code: str = ""
    cause_id: str = ""
    reason: str = ""


LONGEST_TOKEN = 255


def clean_token(text: str) -> str:
    """An account's token as it is stored; empty where the provider is to choose the account.

    Raises:
        InvalidText: too long, not printable, or with spaces around it: it would pass for another account.
    """
    token = clean_text(text, LONGEST_TOKEN, "the account token")
    if not token.isprintable() or token != token.strip():
        raise InvalidText("the account token is printable, without spaces around it", field="account_token")
    return token


def account_needs(account_token: str) -> Needs:
    """What `refuse_disabled` reads."""
    return need(reads=[(BankAccount, account_id(account_token))]) if account_token else NOTHING


def returned_needs(account_token: str) -> Needs:
    """What `disable_returned` may write."""
    return need((BankAccount, account_id(account_token))) if account_token else NOTHING


def account_id(account_token: str) -> str:
    """A token in the form in which texts are stored (S-20)."""
    return normalize("NFC", account_token)


def is_disabled(account: BankAccount | None) -> bool:
    """Whether an account, if it is on record at all, must not be used."""
    return account is not None and account.status is S.DISABLED


def refuse_disabled(change: Change, account_token: str) -> None:
    """Check that money may go over an account.

    Raises:
        BankAccountDisabled: a return code or an operator ruled it out.
    """
    account = change.peek(BankAccount, account_id(account_token)) if account_token else None
    if account is not None and is_disabled(account):
        because = f": {account.return_code}" if account.return_code else ""
        raise BankAccountDisabled(
            f"the bank account is disabled{because}", party=account.party_id, return_code=account.return_code
        )


def consequences_of(return_code: str) -> Consequences:
    """What a return code asks for; nothing where it is none that we know."""
    known = RETURN_CODES.get(return_code)
    return known.consequences if known else Consequences()


def disable_returned(
    change: Change, account_token: str, return_code: str, *, party_id: str, cause_id: str
) -> None:
    """Rule an account out where the code says that it is bad (R02 closed, R03 none, R10 unauthorised, …)."""
    if account_token and consequences_of(return_code).disables_account:
        title = RETURN_CODES[return_code].title
        disable(change, account_token, title, party_id=party_id, cause_id=cause_id, return_code=return_code)


def disable(
    change: Change,
    account_token: str,
    reason: str,
    *,
    party_id: str = "",
    cause_id: str = "",
    return_code: str = "",
) -> BankAccount:
    """Rule an account out; one that is ruled out already keeps its first reason."""
    known = change.peek(BankAccount, account_id(account_token))
    if known is not None and known.status is S.DISABLED:
        return known
    account = BankAccount(
        id=account_id(account_token),
        party_id=party_id or (known.party_id if known else ""),
        status=BANK_ACCOUNT.after(known.status if known else None, C.DISABLE),
        return_code=return_code,
        cause_id=cause_id,
        reason=reason,
    )
    if known is None:
        return change.add(account, "bank_account.disabled")
    return change.put(account, "bank_account.disabled")


def enable(change: Change, account: BankAccount, reason: str) -> BankAccount:
    """Let an account be used again after it was verified anew.

    Raises:
        InvalidTransition: it is not disabled.
    """
    status = BANK_ACCOUNT.after(account.status, C.ENABLE)
    return change.put(replace(account, status=status, reason=reason), "bank_account.enabled")
