"""Signed bytes on a node: who pays, what happens together, and that a slot is used once."""

from __future__ import annotations

import pytest

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import FEE_MANAGER, PATH_USD, TRANSFER, TRANSFER_WITH_MEMO, ZERO
from invoicepay.adapters.tempo.transaction import (
    MOST_CALLS,
    Call,
    SignedTransaction,
    TempoTransaction,
    gas_for,
    hash_of,
    sign_transaction,
)
from invoicepay.adapters.tempo.wire import Receipt
from tests.adapters.tempo.bench import MEMO, Bench, usd


def signed(
    bench: Bench,
    account: str,
    *todo: Call,
    nonce: int = 0,
    payer: str | None = "fees",
    gas: int | None = None,
) -> SignedTransaction:
    """Bytes for the account's lane 1."""
    transaction = TempoTransaction(
        chain_id=31337,
        calls=todo,
        nonce_key=1,
        nonce=nonce,
        gas=gas or gas_for(len(todo), is_new_lane=nonce == 0),
        fee_token=PATH_USD,
    )
    return bench.run(sign_transaction(bench.keys, transaction, account=account, fee_payer=payer))


def mined(bench: Bench, transaction: SignedTransaction) -> Receipt:
    assert bench.run(bench.rpc.send(transaction.raw)) is None
    return bench.receipt(transaction.hash)


def held(bench: Bench, token: str, account: str) -> int:
    return bench.run(bench.rpc.number(calls.balance_of(token, bench.address(account))))


def account_of(bench: Bench, name: str) -> str:
    """An account that only this test uses."""
    return f"{name} of {bench.tenant}"


def test_a_wallet_without_fee_tokens_moves_because_another_account_pays(bench: Bench) -> None:
    token, ann = bench.set_up().address, account_of(bench, "ann")
    bench.do("issuer", calls.mint(token, bench.address(ann), 1_000_000, MEMO))
    before = held(bench, PATH_USD, "fees")

    receipt = mined(bench, signed(bench, ann, calls.transfer(token, bench.address("bob"), 1_000_000, MEMO)))

    fee = receipt.logs[-1]
    assert receipt.is_success
    assert held(bench, PATH_USD, ann) == 0
    assert (fee.address, fee.party(1), fee.party(2)) == (PATH_USD, bench.address("fees"), FEE_MANAGER)
    assert before - held(bench, PATH_USD, "fees") == fee.amount > 0


def test_the_fee_is_gas_times_price_in_the_fee_token_rounded_up(bench: Bench) -> None:
    token, ann = bench.set_up().address, account_of(bench, "ann")

    receipt = mined(bench, signed(bench, ann, calls.approve(token, bench.address("operator"))))

    assert receipt.logs[-1].amount == -(-receipt.gas_used * receipt.gas_price // 10**12)


def test_thirty_two_calls_take_place_together_each_with_its_memo(bench: Bench) -> None:
    token, ann = bench.set_up().address, account_of(bench, "ann")
    memos = [bytes([number]) * 32 for number in range(1, MOST_CALLS + 1)]
    todo = [calls.transfer(token, bench.address(f"w{n}"), n + 1, memo) for n, memo in enumerate(memos)]
    bench.do("issuer", calls.mint(token, bench.address(ann), 1_000_000, MEMO))

    receipt = mined(bench, signed(bench, ann, *todo))

    told = [log for log in receipt.logs if log.topics[0] == TRANSFER_WITH_MEMO]
    assert [(log.topics[3], log.amount) for log in told] == [
        ("0x" + memo.hex(), place + 1) for place, memo in enumerate(memos)
    ]
    assert receipt.gas_used < gas_for(MOST_CALLS)


def test_one_call_that_fails_undoes_all_and_still_costs_the_fee(bench: Bench) -> None:
    token, ann = bench.set_up().address, account_of(bench, "ann")
    bench.do("issuer", calls.mint(token, bench.address(ann), 10, MEMO))
    fine = [calls.transfer(token, bench.address("bob"), 1, MEMO)] * 31

    receipt = mined(
        bench, signed(bench, ann, *fine, calls.transfer(token, bench.address("bob"), 1_000, MEMO))
    )

    assert not receipt.is_success
    assert held(bench, token, ann) == 10
    assert [log.party(2) for log in receipt.logs if log.topics[0] == TRANSFER] == [FEE_MANAGER]
    assert bench.run(bench.rpc.nonce(bench.address(ann), 1)) == 1  # the slot is used all the same


def test_of_two_attempts_for_one_slot_one_takes_place(bench: Bench) -> None:
    token, ann = bench.set_up().address, account_of(bench, "ann")
    bench.do("issuer", calls.mint(token, bench.address(ann), 10, MEMO))
    call = calls.transfer(token, bench.address("bob"), 1, MEMO)
    first, second = signed(bench, ann, call), signed(bench, ann, call, gas=901_000)

    mined(bench, first)
    for late in (second, first):
        bench.run(bench.rpc.send(late.raw))
    bench.node.mine(2)

    receipts = bench.run(bench.rpc.receipts([first.hash, second.hash]))
    assert [receipt is not None for receipt in receipts] == [True, False]
    assert held(bench, token, ann) == 9


def test_another_fee_payer_makes_another_hash_of_the_same_signature(bench: Bench) -> None:
    call = calls.approve(bench.set_up().address, bench.address("operator"))

    one, other = (signed(bench, "ann", call, payer=payer) for payer in ("fees", "other fees"))

    assert one.hash != other.hash
    assert one.raw[-65:] == other.raw[-65:]
    assert hash_of(one.raw) == one.hash


def test_mint_transfer_and_burn_are_told_in_the_order_that_the_adapter_relies_on(bench: Bench) -> None:
    token, ann, issuer = bench.set_up().address, account_of(bench, "ann"), bench.address("issuer")
    memo = "0x" + MEMO.hex()

    minted = bench.do("issuer", calls.mint(token, issuer, 5, MEMO))
    moved = bench.do("issuer", calls.transfer(token, bench.address(ann), 2, MEMO))
    burned = bench.do("issuer", calls.burn(token, 3, MEMO))

    told = [
        [(log.topics[0], log.party(1), log.party(2)) for log in receipt.logs if len(log.topics) > 2][:2]
        for receipt in (minted, moved, burned)
    ]
    parties = [(ZERO, issuer), (issuer, bench.address(ann)), (issuer, ZERO)]
    assert told == [[(TRANSFER, *pair), (TRANSFER_WITH_MEMO, *pair)] for pair in parties]
    assert all(receipt.logs[1].topics[3] == memo for receipt in (minted, moved, burned))


@pytest.mark.parametrize("units", [1, 2**64])
def test_amounts_are_told_exactly(bench: Bench, units: int) -> None:
    token = bench.set_up().address

    receipt = bench.do("issuer", calls.mint(token, bench.address("ann"), units, MEMO))

    assert receipt.logs[0].amount == units
    assert usd("0.000001").micros == 1
