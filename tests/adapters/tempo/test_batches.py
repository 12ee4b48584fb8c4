"""Orders that share transactions: who goes with whom, and what becomes of the others when one fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.errors import InvoicePayError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.slots import REFUSED
from invoicepay.ports.tokens import TokenMove, TokenStatus, TokenTransfer
from tests.adapters.tempo.bench import Bench, usd
from tests.adapters.tempo.chain import SEND, Chain, a_burn, a_mint, a_transfer, an_order


def statuses(outcomes: object) -> list[object]:
    """Statuses, or the classes of errors."""
    assert isinstance(outcomes, list)
    return [one.status if isinstance(one, TokenTransfer) else type(one) for one in outcomes]


def test_fifty_transfers_take_two_transactions(chain: Chain) -> None:
    chain.fund("ann", "50.00")
    moves = [a_transfer(f"eff_{number}", "ann", f"shop-{number % 3}") for number in range(50)]
    chain.wire.methods.clear()

    outcomes = chain.done(moves)

    assert statuses(outcomes) == [TokenStatus.FINAL] * 50
    assert chain.wire.methods.count(SEND) == 2
    assert len({one.provider_ref for one in outcomes if isinstance(one, TokenTransfer)}) == 50
    assert (chain.held("ann"), chain.held("shop-0")) == (usd("0.00"), usd("17.00"))


def test_sixteen_burns_fill_a_transaction_since_each_takes_two_calls(chain: Chain) -> None:
    chain.fund("ann", "17.00")
    supply = run_blocking(chain.tempo.supply(chain.token.asset))
    chain.wire.methods.clear()

    outcomes = chain.done([a_burn(f"eff_{number}", "ann") for number in range(17)])

    assert statuses(outcomes) == [TokenStatus.FINAL] * 17
    assert chain.wire.methods.count(SEND) == 2
    assert run_blocking(chain.tempo.supply(chain.token.asset)) == supply - usd("17.00")


def test_a_wallet_approves_by_itself_before_its_first_transfer_and_pays_no_fee(chain: Chain) -> None:
    chain.fund("ann", "2.00", approves=False)

    outcomes = chain.done([a_transfer("eff_1", "ann", "bob"), a_burn("eff_2", "ann")])

    assert statuses(outcomes) == [TokenStatus.FINAL] * 2
    assert chain.held("ann") == usd("0.00")
    wallet = run_blocking(chain.tempo.wallets.address_of("ann"))
    nonce = chain.bench.node.ask("eth_getTransactionCount", wallet, "latest")
    assert int(nonce, 16) == 0, "its approval takes no nonce of the wallet"


def test_an_order_that_would_revert_is_refused_and_the_others_go(chain: Chain) -> None:
    chain.fund("ann", "2.00")
    moves = [
        a_transfer("eff_1", "ann", "bob"),
        a_transfer("eff_2", "ann", "bob", "9.00"),
        a_mint("eff_3", "bob"),
    ]

    first, second, third = chain.done(moves)

    assert statuses([first, third]) == [TokenStatus.FINAL] * 2
    assert isinstance(second, ProviderRejected)
    assert second.details["reason"] == "insufficient_funds"
    assert chain.held("bob") == usd("2.00")


def test_what_was_refused_for_good_stays_refused_whoever_comes_late(chain: Chain) -> None:
    """A worker that had looked before and was held up finds the refusal, and sends nothing."""
    order = a_mint("eff_1", "bob")
    chain.freeze("bob")
    (first,) = chain.done([order])
    run_blocking(chain.tempo.unfreeze("bob", chain.token.asset))

    (late,) = chain.done([order])

    assert isinstance(first, ProviderRejected)
    assert isinstance(late, ProviderRejected)
    assert (late.message, late.details["reason"]) == (first.message, first.details["reason"])
    found = run_blocking(chain.tempo.find("eff_1"))
    assert found is not None
    assert found.status is TokenStatus.FAILED
    assert chain.held("bob") == usd("0.00")


def test_when_a_transaction_reverts_the_innocent_go_again_and_the_one_at_fault_fails(chain: Chain) -> None:
    chain.fund("ann", "2.00")
    chain.fund("cat", "8.00")
    moves = [a_transfer(f"eff_c{number}", "cat", "bob") for number in range(8)]
    moves[3:3] = [a_transfer("eff_a1", "ann", "bob", "1.50"), a_transfer("eff_a2", "ann", "bob", "1.50")]

    outcomes = chain.done(moves)

    by_name = {move.order.reference: one for move, one in zip(moves, outcomes, strict=True)}
    failed = by_name.pop("eff_a2")
    assert isinstance(failed, TokenTransfer)
    assert failed.status is TokenStatus.FAILED
    assert failed.reason.startswith("insufficient_funds")
    assert statuses(list(by_name.values())) == [TokenStatus.FINAL] * 9
    assert len(chain.memos()) - 2 == 9
    assert (chain.held("ann"), chain.held("cat"), chain.held("bob")) == (
        usd("0.50"),
        usd("0.00"),
        usd("9.50"),
    )
    assert run_blocking(chain.slots.open()) == []


def test_a_failed_order_answers_alike_for_ever(chain: Chain) -> None:
    chain.fund("ann", "2.00")
    moves = [a_transfer("eff_1", "ann", "bob", "1.50"), a_transfer("eff_2", "ann", "bob", "1.50")]
    first = chain.done(moves)
    chain.fund("ann", "5.00")

    again = chain.done(moves)

    assert again == first
    assert [run_blocking(chain.tempo.find(name)) for name in ("eff_1", "eff_2")] == first


def refused(chain: Chain, move: TokenMove) -> ProviderRejected:
    """The refusal of an order, which used no slot of the chain."""
    (outcome,) = chain.done([move])
    assert isinstance(outcome, ProviderRejected)
    assert {lane.nonce_key for lane in run_blocking(chain.slots.lanes())} == {REFUSED}
    return outcome


def test_a_mint_above_the_cap_is_refused(chain: Chain) -> None:
    control = chain.bench.control(chain.token)
    supply = run_blocking(chain.tempo.supply(chain.token.asset))
    chain.bench.run(control.set_cap(supply + usd("100.00")))

    refusal = refused(chain, a_mint("eff_1", "ann", "100.01"))

    assert refusal.details["reason"] == "cap"
    chain.bench.run(control.set_cap(usd("8999999999.00")))


@pytest.mark.parametrize("party", ["ann", "bob"])
def test_a_frozen_wallet_neither_gives_nor_gets(chain: Chain, party: str) -> None:
    chain.fund("ann", "1.00")
    chain.freeze(party)

    refusal = refused(chain, a_transfer("eff_1", "ann", "bob"))

    assert refusal.details["reason"] == "wallet_frozen"
    assert party in refusal.message


def test_more_than_a_wallet_holds_is_refused(chain: Chain) -> None:
    chain.fund("ann", "1.00")

    for move in (a_transfer("eff_1", "ann", "bob", "1.01"), a_burn("eff_2", "ann", "1.01")):
        assert refused(chain, move).details["reason"] == "insufficient_funds"


def test_a_paused_token_is_unavailable_until_it_moves_again(shared: tuple[Bench, TempoToken]) -> None:
    bench = shared[0]
    own = Bench(bench.node, bench.rpc, bench.keys, bench.desk, "a token that is paused")
    chain = Chain(own, own.set_up(), tenant="paused")
    run_blocking(chain.tempo.pause(chain.token.asset))

    (outcome,) = chain.done([a_mint("eff_1", "ann")])
    run_blocking(chain.tempo.unpause(chain.token.asset))
    (later,) = chain.done([a_mint("eff_1", "ann")])

    assert isinstance(outcome, ProviderUnavailable)
    assert outcome.details["reason"] == "paused"
    assert statuses([later]) == [TokenStatus.FINAL]
    chain.close()


def test_a_key_names_one_order(chain: Chain) -> None:
    run_blocking(chain.tempo.mint(an_order("eff_1", target="ann"), idempotency_key="key-1"))

    for other in (an_order("eff_1", "2.00", target="ann"), an_order("eff_2", target="ann")):
        with pytest.raises(ProviderUnknown, match="another order"):
            run_blocking(chain.tempo.mint(other, idempotency_key="key-1"))

    assert len(chain.memos()) == 1


def test_the_same_order_twice_in_one_call_is_one_movement(chain: Chain) -> None:
    first, second = chain.done([a_mint("eff_1", "ann")] * 2)

    assert first == second
    assert chain.held("ann") == usd("1.00")


def test_two_orders_of_one_call_under_one_reference_are_refused(chain: Chain) -> None:
    with pytest.raises(ProviderRejected, match="one reference"):
        chain.done([a_mint("eff_1", "ann"), a_mint("eff_1", "bob")])

    assert chain.memos() == []


@pytest.mark.parametrize("amount", ["0.00 USD.tempo", "1.00 EUR.tempo"])
def test_amounts_of_nothing_and_unknown_assets_are_refused(chain: Chain, amount: str) -> None:
    order = replace(an_order("eff_1", target="ann"), amount=Money.of(amount))

    with pytest.raises(ProviderRejected):
        run_blocking(chain.tempo.mint(order, idempotency_key="key-1"))


def test_payments_of_one_invoice_carry_its_memo_and_are_told_apart(chain: Chain) -> None:
    chain.fund("ann", "4.00")
    memo = "ab" * 32
    moves = [a_transfer(f"eff_{number}", "ann", "acme", memo=memo) for number in range(3)]

    outcomes = chain.done(moves)

    assert statuses(outcomes) == [TokenStatus.FINAL] * 3
    assert chain.memos().count("0x" + memo) == 3


def test_a_call_that_takes_too_long_leaves_the_rest_for_the_next(chain: Chain) -> None:
    chain.fund("ann", "100.00")
    seconds = iter([0.0, *[11.0] * 9])
    tempo = chain.another(elapsed=lambda: next(seconds))
    moves = [a_transfer(f"eff_{number}", "ann", "bob") for number in range(100)]

    outcomes = chain.done(moves, tempo)

    assert statuses(outcomes[:96]) == [TokenStatus.FINAL] * 96, "however slow the node, a part gets on"
    assert statuses(outcomes[96:]) == [ProviderUnavailable] * 4
    assert statuses(chain.done(moves)) == [TokenStatus.FINAL] * 100
    assert chain.held("bob") == usd("100.00")


def test_wallets_that_wait_for_their_approval_hold_up_nobody_else(chain: Chain) -> None:
    chain.fund("ann", "2.00")
    chain.fund("new", "2.00", approves=False)
    seconds = iter([0.0, *[11.0] * 9])
    tempo = chain.another(elapsed=lambda: next(seconds))

    outcomes = chain.done([a_transfer("eff_1", "new", "bob"), a_transfer("eff_2", "ann", "bob")], tempo)

    assert statuses(outcomes) == [ProviderUnavailable, TokenStatus.FINAL]


def test_with_one_wallet_for_all_tokens_are_minted_and_burned_and_move_in_the_books(chain: Chain) -> None:
    tempo = chain.another(custody="omnibus", tenant_id=f"{chain.tenant}-omnibus")

    minted = chain.done([a_mint("eff_1", "ann", "3.00")], tempo)
    burned = chain.done([a_burn("eff_2", "bob", "2.00")], tempo)

    assert statuses(minted + burned) == [TokenStatus.FINAL] * 2
    assert run_blocking(tempo.wallets.address_of("ann")) == run_blocking(tempo.wallets.address_of("bob"))
    assert not tempo.capabilities().per_party
    with pytest.raises(ProviderRejected, match="books"):
        run_blocking(tempo.transfer(an_order("eff_3", source="ann", target="bob"), idempotency_key="3"))
    with pytest.raises(ProviderRejected, match="books"):
        run_blocking(tempo.balance("ann", chain.token.asset))


def test_health_is_told_of_the_chain_and_the_token(chain: Chain) -> None:
    health = run_blocking(chain.tempo.health())

    assert {check.name for check in health.checks} >= {"chain_id", "fee_wallet", f"{chain.token.asset}.roles"}
    assert isinstance(health.provider, str) and health.provider == chain.tempo.name


def test_errors_show_no_key(chain: Chain) -> None:
    outcomes = chain.done([a_transfer("eff_1", "ann", "bob")])

    (error,) = outcomes
    assert isinstance(error, InvoicePayError)
    assert "seed" not in repr(chain.tempo) + str(error.to_record())
