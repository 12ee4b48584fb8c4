"""Tokens of a young deposit are withdrawn only to where they came from: no round trip over two banks."""

from __future__ import annotations

from datetime import datetime

from invoicepay.domain.accounts import available
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import NOTHING, Find, Needs, find, need
from invoicepay.errors import FundsNotSeasoned

MAY_BE_TOKENS = (DepositStatus.CONFIRMED, DepositStatus.COMPLETED)


def young_deposits(party_id: str, asset: str, now: datetime) -> Find[Deposit]:
    """The search for a party's deposits that the bank may still take back under the programme's policy."""
    return find(
        Deposit,
        party_id=party_id,
        asset=asset,
        status__in=MAY_BE_TOKENS,
        is_final=False,
        seasoned_at__gt=now,
        only_read=True,
    )


def young_needs(seen: Snapshot, party_id: str, asset: str) -> Needs:
    """What `refuse_young` reads, where the programme seasons anything."""
    if not seen.programme.seasons:
        return NOTHING
    return need(finds=[young_deposits(party_id, asset, seen.now)], accounts=[available(party_id, asset)])


def refuse_young(
    change: Change, party_id: str, amount: Money, account_token: str, *, besides: Money | None = None
) -> None:
    """Check that a withdrawal leaves the tokens of young deposits from other accounts where they are.

    Tokens look alike: those of young deposits are taken to be spent last.

    Args:
        besides: tokens of the party that are not in its wallet, such as a payout that came back.

    Raises:
        FundsNotSeasoned: it would take some of them.
    """
    if not change.programme.seasons:
        return
    asset = amount.asset
    young = change.find(young_deposits(party_id, asset, change.now))
    elsewhere = [one for one in young if not account_token or one.account_token != account_token]
    if not elsewhere:
        return
    there = Money.from_micros(change.balance(available(party_id, asset)), asset)
    free = (there + besides if besides else there) - total(map(_tokens, elsewhere), asset)
    if amount > free:
        seasoned_at = max(one.seasoned_at for one in elsewhere if one.seasoned_at)
        raise FundsNotSeasoned(
            f"{max(free, Money.zero(asset))} may go to another account before {seasoned_at:%Y-%m-%d}",
            party=party_id,
            free=str(max(free, Money.zero(asset))),
            seasoned_at=seasoned_at,
        )


def _tokens(deposit: Deposit) -> Money:
    """What the deposit became, or will."""
    return max(deposit.left - deposit.fee - deposit.processor_fee, Money.zero(deposit.asset))
