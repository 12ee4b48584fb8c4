"""Sweeps reach what is free, however much waits before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.errors import ConcurrencyError, InvoicePayError, StoreUnreachable
from invoicepay.use_cases import parties, sweeps
from tests.support.money_desk import MoneyDesk, S

D = DepositStatus


@pytest.fixture
def desk() -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    desk = MoneyDesk()
    yield desk
    assert desk.broken() == []


def settled(desk: MoneyDesk, party: str, rail: str) -> Deposit:
    """Money that the banks settled."""
    deposit = desk.initiate(party, "10.00", rail=rail)
    desk.tell(deposit.id, S.SETTLED)
    return desk.deposit(deposit.id)


def test_debits_that_wait_for_the_buffer_do_not_keep_transfers_waiting(desk: MoneyDesk) -> None:
    debits = [settled(desk, "ann", "bank_debit") for _ in range(5)]
    transfers = [settled(desk, "bob", "bank_credit") for _ in range(3)]
    desk.clock.advance(days=14)

    assert desk.run(sweeps.confirm_due(desk.deps, limit=2)) == 2
    assert desk.run(sweeps.confirm_due(desk.deps, limit=2)) == 1

    assert {desk.deposit(deposit.id).status for deposit in transfers} == {D.CONFIRMED}
    assert {desk.deposit(deposit.id).status for deposit in debits} == {D.RECEIVED}


def test_frozen_wallets_do_not_keep_other_mints_waiting(desk: MoneyDesk) -> None:
    wires = [desk.initiate(party, "10.00") for party in ("ann", "ann", "ann", "bob")]
    for party in ("ann", "bob"):
        freeze = parties.FreezeWallet(party_id=party, asset="USD", reason="look")
        desk.run(parties.freeze_wallet(desk.deps, freeze))
    for wire in wires:
        desk.tell(wire.id, S.SETTLED)
    unfreeze = parties.UnfreezeWallet(party_id="bob", asset="USD", reason="fine")
    desk.run(parties.unfreeze_wallet(desk.deps, unfreeze))

    assert desk.run(sweeps.mint_waiting(desk.deps, limit=1)) == 1
    assert desk.run(sweeps.mint_waiting(desk.deps, limit=1)) == 0


class Troubled:
    """A store that takes no batch as a whole, and has trouble with its first half."""

    def __init__(self, inner: Any, trouble: Exception) -> None:
        self._inner, self._trouble, self.units = inner, trouble, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def unit(self, tenant_id: str) -> Any:
        self.units += 1
        if self.units == 2:
            raise self._trouble
        if self.units == 1:
            raise RuntimeError("is narrowed down")
        return self._inner.unit(tenant_id)


@pytest.mark.parametrize("trouble", [StoreUnreachable(), ConcurrencyError()])
def test_trouble_with_the_store_is_told_and_the_others_are_confirmed(
    desk: MoneyDesk, trouble: InvoicePayError
) -> None:
    waiting = [settled(desk, "bob", "bank_credit") for _ in range(2)]
    desk.clock.advance(days=14)
    troubled: Any = Troubled(desk.deps.repository, trouble)

    with pytest.raises(type(trouble)):
        desk.run(sweeps.confirm_due(replace(desk.deps, repository=troubled)))

    assert sorted(desk.deposit(one.id).status for one in waiting) == [D.CONFIRMED, D.RECEIVED]
    assert desk.run(sweeps.confirm_due(desk.deps)) == 1
