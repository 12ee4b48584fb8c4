"""Kills a process again and again while it moves tokens, and counts on the chain what took place.

    python -m tests.adapters.tempo.kills --rounds 100

Each round a child process carries out some orders and dies by SIGKILL at one of nine points. Then others
find out what became of the orders, as a host's worker does, sometimes two at once. In the end every order has
to be on the chain exactly once, or never where it failed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NoReturn

import httpx

from invoicepay.adapters.sql import migrate_url
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo.orders import memo_of
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.bridge import run_blocking
from invoicepay.errors import ProviderError
from invoicepay.ports.slots import Attempt, Lane, Move, Slot, SlotKey, SlotState, Verdict
from invoicepay.ports.tokens import MoveKind, TokenMove, TokenStatus
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import bench_on, usd
from tests.adapters.tempo.chain import SEND, Chain, Wire, a_burn, a_mint, a_transfer
from tests.support import postgres

POINTS = tuple(
    f"{when} {what}" for what in ("take", "keep", "send", "settle") for when in ("before", "after")
)
AT_RANDOM = "at random"
PARTIES = ("ann", "bob", "cat")
FUNDS = "500.00"
TRIES = 500


def die() -> NoReturn:
    """End this process as a power cut would: nothing is cleaned up, nothing is told."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed")


