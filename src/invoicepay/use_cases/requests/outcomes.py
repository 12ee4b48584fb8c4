"""What becomes of transfers by themselves: scheduled ones start, the chain answers (spec 4.6, P-17)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from invoicepay.domain.access import authorise
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import Effect, EffectStatus, Observation
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.requests import (
    TRANSFER,
    PaymentRequest,
    Transfer,
    TransferCommand,
    TransferStatus,
    reopen,
    request_needs,
    settle,
)
from invoicepay.domain.transfers import (
    GIVEN_UP,
    arrived_after_all,
    carry_out,
    confirm,
    fail,
    move_needs,
    outcome_needs,
)
from invoicepay.errors import ComplianceError, InvoicePayError, MoneyError, NotFound
from invoicepay.ports.screening import Screened
from invoicepay.use_cases.compliance import ALLOWED, require_allowed, screened
from invoicepay.use_cases.neighbours import Served, carried_out, served, tried
from invoicepay.use_cases.perform import Call, Deps, UseCase, call_of

PAGE = 200
REASON_LENGTH = 500
TIME = Actor("schedule", Role.SYSTEM)
"""Who starts what was set for later: the clock, whoever starts the run."""
REFUSALS = (MoneyError, ComplianceError, NotFound)
"""What ends a scheduled transfer for certain; trouble with the store or a provider does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteTransfer:
    """Start a scheduled transfer.

    Attributes:
        verdict: of screening; put in by the use case.
    """

    transfer_id: str
    verdict: Screened = field(default=ALLOWED, compare=False)


def _needs_execute(command: ExecuteTransfer, seen: Snapshot) -> Needs:
    needs = need((Transfer, command.transfer_id))
    transfer = seen.peek(Transfer, command.transfer_id)
    if transfer is None:
        return needs
    moved = move_needs(seen, transfer.payer_id, transfer.payee_id, transfer.asset)
    return needs | moved | request_needs(transfer.request_id, seen)


def decide_execute_transfer(command: ExecuteTransfer, change: Change) -> Transfer:
    """Move the tokens now; what stands against it reopens the request instead, so that nothing hangs."""
    transfer = change.get(Transfer, command.transfer_id)
    authorise(change, transfer)
    if transfer.status is not TransferStatus.SCHEDULED:
        return transfer
    try:
        require_allowed(command.verdict)
        moved = carry_out(change, transfer)
    except REFUSALS as refusal:
        return _failed(change, transfer, _told(refusal))
    if moved.status is TransferStatus.COMPLETED:
        _settle_request(change, moved)
    return moved


def _told(refusal: InvoicePayError) -> str:
    return f"{refusal.code}: {refusal.message}"


EXECUTE = UseCase("requests.execute", Transfer, _needs_execute, decide_execute_transfer)


def due_transfers(now: datetime, after_id: str = "", limit: int = PAGE) -> Find[Transfer]:
    """The search for scheduled transfers whose instant has come."""
    return find(
        Transfer, status=TransferStatus.SCHEDULED, pay_at__le=now, id__gt=after_id, order=("id",), limit=limit
    )


async def execute_due(deps: Deps, limit: int = PAGE) -> Served:
    """Start up to `limit` transfers that were set for now or earlier; call it as often as you like.

    What cannot move any more reopens its request with the reason (event `request.reopened`).
    """
    deps = replace(deps, actor=TIME)
    async with deps.repository.reader(deps.tenant_id) as reader:
        page = await reader.find(due_transfers(deps.clock.now(), limit=limit))
    calls = await tried(page, lambda transfer: _execution(deps, transfer))
    return served(await carried_out(deps, calls))


async def _execution(deps: Deps, transfer: Transfer) -> Call[ExecuteTransfer, Transfer]:
    verdict = await screened(
        deps,
        "transfer",
        party_id=transfer.payer_id,
        counterparty_id=transfer.payee_id,
        amount=transfer.amount,
    )
    command = ExecuteTransfer(transfer_id=transfer.id, verdict=verdict)
    return call_of(deps, EXECUTE, command, f"{transfer.id}/execute")


def fold_needs(effect: Effect, seen: Snapshot) -> Needs:
    """What `fold_transfer` reads and debits."""
    needs = need((Transfer, effect.cause_id))
    transfer = seen.peek(Transfer, effect.cause_id)
    if transfer is None:
        return needs
    return needs | outcome_needs(transfer) | request_needs(transfer.request_id, seen)


def fold_transfer(change: Change, effect: Effect, seen: Observation) -> None:
    """Settle on finality (P-17), release on certain failure (P-12), and hold on while it is unknown."""
    transfer = change.get(Transfer, effect.cause_id)
    status = EffectStatus(seen.status)
    if transfer.status in GIVEN_UP and status is EffectStatus.FINAL:
        arrived_after_all(change, transfer)
    if transfer.status in TRANSFER.terminal:
        return
    if status is EffectStatus.FINAL:
        _settle_request(change, confirm(change, transfer))
    elif status in (EffectStatus.FAILED, EffectStatus.REJECTED):
        _failed(change, transfer, seen.provider_status)
    elif status in (EffectStatus.ACCEPTED, EffectStatus.SETTLED):
        _moved(change, transfer, TransferCommand.SUBMIT)
    elif status is EffectStatus.UNKNOWN:
        _moved(change, transfer, TransferCommand.LOSE)


def _moved(change: Change, transfer: Transfer, command: TransferCommand) -> None:
    """Follow the intent; a fact that says nothing new leaves the transfer alone."""
    if command not in TRANSFER.allowed(transfer.status):
        return
    status = TRANSFER.after(transfer.status, command)
    change.put(replace(transfer, status=status), f"transfer.{status}")


def _failed(change: Change, transfer: Transfer, reason: str) -> Transfer:
    ended = fail(change, transfer, reason=reason[:REASON_LENGTH])
    if ended.request_id:
        reopen(change, change.get(PaymentRequest, ended.request_id), reason=ended.reason)
    return ended


def _settle_request(change: Change, transfer: Transfer) -> None:
    if transfer.request_id:
        settle(change, change.get(PaymentRequest, transfer.request_id), transfer.amount)
