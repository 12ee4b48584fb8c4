"""Erasing a person: the words are gone everywhere, the books and the trail are as they were (S-27)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.sealed import FieldKeys
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.parties import PartyStatus
from invoicepay.errors import InvalidTransition, NotAllowed, NotFound
from invoicepay.testing.clock import FrozenClock
from tests.security.canaries import Trap, dump, text_canary
from tests.security.person import ANN, BOB, LINES, Life
from tests.support.sql import engine_for

KEYS = {"plain": None, "sealed": FieldKeys("k1", {"k1": bytes(range(32))})}
STORES = ("memory", "sqlite", "postgres")


class World:
    """A client on a store, and a look at everything that lies there."""

    def __init__(self, pay: InvoicePay, clock: FrozenClock, stored: Callable[[], str]) -> None:
        self.pay, self.clock, self.stored = pay, clock, stored
        self.words: dict[str, str] = {}

    def say(self, name: str) -> str:
        """A word that nothing else contains."""
        self.words[name] = text_canary(name)
        return self.words[name]

    def found(self) -> list[str]:
        """Which words lie in the store, in any spelling."""
        trap = Trap()
        for name, word in self.words.items():
            trap.plant(name, word)
        trap.see("the store", self.stored())
        return [hit.partition(" in the store")[0] for hit in trap.found()]


@pytest.fixture(params=[(store, keys) for store in STORES for keys in KEYS], ids="-".join)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A person has lived, and left nothing in the wallet."""
    place, keys = request.param
    clock = FrozenClock("2026-01-05T09:00:00Z")
    parts: dict[str, Any] = {"clock": clock, "cipher": KEYS[keys], "dispatch": "deferred"}
    if place == "memory":
        memory = MemoryRepository(SystemIds().new)
        with InvoicePay(repository=memory, **parts) as pay:
            yield lived(World(pay, clock, lambda: repr(memory._tenants)))
        return
    store = f"sqlite:///{tmp_path}/pay.db" if place == "sqlite" else request.getfixturevalue("postgres_url")
    migrate(store)
    with engine_for(store) as engine, InvoicePay(store, **parts) as pay:
        yield lived(World(pay, clock, lambda: "\n".join(row for _, row in dump(engine))))


in_memory = pytest.mark.parametrize("world", [("memory", keys) for keys in KEYS], indirect=True, ids="-".join)
"""What the stores' contract asks of every store is not asked again of each."""


def lived(world: World) -> World:
    Life(world.pay, world.clock, world.say).live()
    world.pay.parties.close(ANN)
    return world


KEPT_NOWHERE = {"refused note"}
"""A refusal keeps the digest of what was asked, not the words."""


def test_the_words_about_a_person_are_gone_and_books_and_trail_still_verify(world: World) -> None:
    before = world.found()
    balances, verified = world.pay.ledger.balances(), world.pay.audit.verify()

    erased = world.pay.parties.erase(ANN)

    sealed = not before
    assert sealed or set(before) == world.words.keys() - KEPT_NOWHERE
    assert erased.status is PartyStatus.ERASED
    assert world.found() == []
    assert world.pay.ledger.balances() == balances
    assert world.pay.invariants.check() == ()
    after = world.pay.audit.verify()
    assert after
    assert after.records == verified.records + 1


@in_memory
def test_what_was_booked_and_the_lines_of_documents_are_still_there(world: World) -> None:
    pay = world.pay
    before = list(pay.invoices.list(customer=ANN))

    pay.parties.erase(ANN)

    after = list(pay.invoices.list(customer=ANN))
    assert [(row.id, row.total, row.status, row.version, row.lines) for row in after] == [
        (row.id, row.total, row.status, row.version, row.lines) for row in before
    ]
    assert {(row.note, row.reference) for row in after} == {("", "")}
    assert pay.ledger.enterprise_book("ent:7").trial_balance


