"""Many threads and processes at one tenant: `python -m tests.stores.storm --seconds 60 --store sqlite`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.adapters.sql.connect import open_engine
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.audit import AuditRecord, Head
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Event
from invoicepay.domain.needs import find
from invoicepay.domain.parties import PartyKind
from invoicepay.use_cases import deposits, parties
from invoicepay.use_cases.pending import run_pending
from invoicepay.use_cases.queries import violations
from tests.stores.hands import Hand, Report, watch
from tests.stores.replay import Replay
from tests.stores.surroundings import Offset, StormClock, far_providers, served
from tests.walks.draw import RandomDraw
from tests.walks.moves import MOVES
from tests.walks.moves.registry import ENTERPRISES, USERS
from tests.walks.world import ASSETS, SETTINGS, Asked, cents


async def attentive(event: Event) -> None:
    """A host's handler that takes every event."""


CALM = frozenset({"a_call_is_repeated", "weather_turns", "weather_clears"})
"""Moves of a walk that need a world for themselves."""
TWINS = 15
"""How many steps in a hundred repeat what another hand asks at that moment."""
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What is asked for.

    Attributes:
        has_lanes: each process writes an audit stream of its own.
    """

    url: str
    seconds: float
    threads: int
    processes: int
    seed: int
    has_lanes: bool = False

    @property
    def setting(self) -> Any:
        """The programme."""
        return SETTINGS[self.seed % len(SETTINGS)]


def rage(storm: Storm, told: Callable[[str], None] = lambda line: None) -> Report:
    """Let it rage and look at what it left: the report's faults are what was wrong."""
    migrate_url(storm.url)
    offset = multiprocessing.get_context("spawn").Value("d", 0.0)
    with served(storm.setting, StormClock(offset)) as address:
        report = Report()
        with hands(storm, offset, address, "first", 1, report) as (hand,):
            _prepare(hand)
            report.add(hand.report)
        for other in _all_processes(storm, offset, address, told):
            report.add(other)
        with hands(storm, offset, address, "last", 1, report) as (hand,):
            _inspect(storm, hand, report)
    return report


@contextmanager
def hands(
    storm: Storm, offset: Offset, address: Any, name: str, count: int, report: Report
) -> Iterator[list[Hand]]:
    """So many hands at one engine, whose complaints go into the report."""
    engine = open_engine(storm.url)
    watch(engine, report)
    stream = name if storm.has_lanes else "main"
    repository = connect_store(engine, SystemIds().new, blocking=True, stream=stream)
    twins: deque[Asked] = deque(maxlen=12)
    with far_providers(address) as sim:
        made = [
            Hand(f"{name}.{number}", storm.setting, repository, StormClock(offset), sim, twins)
            for number in range(count)
        ]
        yield made
    engine.dispose()


def _prepare(hand: Hand) -> None:
    """Parties with tokens of every asset."""
    people = [(id, PartyKind.USER) for id in USERS]
    sellers = [(id, PartyKind.ENTERPRISE) for id in ENTERPRISES]
    for id, kind in (*people, *sellers, ("platform", PartyKind.PLATFORM), ("dan", PartyKind.USER)):
        hand.ask(parties.register_party, parties.RegisterParty(party_id=id, kind=kind))
    for id, _ in (*people, *sellers):
        for asset in dict.fromkeys(ASSETS):
            money = cents(300_000, asset)
            command = deposits.RecordDeposit(
                party_id=id, amount=money, rail="wire", provider="lockbox", provider_ref=f"{id}/{money}"
            )
            hand.ask(deposits.record_deposit, command)
    hand.do("run_pending", lambda inside: inside.run(run_pending(inside.deps, until_quiet=True)))


def _all_processes(
    storm: Storm, offset: Offset, address: Any, told: Callable[[str], None]
) -> Iterator[Report]:
    """Run the processes side by side; each one's report."""
    spawning = multiprocessing.get_context("spawn")
    pipes = [spawning.Pipe(duplex=False) for _ in range(storm.processes)]
    started = [
        spawning.Process(target=_process, args=(storm, number, offset, address, sender), daemon=True)
        for number, (_, sender) in enumerate(pipes)
    ]
    for process in started:
        process.start()
    left = [receiver for receiver, _ in pipes]
    since = time.monotonic()
    while left:
        for receiver in list(left):
            if receiver.poll(5 / len(left)):
                left.remove(receiver)
                yield receiver.recv()
        told(f"  {time.monotonic() - since:.0f} s, {len(left)} of {storm.processes} processes at work")
    for process in started:
        process.join()


