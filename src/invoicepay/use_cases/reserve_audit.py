"""Whether the reserve keeps its own rules: backing, deficit, mints within reserves (INV-02 to INV-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from invoicepay.domain.frames import data_frame
from invoicepay.domain.invariants import Violation
from invoicepay.domain.money import Money
from invoicepay.domain.reserves import Backing, backing_of
from invoicepay.domain.shown import Shown
from invoicepay.ports.repository import Reader
from invoicepay.use_cases.looking import allow_anybody
from invoicepay.use_cases.perform import Deps

RESERVE_RULES = ("INV-02", "INV-03", "INV-04", "INV-05", "INV-06")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveAudit(Shown):
    """Whether the books of one asset agree with themselves.

    Attributes:
        violations: rows that break a rule of the reserve (INV-02 to INV-06), in any asset.
    """

    SHOWN: ClassVar[tuple[str, ...]] = (
        "asset",
        "as_of",
        "backed",
        "tokens",
        "backing",
        "operational",
        "equity",
        "receivable",
        "violations",
    )

    asset: str
    as_of: datetime
    figures: Backing
    violations: tuple[Violation, ...]

    @property
    def backing(self) -> Money:
        """Cash earmarked against tokens, or the stablecoin held."""
        return self.figures.backing

    @property
    def tokens(self) -> Money:
        """Tokens outstanding."""
        return self.figures.tokens

    @property
    def operational(self) -> Money:
        """Safeguarded cash that backs no token."""
        return self.figures.cover.cash

    @property
    def receivable(self) -> Money:
        """Owed for spent tokens of returned deposits."""
        return self.figures.cover.receivable

    @property
    def equity(self) -> Money:
        """The operator's own money in the safeguarded account, less losses."""
        return self.figures.cover.equity

    @property
    def has_deficit(self) -> bool:
        """Whether operator's money is missing (INV-04)."""
        return bool(self.figures.cover.deficit)

    @property
    def backed(self) -> bool:
        """Whether every token is backed and no rule of the reserve is broken."""
        return self.figures.is_backed and not self.violations

    def to_df(self) -> Any:
        """The figures as a `pandas.DataFrame` of one row, to put audits below each other.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return data_frame(ReserveAudit, [self], [name for name in self.SHOWN if name != "violations"])

    def explain(self) -> str:
        """The figures and what is wrong, in a few lines for a person."""
        sign = "=" if self.figures.is_backed else "≠"
        found = "; ".join(f"{v.rule} {v.message}" for v in self.violations) or "no violations"
        return "\n".join(
            (
                f"tokens {self.tokens} {sign} backing {self.backing}, {found}",
                f"safeguarded besides: {self.operational}, of it the operator's own: {self.equity}",
                f"owed for spent tokens of returned deposits: {self.receivable}",
            )
        )


async def audit_reserve(deps: Deps, asset: str) -> ReserveAudit:
    """Check the reserve against the rules that hold after every commit (INV-02 to INV-06).

    Raises:
        UnknownAsset: the programme does not have it.
    """
    await allow_anybody(deps, "reserves.audit")
    code = deps.programme.asset(asset).code
    async with deps.repository.reader(deps.tenant_id) as reader:
        return await audited(reader, code, deps.clock.now())


async def audited(reader: Reader, asset: str, as_of: datetime) -> ReserveAudit:
    """The audit of one asset as a reader sees it."""
    figures = backing_of(await reader.balances(), asset)
    broken = tuple(found for found in await reader.violations() if found.rule in RESERVE_RULES)
    return ReserveAudit(asset=asset, as_of=as_of, figures=figures, violations=broken)
