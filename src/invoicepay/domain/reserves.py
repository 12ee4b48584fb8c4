"""What stands behind tokens: backing, the operator's buffer, deficits and stale tie-outs (INV-02, INV-04)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from invoicepay.domain.accounts import BACKING_CODES, TOKEN_CODES, Account, Code
from invoicepay.domain.change import Change, Needs, need
from invoicepay.domain.deposits import latest_attestation, open_receivables
from invoicepay.domain.money import Money, total
from invoicepay.errors import ReserveDeficit, ReserveStale


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """The reserve of one asset in figures (spec 2.1).

    Attributes:
        backing: cash earmarked against tokens, or the stablecoin held (1000, 1010).
        tokens: outstanding, whoever holds them (2000 to 2050).
        operational: safeguarded cash that backs no token (1050).
        inbound: captured by the processor, not settled yet (1100).
        receivable: owed for spent tokens of returned deposits (1200); no reserve asset.
        equity: the operator's own money in the safeguarded account, less losses (3000 less 5000).
    """

    asset: str
    backing: Money
    tokens: Money
    operational: Money
    inbound: Money
    receivable: Money
    equity: Money

    @property
    def is_backed(self) -> bool:
        """Whether every token stands on its own unit of the reserve (INV-02)."""
        return self.backing == self.tokens

    @property
    def headroom(self) -> Money:
        """Operator's money that covers no receivable yet; negative in a deficit."""
        return self.equity - self.receivable

    @property
    def deficit(self) -> Money:
        """What the operator must pay in before mints and withdrawals go on (INV-04); zero when nothing."""
        return max(-self.headroom, -self.operational, Money.zero(self.asset))


def backing_of(balances: Mapping[Account, int], asset: str) -> Backing:
    """The figures of one asset from balances; accounts of other assets are left out."""

    def summed(*codes: Code) -> Money:
        held = (n for account, n in balances.items() if account.asset == asset and account.code in codes)
        return Money.from_micros(sum(held), asset)

    return Backing(
        asset=asset,
        backing=summed(*BACKING_CODES),
        tokens=summed(*TOKEN_CODES),
        operational=summed(Code.OPERATIONAL),
        inbound=summed(Code.INBOUND),
        receivable=summed(Code.RETURNED_DEPOSIT),
        equity=summed(Code.BUFFER) - summed(Code.LOSSES),
    )


def deficit_accounts(asset: str) -> tuple[Account, ...]:
    """The accounts that tell a deficit, besides the receivables, which are kept by party."""
    return tuple(Account(code, asset) for code in (Code.OPERATIONAL, Code.BUFFER, Code.LOSSES))


def deficit_needs(asset: str) -> Needs:
    """What `headroom`, `deficit`, `refuse_deficit` and `refuse_stale` read."""
    return need(finds=[open_receivables(asset), latest_attestation(asset)], accounts=deficit_accounts(asset))


def headroom(change: Change, asset: str) -> Money:
    """Operator's money that covers no receivable yet: 3000 less 5000 less 1200."""
    buffer, losses = (change.balance(Account(code, asset)) for code in (Code.BUFFER, Code.LOSSES))
    owed = total((deposit.recoverable for deposit in change.find(open_receivables(asset))), asset)
    return Money.from_micros(buffer - losses, asset) - owed


def deficit(change: Change, asset: str) -> Money:
    """What is missing in the reserve at this point of the decision (INV-04); zero when nothing."""
    cash = Money.from_micros(change.balance(Account(Code.OPERATIONAL, asset)), asset)
    return max(-headroom(change, asset), -cash, Money.zero(asset))


def refuse_deficit(change: Change, asset: str) -> None:
    """Stop mints and new withdrawals while the reserve does not cover what is owed (INV-04, INV-07).

    Raises:
        ReserveDeficit: operator's money is missing, or the last tie-out found the bank short.
    """
    missing = deficit(change, asset)
    if missing:
        raise ReserveDeficit(f"the {asset} reserve lacks {missing}", asset=asset, missing=str(missing))
    for last in change.find(latest_attestation(asset)):
        if not last.is_tied_out:
            raise ReserveDeficit(
                f"the last tie-out of {asset} left differences", asset=asset, attestation=last.id
            )


def refuse_stale(change: Change, asset: str) -> None:
    """Stop mints while the last tie-out is older than the programme allows.

    Raises:
        ReserveStale: too old, or there never was one; only where `attestation_max_age_hours` is set.
    """
    hours = change.programme.attestation_max_age_hours
    if hours is None:
        return
    oldest = change.now - timedelta(hours=hours)
    if not any(last.as_of >= oldest for last in change.find(latest_attestation(asset))):
        raise ReserveStale(asset=asset, max_age_hours=hours)