@dataclass
class Fuse:
    """Kills this process when a point is reached for the n-th time."""

    point: str
    left: int = 1

    def at(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                die()


class DyingSlots(SqlSlots):
    """The store of a process that will not live long."""

    fuse = Fuse("")

    async def take(
        self, lane: Lane, moves: Sequence[Move], *, at: datetime, after: SlotKey | None = None
    ) -> Slot | None:
        self.fuse.at("before take")
        taken = await super().take(lane, moves, at=at, after=after)
        self.fuse.at("after take")
        return taken

    async def keep(self, key: SlotKey, attempt: Attempt, *, at: datetime) -> None:
        self.fuse.at("before keep")
        await super().keep(key, attempt, at=at)
        self.fuse.at("after keep")

    async def settle(
        self, key: SlotKey, state: SlotState, verdicts: Sequence[Verdict], *, at: datetime
    ) -> None:
        self.fuse.at("before settle")
        await super().settle(key, state, verdicts, at=at)
        self.fuse.at("after settle")


class DyingWire(Wire):
    """The connection of such a process."""

    fuse = Fuse("")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_order = SEND.encode() in request.content
        if is_order:
            self.fuse.at("before send")
        answer = super().handle_request(request)
        if is_order:
            self.fuse.at("after send")
        return answer


@dataclass
class Scene:
    """A chain, a store that several processes share, and every order that was ever given.

    Attributes:
        ends: how the children ended.
    """

    chain: Chain
    url: str
    chance: Random
    orders: dict[str, TokenMove] = field(default_factory=dict[str, TokenMove])
    ends: Counter[str] = field(default_factory=Counter[str])

    def a_batch(self, number: int) -> list[TokenMove]:
        """Some orders; now and then two that cannot both take place."""
        moves = []
        for place in range(self.chance.choice([1, 1, 2, 5])):
            name = f"eff_{number}_{place}"
            source, target = self.chance.sample(PARTIES, 2)
            kind = self.chance.choice(list(MoveKind))
            moves.append(
                a_mint(name, target, "2.00")
                if kind is MoveKind.MINT
                else a_burn(name, source)
                if kind is MoveKind.BURN
                else a_transfer(name, source, target, "1.50")
            )
        if self.chance.random() < 0.2:
            held = self.chain.held("dan")
            most = f"{held.micros // 2 // 10**6 + 1}.00"
            moves += [a_transfer(f"eff_{number}_{name}", "dan", "ann", most) for name in ("x", "y")]
        self.orders.update((move.order.reference, move) for move in moves)
        return moves

    def round(self, number: int) -> None:
        """A child dies with some orders; others bring them to an end."""
        moves = self.a_batch(number)
        point = (*POINTS, AT_RANDOM)[number % (len(POINTS) + 1)]
        child = in_child(lambda: self.carry_out(moves, Fuse(point, self.chance.choice([1, 1, 2]))))
        if point == AT_RANDOM:
            time.sleep(self.chance.random() * 0.2)
            os.kill(child, signal.SIGKILL)
        self.ends[point if ended(child) == -signal.SIGKILL else "survived"] += 1
        others = [in_child(lambda: self.bring_to_an_end(moves)) for _ in range(self.chance.choice([0, 1, 2]))]
        self.bring_to_an_end(moves)
        assert [ended(other) for other in others] == [0] * len(others)

    def carry_out(self, moves: Sequence[TokenMove], fuse: Fuse) -> None:
        """What the child does until it dies."""
        slots, wire = DyingSlots(self.url), DyingWire()
        slots.fuse = wire.fuse = fuse
        tempo = self.chain.another(slots=slots, wire=wire)
        run_blocking(tempo.move(moves))
        see_through(tempo, moves)  # a block may come after the first look, and only then is anything settled

    def bring_to_an_end(self, moves: Sequence[TokenMove]) -> None:
        """What a worker does: look each order up, and give it again where nobody has it."""
        slots, wire = SqlSlots(self.url), Wire()
        see_through(self.chain.another(slots=slots, wire=wire), moves)
        run_blocking(slots.close())

    def mistakes(self) -> list[str]:
        """What the chain has that it should not have, or lacks."""
        self.chain.bench.node.mine()
        on_chain, slots = Counter(self.chain.memos()), SqlSlots(self.url)
        tempo = self.chain.another(slots=slots, wire=Wire())
        found, ends, held = [], Counter[str](), Counter[str]()
        for name, move in self.orders.items():
            transfer = run_blocking(tempo.find(name))
            status = transfer.status.value if transfer else "refused"
            ends[status] += 1
            times = on_chain.pop(f"0x{memo_of(move.order)}", 0)
            if times != (status == TokenStatus.FINAL) or status == TokenStatus.PENDING:
                found.append(f"{name} is {status} and {times} times on the chain")
            if status == TokenStatus.FINAL:
                held[move.order.from_party] -= move.order.amount.micros
                held[move.order.to_party] += move.order.amount.micros
        for party in (*PARTIES, "dan"):
            expected = usd(FUNDS).micros + held[party]
            if self.chain.held(party).micros != expected:
                found.append(f"{party} holds {self.chain.held(party)}, not {expected} micros")
        found += [f"{slot.key} is open" for slot in run_blocking(slots.open())]
        run_blocking(slots.close())
        self.ends.update({f"orders {status}": many for status, many in ends.items()})
        return found


def see_through(tempo: Tempo, moves: Sequence[TokenMove]) -> None:
    """Look each order up until it is decided."""
    for move in moves:
        for _ in range(TRIES):
            if is_over(tempo, move):
                break
            time.sleep(0.02)
        else:
            raise AssertionError(f"{move.order.reference} does not end")


def is_over(tempo: Tempo, move: TokenMove) -> bool:
    """Whether an order is decided; one that nobody has is given again under its key."""
    try:
        found = run_blocking(tempo.find(move.order.reference))
        if found is None:
            (outcome,) = run_blocking(tempo.move([move]))
            return isinstance(outcome, ProviderError) and outcome.code == "provider_rejected"
        return found.status is not TokenStatus.PENDING
    except ProviderError:
        return False


def in_child(work: Callable[[], object]) -> int:
    """Do something in a process of its own; its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """How a child ended: its status, or the signal that ended it as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(rounds: int, seed: int, *, on_postgres: bool = False) -> Mapping[str, object]:
    """Kill so often; what was counted."""
    started = time.monotonic()
    with ExitStack() as stack:
        bench = stack.enter_context(bench_on(stack.enter_context(TempoNode()), "kills"))
        if on_postgres:
            server = stack.enter_context(postgres.start())
            url = server.url(server.clone())
            migrate_url(url)
        else:
            url = f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'pay.db'}"
        first = SqlSlots(url)
        chain = Chain(bench, bench.set_up(), tenant="kills", slots=first)
        stack.callback(chain.close)
        for party in (*PARTIES, "dan"):
            chain.fund(party, FUNDS)
        chain.first_block = int(bench.node.ask("eth_blockNumber"), 16)
        scene = Scene(chain, url, Random(seed))
        for number in range(rounds):
            scene.round(number)
        mistakes = scene.mistakes()
        return {
            "rounds": rounds,
            "seed": seed,
            "orders": len(scene.orders),
            "ends": dict(sorted(scene.ends.items())),
            "mistakes": mistakes,
            "seconds": round(time.monotonic() - started, 1),
        }


def main() -> int:
    """The command; ends with 1 where something took place twice, or was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--postgres", action="store_true", help="keep the slots in PostgreSQL")
    given = parser.parse_args()
    told = run(given.rounds, given.seed, on_postgres=given.postgres)
    sys.stdout.write(f"{json.dumps(told)}\n")
    return 1 if told["mistakes"] else 0


if __name__ == "__main__":
    sys.exit(main())
