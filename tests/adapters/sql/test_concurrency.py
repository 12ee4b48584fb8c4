"""Many writers at once: nothing is lost, nothing is done twice, nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.accounts import Account, available, posting
from invoicepay.domain.audit import broken_links
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.holds import Hold
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.testing.hosts import AwaitingHost
from invoicepay.testing.samples import sample
from invoicepay.testing.store import TENANT
from invoicepay.testing.trail_contract import ANN, BANK, BOB
from invoicepay.use_cases.perform import Deps, perform
from tests.support.desk import Desk
from tests.support.free import free
from tests.support.sql import Stores, execute

pytestmark = pytest.mark.usefixtures("patience")

THREADS, TIMES = 8, 50
COUNTER = "hold-0001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Add one micro to a row and to an account."""


def _count_needs(command: Count, seen: Snapshot) -> Needs:
    return need((Hold, COUNTER), accounts=[ANN])


def _count(command: Count, change: Change) -> Hold:
    counter = change.get(Hold, COUNTER)
    change.post(posting("P-17", (BANK, ANN, 1)))
    return change.put(replace(counter, amount=counter.amount + Money.from_micros(1, "USD")), "hold.counted")


COUNT = free("test.count", Hold, _count_needs, _count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Move one micro from one account to another.

    Attributes:
        names_both: whether the receiver's balance is loaded too, as between people.
    """

    sender: Account
    receiver: Account
    names_both: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The transaction that moved it."""

    id: str


def _send_needs(command: Send, seen: Snapshot) -> Needs:
    return need(accounts=[command.sender, command.receiver] if command.names_both else [command.sender])


def _send(command: Send, change: Change) -> Sent:
    return Sent(id=change.post(posting("P-17", (command.sender, command.receiver, 1))).id)


SEND = free("test.send", Sent, _send_needs, _send)


@pytest.fixture
def deps(stores: Stores, url: str) -> Deps:
    """The core's dependencies over a store that holds a counter at zero."""
    store = stores.made(url)
    store.add(sample(Hold, 1, amount=Money.zero("USD")))
    store.write(
        lambda change: change.post(posting("P-17", (BANK, ANN, 1_000), (BANK, BOB, 1_000))),
        needs=need(accounts=[BANK]),
    )
    return Desk(repository=store.repository, tenant_id=TENANT).deps


def in_threads(work: Callable[[int], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(times)))


def balance(deps: Deps, account: Account) -> int:
    async def read() -> int:
        async with deps.repository.reader(TENANT) as reader:
            return (await reader.balances([account]))[account]

    return run_blocking(read())


def test_threads_lose_no_increment(deps: Deps) -> None:
    in_threads(lambda _: run_blocking(perform(deps, COUNT, Count())), THREADS * TIMES)

    async def read() -> tuple[Hold, list[str]]:
        async with deps.repository.reader(TENANT) as reader:
            (counter,) = await reader.find(find(Hold))
            return counter, broken_links(
                TENANT, "main", await reader.audit_records(stream="main", limit=1_000)
            )

    counter, faults = run_blocking(read())
    assert counter.amount.micros == THREADS * TIMES
    assert counter.version == THREADS * TIMES + 1
    assert balance(deps, ANN) == 1_000 + THREADS * TIMES
    assert faults == []


def test_twins_with_one_key_are_done_once(deps: Deps) -> None:
    counters = in_threads(lambda _: run_blocking(perform(deps, COUNT, Count(), "the one key")), THREADS)

    assert {counter.amount.micros for counter in counters} == {1}
    assert sorted(counter.replayed for counter in counters) == [False] + [True] * (THREADS - 1)
    assert balance(deps, ANN) == 1_001


def test_people_who_pay_each_other_at_once_all_succeed(deps: Deps) -> None:
    def send(number: int) -> None:
        sender, receiver = (ANN, BOB) if number % 2 else (BOB, ANN)
        run_blocking(perform(deps, SEND, Send(sender=sender, receiver=receiver, names_both=True)))

    in_threads(send, 80)

    assert (balance(deps, ANN), balance(deps, BOB)) == (1_000, 1_000)


def test_customers_pay_while_the_enterprise_refunds(deps: Deps, stores: Stores, url: str) -> None:
    acme, customers = available("acme", "USD"), [available(f"c{number}", "USD") for number in range(50)]

    def furnish(change: Change) -> None:
        change.add(Party(id="acme", kind=PartyKind.ENTERPRISE), "party.registered")
        change.post(posting("P-17", *((BANK, account, 100) for account in (acme, *customers))))

    stores.opened(url).write(furnish, needs=need(accounts=[BANK]), keys=["acme opens"])

    def pay_or_refund(number: int) -> None:
        payer, refunded = customers[number % 50], customers[(number * 7 + 3) % 50]
        sender, receiver = (acme, refunded) if number % 4 == 0 else (payer, acme)
        run_blocking(perform(deps, SEND, Send(sender=sender, receiver=receiver)))

    in_threads(pay_or_refund, 160)

    assert balance(deps, acme) == 100 + 120 - 40
    assert sum(balance(deps, customer) for customer in customers) == 5_000 - 120 + 40


def test_new_accounts_of_one_name_are_made_once(deps: Deps) -> None:
    receivers = [available(f"new-{number}", "USD") for number in range(5)]

    in_threads(
        lambda n: run_blocking(
            perform(deps, SEND, Send(sender=(ANN, BOB)[n % 2], receiver=receivers[n % 5]))
        ),
        40,
    )

    assert [balance(deps, receiver) for receiver in receivers] == [8] * 5


def test_writers_with_streams_of_their_own_keep_separate_chains(deps: Deps, url: str) -> None:
    repositories = [
        connect_store(url, SystemIds().new, blocking=True, stream=f"lane-{lane}") for lane in range(4)
    ]

    in_threads(
        lambda n: run_blocking(perform(replace(deps, repository=repositories[n % 4]), COUNT, Count())), 20
    )

    heads = execute(url, "SELECT stream, position FROM audit_streams ORDER BY stream")
    assert heads == [*((f"lane-{lane}", 5) for lane in range(4)), ("main", 2)]
    for repository in repositories:
        run_blocking(repository.close())


def test_coroutines_lose_no_increment(url: str, deps: Deps) -> None:
    import asyncio

    async def count_all() -> None:
        repository = connect_store(url, SystemIds().new, blocking=False)
        awaiting = replace(deps, repository=repository)
        await asyncio.gather(*(perform(awaiting, COUNT, Count()) for _ in range(40)))
        await repository.close()

    host = AwaitingHost()
    host.run(count_all())
    host.close()

    assert balance(deps, ANN) == 1_040


def test_a_cancelled_unit_gives_its_connection_back(url: str) -> None:
    import asyncio

    migrate_url(url)

    async def cancel_many() -> int:
        repository = connect_store(url, SystemIds().new, blocking=False)

        async def hold_open() -> None:
            async with repository.unit(TENANT) as unit:
                await unit.load(need(accounts=[ANN]), Snapshot(Desk().clock.now()))
                await asyncio.sleep(60)

        for _ in range(20):
            task = asyncio.create_task(hold_open())
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        async with repository.reader(TENANT) as reader:
            found = await reader.balances([ANN])
        await repository.close()
        return found[ANN]

    host = AwaitingHost()
    assert host.run(cancel_many()) == 0
    host.close()
