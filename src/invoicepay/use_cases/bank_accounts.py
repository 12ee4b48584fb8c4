"""Ruling bank accounts out and letting them in again by hand; returns do the first by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.domain import bank_accounts
from invoicepay.domain.access import authorise, known_party, party_needs, second_actor
from invoicepay.domain.bank_accounts import BankAccount, clean_token, returned_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.ids import clean_text
from invoicepay.domain.needs import NOTHING, Needs
from invoicepay.errors import InvalidIdentifier
from invoicepay.use_cases.perform import Deps, UseCase, perform


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableBankAccount:
    """Use an account no more.

    Attributes:
        account_token: the provider's token for it; never an account number.
        party_id: whose it is, where that is known.
    """

    account_token: str
    reason: str
    party_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableBankAccount:
    """Use an account again, after it was verified anew.

    Attributes:
        approved_by: the second person (four eyes).
    """

    account_token: str
    reason: str
    approved_by: str


def _token(text: str) -> str:
    token = clean_token(text)
    if not token:
        raise InvalidIdentifier("name the bank account by its token")
    return token


def decide_disable(command: DisableBankAccount, change: Change) -> BankAccount:
    """One that is disabled already keeps its first reason."""
    token, reason = _token(command.account_token), clean_text(command.reason, 500, "the reason")
    if command.party_id:
        known_party(change, command.party_id)
    authorise(change)
    return bank_accounts.disable(change, token, reason, party_id=command.party_id)


def _needs_disable(command: DisableBankAccount, _seen: Snapshot) -> Needs:
    party = party_needs(command.party_id) if command.party_id else NOTHING
    return party | returned_needs(command.account_token)


DISABLE = UseCase("bank_accounts.disable", BankAccount, _needs_disable, decide_disable)


async def disable_bank_account(
    deps: Deps, command: DisableBankAccount, key: str | None = None
) -> BankAccount:
    """Use a bank account no more: deposits from it and payouts to it are refused; operators only.

    Raises:
        InvalidIdentifier, NotFound: no token, or no such party.
        NotAllowed: the actor is no operator.
    """
    return await perform(deps, DISABLE, command, key)


def decide_enable(command: EnableBankAccount, change: Change) -> BankAccount:
    """A new verification is a statement of two persons."""
    token, reason = _token(command.account_token), clean_text(command.reason, 500, "the reason")
    account = change.get(BankAccount, token)
    authorise(change, account)
    second_actor(change, command.approved_by)
    return bank_accounts.enable(change, account, reason)


ENABLE = UseCase(
    "bank_accounts.enable",
    BankAccount,
    lambda command, _: returned_needs(command.account_token),
    decide_enable,
)


async def enable_bank_account(deps: Deps, command: EnableBankAccount, key: str | None = None) -> BankAccount:
    """Use a disabled bank account again after it was verified anew; operators only, two of them.

    Raises:
        NotFound: it was never disabled.
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved.
        InvalidTransition: it is not disabled.
    """
    return await perform(deps, ENABLE, command, key)
