"""The smallest simulation: ann deposits ten dollars, and whoever judges takes down what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from invoicepay.domain.policies import Programme
from invoicepay.ports.rails import RailTransfer
from invoicepay.testing.simulation.chooser import Draw
from invoicepay.testing.simulation.hand import Hand
from invoicepay.testing.simulation.ports import (
    Actor,
    Answer,
    Broken,
    Commit,
    Happening,
    Mix,
    ProviderFact,
    Reach,
    Rest,
    Scene,
)

AMOUNT = "10.00 USD"


@dataclass
class Small:
    """Workload, judge and counter in one.

    Attributes:
        mixed: what the run consists of.
        available: what ann has at the end.
        orders: what the bank was told to do.
    """

    mixed: Mix = field(
        default_factory=lambda: Mix(processes=1, programme=Programme(unknown_parties="register"))
    )
    answers: list[Answer[Any]] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    available: str = ""
    orders: tuple[RailTransfer, ...] = ()
    supply: str = ""
    _open: dict[str, None] = field(default_factory=dict)

    def stage(self) -> Scene:
        return Scene(self, self, self)

    def mix(self, draw: Draw) -> Mix:
        return self.mixed

    async def prepare(self, hand: Hand) -> None:
        await hand.sleep(1)

    def actors(self, mix: Mix, reach: Reach) -> Sequence[Actor]:
        return [Actor("ann", self.ann)]

    async def ann(self, hand: Hand) -> None:
        if hand.begins():
            await hand.insist(
                "ann deposits",
                lambda pay: pay.deposits.initiate("ann", AMOUNT, rail="instant", idempotency_key=hand.key),
            )

    def after_commit(self, commit: Commit) -> list[Broken]:
        self.commits.append(commit)
        for outcome in commit.outcomes:
            for row in outcome.rows:
                if row.KIND == "deposit" and getattr(row, "status", "") == "completed":
                    self._open.pop(row.id, None)
                elif row.KIND == "deposit":
                    self._open[row.id] = None
        return []

    def after_fact(self, fact: ProviderFact) -> list[Broken]:
        return []

    def happened(self, happening: Happening) -> None:
        self.happenings.append(happening)

    def answered(self, answer: Answer[Any]) -> list[Broken]:
        self.answers.append(answer)
        return []

    def unsettled(self) -> Sequence[str]:
        return tuple(self._open)

    async def at_rest(self, rest: Rest) -> list[Broken]:
        self.available = str((await rest.pay.wallets.get("ann", "USD")).available)
        self.orders = rest.rails.transfers()
        self.supply = str(await rest.tokens.supply("USD"))
        return [Broken(violation.rule, str(violation)) for violation in await rest.pay.invariants.check()]

    def seen(self, name: str) -> None:
        """Nothing is counted."""

    def counts(self) -> Mapping[str, int]:
        return Counter[str]()

    def faults(self) -> list[str]:
        """What went wrong, in order."""
        return [happening.name for happening in self.happenings if happening.kind == "fault"]
