"""A whole programme that a walk acts on: any store, simulated providers, and a log that can be replayed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens, bank, chain
from invoicepay.adapters.system import TransactionRetry, blocking_sleep
from invoicepay.bridge import run_blocking
from invoicepay.domain.accounts import Account
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.ids import typeid, uuid7_bytes
from invoicepay.domain.money import Money
from invoicepay.domain.needs import find
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import (
    DEFAULT_FINALITY,
    Asset,
    Custody,
    Finality,
    Limits,
    Programme,
    Settlement,
)
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.errors import InvoicePayError
from invoicepay.ports.rails import RailsCapabilities
from invoicepay.ports.repository import Repository
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.ports.tokens import TokenCapabilities
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.perform import RECORDED_REFUSALS, Deps

T = TypeVar("T")

LEDGER, CHAIN, CUSTODIED, NETTED = "USD", "USD.tempo", "USD.circle", "USD.nets"
ASSETS = (LEDGER, LEDGER, CHAIN, CUSTODIED, NETTED)
ASSET_TABLE = {
    CHAIN: Asset(CHAIN, settlement=Settlement.ONCHAIN),
    CUSTODIED: Asset(CUSTODIED, custody=Custody.CUSTODIED),
    NETTED: Asset(NETTED, settlement=Settlement.NETTED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A programme and what its providers promise."""

    programme: Programme
    rails: RailsCapabilities = bank.CAPABILITIES
    tokens: TokenCapabilities = chain.CAPABILITIES


SETTINGS = (
    Setting(
        programme=Programme(
            assets=ASSET_TABLE,
            limits=Limits(per_call_micros=900_000_000, by_tier={0: 9_000_000_000}),
            withdrawal_fee_micros=250_000,
            unknown_parties="refuse",
        )
    ),
    Setting(
        programme=Programme(
            assets=ASSET_TABLE, attestation_max_age_hours=24 * 14, unknown_parties="register"
        ),
        rails=replace(bank.CAPABILITIES, deduplicates=False),
        tokens=replace(chain.CAPABILITIES, deduplicates=False),
    ),
    Setting(
        programme=Programme(
            assets=ASSET_TABLE,
            limits=Limits(by_tier={0: 1_500_000_000, 1: 4_000_000_000}),
            finality={**DEFAULT_FINALITY, "instant": Finality(business_days=1, needs_buffer=True)},
            unknown_parties="refuse",
        ),
        rails=replace(bank.CAPABILITIES, finds_by_reference=False),
        tokens=replace(chain.CAPABILITIES, finds_by_reference=False),
    ),
)
"""One for each third life: ordinary, forgetful providers, strict with providers that cannot be asked."""
OPERATOR = Actor("ops", Role.OPERATOR)


class StepIds:
    """Ids that follow from the number of the step, so that a replay without refused steps makes the same."""

    def __init__(self) -> None:
        self._step = self._count = 0

    def begin(self, step: int) -> None:
        """Start a step."""
        self._step, self._count = step, 0

    def new(self, prefix: str, now: datetime) -> str:
        """The next id of the step."""
        self._count += 1
        chance = (self._step << 40 | self._count << 6).to_bytes(10)
        return typeid(prefix, uuid7_bytes(int(now.timestamp() * 1000), chance))

    def nonce(self) -> str:
        """The next nonce of the step."""
        self._count += 1
        return f"{self._step:016d}{self._count:016d}"


class ByTheCents:
    """Screening that blocks amounts of 66 cents and wants to look at some others."""

    async def screen(self, subject: Subject) -> Screened:
        """The verdict, always the same for an amount."""
        cents = subject.amount.micros // 10_000 % 100
        verdict = Verdict.REVIEW if cents in (13, 26, 39, 52) else Verdict.ALLOW
        if cents == 66:
            verdict = Verdict.BLOCK
        return Screened(verdict=verdict, reason=f"{cents} cents")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done: at which instant, and how to do it in another world."""

    number: int
    at: datetime
    name: str
    act: Callable[[World], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that was answered, so that it can be repeated under its key."""

    call: Callable[..., Coroutine[Any, Any, Any]]
    command: Any
    key: str
    actor: Actor
    refusal: str


