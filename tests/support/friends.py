"""People who ask each other for money: ann, ben and cal start with 500.00 USD each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.domain.effects import Effect
from invoicepay.domain.holds import Hold
from invoicepay.domain.policies import Programme
from invoicepay.domain.requests import PaymentRequest, Transfer
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases import requests
from invoicepay.use_cases.recover import poll_due, send_due
from invoicepay.use_cases.requests import (
    ApproveRequest,
    CreateRequest,
    RevokeApproval,
    SendTransfer,
    Split,
    SplitRequest,
)
from tests.support.till import ON_CHAIN, Till, usd


class Stops:
    """Screening that answers one way and remembers what it was asked."""

    def __init__(self, verdict: Verdict = Verdict.ALLOW) -> None:
        self.verdict = verdict
        self.asked: list[Subject] = []

    async def screen(self, subject: Subject) -> Screened:
        """The one verdict."""
        self.asked.append(subject)
        return Screened(verdict=self.verdict, reason="on a list")


class Friends(Till):
    """Requests are made and answered in one line."""

    def __init__(self, programme: Programme | None = None, **ports: Any) -> None:
        super().__init__(None, programme, **ports)
        self.fund("cal", "500.00 USD")

    def ask(self, amount: str | None = "18.50", *, payer: str = "ben", **facts: Any) -> PaymentRequest:
        """A request of ann."""
        command = CreateRequest(
            requester_id="ann",
            asset="USD",
            payer_id=payer,
            amount=None if amount is None else usd(amount),
            **facts,
        )
        return self.run(requests.create_request(self.deps, command))

    def split(self, amount: str, *payers: str, **facts: Any) -> Split:
        """A bill of ann."""
        command = SplitRequest(requester_id="ann", amount=usd(amount), payer_ids=payers, **facts)
        return self.run(requests.split_request(self.deps, command))

    def approve(
        self,
        request: PaymentRequest,
        amount: str | None = None,
        *,
        by: str = "ben",
        pay_at: datetime | None = None,
        key: str | None = None,
    ) -> PaymentRequest:
        """The payer's own approval."""
        command = ApproveRequest(
            request_id=request.id, amount=None if amount is None else usd(amount), pay_at=pay_at
        )
        return self.run(requests.approve_request(self.acting_as(by), command, key))

    def revoke(self, request: PaymentRequest, *, by: str = "ben") -> PaymentRequest:
        """The payer takes the approval back."""
        command = RevokeApproval(request_id=request.id, reason="changed my mind")
        return self.run(requests.revoke_approval(self.acting_as(by), command))

    def send(self, payer: str, payee: str, amount: str) -> Transfer:
        """A transfer that nobody asked for."""
        command = SendTransfer(payer_id=payer, payee_id=payee, amount=usd(amount))
        return self.run(requests.send_transfer(self.acting_as(payer), command))

    def request(self, id: str) -> PaymentRequest:
        """A request as it is stored."""
        found: PaymentRequest = self.row(PaymentRequest, id)
        return found

    def transfer(self, id: str) -> Transfer:
        """A transfer as it is stored."""
        found: Transfer = self.row(Transfer, id)
        return found

    def hold(self, id: str) -> Hold:
        """A hold as it is stored."""
        found: Hold = self.row(Hold, id)
        return found


class FriendsOnChain(Friends):
    """The dollar moves on a chain that is final when told to."""

    tokens: SimulatedTokens

    def __init__(self) -> None:
        super().__init__(ON_CHAIN)
        self.tokens = SimulatedTokens(self.clock, finality="manual")
        self.deps = replace(self.deps, tokens=self.tokens)
        for id in ("ann", "ben", "cal"):
            self.tokens.issue(id, usd("500.00"))

    def intent(self, transfer_id: str) -> Effect:
        """What the token provider was asked for."""
        (found,) = (effect for effect in self.rows(Effect) if effect.cause_id == transfer_id)
        effect: Effect = found
        return effect

    def submit(self) -> None:
        """One turn of the worker."""
        self.run(send_due(self.deps, 100))

    def finalize(self, transfer_id: str) -> None:
        """The chain makes it final, and we look."""
        self.tokens.finalize(self.intent(transfer_id).id)
        self._look()

    def refuse(self, transfer_id: str) -> None:
        """The chain refuses it for certain, and we look."""
        self.tokens.fail(self.intent(transfer_id).id)
        self._look()

    def _look(self) -> None:
        self.clock.advance(minutes=1)
        self.run(poll_due(self.deps, 100))
