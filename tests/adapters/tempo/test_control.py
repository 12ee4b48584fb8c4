"""Freezes, pauses and caps on a node, and the errors that follow from them; balances at finality."""

from __future__ import annotations

import pytest

from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import FEE_MANAGER
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.domain.money import Money
from invoicepay.errors import (
    ComplianceBlocked,
    CurrencyMismatch,
    NotAllowed,
    ProviderRejected,
    ProviderUnavailable,
    WalletFrozen,
)
from invoicepay.testing.hosts import AwaitingHost
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import MEMO, Bench, bench_on, usd


def moved(bench: Bench, token_address: str, to: str, amount: str = "1") -> Call:
    return calls.transfer(token_address, bench.address(to), usd(amount).micros, MEMO)


def test_a_frozen_wallet_neither_sends_nor_receives_until_it_is_unfrozen(bench: Bench) -> None:
    token = bench.set_up()
    control, ann = bench.control(token), bench.address("ann")
    bench.give(token, "ann", "10")
    bench.give(token, "bob", "10")

    bench.run(control.freeze(ann))

    assert bench.run(control.is_frozen(ann))
    for sender, receiver in (("ann", "bob"), ("bob", "ann")):
        with pytest.raises(ComplianceBlocked):
            bench.run(bench.rpc.call(moved(bench, token.address, receiver), sender=bench.address(sender)))
        with pytest.raises(ProviderRejected, match="transfer policy refuses") as refused:
            bench.do(sender, moved(bench, token.address, receiver))
        assert refused.value.details["reason"] == "compliance_blocked"
    with pytest.raises(ProviderRejected, match="transfer policy refuses"):
        bench.give(token, "ann", "1")
    assert isinstance(bench.run(control.why_forbidden(bench.address("bob"), ann)), WalletFrozen)
    assert type(bench.run(control.why_forbidden(bench.address("bob")))) is ComplianceBlocked
    assert bench.run(control.balance(ann)) == usd("10")

    bench.run(control.unfreeze(ann))

    bench.do("ann", moved(bench, token.address, "bob"))
    assert bench.run(control.balance(ann)) == usd("9")


def test_frozen_unfrozen_and_frozen_within_a_second_it_is_frozen(bench: Bench) -> None:
    control, ann = bench.control(bench.set_up()), bench.address("ann")

    for _ in range(3):
        bench.run(control.freeze(ann))
        assert bench.run(control.is_frozen(ann))
        bench.run(control.unfreeze(ann))
        assert not bench.run(control.is_frozen(ann))


def test_a_lever_pulled_twice_sends_once(bench: Bench) -> None:
    control, ann = bench.control(bench.set_up()), bench.address("ann")
    bench.run(control.freeze(ann))
    bench.run(control.pause())
    height = bench.run(bench.rpc.block()).number

    bench.run(control.freeze(ann))
    bench.run(control.pause())

    assert bench.run(bench.rpc.block()).number == height


@pytest.mark.parametrize("account", ["admin", "issuer", "operator", "guard", "fees"])
def test_what_the_token_cannot_do_without_is_not_frozen(bench: Bench, account: str) -> None:
    control = bench.control(bench.set_up())

    with pytest.raises(NotAllowed):
        bench.run(control.freeze(bench.address(account).upper().replace("0X", "0x")))
    with pytest.raises(NotAllowed):
        bench.run(control.freeze(FEE_MANAGER))


def test_a_paused_token_stands_still_and_says_when_to_come_back(bench: Bench) -> None:
    token = bench.set_up()
    control = bench.control(token)
    bench.give(token, "ann", "10")

    bench.run(control.pause())

    with pytest.raises(ProviderUnavailable, match="the token is paused") as paused:
        bench.do("ann", moved(bench, token.address, "bob"))
    assert paused.value.details["retry_after_seconds"] == 60
    bench.do("ann", calls.approve(token.address, bench.address("operator")))  # approvals go on

    bench.run(control.unpause())

    bench.do("ann", moved(bench, token.address, "bob"))
    assert bench.run(control.balance(bench.address("bob"))) == usd("1")


def test_minting_above_the_cap_is_refused_and_changes_nothing(bench: Bench) -> None:
    token = bench.set_up(cap=usd("100"))
    control = bench.control(token)
    bench.give(token, "ann", "60")

    with pytest.raises(ProviderRejected, match="supply cap") as refused:
        bench.give(token, "ann", "41")

    assert refused.value.details["reason"] == "cap"
    assert bench.run(control.supply()) == usd("60")
    bench.run(control.set_cap(usd("101")))
    bench.give(token, "ann", "41")
    assert bench.run(control.supply()) == usd("101")


def test_a_cap_below_the_supply_or_of_another_asset_is_refused(bench: Bench) -> None:
    token = bench.set_up()
    control = bench.control(token)
    bench.give(token, "ann", "60")

    with pytest.raises(ProviderRejected, match="below the supply"):
        bench.run(control.set_cap(usd("59.99")))
    with pytest.raises(CurrencyMismatch):
        bench.run(control.set_cap(Money.of("100 USD")))


def test_supply_and_balances_follow_mint_transfer_pull_and_burn(bench: Bench) -> None:
    token = bench.set_up()
    control, issuer, operator = bench.control(token), bench.address("issuer"), bench.address("operator")
    bench.give(token, "ann", "10.000001")
    bench.do("ann", calls.approve(token.address, operator), calls.approve(token.address, issuer))

    bench.do(
        "operator", calls.pull(token.address, bench.address("ann"), bench.address("bob"), 3_000_000, MEMO)
    )
    bench.do(
        "issuer",
        calls.pull(token.address, bench.address("ann"), issuer, 2_000_000, MEMO),
        calls.burn(token.address, 2_000_000, MEMO),
    )

    figures = [bench.run(control.balance(bench.address(name))) for name in ("ann", "bob", "issuer")]
    assert figures == [usd("5.000001"), usd("3"), usd("0")]
    assert bench.run(control.supply()) == usd("8.000001")
    assert (
        bench.run(bench.rpc.number(calls.allowance(token.address, bench.address("ann"), operator)))
        == 2**256 - 1
    )


def test_what_is_not_final_yet_is_not_counted() -> None:
    seen: list[tuple[Money, Money]] = []

    async def mine_instead(_seconds: float) -> None:
        if token is not None:
            control = bench.control(token)
            seen.append((await control.supply(), await control.supply(at="latest")))
        node.mine()

    token = None
    with (
        TempoNode(blocks_to_finality=4) as node,
        bench_on(node, "lag", sleep=mine_instead) as bench,
    ):
        token = bench.set_up()
        node.hold_blocks()  # or it might mine before the first look, or after it

        bench.give(token, "ann", "5")

        assert seen == [(usd("0"), usd("0")), *[(usd("0"), usd("5"))] * 4]
        assert bench.run(bench.control(token).supply()) == usd("5")


def test_an_awaiting_host_has_the_same_levers(bench: Bench) -> None:
    control, ann, host = bench.control(bench.set_up()), bench.address("ann"), AwaitingHost()

    async def story() -> tuple[bool, bool]:
        await control.freeze(ann)
        frozen = await control.is_frozen(ann)
        await control.unfreeze(ann)
        return frozen, await control.is_frozen(ann)

    assert host.run(story()) == (True, False)
    host.run(bench.rpc.aclose())
    host.close()
