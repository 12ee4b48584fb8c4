"""Health of network, token and fee wallet, on a node and on one that is not well."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.health import TempoHealth
from invoicepay.adapters.tempo.keys import LocalKeys
from invoicepay.adapters.tempo.network import LOCAL, TESTNET, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc
from invoicepay.bridge import run_blocking as run
from invoicepay.ports.health import Health
from invoicepay.testing.clock import FrozenClock
from tests.adapters.tempo.bench import ACCOUNTS, SEED, Bench, usd
from tests.adapters.tempo.fake_rpc import FakeNode, Raw, asking, block, word

TOKEN = TempoToken(asset="USD.tempo", address=addresses.PATH_USD, policy=2)


def looked(bench: Bench, token: TempoToken, *, network: TempoNetwork = LOCAL) -> Health:
    clock = SystemClock()
    return bench.run(TempoHealth(bench.rpc, bench.keys, network, ACCOUNTS, [token], clock=clock).look())


def failed(health: Health) -> dict[str, str]:
    return {check.name: check.detail for check in health.failed}


def test_a_token_that_was_set_up_is_well(bench: Bench) -> None:
    health = looked(bench, bench.set_up(cap=usd("1000")))

    assert failed(health) == {}
    assert [check.name for check in health.checks] == [
        "chain_id", "head", "finality", "fork", "fee_wallet",
        "USD.tempo.roles", "USD.tempo.running", "USD.tempo.policy", "USD.tempo.cap",
    ]  # fmt: skip
    assert health.checks[-1].detail == "0.000000 outstanding, room for 1000.000000"


def test_what_is_wrong_with_a_token_is_named(bench: Bench) -> None:
    token = bench.set_up(cap=usd("10"))
    bench.give(token, "ann", "10")
    bench.run(bench.control(token).pause())
    bench.do("admin", calls.revoke_role(token.address, addresses.ISSUER_ROLE, bench.address("issuer")))

    health = looked(bench, replace(token, policy=token.policy + 1))

    assert failed(health) == {
        "USD.tempo.roles": "missing: issuer",
        "USD.tempo.running": "paused",
        "USD.tempo.policy": f"policy {token.policy}, not {token.policy + 1}",
        "USD.tempo.cap": "10.000000 outstanding, room for 0.000000",
    }


def test_an_empty_fee_wallet_is_named(bench: Bench) -> None:
    token = bench.set_up()
    poor = replace(ACCOUNTS, fees="an empty wallet")

    look = TempoHealth(bench.rpc, bench.keys, LOCAL, poor, [token], clock=SystemClock()).look()

    assert list(failed(bench.run(look))) == ["fee_wallet"]


def test_another_network_is_told_and_nothing_else_is_looked_at(bench: Bench) -> None:
    health = looked(bench, bench.set_up(), network=TESTNET)

    assert failed(health) == {"chain_id": "chain 31337, not 42431"}
    assert len(health.checks) == 1


CLOCK = FrozenClock()
NOW = int(CLOCK.now().timestamp())


def node_of(**changes: Any) -> FakeNode:
    """A testnet node on which all is well."""
    said: dict[str, Any] = {
        "eth_chainId": hex(TESTNET.chain_id),
        "eth_getBlockByNumber": lambda tag, _full: block(100 if tag == "latest" else 98, timestamp=NOW - 1),
        "eth_call": word(2),
        "tempo_forkSchedule": {"active": "T12"},
    }
    return FakeNode(**{**said, **changes})


def looked_at(node: FakeNode) -> Health:
    with asking(node) as rpc:
        return run(_health(rpc).look())


def _health(rpc: TempoRpc) -> TempoHealth:
    return TempoHealth(rpc, LocalKeys(SEED), TESTNET, ACCOUNTS, [], clock=CLOCK)


@pytest.mark.parametrize("age", [10, 11])
def test_a_head_that_stands_still_is_a_node_without_its_network(age: int) -> None:
    health = looked_at(node_of(eth_getBlockByNumber=block(100, timestamp=NOW - age)))

    assert ("head" in failed(health)) == (age > 10)


def test_finality_that_falls_behind_is_told() -> None:
    node = node_of(
        eth_getBlockByNumber=lambda tag, _full: (
            block(100, timestamp=NOW) if tag == "latest" else block(60, timestamp=NOW - 20)
        )
    )

    assert failed(looked_at(node))["finality"] == "40 blocks and 20 s behind the head"


@pytest.mark.parametrize(
    ("active", "detail"),
    [("T12", "T12"), ("T13", "T13; this version knows forks up to T12"), ("genesis", "genesis")],
)
def test_a_newer_fork_is_told_and_is_no_failure(active: str, detail: str) -> None:
    health = looked_at(node_of(tempo_forkSchedule={"active": active}))

    [fork] = [check for check in health.checks if check.name == "fork"]
    assert (fork.is_ok, fork.detail) == (True, detail)


def test_a_node_that_is_away_is_one_failed_check() -> None:
    health = looked_at(node_of(eth_chainId=Raw(None)))

    assert list(failed(health)) == ["chain_id"]


def test_a_look_that_fails_is_a_check_that_is_not_ok() -> None:
    health = looked_at(node_of(eth_call="0x"))

    assert failed(health) == {"fee_wallet": "the node answered no number"}
