"""A transaction of ours: all or nothing, then what follows as after any call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from invoicepay import InvoicePay
from invoicepay.errors import ConcurrentUpdate, InsufficientFunds, NotAllowed
from tests.hosts.shop import LINES, SETTINGS, bought


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InvoicePay]:
    """A client whose Ann has money."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'pay.db'}"
    with InvoicePay(url, **SETTINGS) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "2000.00 USD"))
        yield pay


def test_all_calls_are_kept_at_the_end_of_the_block(store: InvoicePay) -> None:
    with store.transaction() as tx:
        paid = bought(tx)
        assert tx.invoices.get(paid).status == "paid"

    assert store.invoices.get(paid).status == "paid"
    assert store.audit.verify()
    assert store.invariants.check() == ()


def test_an_error_forgets_all_calls(store: InvoicePay) -> None:
    with suppress(InsufficientFunds), store.transaction() as tx:
        bought(tx)
        store_before = tx.invoices.list().items
        tx.withdrawals.initiate("ann", "9000.00 USD", account_token="ba_ann")

    assert len(store_before) == 1
    assert list(store.invoices.list()) == []


def test_a_refusal_that_the_block_catches_is_kept_with_the_rest(store: InvoicePay) -> None:
    with store.transaction() as tx:
        invoice = tx.invoices.issue(enterprise="acme", customer="poor", lines=LINES)
        with pytest.raises(NotAllowed):
            tx.acting_as("poor").invoices.void(invoice)

    assert store.invoices.get(invoice).status == "open"
    assert [entry.denied for entry in store.audit.operations()] == ["not_allowed"]


def test_provider_work_and_handlers_follow_the_commit(store: InvoicePay) -> None:
    told: list[str] = []
    store.on("invoice.paid")(lambda event: told.append(event.entity_id))

    with store.transaction() as tx:
        paid = bought(tx)
        deposit = tx.deposits.initiate("ann", "5.00 USD")
        assert told == []
        (effect,) = tx.effects.list(cause=deposit)
        assert effect.status == "planned"

    assert told == [paid]
    assert store.effects.get(effect).status == "accepted"


def test_after_an_error_nothing_follows(store: InvoicePay) -> None:
    told: list[str] = []
    store.on("invoice.*")(lambda event: told.append(event.name))
    store.run_pending()
    told.clear()

    with suppress(ZeroDivisionError), store.transaction() as tx:
        bought(tx)
        raise ZeroDivisionError

    assert told == []
    assert store.run_pending().moved == 0


def test_a_transaction_inside_is_a_part_of_the_outer_one(store: InvoicePay) -> None:
    with store.transaction() as tx:
        kept = bought(tx)
        with suppress(ZeroDivisionError), tx.transaction() as part:
            lost = bought(part)
            raise ZeroDivisionError
        with tx.transaction() as part:
            also = bought(part)

    assert {invoice.id for invoice in store.invoices.list()} == {kept, also}
    assert lost not in (kept, also)


def test_in_memory_whoever_commits_second_begins_again() -> None:
    pay = InvoicePay()

    def overtaken() -> None:
        with pay.transaction() as tx:
            tx.parties.register("ann", kind="user")
            pay.parties.register("ben", kind="user")

    with pytest.raises(ConcurrentUpdate) as lost:
        overtaken()

    assert "begin it again" in lost.value.hint
    assert [party.id for party in pay.parties.list()] == ["ben"]


def test_in_memory_a_block_that_only_looked_is_never_too_late() -> None:
    pay = InvoicePay()
    with pay.transaction() as tx:
        assert list(tx.parties.list()) == []
        pay.parties.register("ben", kind="user")

    assert [party.id for party in pay.parties.list()] == ["ben"]


def test_erasing_in_a_transaction_that_is_forgotten_erases_nothing() -> None:
    pay = InvoicePay()
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=LINES)
    pay.invoices.void(invoice)
    pay.parties.close("ann")
    before = [event.data for event in pay.audit.history(invoice)]

    with suppress(ZeroDivisionError), pay.transaction() as tx:
        tx.parties.erase("ann")
        raise ZeroDivisionError

    assert [event.data for event in pay.audit.history(invoice)] == before
    assert "Hosting" in str(before)