class World:
    """One tenant and its surroundings.

    Attributes:
        steps: everything that was accepted, in order.
        asked: commands whose answer is kept under their key, refusals that depended on state included.
        refused: how many commands were refused.

    Args:
        store: memory, sqlite, or the URL of a database with empty tables.
    """

    def __init__(self, setting: Setting, store: str = "memory") -> None:
        self._close = ExitStack()
        self.setting = setting
        self.clock, self.ids = FrozenClock(), StepIds()
        self.sim = SimControl(
            SimulatedRails(self.clock, capabilities=setting.rails),
            SimulatedTokens(self.clock, capabilities=setting.tokens),
        )
        self.is_memory = store == "memory"
        self.deps = Deps(
            repository=self._repository(store),
            clock=self.clock,
            ids=self.ids,
            retry=TransactionRetry(blocking_sleep),
            programme=setting.programme,
            rails=self.sim.rails,
            tokens=self.sim.tokens,
            screening=ByTheCents(),
            tenant_id="default",
            actor=OPERATOR,
            qr_keys=QrKeys(active="k1", secrets={"k1": b"0" * 32}),
        )
        self.number = self.refused = 0
        self.steps: list[Step] = []
        self.asked: list[Asked] = []
        self.last_refusal: InvoicePayError | None = None

    def _repository(self, store: str) -> Repository:
        if self.is_memory:
            return MemoryRepository(self.ids.new)
        from invoicepay.adapters.sql import connect_store

        url = self._new_file() if store == "sqlite" else store
        repository = connect_store(url, self.ids.new, blocking=True)
        self._close.callback(lambda: run_blocking(repository.close()))
        return repository

    def _new_file(self) -> str:
        folder = Path(mkdtemp(prefix="walk-"))
        self._close.callback(rmtree, folder)
        return f"sqlite:///{folder / 'walk.db'}"

    def close(self) -> None:
        """Give files and connections back."""
        self._close.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return run_blocking(coroutine)

    def as_(self, actor: Actor) -> Deps:
        """The same programme for another actor."""
        return replace(self.deps, actor=actor)

    def do(self, name: str, act: Callable[[World], T]) -> T | None:
        """Act; what is refused is counted and forgotten, what is accepted is logged."""
        self.number += 1
        self.ids.begin(self.number)
        self.last_refusal = None
        at = self.clock.now()
        try:
            result = act(self)
        except InvoicePayError as refusal:
            self.refused += 1
            self.last_refusal = refusal
            return None
        self.steps.append(Step(self.number, at, name, act))
        return result

    def must(self, name: str, act: Callable[[World], T]) -> T | None:
        """Act where nothing may be refused as a whole, for a part of it would stay done."""
        result = self.do(name, act)
        assert self.last_refusal is None, f"{name} was refused: {self.last_refusal!r}"
        return result

    def ask(
        self,
        call: Callable[[Deps, Any, str | None], Coroutine[Any, Any, T]],
        command: Any,
        *,
        actor: Actor = OPERATOR,
    ) -> T | None:
        """Carry a command out under a key of its own."""
        key = f"walk-{self.number + 1}"
        name = f"{call.__module__.rpartition('.')[2]}.{call.__name__}"
        result = self.do(name, lambda world: world.run(call(world.as_(actor), command, key)))
        if self.last_refusal is None or isinstance(self.last_refusal, RECORDED_REFUSALS):
            refusal = self.last_refusal.code if self.last_refusal else ""
            self.asked.append(Asked(call, command, key, actor, refusal))
        return result

    def rows(self, kind: type[E], /, **conditions: Any) -> tuple[E, ...]:
        """The rows of a kind that meet the conditions, by id."""

        async def read() -> tuple[E, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.find(find(kind, **conditions))

        return self.run(read())

    def balances(self) -> dict[Account, int]:
        """Every account that holds something, in micros."""

        async def read() -> dict[Account, int]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return {account: n for account, n in (await reader.balances()).items() if n}

        return self.run(read())

    def actions(self) -> list[str]:
        """The operation of every command that was written, those of the worker included."""

        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                heads = await reader.audit_heads()
                trails = [await reader.audit_records(stream=h.stream, limit=h.position) for h in heads]
            return [record.action for trail in trails for record in trail]

        return self.run(read())

    def trail_length(self) -> int:
        """How many commands were written."""

        async def read() -> int:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return sum(head.position for head in await reader.audit_heads())

        return self.run(read())


def replayed(original: World) -> World:
    """A fresh world in memory in which only what was accepted happens, one step at a time."""
    world = World(original.setting)
    for step in original.steps:
        world.clock.set(step.at)
        world.ids.begin(step.number)
        step.act(world)
    return world


def everything(world: World, kinds: Iterable[type[Entity]]) -> dict[str, Entity]:
    """Every row of some kinds by kind and id."""
    return {f"{row.KIND}/{row.id}": row for kind in kinds for row in world.rows(kind)}


def party(id: str) -> Actor:
    """A party that acts for itself."""
    return Actor(id, Role.PARTY)


def cents(count: int, asset: str) -> Money:
    """An amount in cents."""
    return Money.from_micros(count * 10_000, asset)
