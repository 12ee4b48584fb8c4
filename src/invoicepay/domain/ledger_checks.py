"""Checks of the issuer book: it balances, tokens are backed, every liability has its rows (spec 7)."""

from __future__ import annotations

from collections.abc import Iterator

from invoicepay.domain.accounts import BACKING_CODES, TOKEN_CODES, Account, AccountType, Code, has_floor
from invoicepay.domain.books import Books, Violation, differences, shown
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.policies import CreditBacking
from invoicepay.domain.sums import summed
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus

_GROWS_EQUITY = {AccountType.EQUITY: 1, AccountType.INCOME: 1, AccountType.EXPENSE: -1}


def transactions_balance(books: Books) -> Iterator[Violation]:
    """INV-01: each transaction and derived entry balances, and each balance is the sum of its entries."""
    for booked in books.ledger:
        posting = booked.posting
        if not posting.is_sound:
            off = posting.imbalance
            yield Violation(
                rule="INV-01",
                subject=posting.id,
                message=f"{posting.rule} does not balance: {off or 'too few entries, or one without amount'}",
                difference_micros=sum(off.values()),
            )
    for derived in books.journal:
        if derived.imbalance:
            yield Violation(
                rule="INV-01",
                subject=derived.source_id,
                message=f"{derived.rule} of {derived.enterprise_id} is off by {derived.imbalance}",
                difference_micros=derived.imbalance.micros,
            )
    entries = (entry for booked in books.ledger for entry in booked.posting.entries)
    added = summed((_account_key(entry.account), entry.growth) for entry in entries)
    kept = summed((_account_key(account), n) for account, n in books.balances.items())
    yield from differences("INV-01", "balance", kept, "entries", added)


def _account_key(account: Account) -> tuple[str, str, str]:
    return (str(int(account.code)), account.party_id, account.asset)


def tokens_are_backed(books: Books) -> Iterator[Violation]:
    """INV-02: earmarked cash or custody equals tokens outstanding."""
    backing = _by_asset(books, *BACKING_CODES)
    yield from differences("INV-02", "backing", backing, "tokens", _by_asset(books, *TOKEN_CODES))


def nothing_is_negative(books: Books) -> Iterator[Violation]:
    """INV-03: no asset and no liability is below zero; 1050 is judged by INV-04."""
    for account, micros in books.balances.items():
        if micros < 0 and has_floor(account):
            yield Violation(
                rule="INV-03",
                subject=account.id,
                message=f"{account.name} is {shown(micros, account.asset)}",
                difference_micros=micros,
            )


def reserve_has_no_deficit(books: Books) -> Iterator[Violation]:
    """INV-04: the operator's equity covers receivables, and safeguarded cash is not negative."""
    equity = summed(
        ((account.asset,), n * _GROWS_EQUITY[account.type])
        for account, n in books.balances.items()
        if account.type in _GROWS_EQUITY
    )
    cash, owed = _by_asset(books, Code.OPERATIONAL), _by_asset(books, Code.RETURNED_DEPOSIT)
    for key in sorted({*equity, *cash, *owed}):
        (asset,) = key
        missing = max(owed.get(key, 0) - equity.get(key, 0), -cash.get(key, 0))
        if missing > 0:
            yield Violation(
                rule="INV-04",
                subject=asset,
                message=f"the reserve is short of {shown(missing, asset)}",
                difference_micros=-missing,
            )


def mints_stay_within_reserves(books: Books) -> Iterator[Violation]:
    """INV-05: mints never exceed their reserve, and the reserve was confirmed."""
    live = (mint for mint in books.of(Mint) if mint.status not in (MintStatus.FAILED, MintStatus.CANCELLED))
    minted = summed((mint.reserve_id, mint.amount.micros) for mint in live if mint.reserve_id)
    reserves = books.by_id(Reserve)
    for id, micros in minted.items():
        reserve = reserves.get(id)
        room = (reserve.amount - reserve.fee).micros if reserve else 0
        if reserve is None or micros > room:
            yield Violation(
                rule="INV-05",
                subject=id,
                message="more was minted than the reserve holds",
                difference_micros=micros - room,
            )
        elif reserve.status in (ReserveStatus.PENDING, ReserveStatus.CANCELLED):
            yield Violation(rule="INV-05", subject=id, message=f"minted while {reserve.status}")


