"""Calls that come at the same time share commits in databases, and answer as if they came one by one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, Event, Invoice, InvoicePay, Payment, Settings, migrate
from invoicepay.bridge import run_blocking
from invoicepay.domain.change import Change
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.policies import Policy
from invoicepay.errors import (
    ConfigurationError,
    InsufficientFunds,
    InvoicePayError,
    OutcomeUnknown,
    StoreUnreachable,
)
from invoicepay.ports.repository import Repository, Unit
from invoicepay.use_cases.perform import Deps, _each, own_call, perform, perform_many
from tests.stores.races import Gate
from tests.support.desk import FUND, Fund
from tests.support.free import free
from tests.support.sharing import until

PRICE = "5.00 USD"
INVOICES, TRIES = 50, 10


@dataclass(frozen=True)
class Try:
    """One call: a payment of an invoice under a key."""

    invoice: str
    payer: str
    key: str


class Watched:
    """A repository that counts commits, and may do something instead of the next one or after it."""

    def __init__(self, inner: Repository) -> None:
        self._inner = inner
        self.commits = 0
        self.before: Callable[[], Awaitable[None]] | None = None
        self.after: Callable[[], Awaitable[None]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Unit]:
        """A transaction whose commit is watched."""
        async with self._inner.unit(tenant_id) as unit:
            yield WatchedUnit(unit, self)


class WatchedUnit:
    """A unit of a watched repository."""

    def __init__(self, inner: Unit, watched: Watched) -> None:
        self._inner, self._watched = inner, watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def commit(self) -> None:
        """Commit and count."""
        if (before := self._watched.before) is not None:
            await before()
        await self._inner.commit()
        self._watched.commits += 1
        if (after := self._watched.after) is not None:
            await after()


def face(pay: InvoicePay | AsyncInvoicePay) -> AsyncInvoicePay:
    """The awaiting client, which the blocking one has inside."""
    return pay._pay if isinstance(pay, InvoicePay) else pay


def deps_of(pay: InvoicePay | AsyncInvoicePay) -> Deps:
    """What its calls work with."""
    return face(pay)._core.wired


def watched(pay: InvoicePay | AsyncInvoicePay, wrap: Callable[[Repository], Any] = Watched) -> Any:
    """The client's repository, wrapped from now on."""
    core = face(pay)._core
    repository = wrap(core.wired.repository)
    face(pay)._core = replace(core, wired=replace(core.wired, repository=repository))
    return repository


@contextmanager
def client(url: str, **options: Any) -> Iterator[InvoicePay]:
    """A blocking client that leaves following work to nobody."""
    with InvoicePay.from_settings(Settings(store=url, dispatch="deferred", **options)) as pay:
        yield pay


def open_market(url: str, invoices: int = INVOICES) -> list[Invoice]:
    """Customers with money for one invoice each, and these invoices; one customer has nothing."""
    migrate(url)
    with client(url) as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("poor")
        amount, policy = Money.of("8.00 USD"), Policy()
        names = [f"c{number}" for number in range(invoices)]
        funds = [Fund(party_id=name, kind=PartyKind.USER, amount=amount, policy=policy) for name in names]
        deps = deps_of(pay)
        run_blocking(perform_many(deps, [own_call(deps, FUND, fund) for fund in funds]))
        lines = [("Seat", PRICE)]
        return [pay.invoices.issue(enterprise="acme", customer=name, lines=lines) for name in names]


def tries(invoices: Sequence[Invoice]) -> list[Try]:
    """Ten calls for each invoice: each key twice, and one of somebody without money."""
    return [
        Try(invoice.id, "poor" if n == TRIES - 1 else invoice.customer_id, f"{invoice.id}/{n // 2}")
        for n in range(TRIES)
        for invoice in invoices
    ]


def told(one: Try, answer: Payment | InvoicePayError) -> tuple[str, str]:
    """What a call was answered, where it does not matter which of several equal calls came first."""
    return (one.invoice, answer.code if isinstance(answer, InvoicePayError) else str(answer.amount))


