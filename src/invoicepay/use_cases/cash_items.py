"""The movements of cash that the books know, for comparison with a bank statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time

from invoicepay.domain.accounts import Booked, Code
from invoicepay.domain.calendar import bank_date, banking_days_after
from invoicepay.domain.deposits import Deposit, DepositStatus, UnmatchedFunds
from invoicepay.domain.ids import Prefix, typeid, uuid7_bytes
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.domain.receiving import LATE, RETURN_REVERSED, SURPLUS
from invoicepay.domain.reconciliation import CashItem
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.ports.repository import Reader

Cause = Deposit | Withdrawal | UnmatchedFunds

CASH = (Code.BACKING, Code.OPERATIONAL)
PAGE = 200
SHOWS_WITHIN_DAYS = 2
"""Banking days until a movement that we booked must show on the statement."""


async def items_on_the_way(reader: Reader, asset: str) -> tuple[CashItem, ...]:
    """Money that the bank may show already and the books do not: received, not final; sent, not settled."""
    arrived = await reader.find(
        find(Deposit, asset=asset, status__in=(DepositStatus.RECEIVED, DepositStatus.IN_REVIEW))
    )
    sent = await reader.find(find(Withdrawal, asset=asset, status=WithdrawalStatus.PAYOUT_SUBMITTED))
    return (
        *(_arriving(deposit) for deposit in arrived if deposit.has_arrived),
        *(_leaving(withdrawal) for withdrawal in sent),
    )


def _arriving(deposit: Deposit) -> CashItem:
    assert deposit.received_at is not None, "only what arrived"
    return CashItem(
        object_id=deposit.id,
        refs=_refs(deposit),
        amount=deposit.received - deposit.processor_fee,
        on=bank_date(deposit.received_at),
        due_on=bank_date(deposit.confirm_at or deposit.received_at),
        is_booked=False,
    )


def _leaving(withdrawal: Withdrawal) -> CashItem:
    sent_on = bank_date(withdrawal.updated_at)
    return CashItem(
        object_id=withdrawal.id,
        refs=_refs(withdrawal),
        amount=-withdrawal.payout,
        on=sent_on,
        due_on=banking_days_after(sent_on, SHOWS_WITHIN_DAYS),
        is_booked=False,
    )


def _refs(cause: Cause) -> frozenset[str]:
    """The names under which a bank may show it: a part's own, and that of the whole transfer."""
    ref = cause.provider_ref
    names = {ref}
    if isinstance(cause, UnmatchedFunds):
        for ending in (LATE, SURPLUS, RETURN_REVERSED):
            ref = ref.removesuffix(ending)
    if ref != cause.provider_ref or (isinstance(cause, Deposit) and cause.parent_id):
        names |= {ref, *ref.rsplit("/", 1)}
    return frozenset(names - {""})


async def booked_items(reader: Reader, asset: str, since: date) -> tuple[CashItem, ...]:
    """What moved cash in the books on or after a bank's day, one item for each ledger transaction."""
    moved = [booked for booked in await _transactions(reader, since) if _cash(booked, asset)]
    causes = await _causes(reader, {booked.posting.memo for booked in moved})
    items = (_item(booked, asset, causes.get(booked.posting.memo)) for booked in moved)
    return tuple(item for item in items if item.on >= since)


async def _transactions(reader: Reader, since: date) -> list[Booked]:
    """Ledger transactions from a day on; their ids are ordered by time."""
    start = datetime.combine(since, time(), UTC)
    after = typeid(Prefix.LEDGER_TRANSACTION, uuid7_bytes(int(start.timestamp() * 1000), bytes(10)))
    found: list[Booked] = []
    while page := await reader.transactions(after=after, limit=PAGE):
        found.extend(page)
        after = page[-1].posting.id
    return found


def _cash(booked: Booked, asset: str) -> int:
    entries = (entry for entry in booked.posting.entries if entry.account.asset == asset)
    return sum(entry.growth for entry in entries if entry.account.code in CASH)


async def _causes(reader: Reader, memos: Iterable[str]) -> Mapping[str, Cause]:
    """The deposits, withdrawals and unmatched money that transactions are about."""
    ids = sorted(memos)
    causes: dict[str, Cause] = {}
    for start in range(0, len(ids), PAGE):
        chunk = tuple(ids[start : start + PAGE])
        found: list[Cause] = [
            *await reader.find(find(Deposit, id__in=chunk)),
            *await reader.find(find(Withdrawal, id__in=chunk)),
            *await reader.find(find(UnmatchedFunds, id__in=chunk)),
        ]
        causes.update((row.id, row) for row in found)
    return causes


def _item(booked: Booked, asset: str, cause: Cause | None) -> CashItem:
    """A confirmed deposit came in when it was received, not when it was confirmed."""
    on = bank_date(booked.effective_at)
    if isinstance(cause, Deposit) and booked.posting.rule == "P-02" and cause.received_at:
        on = bank_date(cause.received_at)
    memo = booked.posting.memo
    return CashItem(
        object_id=memo or booked.posting.id,
        refs=_refs(cause) if cause else frozenset({memo} - {""}),
        amount=Money.from_micros(_cash(booked, asset), asset),
        on=on,
        due_on=banking_days_after(on, SHOWS_WITHIN_DAYS),
    )
