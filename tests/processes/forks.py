"""Forks a process that has used its engine, in every way, and lets both go on.

    python -m tests.processes.forks sqlite:////tmp/forks.db

Run in a process of its own, because a fork takes no other threads along. The last line tells what was wrong.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from invoicepay import AsyncInvoicePay, InvoicePay, migrate

CALLS = 10
Use = Callable[[str], None]


def fork_of_python() -> int:
    """With the hooks of Python."""
    return os.fork()


def fork_of_the_system() -> int:
    """As a server written in C does it: no hook of anybody is called."""
    return int(ctypes.PyDLL(None).fork())


FORKS = (fork_of_python, fork_of_the_system)


@contextmanager
def our_engine(url: str) -> Iterator[tuple[Use, Use]]:
    """A client that made its engine, used before and after the fork."""
    with InvoicePay(url, dispatch="deferred") as pay:
        yield registering(pay), registering(pay)


@contextmanager
def engine_of_the_host(url: str) -> Iterator[tuple[Use, Use]]:
    """The same with an engine of the host's."""
    engine = host_engine(url)
    with InvoicePay(engine, dispatch="deferred") as pay:
        yield registering(pay), registering(pay)
    engine.dispose()


@contextmanager
def client_of_the_child(url: str) -> Iterator[tuple[Use, Use]]:
    """An engine that only the host used before the fork, and a client that the child makes for itself."""
    engine = host_engine(url)

    def by_the_host(name: str) -> None:
        for number in range(CALLS):
            with engine.connect() as connection:
                found = connection.execute(text("SELECT :said"), {"said": f"{name}-{number}"}).scalar()
                assert found == f"{name}-{number}"

    def by_the_child(name: str) -> None:
        registering(InvoicePay(engine, dispatch="deferred"))(name)

    yield by_the_host, by_the_child
    engine.dispose()


@contextmanager
def awaiting_engine(url: str) -> Iterator[tuple[Use, Use]]:
    """An awaiting client that made its engine; the child has an event loop of its own."""
    pay = AsyncInvoicePay(url, dispatch="deferred")
    with asyncio.Runner() as runner:
        yield awaited(pay, runner.run), awaited(pay, asyncio.run)
        runner.run(pay.close())


@contextmanager
def awaiting_engine_of_the_host(url: str) -> Iterator[tuple[Use, Use]]:
    """The same with an engine of the host's."""
    engine = async_host_engine(url)
    pay = AsyncInvoicePay(engine, dispatch="deferred")
    with asyncio.Runner() as runner:
        yield awaited(pay, runner.run), awaited(pay, asyncio.run)
        runner.run(engine.dispose())


WAYS = (our_engine, engine_of_the_host, client_of_the_child, awaiting_engine, awaiting_engine_of_the_host)
CASES = tuple(
    (way, fork)
    for way in WAYS
    for fork in FORKS
    if (way, fork) != (client_of_the_child, fork_of_the_system)  # nothing tells us where that engine was used
)


def host_engine(url: str) -> Engine:
    """An engine as a host makes it."""
    return create_engine(url)


def async_host_engine(url: str) -> AsyncEngine:
    """The same for a host that awaits."""
    return create_async_engine(url.replace("sqlite://", "sqlite+aiosqlite://"))


def registering(pay: InvoicePay) -> Use:
    """Uses a client: it writes, and reads what it wrote."""

    def use(name: str) -> None:
        for number in range(CALLS):
            id = f"{name}-{number}"
            pay.parties.register(id)
            assert pay.parties.get(id).id == id

    return use


def awaited(pay: AsyncInvoicePay, run: Callable[[Coroutine[Any, Any, None]], None]) -> Use:
    """The same for an awaiting client."""

    async def register(name: str) -> None:
        for number in range(CALLS):
            id = f"{name}-{number}"
            await pay.parties.register(id)
            assert (await pay.parties.get(id)).id == id

    return lambda name: run(register(name))


def tried(url: str, way: Any, fork: Callable[[], int]) -> list[str]:
    """Use, fork, and use in both processes at the same time; what was wrong."""
    name = f"{way.__name__}-{fork.__name__}"
    with way(url) as (in_parent, in_child):
        in_parent(f"{name}-before")
        child = fork()
        if not child:
            _end(lambda: in_child(f"{name}-child"))
        in_parent(f"{name}-parent")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        in_parent(f"{name}-after")
    return [] if status == 0 else [f"{name}: the child ended with {status}"]


def _end(work: Callable[[], None]) -> None:
    """End this process with what became of the work."""
    status = 1
    try:
        work()
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def missing(url: str) -> list[str]:
    """What was registered in any process and is not there."""
    with InvoicePay(url) as pay:
        there = {party.id for party in pay.parties.list(limit=200)}
    wanted = {
        f"{way.__name__}-{fork.__name__}-{who}-{number}"
        for way, fork in CASES
        for who in (("child",) if way is client_of_the_child else ("before", "child", "parent", "after"))
        for number in range(CALLS)
    }
    return [f"{id} was lost" for id in sorted(wanted - there)]


def main(url: str) -> int:
    """Every way with every fork."""
    migrate(url)
    wrong = [found for way, fork in CASES for found in tried(url, way, fork)]
    wrong += missing(url)
    sys.stdout.write(json.dumps({"forks": len(CASES), "wrong": wrong}) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