def tried(pay: InvoicePay, one: Try) -> tuple[str, str]:
    """Pay, and what came of it."""
    try:
        return told(one, pay.invoices.pay(one.invoice, payer=one.payer, idempotency_key=one.key))
    except InvoicePayError as refusal:
        return told(one, refusal)


def state(url: str) -> dict[str, Any]:
    """What the books say, without ids and instants; they are in order."""
    with client(url, group_commit="off") as pay:
        assert pay.invariants.check() == ()
        assert pay.audit.verify()
        return {
            "balances": pay.ledger.balances(),
            "invoices": Counter((invoice.customer_id, invoice.status) for invoice in pay.invoices.list()),
            "payments": Counter(
                (payment.payer_id, str(payment.amount), payment.status) for payment in pay.payments.list()
            ),
        }


@pytest.fixture
def one_by_one(tmp_path: Any) -> tuple[Counter[tuple[int, str]], dict[str, Any]]:
    """The same calls, one after another: what each invoice's were answered, and the books."""
    url = f"sqlite:///{tmp_path / 'one-by-one.db'}"
    invoices = open_market(url)
    with client(url, group_commit="off") as pay:
        answers = [tried(pay, one) for one in tries(invoices)]
    return by_number(invoices, answers), state(url)


def by_number(invoices: Sequence[Invoice], answers: Sequence[tuple[str, str]]) -> Counter[tuple[int, str]]:
    """The answers by the place of their invoice instead of its id."""
    places = {invoice.id: place for place, invoice in enumerate(invoices)}
    return Counter((places[invoice], said) for invoice, said in answers)


def test_threads_are_answered_as_if_they_had_come_one_by_one(
    url: str, one_by_one: tuple[Counter[tuple[int, str]], dict[str, Any]]
) -> None:
    invoices = open_market(url)
    calls = tries(invoices)

    with client(url) as pay, ThreadPoolExecutor(64) as pool:
        repository: Watched = watched(pay)
        answers = list(pool.map(lambda one: tried(pay, one), calls))

    assert (by_number(invoices, answers), state(url)) == one_by_one
    assert repository.commits < len(calls) / 3