def _process(storm: Storm, number: int, offset: Offset, address: Any, answer: Any) -> None:
    """What one process does: its hands act until the time is over."""
    report = Report()
    with hands(storm, offset, address, f"p{number}", storm.threads, report) as made:
        deadline = time.monotonic() + storm.seconds
        threads = [
            threading.Thread(target=_act, args=(hand, f"{storm.seed}/{hand.name}", deadline)) for hand in made
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for hand in made:
            report.add(hand.report)
    answer.send(report)


def _act(hand: Hand, seed: str, deadline: float) -> None:
    draw = RandomDraw(0)
    draw.random = Random(seed)
    moves = [move for name, move in MOVES.items() if name not in CALM]
    weights = [0.3 if move.name == "time_passes" else move.weight for move in moves]
    while time.monotonic() < deadline:
        hand.recent = draw.one_of((2, 6, 30))
        if draw.chance(2):
            hand.do("tell", lambda inside: inside.run(run_pending(inside.deps, handlers=[attentive])))
        if hand.twins and draw.chance(TWINS):
            hand.ask_again(draw.one_of(list(hand.twins)))
            continue
        (move,) = draw.random.choices(moves, weights)
        move.make(hand, draw)


def _inspect(storm: Storm, hand: Hand, report: Report) -> None:
    """Compare what is stored with what was acknowledged."""
    found = hand.run(violations(hand.deps))
    report.faults += [f"{v.rule} {v.subject}: {v.message}" for v in found if v.rule != "INV-04"]
    report.faults += [
        f"{key}: answered {sorted(answers)}" for key, answers in report.answers.items() if len(answers) > 1
    ]
    replay = Replay(storm.setting, report)
    replay.follow(_trail(hand))
    if not replay.faults:
        replay.compare(hand.balances(), lambda kind: _every(hand, kind))
    report.faults += [f"replay: {fault}" for fault in replay.faults]
    report.states["replayed decisions"] = replay.decided


def _trail(hand: Hand) -> Iterable[AuditRecord]:
    """Every record: of one stream by position, of several by instant, as decision D9 promises.

    Commands of one batch share their instant, and an operator's decision goes into a stream of its own: their
    ids were drawn in the order of the batch.
    """

    async def heads() -> tuple[Head, ...]:
        async with hand.deps.repository.reader(hand.deps.tenant_id) as reader:
            return await reader.audit_heads()

    streams = [_records(hand, head.stream) for head in run_blocking(heads())]
    if len(streams) == 1:
        return streams[0]
    return sorted(chain.from_iterable(streams), key=lambda record: (record.recorded_at, record.id))


def _records(hand: Hand, stream: str) -> Iterator[AuditRecord]:
    after = 0

    async def page() -> tuple[AuditRecord, ...]:
        async with hand.deps.repository.reader(hand.deps.tenant_id) as reader:
            return await reader.audit_records(stream=stream, after=after, limit=PAGE)

    while records := run_blocking(page()):
        yield from records
        after = records[-1].position


def _every(hand: Hand, kind: type[Entity]) -> tuple[Entity, ...]:
    async def read() -> tuple[Entity, ...]:
        async with hand.deps.repository.reader(hand.deps.tenant_id) as reader:
            return await reader.find(find(kind))

    return run_blocking(read())


@contextmanager
def a_store(kind: str) -> Iterator[str]:
    """The URL of a fresh database that writes durably."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="storm-") as folder:
            yield f"sqlite:///{Path(folder) / 'storm.db'}"
        return
    from tests.support import postgres

    with postgres.start(durable=True) as server:
        yield server.url(server.clone())


def summary(storm: Storm, report: Report) -> str:
    """What happened, on one line."""
    refused = sum(report.refusals.values())
    return (
        f"seed {storm.seed}: {report.commands:,} commands in {storm.seconds:.0f} s by "
        f"{storm.processes} x {storm.threads} hands, {len(report.written):,} written, {refused:,} refused, "
        f"{report.tries} tries again, {report.lost} given up, {report.states['40P01']} deadlocks, "
        f"{len(report.faults)} faults"
    )


def main() -> int:
    """Rage; the answer is 1 when something was wrong."""
    asked = _asked()
    with a_store(asked.store) as url:
        storm = Storm(
            url=url,
            seconds=asked.seconds,
            threads=asked.threads,
            processes=asked.processes,
            seed=asked.seed,
            has_lanes=asked.lanes,
        )
        report = rage(storm, say)
    for fault in report.faults[:20]:
        say(f"FAULT {fault}")
    say(f"refused: {dict(report.refusals.most_common(12))}")
    say(f"the database said: {dict(report.states)}")
    say(f"{asked.store}, {summary(storm, report)}")
    return 1 if report.faults else 0


def say(line: str) -> None:
    """Show a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stores.storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=8, help="threads of each process")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--store", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", action="store_true", help="an audit stream for each process")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
