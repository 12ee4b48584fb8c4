"""Many at once: two payers of one invoice, eight threads on one invoice and on one wallet (E10, S-07)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from invoicepay import Asset, InvoicePay, Money, Payment, Policy, Programme, migrate
from invoicepay.domain.policies import AutoApply, Overpay, Settlement
from invoicepay.errors import InsufficientFunds, InvoiceAlreadyPaid, OverpaymentRefused

STORES = ("sqlite", "postgresql")
THREADS, TIMES = 8, 50
ROUNDS = 5


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that threads share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'pay.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def pay(url: str) -> Iterator[InvoicePay]:
    """A programme whose work is brought on by hand; afterwards the books must be right."""
    yield from opened(url, Programme())


@pytest.fixture
def chain(url: str) -> Iterator[InvoicePay]:
    """The same, with a dollar that moves on chain, so that payments are pending for a while."""
    yield from opened(url, Programme(assets={"USD": Asset("USD", settlement=Settlement.ONCHAIN)}))


def opened(url: str, programme: Programme) -> Iterator[InvoicePay]:
    """A funded programme; every invariant and the trail hold at the end."""
    migrate(url)
    with InvoicePay(url, programme=programme, dispatch="deferred") as pay:
        pay.parties.register("acme", kind="enterprise", policy=Policy(auto_apply=AutoApply.MANUAL))
        for person in ("ann", "bob"):
            pay.parties.register(person)
            deposit = pay.deposits.initiate(person, "1000.00 USD")
            pay.run_pending()
            pay.sim.settle(deposit.id)
        yield pay
        assert pay.invariants.check() == ()
        assert pay.audit.verify()


def at_once(*calls: Callable[[], Payment]) -> list[Payment | Exception]:
    """Start every call at the same moment, each in a thread of its own."""
    start = Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Payment]) -> Payment | Exception:
        start.wait()
        try:
            return call()
        except (OverpaymentRefused, InvoiceAlreadyPaid, InsufficientFunds) as refusal:
            return refusal

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def issue(pay: InvoicePay, total: str) -> str:
    """An invoice of acme for ann; bob may pay it as well."""
    return pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", total)]).id


def race(pay: InvoicePay, invoice: str) -> list[Payment]:
    """Ann and Bob pay 80 dollars each at the same moment; both payments."""
    answers = at_once(
        lambda: pay.invoices.pay(invoice, payer="ann", amount="80.00 USD"),
        lambda: pay.invoices.pay(invoice, payer="bob", amount="80.00 USD"),
    )
    return [answer for answer in answers if isinstance(answer, Payment)]


def test_two_payers_race_in_the_book_and_the_later_one_gets_credit(pay: InvoicePay) -> None:
    invoices = [issue(pay, "100.00 USD") for _ in range(ROUNDS)]

    races = [race(pay, invoice) for invoice in invoices]

    for paid in races:
        assert sorted(str(payment.applied) for payment in paid) == ["20.00 USD", "80.00 USD"]
        assert sorted(str(payment.excess) for payment in paid) == ["0.00 USD", "60.00 USD"]
    later = [payment.payer_id for paid in races for payment in paid if payment.excess]
    lots = list(pay.credits.list(enterprise="acme"))
    assert sorted(lot.payer_id for lot in lots) == sorted(later)
    assert {str(lot.remaining) for lot in lots} == {"60.00 USD"}
    assert {pay.invoices.get(invoice).status.value for invoice in invoices} == {"paid"}


def test_two_payers_race_on_chain_and_the_split_is_decided_at_settlement(chain: InvoicePay) -> None:
    invoices = [issue(chain, "100.00 USD") for _ in range(ROUNDS)]
    chain.sim.hold_tokens()

    races = [race(chain, invoice) for invoice in invoices]

    assert [len(pending) for pending in races] == [2] * ROUNDS
    waiting = [chain.invoices.get(invoice) for invoice in invoices]
    assert {(str(one.applied), str(one.pending)) for one in waiting} == {("0.00 USD", "160.00 USD")}

    chain.run_pending()
    chain.sim.release_tokens()

    for pending in races:
        settled = [chain.payments.get(payment.id) for payment in pending]
        assert [payment.status for payment in settled] == ["completed", "completed"]
        assert total(payment.applied for payment in settled) == "100.00 USD"
        assert total(payment.excess for payment in settled) == "60.00 USD"
    assert total(lot.remaining for lot in chain.credits.list(enterprise="acme")) == f"{60 * ROUNDS}.00 USD"
    assert {chain.invoices.get(invoice).status.value for invoice in invoices} == {"paid"}
    assert str(chain.wallets.get("acme").total) == f"{160 * ROUNDS}.00 USD"


def test_where_overpaying_is_refused_one_of_the_two_is(pay: InvoicePay) -> None:
    pay.parties.set_policy("acme", Policy(overpay=Overpay.REFUSE))
    invoice = issue(pay, "100.00 USD")

    answers = at_once(
        lambda: pay.invoices.pay(invoice, payer="ann", amount="80.00 USD"),
        lambda: pay.invoices.pay(invoice, payer="bob", amount="80.00 USD"),
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["OverpaymentRefused", "Payment"]
    assert str(pay.invoices.get(invoice).remaining) == "20.00 USD"


def test_eight_threads_of_fifty_parts_lose_nothing(pay: InvoicePay) -> None:
    invoice = issue(pay, "1000.00 USD")

    def pay_parts() -> Payment:
        return [pay.invoices.pay(invoice, payer="ann", amount="0.25 USD") for _ in range(TIMES)][-1]

    at_once(*[pay_parts] * THREADS)

    after = pay.invoices.get(invoice)
    assert (str(after.applied), str(after.remaining)) == ("100.00 USD", "900.00 USD")
    assert str(pay.wallets.get("ann").available) == "900.00 USD"
    assert str(pay.wallets.get("acme").available) == "100.00 USD"
    assert sum(1 for _ in pay.payments.list(invoice=invoice, limit=200)) == THREADS * TIMES


def test_eight_threads_of_fifty_transfers_lose_nothing(pay: InvoicePay) -> None:
    start = Barrier(THREADS, timeout=30)

    def send(number: int) -> None:
        payer, payee = ("ann", "bob") if number % 4 else ("bob", "ann")
        start.wait()
        for _ in range(TIMES):
            pay.transfers.send(payer, payee, "0.25 USD")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, range(THREADS)))

    assert str(pay.wallets.get("ann").available) == "950.00 USD"
    assert str(pay.wallets.get("bob").available) == "1050.00 USD"


def test_a_wallet_is_never_spent_twice(pay: InvoicePay) -> None:
    invoice = issue(pay, "2000.00 USD")

    answers = at_once(*[lambda: pay.invoices.pay(invoice, payer="ann", amount="300.00 USD")] * THREADS)

    assert sorted(type(answer).__name__ for answer in answers) == ["InsufficientFunds"] * 5 + ["Payment"] * 3
    assert str(pay.wallets.get("ann").available) == "100.00 USD"


def total(amounts: Iterable[Money]) -> str:
    """The sum of some dollars."""
    return str(sum(amounts, start=Money.zero("USD")))
