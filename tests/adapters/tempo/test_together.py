"""Several at once, and movements that a reverted transaction leaves: still each order takes place once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo.network import LOCAL, TempoToken
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.adapters.tempo.rpc import TempoRpc, sender_to
from invoicepay.bridge import run_blocking
from invoicepay.ports.slots import SlotState
from invoicepay.ports.tokens import TokenStatus, TokenTransfer
from tests.adapters.tempo.bench import Bench, usd
from tests.adapters.tempo.chain import SEND, Chain, Wire, a_mint, a_transfer


def test_recoverers_at_once_part_a_reverted_transaction_once(chain: Chain, held_blocks: None) -> None:
    chain.bench.node.release_blocks()
    chain.fund("ann", "2.00")
    chain.fund("cat", "6.00")
    chain.bench.node.hold_blocks()
    moves = [a_transfer(f"eff_{number}", "cat", "bob") for number in range(6)]
    moves += [a_transfer(f"eff_{name}", "ann", "bob", "1.50") for name in ("x", "y")]
    run_blocking(chain.tempo.move(moves))
    chain.bench.node.release_blocks()

    def look(number: int) -> None:
        tempo = chain.another(wire=Wire())
        for move in moves[number:] + moves[:number]:
            chain.decided(move.order.reference, tempo)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(4)))

    ends = [chain.decided(move.order.reference).status for move in moves]
    assert sorted(ends[6:]) == [TokenStatus.FAILED, TokenStatus.FINAL]
    assert ends[:6] == [TokenStatus.FINAL] * 6
    assert chain.held("bob") == usd("7.50")
    assert run_blocking(chain.slots.open()) == []


@pytest.fixture
def reverted(shared: tuple[Bench, TempoToken], request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A token of its own, and a shared transaction that reverted just before the process ended."""
    bench = shared[0]
    own = Bench(bench.node, bench.rpc, bench.keys, bench.desk, request.node.nodeid)
    chain = Chain(own, own.set_up(), tenant=own.tenant)
    chain.fund("ann", "2.00")
    bench.node.hold_blocks()
    run_blocking(chain.tempo.move([a_transfer(f"eff_{name}", "ann", "bob", "1.50") for name in ("x", "y")]))
    bench.node.release_blocks()
    slot = chain.slot_of("eff_x")
    run_blocking(chain.slots.settle(slot.key, SlotState.REVERTED, (), at=slot.taken_at))
    yield chain
    chain.close()


def test_while_the_token_stands_still_movements_of_a_reverted_transaction_wait(reverted: Chain) -> None:
    run_blocking(reverted.tempo.pause(reverted.token.asset))

    waiting = run_blocking(reverted.tempo.find("eff_x"))
    run_blocking(reverted.tempo.unpause(reverted.token.asset))

    assert waiting is not None
    assert (waiting.status, waiting.provider_status.split()[0]) == (TokenStatus.PENDING, "waiting")
    ends = [reverted.decided(name).status for name in ("eff_x", "eff_y")]
    assert sorted(ends) == [TokenStatus.FAILED, TokenStatus.FINAL]


def test_bytes_of_a_reverted_slot_are_never_sent_again(reverted: Chain) -> None:
    reverted.wire.answers["eth_getTransactionReceipt"] = {"result": None}
    reverted.wire.methods.clear()

    found = run_blocking(reverted.tempo.find("eff_x"))

    assert found is not None
    assert found.status is TokenStatus.PENDING
    assert SEND not in reverted.wire.methods


def test_an_order_that_reverted_alone_has_failed_even_where_it_would_pass_by_now(chain: Chain) -> None:
    chain.fund("ann", "2.00")
    chain.bench.node.hold_blocks()
    for name in ("x", "y"):
        run_blocking(chain.tempo.move([a_transfer(f"eff_{name}", "ann", "bob", "1.50")]))
    chain.bench.node.release_blocks()
    chain.fund("ann", "5.00", approves=False)

    ends = [chain.decided(f"eff_{name}") for name in ("x", "y")]

    failed, final = sorted(ends, key=lambda end: end.status)
    assert (failed.status, final.status) == (TokenStatus.FAILED, TokenStatus.FINAL)
    assert failed.reason.startswith("insufficient_funds")
    assert chain.held("ann") == usd("5.50")


def test_tenants_with_one_signer_never_share_a_slot(chain: Chain) -> None:
    other = Chain(chain.bench, chain.token, tenant=f"{chain.tenant}-other")

    for one in (chain, other):
        one.mint()

    assert chain.slot_of().key.nonce == other.slot_of().key.nonce == 0
    assert chain.slot_of().key.lane != other.slot_of().key.lane
    assert {one.decided("eff_1").status for one in (chain, other)} == {TokenStatus.FINAL}
    other.close()


def test_callers_and_recoverers_at_once_move_each_order_once(
    shared: tuple[Bench, TempoToken], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chain = Chain(*shared, tenant=request.node.nodeid, slots=SqlSlots(f"sqlite:///{tmp_path / 'pay.db'}"))
    chain.fund("ann", "40.00")
    moves = [a_transfer(f"eff_t{number}", "ann", "bob") for number in range(24)]
    moves += [a_mint(f"eff_m{number}", "cat") for number in range(12)]

    def call(seed: int) -> None:
        chance, tempo = Random(seed), chain.another(wire=Wire())
        for _ in range(6):
            some = chance.sample(moves, 9)
            if seed % 3:
                run_blocking(tempo.move(some))
            else:
                run_blocking(tempo.recover())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
    outcomes = chain.done(moves)
    held = chain.held("bob"), chain.held("cat")
    run_blocking(chain.slots.close())
    chain.close()

    assert held == (usd("24.00"), usd("12.00"))
    assert [one.status for one in outcomes if isinstance(one, TokenTransfer)] == [TokenStatus.FINAL] * 36
    assert len(chain.memos()) == 1 + 36, "the funding, and each order once"


def test_tasks_of_one_event_loop_move_each_order_once(
    shared: tuple[Bench, TempoToken], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bench, token = shared
    slots = SqlSlots(f"sqlite:///{tmp_path / 'pay.db'}")
    chain = Chain(bench, token, tenant=request.node.nodeid, slots=slots)
    rpc = TempoRpc(sender_to(bench.node.url))
    tempo = Tempo(rpc, bench.keys, LOCAL, [token], slots=slots, tenant_id=chain.tenant)
    moves = [a_mint(f"eff_{number}", "ann") for number in range(20)]

    async def together() -> None:
        parts = [moves[start : start + 8] for start in range(0, 20, 4)]
        await asyncio.gather(*(tempo.move(part) for part in parts), tempo.recover(), tempo.find("eff_3"))
        await tempo.aclose()

    with asyncio.Runner() as runner:
        runner.run(together())
    outcomes = chain.done(moves)
    run_blocking(tempo.aclose())
    chain.close()

    assert [one.status for one in outcomes if isinstance(one, TokenTransfer)] == [TokenStatus.FINAL] * 20
    assert len(chain.memos()) == 20