def test_tasks_are_answered_as_if_they_had_come_one_by_one(
    url: str, one_by_one: tuple[Counter[tuple[int, str]], dict[str, Any]]
) -> None:
    invoices = open_market(url)
    calls = tries(invoices)

    async def story() -> tuple[list[tuple[str, str]], int]:
        async with AsyncInvoicePay.from_settings(Settings(store=url, dispatch="deferred")) as pay:
            repository: Watched = watched(pay)

            async def answer(one: Try) -> tuple[str, str]:
                try:
                    paid = await pay.invoices.pay(one.invoice, payer=one.payer, idempotency_key=one.key)
                except InvoicePayError as refusal:
                    return told(one, refusal)
                return told(one, paid)

            return list(await asyncio.gather(*map(answer, calls))), repository.commits

    answers, commits = asyncio.run(story())

    assert (by_number(invoices, answers), state(url)) == one_by_one
    assert commits < 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A command with a bug."""


def _decide_broken(command: Broken, change: Change) -> Party:
    raise AssertionError("a bug")


BROKEN = free("test.broken", Party, lambda command, seen: Needs(), _decide_broken)


class Crowd:
    """Threads whose calls wait for the one whose commit is held up."""

    def __init__(self, pay: InvoicePay, pool: ThreadPoolExecutor) -> None:
        self.pay, self._pool = pay, pool
        self.gate: Gate = watched(pay, lambda inner: Gate(inner, "commit"))

    def start(self, call: Callable[[], Any]) -> Any:
        """Call from a thread of its own."""
        return self._pool.submit(call)

    def line_up(self, *calls: Callable[[], Any]) -> list[Any]:
        """The first has the commit that is held up, the others wait, in this order."""
        first = self.start(calls[0])
        self.gate.reached.wait()
        return [first, *(self._behind(call, place) for place, call in enumerate(calls[1:], 1))]

    def _behind(self, call: Callable[[], Any], place: int) -> Any:
        group_commit: Any = deps_of(self.pay).group_commit
        started = self.start(call)
        until(lambda: len(group_commit._lines["default"]) == place)
        return started


@contextmanager
def crowd(url: str) -> Iterator[Crowd]:
    """A client with a crowd."""
    with client(url) as pay, ThreadPoolExecutor(16) as pool:
        yield Crowd(pay, pool)


def test_a_refusal_and_a_bug_among_others_reach_their_own_callers_only(url: str) -> None:
    first, second, third, fourth = open_market(url, 4)
    with crowd(url) as them:

        def paying(invoice: Invoice, payer: str) -> Callable[[], Payment]:
            return lambda: them.pay.invoices.pay(invoice, payer=payer)

        def breaking() -> Party:
            return run_blocking(perform(deps_of(them.pay), BROKEN, Broken()))

        calls = them.line_up(
            paying(first, "c0"),
            paying(second, "c1"),
            paying(third, "poor"),
            breaking,
            paying(third, "c2"),
            paying(fourth, "c3"),
        )
        them.gate.open()

        results = [call.exception() or call.result() for call in calls]
    kinds = [Payment, Payment, InsufficientFunds, AssertionError, Payment, Payment]
    assert [type(result) for result in results] == kinds
    assert [results[place].payer_id for place in (0, 1, 4, 5)] == ["c0", "c1", "c2", "c3"]
    assert results[3].args == ("a bug",)
    assert state(url)["invoices"] == Counter({(f"c{number}", "paid"): 1 for number in range(4)})


def test_an_answer_that_got_lost_names_each_caller_s_own_key(url: str) -> None:
    invoices = open_market(url, 3)
    with client(url) as pay, ThreadPoolExecutor(4) as pool:
        repository: Watched = watched(pay)

        def paid(invoice: Invoice) -> Payment:
            return pay.invoices.pay(invoice, payer=invoice.customer_id, idempotency_key=f"k-{invoice.id}")

        async def together() -> None:
            """Wait until the others stand in line, then lose every answer."""
            group_commit: Any = deps_of(pay).group_commit
            until(lambda: len(group_commit._lines["default"]) == 2)
            repository.after = lost

        async def lost() -> None:
            repository.before = None
            raise OutcomeUnknown(retry_same_key="all, of, them")

        repository.before = together
        errors = [call.exception() for call in [pool.submit(paid, invoice) for invoice in invoices]]
        repository.before = repository.after = None
        again = [paid(invoice) for invoice in invoices]

    assert repository.commits == 2
    assert [type(error) for error in errors] == [OutcomeUnknown] * 3
    assert [error.details for error in errors] == [  # type: ignore[union-attr]
        {"retry_same_key": f"k-{invoice.id}"} for invoice in invoices
    ]
    assert [payment.replayed for payment in again] == [True] * 3


def test_trouble_in_one_part_of_a_batch_takes_nothing_back_of_another(url: str) -> None:
    migrate(url)
    with client(url) as pay:
        repository: Watched = watched(pay)
        deps = deps_of(pay)

        async def unreachable() -> None:
            if repository.commits:
                raise StoreUnreachable

        repository.before = unreachable
        dan, eve = (own_call(deps, FUND, _fund(name)) for name in ("dan", "eve"))
        broken = own_call(deps, BROKEN, Broken())

        answers = run_blocking(_each(deps, [dan, broken, eve]))

    kinds = [type(answer) for answer in answers]
    assert kinds == [Party, AssertionError, StoreUnreachable]
    with client(url) as pay:
        assert [party.id for party in pay.parties.list()] == ["dan"]


def _fund(name: str) -> Fund:
    return Fund(party_id=name, kind=PartyKind.USER, amount=Money.of("1.00 USD"), policy=Policy())


def test_closing_the_client_ends_what_is_under_way_and_tells_who_waits(url: str) -> None:
    first, second = open_market(url, 2)
    with crowd(url) as them:
        calls = them.line_up(
            lambda: them.pay.invoices.pay(first, payer="c0"),
            lambda: them.pay.invoices.pay(second, payer="c1"),
        )
        them.pay.close()
        them.gate.open()

        assert calls[0].result().payer_id == "c0"
        assert type(calls[1].exception()) is ConfigurationError
    assert state(url)["invoices"] == Counter({("c0", "paid"): 1, ("c1", "open"): 1})


def test_closing_an_awaiting_client_does_the_same(url: str) -> None:
    invoices = open_market(url, 2)

    async def story() -> list[Any]:
        pay = AsyncInvoicePay.from_settings(Settings(store=url, dispatch="deferred"))
        repository: Watched = watched(pay)
        reached, gate = asyncio.Event(), asyncio.Event()

        async def held() -> None:
            reached.set()
            await gate.wait()

        repository.before = held
        calls = [pay.invoices.pay(invoice, payer=invoice.customer_id) for invoice in invoices]
        tasks = [asyncio.create_task(call) for call in calls]
        await reached.wait()
        await pay.close()
        gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    paid, refused = asyncio.run(story())

    assert paid.payer_id == "c0"
    assert type(refused) is ConfigurationError
    assert state(url)["invoices"] == Counter({("c0", "paid"): 1, ("c1", "open"): 1})


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_cancelled_caller_finds_out_by_its_key(url: str, *, is_taken: bool) -> None:
    invoices = open_market(url, 3)

    async def story() -> list[bool]:
        async with AsyncInvoicePay.from_settings(Settings(store=url, dispatch="deferred")) as pay:
            repository: Watched = watched(pay)
            gates = [asyncio.Event(), asyncio.Event()]
            reached = [asyncio.Event(), asyncio.Event()]

            async def held() -> None:
                place = min(repository.commits, 1)
                reached[place].set()
                await gates[place].wait()

            async def paid(invoice: Invoice) -> Payment:
                return await pay.invoices.pay(invoice, payer=invoice.customer_id, idempotency_key=invoice.id)

            repository.before = held
            tasks = [asyncio.create_task(paid(invoice)) for invoice in invoices]
            await reached[0].wait()
            if is_taken:
                gates[0].set()
                await reached[1].wait()
            tasks[1].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[1]
            for gate in gates:
                gate.set()
            await asyncio.wait([tasks[0], tasks[2]])
            return [(await paid(invoice)).replayed for invoice in invoices]

    assert asyncio.run(story()) == [True, is_taken, True]
    assert state(url)["invoices"] == Counter({(f"c{number}", "paid"): 1 for number in range(3)})


def test_a_lone_caller_that_is_cancelled_before_its_commit_is_rolled_back(url: str) -> None:
    (invoice,) = open_market(url, 1)

    async def story() -> bool:
        async with AsyncInvoicePay.from_settings(Settings(store=url, dispatch="deferred")) as pay:
            repository: Watched = watched(pay)

            reached = asyncio.Event()

            async def too_long() -> None:
                reached.set()
                await asyncio.Event().wait()

            repository.before = too_long
            call = asyncio.create_task(pay.invoices.pay(invoice, payer="c0", idempotency_key="k"))
            await reached.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            repository.before = None
            return (await pay.invoices.pay(invoice, payer="c0", idempotency_key="k")).replayed

    assert asyncio.run(story()) is False


def test_what_follows_a_shared_commit_is_done_right_away_where_that_was_asked_for(url: str) -> None:
    invoices = open_market(url, 6)
    seen = []

    with InvoicePay(url) as pay, ThreadPoolExecutor(6) as pool:

        @pay.on("invoice.paid")
        def note(event: Event) -> None:
            seen.append(event.entity_id)

        list(pool.map(lambda invoice: pay.invoices.pay(invoice, payer=invoice.customer_id), invoices))

    assert set(seen) == {invoice.id for invoice in invoices}