@in_memory
def test_a_repeated_key_still_answers_after_an_erasure(world: World) -> None:
    pay, words = world.pay, world.words
    pay.parties.erase(ANN)

    again = pay.invoices.draft(
        enterprise="ent:7",
        customer=ANN,
        lines=LINES,
        note=words["draft note"],
        reference=words["draft reference"],
        idempotency_key="draft-1",
    )
    paid = pay.invoices.pay(again.id, payer=ANN, amount="25.00 USD", idempotency_key="pay-1")

    assert (again.replayed, again.note, again.reference) == (True, "", "")
    assert paid.replayed
    assert world.found() == []


@in_memory
def test_hosts_are_told_of_the_past_without_the_words(world: World) -> None:
    pay = world.pay
    pay.parties.erase(ANN)

    told = [event for row in pay.transfers.list(payer=ANN) for event in pay.audit.history(row.id)]

    assert {event.data["note"] for event in told} == {""}
    assert not any(word in repr(told) for word in world.words.values())


@in_memory
def test_words_about_others_stay(world: World) -> None:
    pay, word = world.pay, world.say("note of another")
    kept = pay.invoices.draft(enterprise="ent:7", customer=BOB, lines=LINES, note=word)

    pay.parties.erase(ANN)

    assert pay.invoices.get(kept.id).note == word


@in_memory
def test_erasing_again_empties_what_came_since(world: World) -> None:
    pay = world.pay
    pay.parties.erase(ANN)
    late = pay.reserves.record_unmatched("1.00 USD", provider="box", provider_ref="late", reason="late")
    pay.reserves.return_unmatched(late, reason="nobody's")
    (withdrawal,) = pay.withdrawals.list(party=ANN)
    pay.sim.return_payout(withdrawal.id)
    pay.withdrawals.retry_payout(withdrawal.id, account_token=world.say("late token"))
    pay.sim.deliver()
    pay.sim.settle_payout(withdrawal.id)
    assert world.found() in ([], ["late token"])

    pay.parties.erase(ANN)

    assert world.found() == []
    assert pay.reserves.unmatched().items[-1].reason == "nobody's"


class TestRefusals:
    @pytest.fixture
    def pay(self) -> Iterator[InvoicePay]:
        with InvoicePay() as pay:
            pay.parties.register(ANN)
            yield pay

    def test_a_party_that_is_not_closed_is_not_erased(self, pay: InvoicePay) -> None:
        with pytest.raises(InvalidTransition):
            pay.parties.erase(ANN)

    def test_a_party_whose_money_is_under_way_is_not_erased(self, pay: InvoicePay) -> None:
        deposit = pay.deposits.initiate(ANN, "5.00 USD", account_token="ba_1")
        pay.parties.close(ANN)

        with pytest.raises(InvalidTransition) as refusal:
            pay.parties.erase(ANN)

        assert refusal.value.details["id"] == deposit.id
        assert pay.deposits.get(deposit.id).account_token == "ba_1"

    def test_a_party_does_not_erase_itself(self, pay: InvoicePay) -> None:
        pay.parties.close(ANN)

        with pytest.raises(NotAllowed):
            pay.acting_as(ANN, role="party").parties.erase(ANN)

    def test_nobody_is_not_erased(self, pay: InvoicePay) -> None:
        with pytest.raises(NotFound):
            pay.parties.erase("user:nobody")

    def test_an_erased_party_does_not_come_back(self, pay: InvoicePay) -> None:
        pay.parties.close(ANN)
        pay.parties.erase(ANN)

        with pytest.raises(InvalidTransition):
            pay.parties.register(ANN)
        with pytest.raises(NotFound):
            pay.transfers.send(BOB, ANN, "1.00 USD")

    def test_another_tenants_party_of_the_same_name_keeps_its_words(self, pay: InvoicePay) -> None:
        other = pay.tenant("other")
        kept = other.invoices.draft(enterprise="ent:7", customer=ANN, lines=LINES, note="kept")
        pay.parties.close(ANN)

        pay.parties.erase(ANN)

        assert other.invoices.get(kept.id).note == "kept"
