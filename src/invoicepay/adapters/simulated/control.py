"""What a demo tells the simulated providers, by the id under which we ordered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from invoicepay.adapters.simulated.bank import BankCommand, SimulatedRails
from invoicepay.adapters.simulated.chain import SimulatedTokens
from invoicepay.adapters.simulated.weather import Delivery
from invoicepay.domain.money import Money

NOW = timedelta(0)


class SimControl:
    """Commands for simulated banks and issuers; `reference` is the id of our effect.

    Attributes:
        banks, issuers: each side's providers; a command goes to the one that has the order.
        rails, tokens: the first of each side.
    """

    banks: tuple[SimulatedRails, ...]
    issuers: tuple[SimulatedTokens, ...]
    rails: SimulatedRails
    tokens: SimulatedTokens

    def __init__(
        self,
        rails: SimulatedRails | Sequence[SimulatedRails],
        tokens: SimulatedTokens | Sequence[SimulatedTokens],
    ) -> None:
        self.banks = (rails,) if isinstance(rails, SimulatedRails) else tuple(rails)
        self.issuers = (tokens,) if isinstance(tokens, SimulatedTokens) else tuple(tokens)
        self.rails, self.tokens = self.banks[0], self.issuers[0]

    def settle(
        self,
        reference: str,
        *,
        amount: Money | None = None,
        fee: Money | None = None,
        after: timedelta = NOW,
    ) -> None:
        """The banks settle a deposit or payout, in full or with another amount."""
        self._bank(reference).move(reference, BankCommand.SETTLE, amount=amount, fee=fee, after=after)

    def finalize(self, reference: str, *, after: timedelta = NOW) -> None:
        """The time for returns is over."""
        self._bank(reference).move(reference, BankCommand.FINALIZE, after=after)

    def review(self, reference: str) -> None:
        """A person at the bank looks at it first."""
        self._bank(reference).move(reference, BankCommand.REVIEW)

    def fail(self, reference: str, reason: str = "failed", *, after: timedelta = NOW) -> None:
        """It ends before settlement; no money moves."""
        self._bank(reference).move(reference, BankCommand.FAIL, reason=reason, after=after)

    def reject(self, reference: str, reason: str = "rejected") -> None:
        """The bank refuses it before anything left."""
        self._bank(reference).move(reference, BankCommand.REJECT, reason=reason)

    def return_(
        self, reference: str, code: str = "R01", *, amount: Money | None = None, after: timedelta = NOW
    ) -> None:
        """The money goes back after settlement; `code` says why, see `invoicepay.domain.return_codes`."""
        self._bank(reference).move(
            reference, BankCommand.RETURN, return_code=code, amount=amount, after=after
        )

    def reverse_return(self, reference: str, code: str = "R68") -> None:
        """A return is dishonoured: the money stays after all."""
        self._bank(reference).move(reference, BankCommand.REVERSE_RETURN, return_code=code)

    def finalize_tokens(self, reference: str) -> None:
        """A pending mint, burn or transfer becomes final."""
        self._issuer(reference).finalize(reference)

    def fail_tokens(self, reference: str, reason: str = "reverted") -> None:
        """A pending mint, burn or transfer fails for certain."""
        self._issuer(reference).fail(reference, reason)

    def hold_tokens(self) -> None:
        """Every issuer leaves what comes from now on pending."""
        for issuer in self.issuers:
            issuer.hold()

    def release_tokens(self) -> None:
        """What is pending becomes final, and what comes later is final at once."""
        for issuer in self.issuers:
            issuer.release()

    def webhooks(self) -> tuple[tuple[str, Delivery], ...]:
        """Take every queued delivery, named by the slot it is for: `rails` or `tokens`."""
        return tuple((slot, delivery) for slot, _, delivery in self.deliveries())

    def deliveries(self) -> tuple[tuple[str, str, Delivery], ...]:
        """Take every queued delivery with its slot and its sender."""
        rails = [("rails", bank.name, delivery) for bank in self.banks for delivery in bank.drain()]
        tokens = [("tokens", one.name, delivery) for one in self.issuers for delivery in one.drain()]
        return (*rails, *tokens)

    def _bank(self, reference: str) -> SimulatedRails:
        return next((bank for bank in self.banks if bank.knows(reference)), self.banks[0])

    def _issuer(self, reference: str) -> SimulatedTokens:
        return next((issuer for issuer in self.issuers if issuer.knows(reference)), self.issuers[0])
