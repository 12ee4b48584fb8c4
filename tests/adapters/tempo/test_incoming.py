"""Transfers from outside, found page by page: each once, whatever the pages' size."""

from __future__ import annotations

import pytest

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.incoming import MOST_NAMED, Incoming, IncomingScan, memo_for
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.adapters.tempo.transaction import Call
from tests.adapters.tempo.bench import MEMO, Bench, usd


def plain_transfer(token: str, to: str, units: int) -> Call:
    """A transfer without a memo, as any wallet sends it."""
    return Call(
        token, bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(to[2:]) + units.to_bytes(32, "big")
    )


def height(bench: Bench) -> int:
    return bench.run(bench.rpc.block()).number


def walked(
    bench: Bench, scan: IncomingScan, wallets: list[str], cursor: int
) -> tuple[list[Incoming], int, int]:
    """Everything from the cursor on, the cursor after it, and how many pages it took."""
    found, pages = list[Incoming](), 0
    while True:
        page = bench.run(scan.page(wallets, cursor))
        assert page.cursor >= cursor
        found, cursor, pages = [*found, *page.transfers], page.cursor, pages + 1
        if page.is_caught_up:
            return found, cursor, pages


def paid(bench: Bench, token: TempoToken) -> list[tuple[int, str]]:
    """A customer pays ann and bob nine times, with and without memos; amounts in units, and memos."""
    bench.give(token, "customer", "100")
    ann, bob = bench.address("ann"), bench.address("bob")
    expected = []
    for number in range(1, 4):
        memo = bytes.fromhex(memo_for(f"inv_{number}"))
        bench.do(
            "customer",
            calls.transfer(token.address, ann, number, memo),
            plain_transfer(token.address, bob, number + 100),
            calls.transfer(token.address, bench.address("stranger"), 7, memo),
            calls.transfer(token.address, ann, number, memo),
        )
        bench.node.mine(2)
        expected += [(number, memo.hex()), (number + 100, ""), (number, memo.hex())]
    return expected


@pytest.mark.parametrize("page_blocks", [1, 2, 3, 7, 10_000])
def test_every_payment_to_our_wallets_is_found_once_whatever_the_pages(
    bench: Bench, page_blocks: int
) -> None:
    token = bench.set_up()
    start = height(bench)
    expected = paid(bench, token)
    wallets = [bench.address("ann"), bench.address("bob")]

    found, cursor, pages = walked(
        bench, IncomingScan(bench.rpc, token, page_blocks=page_blocks), wallets, start
    )

    assert [(one.amount.micros, one.memo) for one in found] == expected
    assert [one.memo_text for one in found][:3] == ["inv_1", "", "inv_1"]
    assert {one.sender for one in found} == {bench.address("customer")}
    assert len({one.id for one in found}) == len(found)
    assert cursor == height(bench) + 1
    assert pages == -(-(height(bench) + 1 - start) // page_blocks)


def test_from_the_cursor_on_only_what_is_new_is_found(bench: Bench) -> None:
    token = bench.set_up()
    scan, ann = IncomingScan(bench.rpc, token), bench.address("ann")
    start = height(bench)
    paid(bench, token)
    _, cursor, _ = walked(bench, scan, [ann], start)

    nothing, same, _ = walked(bench, scan, [ann], cursor)
    bench.do("customer", calls.transfer(token.address, ann, 42, MEMO))
    found, _, _ = walked(bench, scan, [ann], cursor)

    assert (nothing, same) == ([], cursor)
    assert [one.amount.micros for one in found] == [42]


def test_what_moves_between_two_wallets_of_ours_is_not_incoming(bench: Bench) -> None:
    token = bench.set_up()
    start = height(bench)
    bench.give(token, "ann", "5")
    bench.do("ann", calls.transfer(token.address, bench.address("bob"), 1, MEMO))
    bench.do("ann", calls.transfer(token.address, bench.address("outside"), 3, MEMO))
    bench.do("outside", calls.transfer(token.address, bench.address("ann"), 2, MEMO))

    wallets = [bench.address("ann"), bench.address("bob")]
    found, _, _ = walked(bench, IncomingScan(bench.rpc, token), wallets, start)

    assert [(one.sender, one.recipient, one.amount.micros) for one in found] == [
        (bench.address("outside"), bench.address("ann"), 2)
    ]


def test_mints_and_other_tokens_are_not_incoming_payments(bench: Bench) -> None:
    token = bench.set_up()
    start = height(bench)
    bench.give(token, "ann", "5")
    bench.do("fees", plain_transfer("0x20c0000000000000000000000000000000000000", bench.address("ann"), 9))

    found, _, _ = walked(bench, IncomingScan(bench.rpc, token), [bench.address("ann")], start)

    assert found == []


def test_many_wallets_are_chosen_from_here(bench: Bench) -> None:
    token = bench.set_up()
    start = height(bench)
    expected = paid(bench, token)
    strangers = [f"0x{number:040x}" for number in range(1, MOST_NAMED + 1)]
    ours = [bench.address("ann").upper().replace("0X", "0x"), bench.address("bob")]

    found, _, _ = walked(bench, IncomingScan(bench.rpc, token), [*strangers, *ours], start)

    assert [(one.amount.micros, one.memo) for one in found] == expected


def test_a_wallet_of_the_customer_may_use_a_pull_and_is_still_found(bench: Bench) -> None:
    token = bench.set_up()
    start = height(bench)
    bench.give(token, "customer", "1")
    bench.do("customer", calls.approve(token.address, bench.address("shop")))
    bench.do("shop", calls.pull(token.address, bench.address("customer"), bench.address("ann"), 3, MEMO))

    found, _, _ = walked(bench, IncomingScan(bench.rpc, token), [bench.address("ann")], start)

    assert [(one.sender, one.amount, one.memo) for one in found] == [
        (bench.address("customer"), usd("0.000003"), MEMO.hex())
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("inv_7", "inv_7"),
        ("x" * 32, "x" * 32),
        ("x" * 33, ""),
        ("Rechnung für März", "Rechnung für März"),
        ("", ""),
    ],
)
def test_a_memo_holds_short_text_and_the_hash_of_long_text(text: str, read: str) -> None:
    memo = memo_for(text)

    incoming = Incoming(
        id="0x1:0",
        transaction_hash="0x1",
        block_number=1,
        sender="",
        recipient="",
        amount=usd("1"),
        memo=memo,
    )

    assert len(memo) == 64
    assert incoming.memo_text == read
