"""What every Repository must keep: balances, ledger, events and audit, each tenant's for itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Code, available, held, posting
from invoicepay.domain.audit import broken_checkpoints, broken_links
from invoicepay.domain.change import Change
from invoicepay.domain.events import Event
from invoicepay.domain.needs import find, need
from invoicepay.domain.parties import Party, PartyStatus
from invoicepay.errors import ConcurrentUpdate
from invoicepay.ports.repository import TakesTurns
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store

ANN, BOB = available("ann", "USD"), available("bob", "USD")
BANK = Account(Code.OPERATIONAL, "USD")


class TrailContract:
    """Facts about ledger and trail; part of `RepositoryContract`."""

    def test_balances_are_the_sums_of_what_was_posted(self, store: Store) -> None:
        store.move(BANK, ANN, 700)
        store.move(ANN, BOB, 250)

        def twice(change: Change) -> None:
            change.post(posting("P-17", (ANN, BOB, 1)))
            change.post(posting("P-17", (BOB, ANN, 2)))

        store.write(twice, twice, needs=need(accounts=[ANN, BOB]))

        assert store.look(lambda reader: reader.balances()) == {BANK: 700, ANN: 452, BOB: 248}

    def test_who_is_only_credited_need_not_be_loaded(self, store: Store) -> None:
        store.move(BANK, ANN, 10)

        for _ in range(2):
            store.write(
                lambda change: change.post(posting("P-17", (ANN, BOB, 4))), needs=need(accounts=[ANN])
            )

        assert (store.balance(ANN), store.balance(BOB)) == (2, 8)

    def test_balances_of_a_party_and_of_named_accounts(self, store: Store) -> None:
        store.move(BANK, ANN, 5)
        store.move(BANK, BOB, 6)
        store.move(ANN, held("ann", "USD"), 2)
        nobody = available("nobody", "USD")

        assert store.look(lambda reader: reader.balances(party_id="ann")) == {ANN: 3, held("ann", "USD"): 2}
        assert store.look(lambda reader: reader.balances([ANN, nobody])) == {ANN: 3, nobody: 0}
        assert store.look(lambda reader: reader.balances([])) == {}

    def test_balances_as_of_an_instant_count_what_was_in_effect_then(self, store: Store) -> None:
        start = store.clock.now()
        store.move(BANK, ANN, 100)
        store.clock.advance(seconds=1)
        store.move(ANN, BOB, 30)

        tick = timedelta(microseconds=1)
        assert store.balance(ANN, at=start - tick) == 0
        assert store.balance(ANN, at=start) == 100
        assert store.balance(ANN, at=start + timedelta(seconds=1)) == 70
        assert store.look(lambda reader: reader.balances(at=start)) == {BANK: 100, ANN: 100}
        assert store.look(lambda reader: reader.balances(party_id="bob", at=start)) == {}

    def test_ledger_transactions_come_back_whole_and_in_order(self, store: Store) -> None:
        first = store.move(BANK, ANN, 5, memo="m1")
        second = store.move(ANN, BOB, 2, memo="m2")
        third = store.move(ANN, BANK, 3, memo="m1")

        booked = store.look(lambda reader: reader.transactions())
        assert [each.posting for each in booked] == [first, second, third]
        assert [each.effective_at for each in booked] == [store.clock.now()] * 3
        assert _ids(store, memo="m1") == [first.id, third.id]
        assert _ids(store, party_id="bob") == [second.id]
        assert _ids(store, after=first.id, limit=1) == [second.id]
        assert _ids(store, group_id=booked[2].group_id) == [third.id]

    def test_a_transaction_is_taken_back_once(self, store: Store) -> None:
        booked = store.move(BANK, ANN, 5)

        def reverse(change: Change) -> None:
            change.post(posting("P-26", (ANN, BANK, 5), reverses=booked.id))

        store.write(reverse, needs=need(accounts=[ANN, BANK]))
        store.move(BANK, ANN, 5)

        with pytest.raises(ConcurrentUpdate):
            store.write(reverse, needs=need(accounts=[ANN, BANK]))
        assert store.balance(ANN) == 5

    def test_events_are_kept_in_order_until_they_are_published(self, store: Store) -> None:
        store.add(sample(Party, 1, status=PartyStatus.ACTIVE), event="party.registered")
        store.add(sample(Party, 2), event="party.registered")
        store.change(sample(Party, 1), "party.closed", status=PartyStatus.CLOSED)

        first, other, last = store.look(lambda reader: reader.events())
        assert (first.name, first.seq, first.from_status, first.to_status) == (
            "party.registered",
            1,
            "",
            "active",
        )
        assert (last.name, last.seq, last.from_status, last.to_status) == (
            "party.closed",
            2,
            "active",
            "closed",
        )
        assert last.data["status"] == "closed"
        assert first.at == store.clock.now()
        assert _events(store, entity_id="party-0001") == (first, last)
        assert _events(store, entity_id="party-0001", seq=last.seq) == (last,)
        assert _events(store, entity_id="party-0001", seq=99) == ()
        assert _events(store, after=first.id, limit=1) == (other,)

        store.host.run(
            store.repository.mark_published(store.tenant_id, [first.id, other.id], store.clock.now())
        )

        assert _events(store, unpublished=True) == (last,)
        assert _events(store) == (first, other, last)

    def test_every_command_leaves_one_audit_record_in_its_chain(self, store: Store) -> None:
        store.move(BANK, ANN, 5)
        store.write(
            lambda change: change.add(sample(Party, 1), "party.registered"),
            lambda change: change.add(sample(Party, 2), "party.registered"),
        )

        (head,) = store.look(lambda reader: reader.audit_heads())
        records = store.look(lambda reader: reader.audit_records(stream=head.stream))
        (booked,) = store.look(lambda reader: reader.transactions())
        assert [record.position for record in records] == [1, 2, 3]
        assert broken_links(store.tenant_id, head.stream, records) == []
        assert (head.position, head.hash) == (3, records[-1].hash)
        assert [record.entity_ids for record in records] == [(), ("party-0001",), ("party-0002",)]
        assert booked.group_id == records[0].id
        assert (
            store.look(lambda reader: reader.audit_records(stream=head.stream, after=1, limit=1))
            == records[1:2]
        )
        assert store.look(lambda reader: reader.audit_records(stream="none")) == ()

    def test_a_trail_is_every_record_that_changed_the_entity(self, store: Store) -> None:
        store.add(sample(Party, 1), event="party.registered")
        store.add(sample(Party, 2), event="party.registered")
        store.change(sample(Party, 1), "party.changed", kyc_tier=7)

        trail = store.look(lambda reader: reader.audit_trail("party-0001"))

        assert [record.position for record in trail] == [1, 3]
        assert store.look(lambda reader: reader.audit_trail("party-0003")) == ()

    def test_sealed_heads_form_a_chain_of_their_own(self, store: Store) -> None:
        now = store.clock.now()
        seal = store.repository.seal
        assert store.host.run(seal(store.tenant_id, now)) is None

        store.move(BANK, ANN, 5)
        first = store.host.run(seal(store.tenant_id, now))
        assert store.host.run(seal(store.tenant_id, now)) is None
        store.move(BANK, ANN, 5)
        second = store.host.run(seal(store.tenant_id, now + timedelta(microseconds=1)))

        points = store.look(lambda reader: reader.checkpoints())
        assert points == (first, second)
        assert points[-1].heads == store.look(lambda reader: reader.audit_heads())
        assert broken_checkpoints(store.tenant_id, points) == []

    def test_sound_books_show_no_violation(self, store: Store) -> None:
        store.add(sample(Party, 1, status=PartyStatus.ACTIVE), event="party.registered")
        inbound, owed = Account(Code.INBOUND, "USD"), Account(Code.UNCONFIRMED, "USD", "ann")
        store.move(inbound, owed, 5)

        assert store.look(lambda reader: reader.violations()) == ()

    def test_a_tenant_sees_nothing_of_another(self, store: Store) -> None:
        other = store.of_tenant("other")
        for tenant, micros in ((store, 5), (other, 7)):
            tenant.add(sample(Party, 1, timezone=tenant.tenant_id), event="party.registered")
            tenant.move(BANK, ANN, micros)
            tenant.write(lambda change: change.now, keys=["k1"])
        store.host.run(store.repository.seal("other", store.clock.now()))

        assert [party.timezone for party in store.found(find(Party))] == [store.tenant_id]
        seen = store.loaded(need((Party, "party-0001"), finds=[find(Party)], accounts=[ANN]))
        assert [party.timezone for party in seen.search(find(Party))] == [store.tenant_id]
        assert seen.balances == {ANN: 5}
        assert store.look(lambda reader: reader.balances()) == {ANN: 5, BANK: 5}
        assert store.balance(ANN, at=store.clock.now()) == 5
        assert len(store.look(lambda reader: reader.transactions())) == 1
        assert len(_ids(store, party_id="ann")) == 1
        assert len(_events(store)) == 1
        (head,) = store.look(lambda reader: reader.audit_heads())
        assert head.position == 3
        assert len(store.look(lambda reader: reader.audit_records(stream=head.stream))) == 3
        assert len(store.look(lambda reader: reader.audit_trail("party-0001"))) == 1
        assert store.look(lambda reader: reader.checkpoints()) == ()
        assert store.of_tenant("third").replies(("test.write", "k1")) == {}
        assert store.host.run(store.repository.tenants()) == ("acme", "other")

    def test_a_turn_is_one_workers_until_it_is_given_back_or_over(self, store: Store) -> None:
        turns, now = store.repository, store.clock.now()
        if not isinstance(turns, TakesTurns):
            pytest.skip("the repository keeps no turns")

        def taken(holder: str, at: datetime, tenant: str = store.tenant_id, work: str = "tell") -> bool:
            until = at + timedelta(seconds=30)
            return store.host.run(turns.take_turn(tenant, work, holder, now=at, until=until))

        def given_back(holder: str, at: datetime) -> None:
            store.host.run(turns.end_turn(store.tenant_id, "tell", holder, now=at))

        assert (taken("one", now), taken("other", now), taken("one", now)) == (True, False, True)
        assert taken("other", now, tenant="other") and taken("other", now, work="another")
        given_back("other", now)
        assert not taken("other", now + timedelta(seconds=29))
        assert taken("other", now + timedelta(seconds=30))  # the first one died at it
        given_back("one", now + timedelta(seconds=31))
        assert not taken("one", now + timedelta(seconds=31))
        given_back("other", now + timedelta(seconds=32))
        assert taken("one", now + timedelta(seconds=32))

    def test_a_tenant_changes_nothing_of_another(self, store: Store) -> None:
        other = store.of_tenant("other")
        for tenant in (store, other):
            tenant.add(sample(Party, 1, status=PartyStatus.ACTIVE), event="party.registered")
            tenant.move(BANK, ANN, 5)
        (event,) = _events(other)

        store.change(sample(Party, 1), "party.closed", status=PartyStatus.CLOSED)
        store.move(ANN, BOB, 5)
        store.host.run(store.repository.mark_published("other", [event.id], store.clock.now()))

        assert [party.status for party in other.found(find(Party))] == [PartyStatus.ACTIVE]
        assert other.look(lambda reader: reader.balances()) == {ANN: 5, BANK: 5}
        assert _events(store, unpublished=True) == _events(store)


def _ids(store: Store, **wanted: Any) -> list[str]:
    return [booked.posting.id for booked in store.look(lambda reader: reader.transactions(**wanted))]


def _events(store: Store, **wanted: Any) -> tuple[Event, ...]:
    return store.look(lambda reader: reader.events(**wanted))
