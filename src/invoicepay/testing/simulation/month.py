"""A month of business in seconds: one simulated run with its curves, for a notebook."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from invoicepay.domain.accounts import BACKING_CODES, TOKEN_CODES, WALLET_CODES
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.domain.policies import Programme
from invoicepay.testing.simulation.charts import Chart, Line, Point
from invoicepay.testing.simulation.chooser import Draw
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.oracle import StandardOracle
from invoicepay.testing.simulation.ports import Broken, Commit, Happening, Mix, Scene
from invoicepay.testing.simulation.reach import Counts
from invoicepay.testing.simulation.simulation import Run, run
from invoicepay.testing.simulation.town import IN_BOOK, ON_CHAIN, PLATFORM, SELLERS, USERS, Plan
from invoicepay.testing.simulation.workload import ASSETS, CASTS, StandardWorkload

EVERY = timedelta(hours=2)
UNIT = 1_000_000
"""Micros of one unit of money."""
DAY = timedelta(days=1)
STEPS = 50_000
THINK_SECONDS = 43_200


class Diary(StandardOracle):
    """The standard judge, who also writes down how things stand every two hours."""

    def __init__(self, reach: Counts) -> None:
        super().__init__(reach, PLATFORM)
        self.lines: dict[str, list[Point]] = {}
        self.troubles: Counter[str] = Counter()
        self._begun: datetime | None = None
        self._next: datetime | None = None

    def after_commit(self, commit: Commit) -> list[Broken]:
        """Judge, and write down."""
        wrong = super().after_commit(commit)
        if self._begun is None or self._next is None:
            self._begun = self._next = commit.at
        if commit.at >= self._next:
            self._next = commit.at + EVERY
            self._write((commit.at - self._begun) / DAY)
        return wrong

    def happened(self, happening: Happening) -> None:
        """Count what goes wrong."""
        super().happened(happening)
        if happening.kind == "fault":
            self.troubles[happening.name] += 1

    def _write(self, day: float) -> None:
        sums: Counter[str] = Counter()
        for account, micros in self.mirror.balances.items():
            if account.code in TOKEN_CODES:
                sums["tokens"] += micros
            if account.code in BACKING_CODES:
                sums["backing"] += micros
            if account.code in WALLET_CODES:
                sums[f"wallet {account.party_id}"] += micros
        for name, micros in sums.items():
            self.lines.setdefault(name, []).append((day, micros / UNIT))
        effects = self.mirror.of(Effect)
        unknown = sum(effect.status in (EffectStatus.SENDING, EffectStatus.UNKNOWN) for effect in effects)
        self.lines.setdefault("not known", []).append((day, unknown))
        self.lines.setdefault("asked for", []).append((day, len(effects)))
        self.lines.setdefault("faults", []).append((day, sum(self.troubles.values())))


@dataclass(frozen=True)
class Month:
    """What came out of one run.

    Attributes:
        run: seed, digest of everything that happened, and what was broken: nothing, if all is well.
        troubles: how often each fault happened.
    """

    run: Run
    troubles: dict[str, int]
    lines: dict[str, list[Point]]

    def backing(self) -> Chart:
        """Tokens in circulation and what is behind them: one line, for they never differ."""
        return self._chart("Tokens and what backs them", "USD", "tokens", "backing")

    def wallets(self) -> Chart:
        """What each participant has."""
        names = [name for name in self.lines if name.startswith("wallet ")]
        return self._chart("Wallets", "USD", *names)

    def unknowns(self) -> Chart:
        """Orders whose outcome nobody knew at that moment."""
        return self._chart("Orders whose outcome is not known", "orders", "not known")

    def work(self) -> Chart:
        """Orders to the bank and the issuer, and faults that got in the way, added up."""
        return self._chart("Orders and faults", "", "asked for", "faults")

    def _chart(self, title: str, up: str, *names: str) -> Chart:
        lines = tuple(Line(name.removeprefix("wallet "), tuple(self.lines[name])) for name in names)
        return Chart(title=title, across="days", up=up, lines=lines)


class _MonthlyTown(StandardWorkload):
    """Five users and two sellers who take their time, with every kind of trouble, and none too often."""

    def mix(self, draw: Draw) -> Mix:
        """The standard mix, made wide and slow."""
        mix = super().mix(draw)
        assets = ON_CHAIN if mix.custody == "wallets" else IN_BOOK
        weights = {act.name: act.weight for acts in CASTS for act in acts.by_name.values()}
        self.settle(
            Plan(
                users=USERS,
                sellers=SELLERS,
                assets=assets,
                most_cents=20_000,
                think_seconds=THINK_SECONDS,
                weights=weights,
            )
        )
        return replace(
            mix,
            programme=Programme(assets={code: ASSETS[code] for code in assets}, only_listed_assets=True),
            faults={name: fault.rates[0] for name, fault in FAULTS.items()},
            processes=2,
            worker_seconds=900,
            settle_seconds=(60, 1_800),
        )


def month(seed: int, steps: int = STEPS) -> Month:
    """Simulate about a month of business of a small town, with crashes, lost answers and returned money.

    Args:
        seed: the same seed gives the same month, on every machine.
        steps: how often something goes on; more of them give a longer month.
    """
    diary: list[Diary] = []

    def stage() -> Scene:
        reach = Counts()
        diary.append(Diary(reach))
        return Scene(_MonthlyTown(diary[-1]), diary[-1], reach)

    found = run(stage, seed, steps)
    return Month(found, dict(diary[-1].troubles), diary[-1].lines)
