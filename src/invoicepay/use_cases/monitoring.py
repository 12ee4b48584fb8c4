"""What the books of a day ask to be reported or to be sent along; looks and judges, posts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from invoicepay.domain.calendar import BANK_ZONE
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.monitoring import RULES, Finding, Flow, Instrument, MonitoringRule, Movement, findings
from invoicepay.domain.needs import find
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.domain.time import plain_date
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.errors import InvalidInput
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps

CARD = "card"
"""The rail whose money comes from cards; every other one is a bank's."""


async def monitored(
    deps: Deps, on: date, others: Sequence[Movement] = (), rules: Sequence[MonitoringRule] = RULES
) -> tuple[Finding, ...]:
    """Judge a bank's day: what came over rails, what was paid out, what left to addresses outside.

    Args:
        others: movements that the library does not see, such as cash over a counter.
        rules: whose thresholds hold.

    Raises:
        InvalidTime: the day is no date.
        InvalidInput: something else than movements, or one id for two of them.
        NotAllowed: the actor is no operator.
    """
    day = plain_date(on, "the day")
    if not all(isinstance(one, Movement) for one in others):
        raise InvalidInput("other movements are given as Movement")
    await allow(deps, "audit.findings")
    async with deps.repository.reader(deps.tenant_id) as reader:
        own = await _movements(reader, day)
    return findings([*own, *others], rules)


async def _movements(reader: Reader, on: date) -> list[Movement]:
    """The day's own movements; what went back later is among them, for it came."""
    start = _midnight(on)
    end = _midnight(on + timedelta(days=1))
    deposits = await reader.find(find(Deposit, received_at__ge=start, received_at__lt=end))
    payouts = await reader.find(find(Withdrawal, paid_at__ge=start, paid_at__lt=end))
    sent = find(
        Transfer,
        payee_id="",
        status=TransferStatus.COMPLETED,
        completed_at__ge=start,
        completed_at__lt=end,
    )
    return [
        *(_arrival(deposit, on) for deposit in deposits),
        *(_payout(withdrawal, on) for withdrawal in payouts),
        *(_sent(transfer, on) for transfer in await reader.find(sent)),
    ]


def _midnight(day: date) -> datetime:
    """When a bank's day begins, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(BANK_ZONE)).astimezone(UTC)


def _arrival(deposit: Deposit, on: date) -> Movement:
    return Movement(
        id=deposit.id,
        party_id=deposit.party_id,
        flow=Flow.IN,
        instrument=Instrument.CARD if deposit.rail == CARD else Instrument.BANK,
        amount=deposit.received,
        on=on,
    )


def _payout(withdrawal: Withdrawal, on: date) -> Movement:
    return Movement(
        id=withdrawal.id,
        party_id=withdrawal.party_id,
        flow=Flow.OUT,
        instrument=Instrument.BANK,
        amount=withdrawal.payout,
        on=on,
    )


def _sent(transfer: Transfer, on: date) -> Movement:
    return Movement(
        id=transfer.id,
        party_id=transfer.payer_id,
        flow=Flow.TRANSMITTAL,
        instrument=Instrument.TOKEN,
        amount=transfer.amount,
        on=on,
    )
