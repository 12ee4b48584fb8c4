"""What two commands at once see of each other on PostgreSQL, and in which order they lock (spec 3.4)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from invoicepay.adapters.system import SystemClock
from invoicepay.bridge import run_blocking
from invoicepay.domain.accounts import available, frozen
from invoicepay.domain.change import Snapshot
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.deposits import UnmatchedFunds
from invoicepay.domain.invoices import Invoice
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.parties import Party, PartyKind, Wallet, wallet_id
from invoicepay.domain.policies import AutoApply, Policy
from invoicepay.errors import ConcurrentUpdate, DuplicateProviderReference, ReserveDeficit
from invoicepay.ports.repository import Repository
from invoicepay.use_cases import deposits, parties, reserves, withdrawals
from invoicepay.use_cases.queries import violations
from invoicepay.use_cases.reconcile import Reconcile, TieOut, reconcile
from tests.stores.races import gated, overlapping
from tests.support.sql import Stores
from tests.support.till import Till, usd

pytestmark = pytest.mark.usefixtures("patience")

TENANT = "default"


@pytest.fixture
def till(postgres_url: str, stores: Stores) -> Till:
    """acme sells to ann and puts credit on invoices as soon as there is any."""
    return opened(postgres_url, stores)


def opened(url: str, stores: Stores) -> Till:
    policy = Policy(auto_apply=AutoApply.ON_CREDIT)
    return Till(policy, repository=stores.made(url).repository, clock=SystemClock())


def freeze(till: Till) -> Wallet:
    command = parties.FreezeWallet(party_id="acme", asset="USD", reason="court order")
    return till.run(parties.freeze_wallet(till.deps, command))


def unfreeze(till: Till) -> Wallet:
    command = parties.UnfreezeWallet(party_id="acme", asset="USD", reason="lifted")
    return till.run(parties.unfreeze_wallet(till.deps, command))


def test_what_is_paid_while_a_wallet_is_frozen_for_the_first_time_is_frozen(
    till: Till, engine: Engine
) -> None:
    invoice = till.issue("40.00")
    till.pay(till.issue("10.00"))

    overlapping(till, engine, freeze, lambda late: late.pay(invoice))

    assert till.balance(available("acme", "USD")) == usd("0.00")
    assert till.balance(frozen("acme", "USD")) == usd("50.00")


def test_what_is_paid_while_a_wallet_is_unfrozen_is_available(till: Till, engine: Engine) -> None:
    invoice = till.issue("40.00")
    freeze(till)

    overlapping(till, engine, lambda first: first.pay(invoice), unfreeze)

    assert till.balance(frozen("acme", "USD")) == usd("0.00")
    assert till.balance(available("acme", "USD")) == usd("40.00")


def test_an_invoice_issued_while_its_customer_overpays_another_gets_the_credit(
    till: Till, engine: Engine
) -> None:
    paid = till.issue("10.00")

    overlapping(till, engine, lambda first: first.pay(paid, "25.00"), lambda late: late.issue("50.00"))

    (open_one,) = [invoice for invoice in till.rows(Invoice) if invoice.id != paid.id]
    (lot,) = till.rows(CreditLot)
    assert (open_one.applied, lot.remaining) == (usd("0.00"), usd("15.00")), "applied on credit, not on issue"


def test_credit_made_while_an_invoice_is_issued_reaches_it(till: Till, engine: Engine) -> None:
    paid = till.issue("10.00")

    overlapping(till, engine, lambda first: first.issue("50.00"), lambda late: late.pay(paid, "25.00"))

    (open_one,) = [invoice for invoice in till.rows(Invoice) if invoice.id != paid.id]
    (lot,) = till.rows(CreditLot)
    assert (open_one.applied, lot.remaining) == (usd("15.00"), usd("0.00"))


def test_two_who_overpay_invoices_of_one_customer_bring_both_credits_together(
    till: Till, engine: Engine
) -> None:
    one, other, third = till.issue("10.00"), till.issue("10.00"), till.issue("100.00")

    overlapping(
        till,
        engine,
        lambda first: first.pay(one, "30.00"),
        lambda late: late.push(other, "50.00", payer="ben"),
    )

    assert till.invoice(third.id).applied == usd("60.00")
    assert [lot.remaining for lot in till.rows(CreditLot)] == [usd("0.00")] * 2


def test_who_locks_later_writes_a_later_instant(till: Till) -> None:
    invoice = till.issue("100.00")
    slow, gate = gated(till, "load")

    with ThreadPoolExecutor(1) as pool:
        begun_first = pool.submit(slow.pay, invoice, "1.00")
        assert gate.reached.wait(60)
        till.pay(invoice, "2.00")
        gate.open()
        begun_first.result()

    async def read() -> list[Any]:
        async with till.deps.repository.reader(TENANT) as reader:
            return [event.at for event in await reader.events(entity_id=invoice.id)]

    instants = till.run(read())
    assert instants == sorted(instants)


def test_payments_to_one_enterprise_do_not_wait_for_each_other_before_they_write(
    till: Till, engine: Engine
) -> None:
    wanted = need(reads=[(Party, "acme"), (Wallet, wallet_id("acme", "USD"))])

    async def both() -> int:
        repository = till.deps.repository
        async with repository.unit(TENANT) as one, repository.unit(TENANT) as other:
            seen = Snapshot(till.clock.now()), Snapshot(till.clock.now())
            await one.load(wanted, seen[0])
            await other.load(wanted, seen[1])
            return len([True for each in seen if each.peek(Party, "acme")])

    assert run_blocking(both()) == 2


def tie_out_with_a_difference(till: Till) -> TieOut:
    command = Reconcile(asset="USD", bank_balance=usd("1.00"))
    return till.run(reconcile(till.deps, command))


def top_up(till: Till) -> None:
    command = reserves.TopUp(amount=usd("30.00"), approved_by="cfo", reference="own money")
    till.run(reserves.top_up(till.deps, command))


def test_no_withdrawal_starts_while_a_tie_out_finds_a_difference(till: Till, engine: Engine) -> None:
    top_up(till)
    command = withdrawals.InitiateWithdrawal(
        party_id="ann", amount=usd("10.00"), rail="wire", account_token="tok_1"
    )

    def withdraw(late: Till) -> str:
        with pytest.raises(ReserveDeficit) as refused:
            late.run(withdrawals.initiate_withdrawal(late.deps, command))
        return refused.value.code

    tied, code = overlapping(till, engine, tie_out_with_a_difference, withdraw)

    assert not tied.is_tied_out
    assert code == "reserve_deficit"


def test_money_told_twice_at_once_is_booked_once_with_or_without_an_owner(till: Till, engine: Engine) -> None:
    top_up(till)
    owned = deposits.RecordDeposit(
        party_id="ann", amount=usd("5.00"), rail="wire", provider="box", provider_ref="7"
    )
    lost = reserves.ReceiveUnmatched(
        amount=usd("5.00"), provider="box", provider_ref="7", reason="no name on it"
    )

    def receive_again(late: Till) -> str:
        with pytest.raises(DuplicateProviderReference) as refused:
            late.run(reserves.unmatched_received(late.deps, lost))
        return refused.value.code

    overlapping(
        till, engine, lambda first: first.run(deposits.record_deposit(first.deps, owned)), receive_again
    )

    assert till.rows(UnmatchedFunds) == ()


class Holding:
    """A unit in a thread of its own that holds some rows until the test ends."""

    def __init__(self, repository: Repository, needs: Needs) -> None:
        self._unit = repository.unit(TENANT)
        self._needs = needs

    def __enter__(self) -> None:
        run_blocking(self._enter())

    async def _enter(self) -> None:
        unit = await self._unit.__aenter__()
        await unit.load(self._needs, Snapshot(SystemClock().now()))

    def __exit__(self, *_: object) -> None:
        run_blocking(self._unit.__aexit__(None, None, None))


ROW, SHARED = need((Party, "acme")), need(reads=[(Party, "acme")])
BEN, MONEY_OF_BEN = need((Party, "ben")), need(accounts=[available("ben", "USD")])
MONEY = need(accounts=[available("ann", "USD")])
INVOICES = need(finds=[find(Invoice, customer_id="ann")])


@pytest.mark.parametrize(
    ("before", "held", "late"),
    [
        (BEN, ROW, ROW),
        (BEN, ROW, SHARED),
        (MONEY_OF_BEN, ROW, ROW),
        (BEN, INVOICES, INVOICES),
        (MONEY_OF_BEN, INVOICES, INVOICES),
        (MONEY_OF_BEN, MONEY, MONEY),
    ],
)
def test_what_comes_too_late_in_the_order_is_not_waited_for(
    till: Till, before: Needs, held: Needs, late: Needs
) -> None:
    till.issue("5.00")
    seen = Snapshot(SystemClock().now())

    async def come_late() -> None:
        async with till.deps.repository.unit(TENANT) as unit:
            await unit.load(before, seen)
            await unit.load(late, seen)

    with Holding(till.deps.repository, held):
        started = time.monotonic()
        with pytest.raises(ConcurrentUpdate):
            run_blocking(come_late())

    assert time.monotonic() - started < 20  # a wait for the lock would end after 60


def test_sixty_four_payers_of_one_invoice_all_get_an_answer(url: str, stores: Stores) -> None:
    till = opened(url, stores)
    invoice = till.issue("64.00")

    with ThreadPoolExecutor(64) as pool:
        paid = list(
            pool.map(lambda number: till.pay(invoice, "1.00", payer=("ann", "ben")[number % 2]), range(64))
        )

    assert len({payment.id for payment in paid}) == 64
    assert till.invoice(invoice.id).remaining == usd("0.00")
    assert till.run(violations(till.deps)) == ()


def test_issuers_of_one_series_leave_no_gap(url: str, stores: Stores) -> None:
    till = opened(url, stores)

    with ThreadPoolExecutor(16) as pool:
        issued = list(
            pool.map(lambda number: till.issue("3.00", customer=("ann", "ben")[number % 2]), range(48))
        )

    assert sorted(invoice.number for invoice in issued) == [f"A-{number:04}" for number in range(1, 49)]


def test_many_who_seal_at_once_leave_one_chain(url: str, stores: Stores) -> None:
    till = opened(url, stores)

    def issue_or_seal(number: int) -> None:
        if number % 4:
            till.run(till.deps.repository.seal(TENANT, till.deps.clock.now()))
        else:
            till.issue("3.00")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(issue_or_seal, range(160)))

    assert till.run(violations(till.deps)) == ()


def test_the_kind_of_party_is_registered_once_by_many(url: str, stores: Stores) -> None:
    till = opened(url, stores)
    command = parties.RegisterParty(party_id="new", kind=PartyKind.USER)

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: till.run(parties.register_party(till.deps, command)), range(16)))

    assert {party.version for party in made} == {1}
