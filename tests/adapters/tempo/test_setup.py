"""Set-up of a token on a node: whatever is there already, in the end everything is there once."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.desk import Desk
from invoicepay.adapters.tempo.network import LOCAL, TempoNetwork
from invoicepay.adapters.tempo.setup import predicted_address, roles_of, set_up_token
from invoicepay.adapters.tempo.transaction import Call
from invoicepay.adapters.tempo.wire import Receipt
from invoicepay.errors import ConfigurationError
from tests.adapters.tempo.bench import ACCOUNTS, Bench, bench_on, plan_of, usd


class Killed(BaseException):
    """The process ends here."""


class MortalDesk(Desk):
    """Dies before or after its n-th transaction."""

    dies_at = 0
    dies_after = False
    sent = 0

    async def carry_out(self, account: str, *todo: Call) -> Receipt:
        self.sent += 1
        if self.sent == self.dies_at and not self.dies_after:
            raise Killed
        receipt = await super().carry_out(account, *todo)
        if self.sent == self.dies_at:
            raise Killed
        return receipt


def made(bench: Bench) -> list[str]:
    """Addresses of the tokens that this bench's admin made."""
    address = bench.run(predicted_address(bench.desk, ACCOUNTS, bench.plan))
    return [address] if bench.run(bench.rpc.number(calls.is_token(address))) else []


def height(bench: Bench) -> int:
    return bench.run(bench.rpc.block()).number


def test_a_token_stands_where_it_was_foretold_with_its_roles_and_policy(bench: Bench) -> None:
    foretold = bench.run(predicted_address(bench.desk, ACCOUNTS, bench.plan))

    token = bench.set_up()

    assert token.address == foretold
    ask = bench.rpc.number
    for role, account in roles_of(ACCOUNTS):
        assert bench.run(ask(calls.has_role(token.address, bench.address(account), role))) == 1
    assert bench.run(ask(calls.has_role(token.address, bench.address("issuer"), addresses.PAUSE_ROLE))) == 0
    assert bench.run(ask(calls.policy_of(token.address))) == token.policy
    assert not bench.run(bench.control(token).is_paused())


def test_the_chain_foretells_the_same_address(bench: Bench) -> None:
    salt = bench.plan.salt
    ask = Call(
        addresses.FACTORY,
        bytes.fromhex("9ed7cd64") + bytes(12) + bytes.fromhex(bench.address("admin")[2:]) + salt,
    )

    told = bench.run(bench.rpc.call(ask))

    assert "0x" + told[-20:].hex() == bench.run(predicted_address(bench.desk, ACCOUNTS, bench.plan))


def test_tenants_and_assets_have_tokens_of_their_own(bench: Bench) -> None:
    plans = [plan_of("one"), plan_of("two"), plan_of("one", asset="USD.other")]

    assert len({bench.run(predicted_address(bench.desk, ACCOUNTS, plan)) for plan in plans}) == 3


def test_running_it_again_sends_nothing(bench: Bench) -> None:
    first = bench.set_up()
    before = height(bench)

    again = bench.set_up()

    assert again == first
    assert height(bench) == before


@pytest.mark.parametrize("dies_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_killed_around_any_transaction_it_goes_on_from_there(
    bench: Bench, dies_at: int, dies_after: bool
) -> None:
    desk = MortalDesk(bench.rpc, bench.keys, LOCAL, ACCOUNTS, clock=bench.desk._clock)
    desk.dies_at, desk.dies_after = dies_at, dies_after
    with pytest.raises(Killed):
        bench.run(set_up_token(bench.rpc, desk, ACCOUNTS, bench.plan))

    token = bench.set_up()

    assert made(bench) == [token.address]
    assert bench.set_up() == token


def test_roles_and_cap_that_were_lost_are_given_again(bench: Bench) -> None:
    token = bench.set_up()
    revoked = calls.revoke_role(token.address, addresses.ISSUER_ROLE, bench.address("issuer"))
    bench.do("admin", revoked)

    bench.set_up(cap=usd("5000"))

    has_role = calls.has_role(token.address, bench.address("issuer"), addresses.ISSUER_ROLE)
    assert bench.run(bench.rpc.number(has_role)) == 1
    assert bench.run(bench.rpc.number(calls.supply_cap(token.address))) == 5_000_000_000


def test_two_that_set_up_at_once_end_with_one_token(bench: Bench) -> None:
    results: list[Any] = []
    workers = [Thread(target=lambda: results.append(bench.set_up())) for _ in range(2)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    token = bench.set_up()
    assert made(bench) == [token.address]
    assert {one.address for one in results} == {token.address}


def test_a_policy_of_somebody_else_is_refused(bench: Bench) -> None:
    token = bench.set_up()
    other = replace(ACCOUNTS, guard="another guard")

    with pytest.raises(ConfigurationError, match="not a blacklist of the account another guard"):
        bench.run(set_up_token(bench.rpc, bench.desk, other, bench.plan))

    assert bench.set_up() == token


def test_nothing_is_signed_for_another_network(bench: Bench) -> None:
    before = height(bench)

    with (
        bench_on(bench.node, bench.tenant, network=TempoNetwork(chain_id=4217)) as elsewhere,
        pytest.raises(ConfigurationError, match="the node is of chain 31337, not of chain 4217"),
    ):
        elsewhere.set_up()

    assert height(bench) == before
