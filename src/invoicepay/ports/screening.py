"""Compliance screening, asked before any money is set aside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from invoicepay.domain.money import Money


class Verdict(StrEnum):
    """Go on, hold for a person to look, or refuse."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A verdict and why.

    Attributes:
        reason: a code or the number of a case; a refusal tells it to whoever asked, and is stored under its
            key, so it holds no words about people.
    """

    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is about to happen: `deposit`, `payment`, `transfer`, `withdrawal`, `payee_change`.

    Attributes:
        counterparty_id: a party, an address outside, or the token of the new account; may be empty.
    """

    action: str
    party_id: str
    counterparty_id: str
    amount: Money


class Screening(Protocol):
    """Decides whether a movement may start. It is asked before the transaction, never inside it."""

    async def screen(self, subject: Subject) -> Screened:
        """The verdict on one movement.

        Raises:
            ProviderUnavailable: no answer; the movement does not start.
        """
        ...
