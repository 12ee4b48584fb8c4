"""The promises of `SlotStore`, as tests that any implementation runs by subclassing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from invoicepay.domain.money import Money
from invoicepay.errors import ConcurrentUpdate
from invoicepay.ports.slots import (
    Attempt,
    Lane,
    Move,
    MoveState,
    Slot,
    SlotKey,
    SlotState,
    SlotStore,
    Verdict,
)
from invoicepay.ports.tokens import MoveKind
from invoicepay.testing.hosts import AwaitingHost, BlockingHost, Host

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LANE, OTHER = Lane("0x" + "aa" * 20, "0x01"), Lane("0x" + "aa" * 20, "0x02")
FIRST = Attempt(hash="0x" + "01" * 32, raw=b"\x76first", valid_before=2_000_000_000, max_fee=25)
SECOND = Attempt(hash="0x" + "02" * 32, raw=b"\x76second", valid_before=2_000_000_120, max_fee=30)


def a_move(reference: str, amount: str = "1.00 USD") -> Move:
    """A transfer from one party to another."""
    return Move(
        reference=reference,
        idempotency_key=f"key-{reference}",
        kind=MoveKind.TRANSFER,
        amount=Money.of(amount),
        from_party="ann",
        to_party="bob",
        source="0x" + "01" * 20,
        target="0x" + "02" * 20,
        memo="ab" * 32,
    )


class SlotContract:
    """Checks a `SlotStore`; every test runs in both kinds of host.

    Examples:
        class TestAcmeSlots(SlotContract):
            @pytest.fixture
            def slots(self) -> SlotStore:
                return AcmeSlots()
    """

    @pytest.fixture(params=[BlockingHost, AwaitingHost], ids=["blocking", "awaiting"])
    def host(self, request: pytest.FixtureRequest, slots: SlotStore) -> Iterator[Host]:
        """The host that drives the store."""
        host: Host = request.param()
        yield host
        host.run(slots.close())
        host.close()

    def take(
        self, host: Host, slots: SlotStore, *references: str, lane: Lane = LANE, after: SlotKey | None = None
    ) -> Slot | None:
        """Bind movements by their references."""
        return host.run(slots.take(lane, [a_move(name) for name in references], at=NOON, after=after))

    def taken(
        self, host: Host, slots: SlotStore, *references: str, lane: Lane = LANE, after: SlotKey | None = None
    ) -> Slot:
        """The same where they are free."""
        slot = self.take(host, slots, *references, lane=lane, after=after)
        assert slot is not None
        return slot

    def found(self, host: Host, slots: SlotStore, reference: str) -> Slot:
        """The slot that a movement is bound to."""
        return host.run(slots.find([reference]))[reference]

    def test_nonces_of_a_lane_are_given_out_in_order_and_lanes_count_apart(
        self, host: Host, slots: SlotStore
    ) -> None:
        keys = [self.taken(host, slots, name).key for name in ("a", "b")]
        keys.append(self.taken(host, slots, "c", lane=OTHER).key)

        assert keys == [SlotKey(LANE, 0), SlotKey(LANE, 1), SlotKey(OTHER, 0)]
        assert host.run(slots.lanes()) == {LANE: 2, OTHER: 1}

    def test_a_slot_is_found_by_each_of_its_movements_as_they_were_bound(
        self, host: Host, slots: SlotStore
    ) -> None:
        slot = self.taken(host, slots, "b", "a")

        assert host.run(slots.find(["a", "b", "never"])) == {"a": slot, "b": slot}
        assert slot.moves == (a_move("b"), a_move("a"))
        assert (slot.state, slot.attempts, slot.taken_at) == (SlotState.TAKEN, (), NOON)

    def test_a_movement_is_bound_once(self, host: Host, slots: SlotStore) -> None:
        first = self.taken(host, slots, "a")

        second = self.taken(host, slots, "a", "b")

        assert [move.reference for move in second.moves] == ["b"]
        assert self.found(host, slots, "a") == first

    def test_where_nothing_is_free_no_nonce_is_used(self, host: Host, slots: SlotStore) -> None:
        self.taken(host, slots, "a")

        assert self.take(host, slots, "a") is None

        assert self.taken(host, slots, "b").key.nonce == 1

    def test_one_key_binds_one_movement(self, host: Host, slots: SlotStore) -> None:
        self.taken(host, slots, "a")
        copy = replace(a_move("b"), idempotency_key="key-a")

        assert host.run(slots.take(LANE, [copy], at=NOON)) is None

        assert host.run(slots.find(["b"])) == {}

    def test_what_was_refused_is_bound_and_never_taken(self, host: Host, slots: SlotStore) -> None:
        """So that whoever judged earlier and was held up cannot send it any more."""
        refused = replace(a_move("a"), state=MoveState.FAILED, reason="frozen: no")

        assert host.run(slots.refuse(LANE.signer, [refused], at=NOON)) == {"a"}

        assert self.take(host, slots, "a") is None
        found = host.run(slots.find(["a"]))["a"]
        assert (found.state, found.moves) == (SlotState.FAILED, (refused,))
        assert host.run(slots.open()) == []

    def test_what_was_taken_is_not_refused(self, host: Host, slots: SlotStore) -> None:
        slot = self.taken(host, slots, "a")
        judged = [replace(a_move(name), state=MoveState.FAILED, reason="no") for name in ("a", "b")]

        assert host.run(slots.refuse(LANE.signer, judged, at=NOON)) == {"b"}

        assert host.run(slots.find(["a"]))["a"] == slot

    def test_signed_bytes_are_kept_in_order_and_once(self, host: Host, slots: SlotStore) -> None:
        key = self.taken(host, slots, "a").key

        for attempt in (SECOND, FIRST, SECOND):
            host.run(slots.keep(key, attempt, at=NOON + timedelta(seconds=1)))

        slot = self.found(host, slots, "a")
        assert (slot.state, slot.attempts) == (SlotState.SIGNED, (SECOND, FIRST))
        assert slot.changed_at == NOON + timedelta(seconds=1)

    @pytest.mark.parametrize("state", [SlotState.FINAL, SlotState.REVERTED])
    def test_nothing_is_signed_for_a_slot_that_is_decided(
        self, host: Host, slots: SlotStore, state: SlotState
    ) -> None:
        key = self.taken(host, slots, "a").key
        host.run(slots.settle(key, state, [], at=NOON))

        with pytest.raises(ConcurrentUpdate):
            host.run(slots.keep(key, FIRST, at=NOON))

        assert self.found(host, slots, "a").attempts == ()

    def test_a_verdict_stays_as_it_was_first(self, host: Host, slots: SlotStore) -> None:
        key = self.taken(host, slots, "a").key
        first = Verdict(reference="a", state=MoveState.FINAL, proof=FIRST.hash)
        other = Verdict(reference="a", state=MoveState.FAILED, proof=SECOND.hash, reason="late")

        host.run(slots.settle(key, SlotState.FINAL, [first], at=NOON))
        host.run(slots.settle(key, SlotState.REVERTED, [other], at=NOON))

        slot = self.found(host, slots, "a")
        assert slot.state is SlotState.FINAL
        assert slot.moves == (replace(a_move("a"), state=MoveState.FINAL, proof=FIRST.hash),)

    def test_movements_of_a_reverted_slot_go_to_new_ones(self, host: Host, slots: SlotStore) -> None:
        old = self.taken(host, slots, "a", "b", "c").key
        host.run(slots.settle(old, SlotState.REVERTED, [], at=NOON))

        first = self.taken(host, slots, "a", after=old)
        second = self.taken(host, slots, "c", "b", lane=OTHER, after=old)

        assert (first.key, second.key) == (SlotKey(LANE, 1), SlotKey(OTHER, 0))
        assert [move.reference for move in second.moves] == ["c", "b"]
        assert self.found(host, slots, "a") == first
        assert self.found(host, slots, "b") == second

    def test_movements_leave_a_slot_once_and_only_when_it_reverted(
        self, host: Host, slots: SlotStore
    ) -> None:
        old = self.taken(host, slots, "a").key

        early = self.take(host, slots, "a", after=old)
        host.run(slots.settle(old, SlotState.REVERTED, [], at=NOON))
        first, again = (self.take(host, slots, "a", after=old) for _ in range(2))

        assert early is None and again is None
        assert first is not None and first.key == SlotKey(LANE, 1)

    def test_a_movement_that_was_judged_never_leaves_its_slot(self, host: Host, slots: SlotStore) -> None:
        old = self.taken(host, slots, "a", "b").key
        failed = Verdict(reference="a", state=MoveState.FAILED, reason="not enough")
        host.run(slots.settle(old, SlotState.REVERTED, [failed], at=NOON))

        slot = self.taken(host, slots, "a", "b", after=old)

        assert [move.reference for move in slot.moves] == ["b"]
        (kept,) = self.found(host, slots, "a").moves
        assert (kept.state, kept.reason) == (MoveState.FAILED, "not enough")

    def test_open_slots_come_in_the_order_of_their_nonces(self, host: Host, slots: SlotStore) -> None:
        keys = [self.taken(host, slots, name).key for name in ("a", "b", "c", "d")]
        other = self.taken(host, slots, "e", lane=OTHER).key
        host.run(slots.keep(keys[3], FIRST, at=NOON))
        host.run(slots.settle(keys[1], SlotState.FINAL, [], at=NOON))
        host.run(slots.settle(keys[2], SlotState.REVERTED, [], at=NOON))

        opened = [slot.key for slot in host.run(slots.open())]

        assert opened == [keys[0], keys[2], keys[3], other]
        assert [slot.key for slot in host.run(slots.open(LANE, limit=2))] == [keys[0], keys[2]]

    def test_a_slot_is_closed_once_its_movements_went_elsewhere(self, host: Host, slots: SlotStore) -> None:
        key = self.taken(host, slots, "a", "b").key
        host.run(slots.settle(key, SlotState.FAILED, [], at=NOON))
        host.run(slots.settle(key, SlotState.REVERTED, [], at=NOON))
        self.taken(host, slots, "a", lane=OTHER, after=key)
        host.run(slots.settle(key, SlotState.FAILED, [], at=NOON))
        still_open = host.run(slots.open(LANE))
        self.taken(host, slots, "b", lane=OTHER, after=key)

        host.run(slots.settle(key, SlotState.FAILED, [], at=NOON))

        assert [(slot.key, slot.state) for slot in still_open] == [(key, SlotState.REVERTED)]
        assert host.run(slots.open(LANE)) == []

    def test_many_callers_share_the_nonces_without_a_gap(self, slots: SlotStore) -> None:
        names = [f"m{number:02d}" for number in range(24)]

        def bind(number: int) -> Slot | None:
            wanted = [a_move(name) for name in (names[number], names[(number + 1) % len(names)])]
            return BlockingHost().run(slots.take(LANE, wanted, at=NOON))

        with ThreadPoolExecutor(8) as pool:
            bound = [slot for slot in pool.map(bind, range(len(names))) if slot is not None]
        found = BlockingHost().run(slots.find(names))
        BlockingHost().run(slots.close())

        assert sorted(slot.key.nonce for slot in bound) == list(range(len(bound)))
        assert sorted(move.reference for slot in bound for move in slot.moves) == names
        assert {slot.key for slot in found.values()} == {slot.key for slot in bound}