def tokens_are_mints_less_burns(books: Books) -> Iterator[Violation]:
    """INV-06: completed mints less completed burns equal tokens outstanding."""
    mints = (((m.asset,), m.amount.micros) for m in books.of(Mint) if m.status is MintStatus.COMPLETED)
    burns = (((b.asset,), -b.amount.micros) for b in books.of(Burn) if b.status is BurnStatus.COMPLETED)
    made = summed([*mints, *burns])
    yield from differences("INV-06", "tokens", _by_asset(books, *TOKEN_CODES), "mints less burns", made)


def credits_are_ring_fenced(books: Books) -> Iterator[Violation]:
    """INV-14: the ring-fenced tokens of an enterprise equal its open ring-fenced credits."""
    lots = (lot for lot in books.of(CreditLot) if lot.backing is CreditBacking.RING_FENCED)
    owed = summed(((lot.enterprise_id, lot.asset), lot.remaining.micros) for lot in lots)
    yield from differences("INV-14", "ring-fence", _by_party(books, Code.CREDIT_RESERVE), "credits", owed)


def held_is_active_holds(books: Books) -> Iterator[Violation]:
    """INV-16: held tokens equal active holds."""
    active = (hold for hold in books.of(Hold) if hold.status is HoldStatus.ACTIVE)
    wanted = summed(((hold.owner_id, hold.asset), hold.amount.micros) for hold in active)
    yield from differences("INV-16", "held", _by_party(books, Code.HELD), "active holds", wanted)


def unminted_is_confirmed_reserves(books: Books) -> Iterator[Violation]:
    """INV-17: unminted deposits of a party equal its confirmed reserves without their completed mints."""
    confirmed = {r.id: r for r in books.of(Reserve) if r.status is ReserveStatus.CONFIRMED}
    trusted = (((r.party_id, r.asset), (r.amount - r.fee).micros) for r in confirmed.values())
    minted = (
        ((confirmed[m.reserve_id].party_id, m.asset), -m.amount.micros)
        for m in books.of(Mint)
        if m.status is MintStatus.COMPLETED and m.reserve_id in confirmed
    )
    wanted = summed([*trusted, *minted])
    yield from differences(
        "INV-17", "unminted", _by_party(books, Code.UNMINTED), "confirmed reserves", wanted
    )


_UNPAID = (WithdrawalStatus.BURNED, WithdrawalStatus.PAYOUT_SUBMITTED, WithdrawalStatus.RETURNED)


def redemptions_are_unpaid_withdrawals(books: Books) -> Iterator[Violation]:
    """INV-18: what is owed for burned tokens equals withdrawals that are burned and not paid."""
    unpaid = (w for w in books.of(Withdrawal) if w.status in _UNPAID)
    wanted = summed(((w.party_id, w.asset), w.payout.micros) for w in unpaid)
    owed = _by_party(books, Code.REDEMPTION_PAYABLE, Code.REDEMPTION_IN_TRANSIT, Code.REDEMPTION_RETURNED)
    yield from differences("INV-18", "redemptions", owed, "unpaid withdrawals", wanted)


def _by_asset(books: Books, *codes: Code) -> dict[tuple[str], int]:
    return summed(((account.asset,), n) for account, n in books.balances.items() if account.code in codes)


def _by_party(books: Books, *codes: Code) -> dict[tuple[str, str], int]:
    return summed(
        ((account.party_id, account.asset), n)
        for account, n in books.balances.items()
        if account.code in codes
    )
