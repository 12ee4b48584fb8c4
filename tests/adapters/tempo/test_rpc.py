"""What a real node says and the local one does not: refusals, faults on the way, senseless answers."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from invoicepay.adapters.http import Limits
from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import PATH_USD, TRANSFER
from invoicepay.adapters.tempo.desk import LOOKS, Desk
from invoicepay.adapters.tempo.errors import Refusal
from invoicepay.adapters.tempo.incoming import IncomingScan
from invoicepay.adapters.tempo.keys import LocalKeys
from invoicepay.adapters.tempo.network import LOCAL, TempoAccounts, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc, sender_to
from invoicepay.bridge import run_blocking as run
from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.hosts import AwaitingHost
from tests.adapters.tempo.bench import SEED
from tests.adapters.tempo.fake_rpc import FakeNode, Raw, Refusing, asking, block, receipt, word

HASH = "0x" + "aa" * 32
RAW = b"\x76 some signed bytes"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Refusing("nonce too low: next nonce 8, tx nonce 7"), Refusal.NONCE_USED),
        (Refusing("Too many calls in AA transaction"), Refusal.MALFORMED),
        (Refusing("txpool is full", -32003), Refusal.POOL_FULL),
        (Refusing("words of a later version", -32099), Refusal.UNCLEAR),
    ],
)
def test_a_refusal_to_take_bytes_is_a_value(said: Refusing, why: Refusal) -> None:
    with asking(FakeNode(eth_sendRawTransaction=said)) as rpc:
        refused = run(rpc.send(RAW))

    assert refused is not None
    assert (refused.why, refused.said) == (why, said.message)
    assert isinstance(refused.error(), ProviderUnavailable | ProviderUnknown | ProviderRejected)


@pytest.mark.parametrize(
    "said", [HASH, Refusing("already known"), Refusing("transaction already imported", -32003)]
)
def test_bytes_that_are_taken_or_were_before_are_no_refusal(said: Any) -> None:
    node = FakeNode(eth_sendRawTransaction=said)

    with asking(node) as rpc:
        assert run(rpc.send(RAW)) is None

    assert node.asked == [("eth_sendRawTransaction", ["0x" + RAW.hex()])]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Raw(None), ProviderUnknown),
        (Raw(500), ProviderUnknown),
        (Raw(503), ProviderUnknown),
        (Raw(302, headers={"location": "http://127.0.0.1:1/"}), ProviderUnknown),
        (Raw(200, b"<html>busy</html>"), ProviderUnknown),
        (Raw(200, b'{"jsonrpc":"2.0","id":99,"result":"0x1"}'), ProviderUnknown),
        (Raw(200, b'{"jsonrpc":"2.0","id":0}'), ProviderUnknown),
        (Raw(200, b'{"jsonrpc":"2.0","id":0,"error":"no object"}'), ProviderUnknown),
        (Raw(200, b"[]"), ProviderUnknown),
        (Raw(429, headers={"retry-after": "7"}), ProviderUnavailable),
        (Raw(401), ProviderUnavailable),
    ],
)
def test_whether_bytes_arrived_is_told_as_unknown_unless_they_surely_did_not(
    said: Raw, kind: type[InvoicePayError]
) -> None:
    node = FakeNode(eth_sendRawTransaction=said)

    with asking(node) as rpc, pytest.raises(kind) as told:
        run(rpc.send(RAW))

    assert told.type is kind
    assert node.times("eth_sendRawTransaction") == 1 or said.status == 429
    assert told.value.details.get("retry_after_seconds") == (7 if said.status == 429 else None)
    assert RAW.hex() not in repr((told.value, told.value.details))


def test_bytes_for_a_node_that_is_away_did_not_leave() -> None:
    rpc = TempoRpc(sender_to("http://127.0.0.1:1"))

    with pytest.raises(ProviderUnavailable):
        run(rpc.send(RAW))

    rpc.close()


@pytest.mark.parametrize(
    "said",
    [
        Raw(None),
        Raw(500),
        Raw(200, b"<html>busy</html>"),
        Raw(200, b'{"jsonrpc":"2.0","id":5,"result":"0x1"}'),
        Refusing("limit exceeded", -32005),
        "no number",
        None,
        -1,
        {"number": "0x1"},
    ],
)
def test_a_question_without_a_sensible_answer_is_unavailable(said: Any) -> None:
    with asking(FakeNode(eth_chainId=said)) as rpc, pytest.raises(ProviderUnavailable):
        run(rpc.chain_id())


@pytest.mark.parametrize("said", [None, {}, {"number": "0x1"}, {**block(1), "timestamp": "soon"}])
def test_a_block_that_lacks_something_is_unavailable(said: Any) -> None:
    with asking(FakeNode(eth_getBlockByNumber=said)) as rpc, pytest.raises(ProviderUnavailable):
        run(rpc.block("finalized"))


def test_answers_of_questions_asked_together_find_their_questions() -> None:
    hashes = [f"0x{number:064x}" for number in range(25)]
    node = FakeNode(
        eth_getTransactionReceipt=lambda hash: (
            None if int(hash, 16) % 5 == 0 else receipt(hash, block_number=3)
        )
    )
    node.is_backwards = True

    with asking(node) as rpc:
        found = run(rpc.receipts(hashes))

    assert [one.transaction_hash if one else None for one in found] == [
        None if number % 5 == 0 else hash for number, hash in enumerate(hashes)
    ]


def test_a_part_that_is_left_out_spoils_the_whole_answer() -> None:
    body = b'[{"jsonrpc":"2.0","id":0,"result":null}]'

    with (
        asking(FakeNode(eth_getTransactionReceipt=Raw(200, body))) as rpc,
        pytest.raises(ProviderUnavailable),
    ):
        run(rpc.receipts([HASH, HASH]))


def test_a_revert_is_told_by_its_data_whatever_the_code() -> None:
    for code in (3, -32000, -32015):
        node = FakeNode(eth_call=Refusing("execution reverted", code, "0xf58f733a"))
        with asking(node) as rpc, pytest.raises(ProviderRejected, match="supply cap"):
            run(rpc.call(calls.total_supply(PATH_USD)))


def test_credentials_are_sent_and_shown_nowhere() -> None:
    node = FakeNode(eth_chainId=Raw(401))
    secret = SecretStr("Bearer a-canary-of-the-node")

    with asking(node, headers={"Authorization": secret}) as rpc, pytest.raises(ProviderUnavailable) as told:
        run(rpc.chain_id())

    assert node.headers["authorization"] == "Bearer a-canary-of-the-node"
    assert "canary" not in repr((told.value, told.value.details, rpc, vars(rpc)))


def test_both_kinds_of_host_ask_alike() -> None:
    host = AwaitingHost()
    with asking(FakeNode(eth_chainId="0x7a69")) as rpc:
        assert run(rpc.chain_id()) == host.run(rpc.chain_id()) == 31337
        host.run(rpc.aclose())
    host.close()


def a_log(block_number: int) -> dict[str, Any]:
    ann = "0x" + "a1" * 20
    return {
        "address": PATH_USD,
        "topics": [TRANSFER, word(0xC), "0x" + ann[2:].rjust(64, "0")],
        "data": word(5),
        "blockNumber": hex(block_number),
        "transactionHash": HASH,
        "logIndex": "0x0",
        "removed": False,
    }


def _logs_of_few_blocks(most: int, say: Any) -> Any:
    def said(wanted: dict[str, str]) -> Any:
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        return say if last - first + 1 > most else [a_log(number) for number in range(first, last + 1)]

    return said


@pytest.mark.parametrize(
    "say",
    [Refusing("query exceeds max block range 10", -32602), Raw(200, b" " * 100_001)],
    ids=["limit", "size"],
)
def test_a_range_that_is_too_much_is_asked_in_smaller_ones(say: Any) -> None:
    node = FakeNode(eth_getBlockByNumber=block(100), eth_getLogs=_logs_of_few_blocks(10, say))
    token = TempoToken(asset="USD.tempo", address=PATH_USD, policy=2)
    found, cursor = list[int](), 1

    with asking(node, limits=Limits(max_bytes=100_000, failures=1_000)) as rpc:
        scan = IncomingScan(rpc, token)
        while cursor <= 100:
            page = run(scan.page(["0x" + "a1" * 20], cursor))
            found += [one.block_number for one in page.transfers]
            cursor = page.cursor

    assert found == list(range(1, 101))


def test_a_node_that_is_away_is_not_asked_for_smaller_ranges() -> None:
    node = FakeNode(eth_getBlockByNumber=block(100), eth_getLogs=Raw(500))

    with asking(node, limits=Limits(tries=1)) as rpc, pytest.raises(ProviderUnavailable):
        run(IncomingScan(rpc, TempoToken(asset="USD.tempo", address=PATH_USD, policy=2)).page([], 1))

    assert node.times("eth_getLogs") == 1


def a_desk(rpc: TempoRpc, clock: FrozenClock) -> Desk:
    async def at_once(_seconds: float) -> None:
        return None

    return Desk(rpc, LocalKeys(SEED), LOCAL, TempoAccounts(), clock=clock, sleep=at_once)


def carried_out(rpc: TempoRpc, clock: FrozenClock) -> Any:
    return run(a_desk(rpc, clock).carry_out("guard", calls.pause(PATH_USD)))


def test_a_lost_answer_is_cleared_up_by_the_receipt() -> None:
    node = FakeNode(
        eth_chainId="0x7a69",
        eth_getBlockByNumber=block(9),
        eth_sendRawTransaction=Raw(None),
        eth_getTransactionReceipt=lambda hash: receipt(hash, block_number=9),
    )

    with asking(node) as rpc:
        assert carried_out(rpc, FrozenClock()).block_number == 9


def test_what_no_block_took_in_its_time_was_not_carried_out() -> None:
    clock = FrozenClock()
    now = int(clock.now().timestamp())
    node = FakeNode(
        eth_chainId="0x7a69",
        eth_getBlockByNumber=lambda tag, _full: block(9, timestamp=now + (60 if tag == "finalized" else 0)),
        eth_sendRawTransaction=HASH,
        eth_getTransactionReceipt=None,
    )

    with (
        asking(node) as rpc,
        pytest.raises(ProviderUnavailable, match="did not take the transaction in time"),
    ):
        carried_out(rpc, clock)


def test_a_receipt_that_never_becomes_final_is_unknown() -> None:
    node = FakeNode(
        eth_chainId="0x7a69",
        eth_getBlockByNumber=block(9),
        eth_sendRawTransaction=HASH,
        eth_getTransactionReceipt=lambda hash: receipt(hash, block_number=10),
    )

    with asking(node) as rpc, pytest.raises(ProviderUnknown):
        carried_out(rpc, FrozenClock())

    assert node.times("eth_getTransactionReceipt") == LOOKS


def test_a_fee_wallet_that_is_short_is_told_with_when_to_come_back() -> None:
    node = FakeNode(
        eth_chainId="0x7a69",
        eth_getBlockByNumber=block(9),
        eth_sendRawTransaction=Refusing("insufficient fee token balance", -32003),
    )

    with asking(node) as rpc, pytest.raises(ProviderUnavailable, match="top it up") as told:
        carried_out(rpc, FrozenClock())

    assert told.value.details["retry_after_seconds"] == 60
