"""What every repository promises of transactions that several units are parts of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from invoicepay.domain.accounts import posting
from invoicepay.domain.change import Change
from invoicepay.domain.holds import Hold
from invoicepay.domain.needs import find, need
from invoicepay.errors import ConcurrentUpdate
from invoicepay.ports.repository import Transaction
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store
from invoicepay.testing.trail_contract import ANN, BANK


class TransactionContract:
    """Facts about transactions of several units; part of `RepositoryContract`."""

    def test_a_transaction_is_durable_as_a_whole_once_it_is_committed(self, store: Store) -> None:
        async def two_units(whole: Transaction) -> None:
            inside = store.inside(whole)
            await inside.wrote(_deposit, needs=need(accounts=[BANK]), keys=["k1"])
            await inside.wrote(lambda change: change.add(sample(Hold, 1), "hold.placed"), keys=["k2"])
            await whole.commit()

        _within(store, two_units)

        assert [hold.id for hold in store.found(find(Hold))] == ["hold-0001"]
        assert store.balance(ANN) == 9
        assert set(store.replies(("test.write", "k1"), ("test.write", "k2"))) == {
            ("test.write", "k1"),
            ("test.write", "k2"),
        }
        (head,) = store.look(lambda reader: reader.audit_heads())
        assert head.position == 2

    def test_leaving_a_transaction_without_a_commit_or_by_an_error_forgets_all_its_units(
        self, store: Store
    ) -> None:
        store.write(_deposit, needs=need(accounts=[BANK]))

        async def abandoned(whole: Transaction) -> None:
            inside = store.inside(whole)
            await inside.wrote(_deposit, needs=need(accounts=[BANK]), keys=["k1"])
            await inside.wrote(partial(_add, 1), keys=["k2"])
            await whole.seal(store.tenant_id, store.clock.now())

        async def broken(whole: Transaction) -> None:
            await abandoned(whole)
            raise ZeroDivisionError

        _within(store, abandoned)
        with pytest.raises(ZeroDivisionError):
            _within(store, broken)

        assert store.found(find(Hold)) == ()
        assert store.balance(ANN) == 9
        assert store.look(lambda reader: reader.checkpoints()) == ()
        assert store.replies(("test.write", "k1"), ("test.write", "k2")) == {}

    def test_units_and_looks_of_a_transaction_see_what_earlier_units_wrote(self, store: Store) -> None:
        async def seen(whole: Transaction) -> None:
            inside = store.inside(whole)
            await inside.wrote(_add_hold, _deposit, needs=need(accounts=[BANK]))
            async with whole.reader(store.tenant_id) as reader:
                assert [hold.version for hold in await reader.find(find(Hold))] == [1]
                assert await reader.balances([ANN]) == {ANN: 9}
            (hold,) = await inside.wrote(_change_hold, needs=need((Hold, "hold-0001"), accounts=[ANN]))
            assert (hold.version, hold.reason) == (2, "had 9")
            assert store.tenant_id in await whole.tenants()
            await whole.commit()

        _within(store, seen)

        assert [hold.reason for hold in store.found(find(Hold))] == ["had 9"]

    def test_a_unit_that_fails_takes_back_its_own_part_only(self, store: Store) -> None:
        async def partly(whole: Transaction) -> None:
            inside = store.inside(whole)
            await inside.wrote(_add_hold)
            with pytest.raises(ConcurrentUpdate):
                await inside.wrote(
                    partial(_add, 2),
                    _add_hold,
                    _deposit,
                    needs=need(accounts=[BANK]),
                )
            with suppress(ZeroDivisionError):
                await inside.wrote(lambda _: divmod(1, 0))
            await inside.wrote(partial(_add, 3))
            await whole.commit()

        _within(store, partly)

        assert [hold.id for hold in store.found(find(Hold))] == ["hold-0001", "hold-0003"]
        assert store.balance(ANN) == 0

    def test_an_account_whose_opening_was_taken_back_is_opened_again(self, store: Store) -> None:
        async def abandoned(whole: Transaction) -> None:
            for _ in range(2):
                await store.inside(whole).wrote(_deposit, needs=need(accounts=[BANK, ANN]))

        async def twice(whole: Transaction) -> None:
            inside = store.inside(whole)
            async with whole.unit(store.tenant_id) as unit:
                await unit.apply(*await inside.decided(unit, [_deposit], need(accounts=[BANK])))
            await inside.wrote(_deposit, needs=need(accounts=[BANK]))
            await whole.commit()

        _within(store, abandoned)
        _within(store, twice)

        assert store.balance(ANN) == 9

    def test_a_transaction_inside_is_a_part_of_the_outer_one(self, store: Store) -> None:
        async def nested(whole: Transaction) -> None:
            for number, is_kept in ((1, True), (2, False)):
                async with whole.transaction() as part:
                    inside = store.inside(part)
                    await inside.wrote(partial(_add, number))
                    await inside.wrote(partial(_add, number + 10))
                    if is_kept:
                        await part.commit()
            await whole.commit()

        _within(store, nested)

        assert [hold.id for hold in store.found(find(Hold))] == ["hold-0001", "hold-0011"]

    def test_closing_a_transaction_leaves_it_open(self, store: Store) -> None:
        async def closed(whole: Transaction) -> None:
            await whole.close()
            await store.inside(whole).wrote(_add_hold)
            await whole.commit()

        _within(store, closed)

        assert len(store.found(find(Hold))) == 1


def _within(store: Store, work: Callable[[Transaction], Awaitable[None]]) -> None:
    async def worked() -> None:
        async with store.repository.transaction() as whole:
            await work(whole)

    store.host.run(worked())


def _deposit(change: Change) -> None:
    change.post(posting("P-17", (BANK, ANN, 9)))


def _add(number: int, change: Change) -> Hold:
    return change.add(sample(Hold, number))


_add_hold = partial(_add, 1)


def _change_hold(change: Change) -> Hold:
    reason = f"had {change.balance(ANN)}"
    return change.put(replace(change.get(Hold, "hold-0001"), reason=reason))
