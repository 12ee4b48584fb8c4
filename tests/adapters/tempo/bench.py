"""A token of its own on the local node, and what tests do around it."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import SecretStr

from invoicepay.adapters import hosts
from invoicepay.adapters.system import Sleep, SystemClock
from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.control import TempoControl
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.keys import LocalKeys
from invoicepay.adapters.tempo.network import LOCAL, TempoAccounts, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.rpc import TempoRpc, sender_to
from invoicepay.adapters.tempo.setup import TokenPlan, set_up_token
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.adapters.tempo.wire import Receipt
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.testing.tempo_node import FUNDED_KEY, TempoNode

T = TypeVar("T")

ASSET = "USD.tempo"
ACCOUNTS = TempoAccounts()
SEED = b"a seed that only these tests use"
MEMO = bytes(range(32))


def usd(amount: str) -> Money:
    return Money.of(f"{amount} {ASSET}")


def plan_of(tenant: str, **changes: Any) -> TokenPlan:
    given: dict[str, Any] = {"asset": ASSET, "tenant": tenant, "name": "A dollar of ours", "symbol": "OURS"}
    return TokenPlan(**{**given, **changes})


@dataclass(frozen=True)
class Bench:
    """A node, keys, and a token once it was set up."""

    node: TempoNode
    rpc: TempoRpc
    keys: LocalKeys
    desk: Desk
    tenant: str

    @property
    def plan(self) -> TokenPlan:
        return plan_of(self.tenant)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return run_blocking(coroutine)

    def address(self, account: str) -> str:
        return self.run(self.keys.address(account))

    def set_up(self, **changes: Any) -> TempoToken:
        return self.run(set_up_token(self.rpc, self.desk, ACCOUNTS, plan_of(self.tenant, **changes)))

    def control(self, token: TempoToken) -> TempoControl:
        return TempoControl(self.rpc, self.desk, ACCOUNTS, token)

    def do(self, account: str, *todo: Call) -> Receipt:
        """Send calls of an account, and wait for their end."""
        return self.run(self.desk.carry_out(account, *todo))

    def receipt(self, hash: str) -> Receipt:
        """The receipt of what was sent; a block comes soon, and not at once."""
        for _ in range(200):
            found = self.run(self.rpc.receipt(hash))
            if found is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no block took {hash}")

    def give(self, token: TempoToken, account: str, amount: str, memo: bytes = MEMO) -> Receipt:
        """Mint to an account."""
        return self.do("issuer", calls.mint(token.address, self.address(account), usd(amount).micros, memo))


@contextmanager
def bench_on(
    node: TempoNode, tenant: str, *, network: TempoNetwork = LOCAL, sleep: Sleep = hosts.sleep
) -> Iterator[Bench]:
    """Keys whose fee wallet is funded on every local node."""
    rpc = TempoRpc(sender_to(node.url))
    keys = LocalKeys(SEED, fixed={"fees": SecretStr(FUNDED_KEY)})
    yield Bench(node, rpc, keys, Desk(rpc, keys, network, ACCOUNTS, clock=SystemClock(), sleep=sleep), tenant)
    rpc.close()
