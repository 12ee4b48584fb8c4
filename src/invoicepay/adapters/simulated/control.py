"""What a demo tells the simulated providers, by the id under which we ordered."""

from __future__ import annotations

from datetime import timedelta

from invoicepay.adapters.simulated.bank import BankCommand, SimulatedRails
from invoicepay.adapters.simulated.chain import SimulatedTokens
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.domain.money import Money

NOW = timedelta(0)


class SimControl:
    """Commands for a simulated bank and issuer; `reference` is the id of our effect."""

    rails: SimulatedRails
    tokens: SimulatedTokens

    def __init__(self, rails: SimulatedRails, tokens: SimulatedTokens) -> None:
        self.rails, self.tokens = rails, tokens

    def settle(
        self,
        reference: str,
        *,
        amount: Money | None = None,
        fee: Money | None = None,
        after: timedelta = NOW,
    ) -> None:
        """The banks settle a deposit or payout, in full or with another amount."""
        self.rails.move(reference, BankCommand.SETTLE, amount=amount, fee=fee, after=after)

    def finalize(self, reference: str, *, after: timedelta = NOW) -> None:
        """The time for returns is over."""
        self.rails.move(reference, BankCommand.FINALIZE, after=after)

    def review(self, reference: str) -> None:
        """A person at the bank looks at it first."""
        self.rails.move(reference, BankCommand.REVIEW)

    def fail(self, reference: str, reason: str = "failed", *, after: timedelta = NOW) -> None:
        """It ends before settlement; no money moves."""
        self.rails.move(reference, BankCommand.FAIL, reason=reason, after=after)

    def reject(self, reference: str, reason: str = "rejected") -> None:
        """The bank refuses it before anything left."""
        self.rails.move(reference, BankCommand.REJECT, reason=reason)

    def return_(
        self, reference: str, code: str = "R01", *, amount: Money | None = None, after: timedelta = NOW
    ) -> None:
        """The money goes back after settlement; `code` says why, see `invoicepay.domain.return_codes`."""
        self.rails.move(reference, BankCommand.RETURN, return_code=code, amount=amount, after=after)

    def reverse_return(self, reference: str, code: str = "R68") -> None:
        """A return is dishonoured: the money stays after all."""
        self.rails.move(reference, BankCommand.REVERSE_RETURN, return_code=code)

    def finalize_tokens(self, reference: str) -> None:
        """A pending mint, burn or transfer becomes final."""
        self.tokens.finalize(reference)

    def fail_tokens(self, reference: str, reason: str = "reverted") -> None:
        """A pending mint, burn or transfer fails for certain."""
        self.tokens.fail(reference, reason)

    def webhooks(self) -> tuple[tuple[str, Delivery], ...]:
        """Take every queued delivery, named by the slot it is for: `rails` or `tokens`."""
        rails = [("rails", delivery) for delivery in self.rails.drain()]
        return (*rails, *(("tokens", delivery) for delivery in self.tokens.drain()))
