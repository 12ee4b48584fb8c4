"""A simulated process: its own client of the SDK with its own clock and worker, ended and started again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoicepay.awaiting import AsyncInvoicePay
from invoicepay.bridge import run_blocking
from invoicepay.domain.events import Event
from invoicepay.errors import InvoicePayError
from invoicepay.ports.repository import Repository
from invoicepay.ports.runtime import GroupCommit
from invoicepay.settings import Settings
from invoicepay.testing.simulation.chooser import Draw, Scope
from invoicepay.testing.simulation.group import VirtualGroupCommit
from invoicepay.testing.simulation.machine import VirtualRetry, WorldClock, ticks_of
from invoicepay.testing.simulation.odds import DELAYS
from invoicepay.testing.simulation.scheduler import Life, Task, suspended
from invoicepay.testing.simulation.store import SimStore
from invoicepay.testing.simulation.surroundings import MOST_SKEW_SECONDS, Surroundings
from invoicepay.testing.simulation.wires import RailsWire, TokensWire
from invoicepay.wiring import Parts, core_from

if TYPE_CHECKING:
    from invoicepay.testing.simulation.world import World

DOWN_SECONDS = (1, 120)
LONGEST_REST_SECONDS = 1_800
MOST_DOUBLINGS = 16
QR_SECRET = b"a secret of a simulated process!"


class Process:
    """One of several that share a store and the providers.

    Attributes:
        life: the present incarnation; over while the process is down.
        pay: the client of this incarnation.
        looks: how many turns the worker took since something last happened outside of it.
    """

    world: World
    name: str
    boots: int
    turns: int
    groups: int
    looks: int

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.boots = self.turns = self.groups = self.looks = 0
        self.life: Life = Life(name)
        self.life.is_over = True
        self.pay: AsyncInvoicePay
        self._worker: Task | None = None
        self._wakes_at = 0
        self._inner: Repository | None = None

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return not self.life.is_over

    def boot(self) -> None:
        """Start with new objects and a clock of its own."""
        world = self.world
        self.boots += 1
        self.life = Life(self.name)
        draw = Draw(world.chooser, Scope(f"{self.name}@{self.boots}"), "boot")
        is_off = draw.chance(world.odds.rates.get("process.skew", 0))
        skew = draw.whole(0, 2 * MOST_SKEW_SECONDS) - MOST_SKEW_SECONDS if is_off else 0
        clock = WorldClock(world.scheduler, ticks_of(skew))
        around = Surroundings(world, self.life, clock)
        self._inner = world.repository(self.name)
        store = SimStore(self._inner, around, world.door)
        group = VirtualGroupCommit(world.scheduler, self.life, self._next_group)
        self.pay = client(world, store, around, self.name, group if world.mix.group_commit else None)
        if world.mix.handlers:
            self.pay.on("*")(self._handler(self.life))
        self._worker = world.scheduler.start(
            self._work(self.life), Scope(f"{self.name}.worker"), self.life, ticks_of(1)
        )
        if skew:
            world.happened("fault", "process.skew", process=self.name, detail=f"{skew} s")
        world.happened("boot", f"skew {skew} s", process=self.name)

    def crash(self) -> None:
        """End at once; it is started again after a while."""
        world = self.world
        world.happened("crash", f"incarnation {self.boots}", process=self.name)
        world.scheduler.kill(self.life)
        self.close()
        draw = Draw(world.chooser, Scope(f"{self.name}@{self.boots}.down"), "boot")
        after = draw.whole(*DOWN_SECONDS)
        world.scheduler.start(self._again(), Scope(f"{self.name}.boot"), None, ticks_of(after))

    def close(self) -> None:
        """Give the connections of what has ended back."""
        if self._inner is not None:
            run_blocking(self._inner.close())
            self._inner = None

    async def _again(self) -> None:
        self.boot()

    def _next_group(self) -> str:
        self.groups += 1
        return f"{self.name}.group#{self.groups}"

    def _handler(self, life: Life) -> Callable[[Event], Any]:
        async def take(event: Event) -> None:
            life.check()
            self.world.told[event.id] = self.world.told.get(event.id, 0) + 1

        return take

    async def _work(self, life: Life) -> None:
        """Turn after turn, resting longer while nothing moves."""
        world, idle = self.world, 0
        while not life.is_over:
            self.turns += 1
            world.scheduler.current.scope = Scope(f"{self.name}.worker#{self.turns}")
            moved = await self._turn()
            self.looks += 1
            idle = 0 if moved else min(idle + 1, MOST_DOUBLINGS)
            most = LONGEST_REST_SECONDS * (24 if world.is_healing else 1)
            rest = ticks_of(min(world.mix.worker_seconds * 2**idle, most))
            self._wakes_at = world.scheduler.now + rest
            await suspended(rest)

    async def _turn(self) -> bool:
        """Whether anything moved."""
        try:
            issued = await self.pay.schedules.run_due()
            summary = await self.pay.run_pending(until_quiet=False)
        except InvoicePayError:
            return True
        except Exception as error:  # noqa: BLE001 - the worker of a host has nothing to expect but ours
            self.world.faulted(error)
            return False
        return bool(issued) or summary.moved > len(summary.refusals)

    def stir(self) -> None:
        """Something happened: do not rest for longer than usual."""
        self.looks = 0
        soon = self.world.scheduler.now + ticks_of(self.world.mix.worker_seconds)
        if self.is_up and self._worker is not None and self._wakes_at > soon:
            self._wakes_at = soon
            self.world.scheduler.wake(self._worker, soon - self.world.scheduler.now)


def client(
    world: World, store: Repository, around: Surroundings, lane: str, group_commit: GroupCommit | None
) -> AsyncInvoicePay:
    """A client of the SDK in a process of the world."""
    mix = world.mix
    settings = Settings(
        programme=mix.programme,
        dispatch=mix.dispatch,
        tenant=mix.tenant,
        audit_stream=lane,
        qr_secret=QR_SECRET,
    )
    parts = Parts(
        rails=RailsWire(world.bank, around, "rails"),
        token=TokensWire(world.issuer, around, "tokens"),
        clock=around.clock,
        ids=world.ids,
        screening=mix.screening,
        repository=store,
    )
    core = core_from(None, settings, parts, blocking=False)

    def wait() -> int:
        chooser, scope = world.chooser, world.scheduler.current.scope
        return DELAYS[chooser.below(scope, "retry", len(DELAYS) - 3)]

    wired = replace(core.wired, retry=VirtualRetry(wait), group_commit=group_commit)
    return AsyncInvoicePay._around(replace(core, wired=wired))
