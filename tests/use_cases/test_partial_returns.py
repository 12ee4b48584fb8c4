"""The bank takes a part of a deposit back before its tokens exist: the rest goes on (P-04, spec 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay.adapters.sql import connect_store, migrate_url
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.parties import WalletStatus
from invoicepay.domain.policies import Programme
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.errors import InvalidTransition
from invoicepay.ports.screening import Verdict
from invoicepay.use_cases import parties, returns
from invoicepay.use_cases.returns import RecordReturn
from tests.support.desk import CountingIds
from tests.support.money_desk import MoneyDesk, S, Says, usd

D = DepositStatus
DEBIT = "bank_debit"


@pytest.fixture(params=["memory", "sqlite"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MoneyDesk]:
    """A desk whose invariants hold at the end."""
    if request.param == "memory":
        desk = MoneyDesk()
        yield desk
        assert desk.broken() == []
        return
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    migrate_url(url)
    repository = connect_store(url, CountingIds().new, blocking=True)
    desk = MoneyDesk(repository=repository)
    yield desk
    assert desk.broken() == []
    desk.run(repository.close())


def take_back(desk: MoneyDesk, deposit: Deposit, amount: str) -> None:
    command = RecordReturn(deposit_id=deposit.id, amount=usd(amount), return_code="R06")
    desk.run(returns.record_return(desk.deps, command))


def test_p04_a_fee_is_never_more_than_what_is_left() -> None:
    desk = MoneyDesk(Programme(deposit_fee_micros=usd("5.00").micros))
    deposit = desk.initiate("ann", "100.00", rail=DEBIT)
    desk.tell(deposit.id, S.SETTLED)

    take_back(desk, deposit, "97.00")
    desk.tell(deposit.id, S.FINAL)

    assert desk.books() == {"1050": "3.00", "2410": "3.00"}
    assert desk.deposit(deposit.id).status is D.COMPLETED
    assert desk.broken() == []


def test_p04_a_processors_fee_is_never_more_than_what_is_left() -> None:
    desk = MoneyDesk(Programme(bears_processor_fee=True))
    deposit = desk.initiate("ann", "100.00", rail=DEBIT)
    desk.tell(deposit.id, S.SETTLED, fee="5.00")

    take_back(desk, deposit, "97.00")
    desk.tell(deposit.id, S.FINAL)

    assert desk.books() == {"2110 ann": "3.00", "5000": "3.00"}
    assert desk.broken() == ["INV-04"]


def test_p04_the_rest_of_a_planned_mint_is_minted_without_being_asked_for(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)

    take_back(desk, deposit, "30.00")
    desk.tell(desk.mint_of(deposit.id), S.FINAL)

    assert [(mint.status, mint.amount) for mint in desk.rows(Mint)] == [
        (MintStatus.CANCELLED, usd("100.00")),
        (MintStatus.COMPLETED, usd("70.00")),
    ]
    assert desk.books() == {"1000": "70.00", "2000 ann": "70.00"}
    assert desk.deposit(deposit.id).status is D.COMPLETED


def test_p04_the_rest_waits_for_what_stands_in_the_way_of_any_mint(desk: MoneyDesk) -> None:
    deposit = desk.initiate("ann", "100.00")
    desk.tell(deposit.id, S.FINAL)
    freeze = parties.FreezeWallet(party_id="ann", asset="USD", reason="court order")
    frozen = desk.run(parties.freeze_wallet(desk.deps, freeze))
    assert frozen.status is WalletStatus.FROZEN

    take_back(desk, deposit, "30.00")

    waiting = desk.deposit(deposit.id)
    assert (waiting.status, waiting.reason) == (D.CONFIRMED, "wallet_frozen")
    assert [mint.status for mint in desk.rows(Mint)] == [MintStatus.CANCELLED]
    assert desk.books() == {"1050": "70.00", "2110 ann": "70.00"}


def test_nothing_goes_back_of_a_deposit_that_did_not_arrive() -> None:
    desk = MoneyDesk(screening=Says(Verdict.REVIEW))
    deposit = desk.initiate("ann", "100.00")
    assert deposit.status is D.IN_REVIEW

    with pytest.raises(InvalidTransition):
        desk.run(returns.record_return(desk.deps, RecordReturn(deposit_id=deposit.id)))
