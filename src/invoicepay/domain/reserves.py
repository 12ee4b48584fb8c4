"""What stands behind tokens: backing, the operator's buffer, deficits and stale tie-outs (INV-02, INV-04)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from invoicepay.domain.accounts import TOKEN_CODES, Account, Code
from invoicepay.domain.change import Change
from invoicepay.domain.deposits import Attestation, Deposit, latest_attestation, open_receivables
from invoicepay.domain.money import Money, total
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.policies import Programme
from invoicepay.domain.shown import Shown
from invoicepay.errors import ReserveDeficit, ReserveStale


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover(Shown):
    """The operator's money against what the reserve cannot count on (INV-04).

    Attributes:
        cash: safeguarded cash that backs no token (1050).
        equity: the operator's own money in the safeguarded account, less losses (3000 less 5000).
        receivable: owed for spent tokens of returned deposits (1200); no reserve asset.
    """

    cash: Money
    equity: Money
    receivable: Money

    @property
    def headroom(self) -> Money:
        """Operator's money that covers no receivable yet; negative in a deficit."""
        return self.equity - self.receivable

    @property
    def deficit(self) -> Money:
        """What the operator must pay in before mints and withdrawals go on; zero when nothing."""
        return max(-self.headroom, -self.cash, Money.zero(self.cash.asset))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing(Shown):
    """The reserve of one asset in figures (spec 2.1).

    Attributes:
        earmarked: cash set apart against tokens (1000).
        custody: third-party stablecoin held (1010); it stands in for 1000 where the asset is custodied.
        tokens: outstanding, whoever holds them (2000 to 2050).
        inbound: captured by the processor, not settled yet (1100).
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("asset", "is_backed", "tokens", "backing", "inbound", "cover")

    asset: str
    earmarked: Money
    custody: Money
    tokens: Money
    inbound: Money
    cover: Cover

    @property
    def backing(self) -> Money:
        """What stands behind the tokens."""
        return self.earmarked + self.custody

    @property
    def is_backed(self) -> bool:
        """Whether every token stands on its own unit of the reserve (INV-02)."""
        return self.backing == self.tokens


def backing_of(balances: Mapping[Account, int], asset: str) -> Backing:
    """The figures of one asset from all balances; accounts of other assets are left out."""

    def summed(*codes: Code) -> Money:
        held = (n for account, n in balances.items() if account.asset == asset and account.code in codes)
        return Money.from_micros(sum(held), asset)

    return Backing(
        asset=asset,
        earmarked=summed(Code.BACKING),
        custody=summed(Code.CUSTODY),
        tokens=summed(*TOKEN_CODES),
        inbound=summed(Code.INBOUND),
        cover=Cover(
            cash=summed(Code.OPERATIONAL),
            equity=summed(Code.BUFFER) - summed(Code.LOSSES),
            receivable=summed(Code.RETURNED_DEPOSIT),
        ),
    )


def deficit_accounts(asset: str) -> tuple[Account, ...]:
    """The accounts that tell a deficit, besides the receivables, which are kept by party."""
    return tuple(Account(code, asset) for code in (Code.OPERATIONAL, Code.BUFFER, Code.LOSSES))


def deficit_needs(asset: str) -> Needs:
    """What `cover`, `refuse_deficit` and `refuse_stale` read."""
    return need(finds=[open_receivables(asset), latest_attestation(asset)], accounts=deficit_accounts(asset))


def cover_of(asset: str, balances: Mapping[Account, int], owed: Iterable[Deposit]) -> Cover:
    """The cover from the balances of `deficit_accounts` and the rows of `open_receivables`."""
    cash, buffer, losses = (balances[account] for account in deficit_accounts(asset))
    return Cover(
        cash=Money.from_micros(cash, asset),
        equity=Money.from_micros(buffer - losses, asset),
        receivable=total((deposit.recoverable for deposit in owed), asset),
    )


def cover(change: Change, asset: str) -> Cover:
    """The cover at this point of the decision."""
    balances = {account: change.balance(account) for account in deficit_accounts(asset)}
    return cover_of(asset, balances, change.find(open_receivables(asset)))


def refuse_deficit(change: Change, asset: str) -> None:
    """Stop mints and new withdrawals while the reserve does not cover what is owed (INV-04, INV-07).

    Raises:
        ReserveDeficit: operator's money is missing, or the last tie-out left differences.
    """
    refuse_new_deficit(change, asset)
    for last in change.find(latest_attestation(asset)):
        if not last.is_tied_out:
            raise ReserveDeficit(
                f"the last tie-out of {asset} left differences", asset=asset, attestation=last.id
            )


def refuse_new_deficit(change: Change, asset: str) -> None:
    """Check at this point of the decision that no operator's money is missing (INV-04).

    Raises:
        ReserveDeficit: it is.
    """
    missing = cover(change, asset).deficit
    if missing:
        raise ReserveDeficit(f"the {asset} reserve lacks {missing}", asset=asset, missing=str(missing))


def refuse_stale(change: Change, asset: str) -> None:
    """Stop mints while the last tie-out is older than the programme allows.

    Raises:
        ReserveStale: too old, or there never was one; only where `attestation_max_age_hours` is set.
    """
    if is_stale(change.programme, change.find(latest_attestation(asset)), change.now):
        raise ReserveStale(asset=asset, max_age_hours=change.programme.attestation_max_age_hours)


def is_stale(programme: Programme, latest: Iterable[Attestation], now: datetime) -> bool:
    """Whether the programme asks for a younger tie-out than the latest one."""
    hours = programme.attestation_max_age_hours
    return hours is not None and not any(last.as_of >= now - timedelta(hours=hours) for last in latest)
