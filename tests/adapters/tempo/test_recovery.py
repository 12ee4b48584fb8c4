"""Lost, dropped, expired, outbid, contested: whatever happens to bytes, an order takes place once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from invoicepay.adapters.memory.slots import MemorySlots
from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.network import LOCAL, TESTNET, TempoToken
from invoicepay.adapters.tempo.setup import set_up_token
from invoicepay.adapters.tempo.transaction import TempoTransaction, gas_for, sign_transaction
from invoicepay.bridge import run_blocking
from invoicepay.errors import (
    InvoicePayError,
    OutcomeUnknown,
    ProviderUnavailable,
    ProviderUnknown,
    StoreUnreachable,
)
from invoicepay.ports.signing import Signature, Signer
from invoicepay.ports.slots import Lane, Move, Slot, SlotKey, SlotState
from invoicepay.ports.tokens import TokenStatus
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import ACCOUNTS, Bench, bench_on, plan_of, usd
from tests.adapters.tempo.chain import SEND, Chain, a_burn, a_transfer, an_order


def is_waiting(chain: Chain, hash: str) -> bool:
    found = chain.bench.node.ask("eth_getTransactionByHash", hash)
    return found is not None and found["blockNumber"] is None


def test_an_order_is_pending_until_its_block_comes(chain: Chain, held_blocks: None) -> None:
    first = chain.mint()
    second = run_blocking(chain.tempo.find("eff_1"))
    chain.bench.node.mine()
    third = run_blocking(chain.tempo.find("eff_1"))

    assert second is not None and third is not None
    assert (first.status, second.status, third.status) == (
        TokenStatus.PENDING,
        TokenStatus.PENDING,
        TokenStatus.FINAL,
    )
    assert first.provider_ref == second.provider_ref == third.provider_ref
    (attempt,) = chain.slot_of().attempts
    assert [one.provider_status for one in (first, third)] == [
        f"pending {attempt.hash}",
        f"final {attempt.hash}",
    ]


def test_nothing_is_final_in_a_block_that_can_still_be_dropped() -> None:
    with TempoNode(blocks_to_finality=2) as node, bench_on(node, "finality") as bench:
        bench.node.mine(4)
        token = bench.run(_set_up_mining(bench))
        chain = Chain(bench, token, tenant="finality")

        first = chain.mint()
        node.mine()
        early = run_blocking(chain.tempo.find("eff_1"))
        supply = run_blocking(chain.tempo.supply(token.asset))
        node.mine(2)
        late = run_blocking(chain.tempo.find("eff_1"))
        chain.close()

    assert early is not None and late is not None
    assert {first.status, early.status} == {TokenStatus.PENDING}
    assert early.provider_status.startswith("confirmed")
    assert supply == usd("0.00")
    assert late.status is TokenStatus.FINAL


async def _set_up_mining(bench: Bench) -> TempoToken:
    """Set up where finality needs blocks that nobody else makes."""

    async def mining(_seconds: float) -> None:
        bench.node.mine(2)

    desk = Desk(bench.rpc, bench.keys, LOCAL, ACCOUNTS, clock=SystemClock(), sleep=mining)
    return await set_up_token(bench.rpc, desk, ACCOUNTS, plan_of(bench.tenant))


def test_a_transaction_that_the_network_dropped_is_sent_again(chain: Chain, held_blocks: None) -> None:
    chain.mint()
    (attempt,) = chain.slot_of().attempts
    chain.bench.node.ask("anvil_dropTransaction", attempt.hash)
    assert not is_waiting(chain, attempt.hash)

    run_blocking(chain.tempo.find("eff_1"))

    assert is_waiting(chain, attempt.hash)
    assert chain.decided("eff_1").status is TokenStatus.FINAL
    assert chain.slot_of().attempts == (attempt,)
    assert len(chain.memos()) == 1


def test_expired_bytes_are_signed_anew_for_the_same_slot() -> None:
    with TempoNode() as node, bench_on(node, "expiry") as bench:  # of its own: its clock is set forward
        chain = Chain(bench, bench.set_up(), tenant="expiry")
        node.hold_blocks()
        chain.mint()
        before = chain.slot_of()
        node.ask("anvil_dropTransaction", before.attempts[0].hash)
        node.ask("evm_increaseTime", 200)
        node.mine()

        chain.wire.methods.clear()
        run_blocking(chain.tempo.find("eff_1"))

        assert chain.wire.methods.count(SEND) == 1, "old bytes are not even tried"
        assert chain.decided("eff_1").status is TokenStatus.FINAL
        after = chain.slot_of()
        assert after.key == before.key
        assert len(after.attempts) == 2
        assert after.attempts[1].valid_before > before.attempts[0].valid_before
        assert after.attempts[1].max_fee >= before.attempts[0].max_fee * 11 // 10
        assert len(chain.memos()) == 1
        chain.close()


def test_both_bytes_of_a_slot_in_the_pool_take_place_once(chain: Chain, held_blocks: None) -> None:
    chain.mint()
    slot = chain.slot_of()
    head = run_blocking(chain.bench.rpc.block())
    second = run_blocking(chain.tempo._lanes.signed(slot, head))
    run_blocking(chain.slots.keep(slot.key, second, at=slot.taken_at))
    run_blocking(chain.bench.rpc.send(second.raw))
    chain.bench.node.mine()

    found = chain.decided("eff_1")

    assert found.status is TokenStatus.FINAL
    assert len(chain.slot_of().attempts) == 2
    assert len(chain.memos()) == 1


@pytest.mark.parametrize(
    ("said", "attempts"),
    [
        ("max fee per gas less than block base fee", 2),
        ("insufficient gas for AA transaction", 2),
        ("transaction expired: valid_before 1 <= 2", 2),
        ("nonce too low: next nonce 1, tx nonce 0", 1),
        ("replacement transaction underpriced", 1),
    ],
)
def test_what_fresh_bytes_cure_is_signed_anew_in_the_same_slot(
    chain: Chain, said: str, attempts: int
) -> None:
    chain.wire.refuse(said)

    first = chain.mint()
    last = chain.decided("eff_1")

    assert first.status in (TokenStatus.PENDING, TokenStatus.FINAL)
    assert last.status is TokenStatus.FINAL
    slot = chain.slot_of()
    assert (slot.key.nonce, len(slot.attempts)) == (0, attempts)
    if attempts == 2:
        assert slot.attempts[1].max_fee > slot.attempts[0].max_fee
    assert len(chain.memos()) == 1


@pytest.mark.parametrize(
    "said", ["txpool is full", "insufficient fee token balance", "invalid chain id", "the moon is full"]
)
def test_what_nothing_cures_now_is_unknown_and_sent_again_later(chain: Chain, said: str) -> None:
    chain.wire.refuse(said)

    with pytest.raises(ProviderUnknown, match="on record"):
        chain.mint()

    assert chain.slot_of().state is SlotState.SIGNED
    assert chain.decided("eff_1").status is TokenStatus.FINAL


@pytest.mark.parametrize("lost", ["lost_requests", "lost_answers"])
def test_a_lost_request_and_a_lost_answer_end_alike(chain: Chain, lost: str) -> None:
    chain.fund("ann", "2.00")
    moves = [a_transfer("eff_1", "ann", "bob"), a_burn("eff_2", "ann")]
    setattr(chain.wire, lost, 2)

    outcomes = run_blocking(chain.tempo.move(moves))

    assert [type(one) for one in outcomes] == [ProviderUnknown] * 2
    assert [chain.decided(name).status for name in ("eff_1", "eff_2")] == [TokenStatus.FINAL] * 2
    assert (chain.held("ann"), chain.held("bob")) == (usd("0.00"), usd("1.00"))


def test_an_order_behind_one_that_never_left_brings_it_along(chain: Chain) -> None:
    tempo = chain.another(lanes=1)
    chain.wire.lost_requests = 1
    with pytest.raises(ProviderUnknown):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))

    run_blocking(tempo.mint(an_order("eff_2", target="ann"), idempotency_key="eff_2"))

    assert chain.decided("eff_2", tempo).status is TokenStatus.FINAL
    assert [chain.slot_of(name).key.nonce for name in ("eff_1", "eff_2")] == [0, 1]
    assert run_blocking(chain.slots.open()) == []
    assert chain.held("ann") == usd("2.00")


def test_one_sweep_brings_every_open_slot_on(chain: Chain) -> None:
    chain.wire.lost_requests = 3
    for number in range(3):
        with pytest.raises(ProviderUnknown):
            chain.mint(f"eff_{number}")

    looked_at = run_blocking(chain.tempo.recover())
    chain.bench.node.mine()
    run_blocking(chain.tempo.recover())

    assert looked_at == 3
    assert run_blocking(chain.slots.open()) == []
    assert chain.held("ann") == usd("3.00")


def test_a_slot_that_the_chain_used_for_something_else_is_left_to_a_person() -> None:
    with TempoNode() as node, bench_on(node, "used") as bench:  # of its own: its clock is set forward
        chain = Chain(bench, bench.set_up(), tenant="used")
        chain.wire.lost_requests = 1
        with pytest.raises(ProviderUnknown):
            chain.mint()
        _use_slot(chain, chain.slot_of())

        _pass_seconds(chain, 300)
        early = run_blocking(chain.tempo.find("eff_1"))
        _pass_seconds(chain, 600)
        late = run_blocking(chain.tempo.find("eff_1"))

        assert early is not None and late is not None
        assert early.status is TokenStatus.PENDING, "a node may have yet to show the receipt"
        assert len(chain.slot_of().attempts) == 1, "for a used slot nothing is signed or sent any more"
        assert (late.status, late.provider_status.split()[0]) == (TokenStatus.NEEDS_REVIEW, "lost")
        assert chain.memos() == []
        chain.close()


def _pass_seconds(chain: Chain, seconds: int) -> None:
    chain.bench.node.ask("evm_increaseTime", seconds)
    chain.bench.node.mine()


def _use_slot(chain: Chain, slot: Slot) -> None:
    """Somebody with our key sends something else in the slot."""
    transaction = TempoTransaction(
        chain_id=LOCAL.chain_id,
        calls=(calls.approve(chain.token.address, chain.bench.address("issuer"), 0),),
        nonce_key=int(slot.key.lane.nonce_key, 16),
        nonce=slot.key.nonce,
        gas=gas_for(1, is_new_lane=True),
        fee_token=LOCAL.fee_token,
    )
    signed = run_blocking(sign_transaction(chain.bench.keys, transaction, account="issuer", fee_payer="fees"))
    assert run_blocking(chain.bench.rpc.send(signed.raw)) is None
    chain.bench.node.mine()


class ForgetfulSlots(MemorySlots):
    """A store that an old copy takes the place of."""

    def forget(self) -> None:
        super().__init__()


def test_not_to_know_an_order_proves_nothing_where_the_chain_knows_more(chain: Chain) -> None:
    slots = ForgetfulSlots()
    tempo = chain.another(slots=slots)
    run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))
    chain.bench.node.mine()
    assert run_blocking(tempo.find("eff_never")) is None

    slots.forget()

    with pytest.raises(ProviderUnavailable, match="older than the chain"):
        run_blocking(tempo.find("eff_1"))


def test_a_store_older_than_the_chain_stops_everything(chain: Chain) -> None:
    chain.mint()
    chain.bench.node.mine()
    restored = chain.another(slots=MemorySlots())

    with pytest.raises(ProviderUnavailable, match="older than the chain"):
        run_blocking(restored.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))
    with pytest.raises(ProviderUnavailable, match="older than the chain"):
        run_blocking(restored.find("eff_1"))

    assert len(chain.memos()) == 1


class MoodyKeys:
    """A key service that is away now and then."""

    def __init__(self, keys: Signer) -> None:
        self._keys, self.is_away = keys, False

    async def address(self, account: str) -> str:
        return await self._keys.address(account)

    async def sign(self, account: str, digest: bytes, *, payload: bytes) -> Signature:
        if self.is_away:
            raise ProviderUnavailable("the key service is away")
        return await self._keys.sign(account, digest, payload=payload)


def test_a_key_service_that_is_away_leaves_the_order_on_record(chain: Chain) -> None:
    keys = MoodyKeys(chain.bench.keys)
    tempo = chain.another(keys=keys)
    keys.is_away = True

    with pytest.raises(ProviderUnknown, match="key service is away"):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))
    meanwhile = run_blocking(tempo.find("eff_1"))
    keys.is_away = False

    assert chain.slot_of().state is SlotState.TAKEN
    assert meanwhile is not None
    assert (meanwhile.status, meanwhile.provider_status) == (TokenStatus.PENDING, "unsent")
    assert "key service is away" in meanwhile.reason
    assert chain.decided("eff_1", tempo).status is TokenStatus.FINAL


class MoodySlots(MemorySlots):
    """A store whose next binding fails."""

    failure: InvoicePayError | None = None
    is_bound = False

    async def take(
        self, lane: Lane, moves: Sequence[Move], *, at: datetime, after: SlotKey | None = None
    ) -> Slot | None:
        failure, self.failure = self.failure, None
        taken = await super().take(lane, moves, at=at, after=after) if self.is_bound or not failure else None
        if failure:
            raise failure
        return taken


def test_an_order_that_was_not_bound_is_unavailable_and_may_go_again(chain: Chain) -> None:
    slots = MoodySlots()
    slots.failure = StoreUnreachable()
    tempo = chain.another(slots=slots)

    with pytest.raises(ProviderUnavailable):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))
    run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))

    assert chain.decided("eff_1", tempo).status is TokenStatus.FINAL
    assert len(chain.memos()) == 1


def test_an_order_that_may_have_been_bound_is_unknown_and_found(chain: Chain) -> None:
    slots = MoodySlots()
    slots.failure, slots.is_bound = OutcomeUnknown(retry_same_key=""), True
    tempo = chain.another(slots=slots)

    with pytest.raises(ProviderUnknown):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))

    assert chain.decided("eff_1", tempo).status is TokenStatus.FINAL
    assert len(chain.memos()) == 1


def test_nothing_is_signed_for_a_node_of_another_network(chain: Chain) -> None:
    tempo = chain.another(network=TESTNET)

    with pytest.raises(ProviderUnavailable, match="chain 31337"):
        run_blocking(tempo.mint(an_order("eff_1", target="ann"), idempotency_key="eff_1"))

    assert run_blocking(chain.slots.lanes()) == {}


def test_a_token_address_may_be_written_in_any_case(chain: Chain) -> None:
    token = replace(chain.token, address=f"0x{chain.token.address[2:].upper()}")
    other = Chain(chain.bench, token, tenant=chain.tenant)

    other.mint()

    assert other.decided("eff_1").status is TokenStatus.FINAL
    other.close()
