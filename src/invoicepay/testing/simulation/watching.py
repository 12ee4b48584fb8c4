"""Recognises the situations of `reach` in what is committed, told and answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from invoicepay.domain.accounts import Code, Posting, account_of, held
from invoicepay.domain.change import Outcome
from invoicepay.domain.effects import (
    Effect,
    EffectStatus,
    InboxMessage,
    InboxStatus,
    Observation,
    Source,
    slot_of,
)
from invoicepay.domain.entity import Entity
from invoicepay.domain.netting import RunStatus, SettlementRun
from invoicepay.domain.payments import Channel, Payment, PaymentStatus, PaymentType
from invoicepay.domain.requests import PaymentRequest, RequestStatus
from invoicepay.domain.tokens import Burn, BurnStatus
from invoicepay.errors import InsufficientFunds
from invoicepay.ports.rails import RailStatus
from invoicepay.ports.repository import Reply
from invoicepay.testing.simulation.mirror import Mirror, Touched
from invoicepay.testing.simulation.ports import Commit, Happening, ProviderFact, Reach

S = EffectStatus
BY_EVENT: Mapping[str, str] = {
    "deposit.completed": "deposit minted",
    "deposit.failed": "deposit failed",
    "deposit.return_parked": "return during mint",
    "deposit.return_reversed": "return reversed",
    "credit.applied": "credit applied",
    "credit.refunded": "credit refunded",
    "invoice.refunded": "refunded",
    "payment.reversed": "payment reversed",
    "hold.captured": "hold captured",
    "hold.expired": "hold expired",
    "withdrawal.paid": "withdrawal paid",
    "withdrawal.cancelled": "withdrawal cancelled",
    "withdrawal.returned": "payout returned",
    "withdrawal.reminted": "payout reminted",
    "wallet.frozen": "wallet frozen",
    "reserve.deficit": "reserve deficit",
    "effect.needs_review": "left to a person",
}
BY_COMMAND: Mapping[str, str] = {
    "effects.resolve_review": "settled by a person",
    "schedules.issue": "invoice by schedule",
    "tokens.retry_mint": "mint tried again",
    "withdrawals.retry_payout": "payout sent again",
    "deposits.recover": "return recovered",
}
BY_TYPE: Mapping[PaymentType, str] = {
    PaymentType.EXACT: "paid exactly",
    PaymentType.PARTIAL: "paid in part",
    PaymentType.OVERPAYMENT: "overpaid",
}
BY_FAULT: Mapping[str, str] = {
    "database.ack_lost": "commit without word",
    "database.conflict_at_commit": "lost a race",
}


class Watch:
    """Counts what it recognises; it judges nothing."""

    def __init__(self, reach: Reach, mirror: Mirror) -> None:
        self._reach, self._mirror = reach, mirror
        self._claimed_by: dict[str, str] = {}
        self._sent_by: dict[str, dict[str, None]] = {}
        self._final: set[str] = set()

    def claims_of(self, process: str) -> list[str]:
        """Intents that a process claimed last."""
        return [id for id, owner in self._claimed_by.items() if owner == process]

    def commit(self, commit: Commit, touched: Touched) -> None:
        """Look at what became durable; the mirror has it already."""
        for outcome in commit.outcomes:
            self._outcome(outcome, commit.process, touched)
        for reply in commit.replies:
            if reply.is_error and InsufficientFunds.code in reply.body:
                self._refused(reply)
        for key, before in touched.rows.items():
            self._row(self._mirror.rows[key], before)

    def fact(self, fact: ProviderFact) -> None:
        """Look at what a provider did."""
        if fact.transfer.status is RailStatus.FINAL:
            self._final.add(fact.reference)
        elif fact.transfer.status is RailStatus.RETURNED and fact.reference in self._final:
            self._reach.seen("return after final")

    def happened(self, happening: Happening) -> None:
        """Look at a fault, a crash, a call."""
        process, reference = happening.process, happening.reference
        match happening.kind:
            case "send":
                self._sent_by.setdefault(process, {})[reference] = None
            case "answer":
                self._sent_by.get(process, {}).pop(reference, None)
                if self._claimed_by.get(reference, process) != process:
                    self._reach.seen("stale worker")
            case "crash":
                if self._sent_by.pop(process, None):
                    self._reach.seen("crash after send")
            case "fault" if happening.name in BY_FAULT:
                self._reach.seen(BY_FAULT[happening.name])
            case "fault" if happening.name == "provider.key_forgotten":
                effect = self._mirror.get(Effect, reference)
                if effect is not None and effect.status in (S.SENDING, S.UNKNOWN):
                    self._reach.seen("key forgotten while unknown")
            case _:
                pass

    def _outcome(self, outcome: Outcome[Any], process: str, touched: Touched) -> None:
        if outcome.command in BY_COMMAND:
            self._reach.seen(BY_COMMAND[outcome.command])
        for step in outcome.events:
            if step.name in BY_EVENT:
                self._reach.seen(BY_EVENT[step.name])
            if step.name == "invoice.voided" and any(row.KIND == "allocation" for row in outcome.rows):
                self._reach.seen("voided after payment")
        for posting in outcome.postings:
            self._posting(posting)
        if outcome.command == "effects.claim":
            for row in outcome.rows:
                self._claimed(row, touched.rows.get((type(row), row.id)), process)

    def _claimed(self, row: Entity, before: Entity | None, process: str) -> None:
        if not isinstance(row, Effect) or not isinstance(before, Effect):
            return
        self._claimed_by[row.id] = process
        if before.status is S.SENDING and before.lease_until is not None:
            self._reach.seen("claim taken over")

    def _posting(self, posting: Posting) -> None:
        codes = {entry.account.code for entry in posting.entries}
        if posting.rule == "P-04" and Code.RETURN_DUE in codes:
            self._reach.seen("return before mint")
        elif posting.rule == "P-05" and Code.RETURN_DUE in codes:
            self._reach.seen("return after mint")
            if Code.RETURNED_DEPOSIT in codes:
                self._reach.seen("return of spent tokens")

    def _refused(self, reply: Reply) -> None:
        """A spend that was refused while another one of the same wallet was under way."""
        details = json.loads(reply.body).get("details", {})
        named = details.get("account", "")
        owner = account_of(named).party_id if named else details.get("party", "")
        assets = {account.asset for account in self._mirror.balances if account.party_id == owner}
        if any(self._mirror.balances.get(held(owner, asset), 0) > 0 for asset in assets):
            self._reach.seen("spends that only fit alone")

    def _row(self, row: Entity, before: Any) -> None:
        match row:
            case Effect() if before is not None:
                self._effect(row, before)
            case Observation() if before is None:
                self._observed(row)
            case InboxMessage(status=InboxStatus.PARKED):
                self._reach.seen("webhook parked")
            case Payment():
                self._payment(row, before)
            case Burn(status=BurnStatus.FAILED) if before is not None:
                if before.status in (BurnStatus.SUBMITTED, BurnStatus.UNKNOWN):
                    self._reach.seen("burn failed")
            case PaymentRequest(is_split=True, status=RequestStatus.PAID):
                self._reach.seen("bill split and paid")
            case SettlementRun(status=RunStatus.SETTLED) if row.transfers:
                self._reach.seen("netted run settled")
            case _:
                pass

    def _effect(self, effect: Effect, before: Effect) -> None:
        if before.status is S.UNKNOWN:
            if effect.status in (S.ACCEPTED, S.SETTLED, S.FINAL):
                self._reach.seen("unknown and found")
            if effect.attempt > before.attempt:
                self._reach.seen("unknown and sent again")
        is_early = before.status in (S.PLANNED, S.SENDING, S.UNKNOWN)
        if is_early and slot_of(effect.kind) == "rails" and effect.status in (S.SETTLED, S.FINAL):
            self._reach.seen("news out of order")
        if effect.status is S.RETURNED and before.status in (S.SENDING, S.UNKNOWN, S.ACCEPTED):
            self._reach.seen("return before settle")

    def _observed(self, seen: Observation) -> None:
        is_news = seen.status in (S.SETTLED, S.FINAL, S.RETURNED, S.FAILED)
        if seen.source is Source.POLL and is_news:
            self._reach.seen("found by polling")
        effect = self._mirror.get(Effect, seen.effect_id)
        if seen.source is Source.WEBHOOK and effect is not None and effect.lease_until is not None:
            self._reach.seen("webhook before answer")

    def _payment(self, payment: Payment, before: Payment | None) -> None:
        was = before.status if before is not None else None
        if payment.status is was:
            return
        if payment.status is PaymentStatus.COMPLETED and payment.payment_type is not None:
            self._reach.seen(BY_TYPE[payment.payment_type])
            if payment.hold_id:
                self._reach.seen("paid on chain")
        elif payment.status is PaymentStatus.FAILED and payment.channel is Channel.PULL:
            self._reach.seen("payment failed on chain")
