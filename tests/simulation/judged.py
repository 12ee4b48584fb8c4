"""A client whose every commit, and whose providers' every fact, the standard oracle sees."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from invoicepay import InvoicePay
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.change import Outcome
from invoicepay.ports.repository import Reply, Unit
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.simulation.oracle import StandardOracle
from invoicepay.testing.simulation.ports import Broken, Commit, Mix, ProviderFact, Rest
from invoicepay.testing.simulation.providers import SimBank, SimIssuer
from invoicepay.testing.simulation.reach import Counts


@dataclass
class Court:
    """The oracle with everything that it was shown and said.

    Attributes:
        commits, facts: what it was shown, so that a test can show it again with something changed.
    """

    oracle: StandardOracle
    reach: Counts
    commits: list[Commit] = field(default_factory=list[Commit])
    facts: list[ProviderFact] = field(default_factory=list[ProviderFact])
    said: list[Broken] = field(default_factory=list[Broken])

    def committed(
        self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply], clock: FrozenClock
    ) -> None:
        """Show a commit."""
        commit = Commit(
            number=len(self.commits) + 1,
            at=clock.now(),
            process="p1",
            task="test",
            tenant_id="default",
            outcomes=tuple(outcomes),
            replies=tuple(replies),
        )
        self.commits.append(commit)
        self.said += self.oracle.after_commit(commit)

    def told(self, fact: ProviderFact) -> None:
        """Show a fact."""
        self.facts.append(fact)
        self.said += self.oracle.after_fact(fact)


class JudgedRepository(MemoryRepository):
    """Shows each commit to the court."""

    def __init__(self, court: Court, clock: FrozenClock) -> None:
        super().__init__(SystemIds().new)
        self._court, self._clock = court, clock

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Any]:
        """A unit whose commit is shown."""
        async with super().unit(tenant_id) as unit:
            yield _JudgedUnit(unit, self._court, self._clock)


class _JudgedUnit:
    def __init__(self, inner: Unit, court: Court, clock: FrozenClock) -> None:
        self._inner, self._court, self._clock = inner, court, clock
        self._applied: tuple[Sequence[Outcome[Any]], Sequence[Reply]] = ((), ())

    async def load(self, *arguments: Any) -> None:
        await self._inner.load(*arguments)

    async def replies(self, *arguments: Any) -> Any:
        return await self._inner.replies(*arguments)

    async def apply(self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]) -> None:
        await self._inner.apply(outcomes, replies)
        self._applied = (outcomes, replies)

    async def commit(self) -> None:
        await self._inner.commit()
        self._court.committed(*self._applied, self._clock)


@dataclass
class Judged:
    """A client, its clock and providers, and the court that sees them."""

    pay: InvoicePay
    clock: FrozenClock
    court: Court
    bank: SimBank
    issuer: SimIssuer
    mix: Mix

    def rest(self) -> list[Broken]:
        """What the oracle says of the world as it is now."""
        rest = Rest(
            pay=self.pay._pay,
            now=self.clock.now(),
            mix=self.mix,
            rails=self.bank,
            tokens=self.issuer,
            answers=(),
            happenings=(),
            commits=len(self.court.commits),
        )
        return run_blocking(self.court.oracle.at_rest(rest))


def judged(mix: Mix) -> Judged:
    """A fresh client over a memory store under the eyes of a fresh oracle."""
    reach, clock = Counts(), FrozenClock()
    court = Court(StandardOracle(reach), reach)
    bank = SimBank(clock, mix, told=court.told, post=lambda _event: None)
    issuer = SimIssuer(clock, mix, told=court.told, post=lambda _event: None)
    pay = InvoicePay(
        repository=JudgedRepository(court, clock),
        clock=clock,
        rails=bank,
        token=issuer,
        programme=mix.programme,
        dispatch=mix.dispatch,
    )
    return Judged(pay, clock, court, bank, issuer, mix)
