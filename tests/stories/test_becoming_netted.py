"""An asset that moved on chain becomes netted: nothing relies on positions before two persons opened them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from invoicepay import Asset, Programme, migrate
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.money import Money
from invoicepay.domain.policies import Settlement
from invoicepay.errors import (
    AssetNotAccepted,
    ConcurrentUpdate,
    InvalidTransition,
    InvariantViolated,
    NotAllowed,
    PositionsNotOpen,
    SecondActorRequired,
)
from invoicepay.testing.clock import FrozenClock
from tests.stories.stage import Stage, opened
from tests.stories.test_netted_races import at_once


class WatchedTokens(SimulatedTokens):
    """An issuer that calls back when it is asked about the supply."""

    watch: Callable[[], None] = staticmethod(lambda: None)

    async def supply(self, asset: str) -> Money:
        """Answer, then call back once."""
        answer = await super().supply(asset)
        watch, self.watch = self.watch, lambda: None
        watch()
        return answer


@dataclass
class Town:
    """One store and one chain, which clients with different programmes open one after the other."""

    url: Any
    face: str
    clock: FrozenClock = field(default_factory=lambda: FrozenClock("2026-01-05T09:00:00Z"))
    store: MemoryRepository | None = None

    def __post_init__(self) -> None:
        self.tokens = WatchedTokens(self.clock, custody="wallets")
        self.rails = SimulatedRails(self.clock)

    def opened(self, settlement: Settlement) -> AbstractContextManager[Stage]:
        """A client for which dollars settle this way."""
        options: dict[str, Any] = {
            "programme": Programme(assets={"USD": Asset("USD", settlement=settlement)}),
            "clock": self.clock,
            "token": self.tokens,
            "rails": self.rails,
        }
        if self.store is not None:
            options["repository"] = self.store
        return opened(self.url, self.face, **options)

    def before(self) -> None:
        """On chain: ann has 500 dollars and pays acme 80 of them."""
        with self.opened(Settlement.ONCHAIN) as stage:
            stage.fund("ann", "500.00 USD")
            stage.pay.invoices.pay(stage.issue("80.00").id, payer="ann")
            stage.pay.sim.deliver()
            stage.has(ann="420", acme="80")

    def wait(self, stage: Stage) -> None:
        """Let the longest wait of a worker pass."""
        stage.pay.sim.deliver()
        self.clock.advance(hours=2)
        stage.pay.run_pending()
        stage.pay.sim.deliver()


@pytest.fixture(params=["memory-blocking", "memory-awaiting", "sqlite-blocking", "postgresql-awaiting"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Town:
    """A programme on one store, behind one face."""
    store, face = request.param.split("-")
    if store == "memory":
        return Town(None, face, store=MemoryRepository(SystemIds().new))
    url = f"sqlite:///{tmp_path / 'pay.db'}" if store == "sqlite" else request.getfixturevalue("postgres_url")
    migrate(url)
    return Town(url, face)


@pytest.fixture
def quick() -> Town:
    """The same in memory, where no store matters."""
    return Town(None, "blocking", store=MemoryRepository(SystemIds().new))


def figures(stage: Stage, figure: str) -> dict[str, str]:
    """One figure of the tie-out by party."""
    return {
        line.party_id: str(getattr(line, figure).amount) for line in stage.pay.tokens.tie_out("USD").lines
    }


def test_runs_and_withdrawals_are_refused_and_name_the_command_until_it_was_called(town: Town) -> None:
    town.before()
    with town.opened(Settlement.NETTED) as stage:
        for refused in (
            lambda: stage.pay.tokens.settle("USD"),
            lambda: stage.pay.withdrawals.initiate("ann", "50.00 USD", account_token="acc-1"),
        ):
            with pytest.raises(PositionsNotOpen) as refusal:
                refused()
            assert 'pay.tokens.open_positions("USD", approved_by=...)' in str(refusal.value.hint)
        assert figures(stage, "unexplained") == {"acme": "80.00", "ann": "420.00"}
        stage.has(ann="420", ann_held="0")

        tie_out = stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert tie_out.is_tied_out and not tie_out.unsettled, str(tie_out)
        assert figures(stage, "position") == {"acme": "80.00", "ann": "420.00"}
        stage.pay.invoices.pay(stage.issue("20.00").id, payer="ann")
        withdrawal = stage.pay.withdrawals.initiate("acme", "100.00 USD", account_token="acc-1")
        run = stage.pay.tokens.settle("USD")
        town.wait(stage)
        assert stage.pay.tokens.settlement(run).status == "settled"
        stage.pay.sim.settle_payout(withdrawal.id)
        assert stage.pay.withdrawals.get(withdrawal.id).status == "paid"
        assert figures(stage, "chain") == {"acme": "0.00", "ann": "400.00"}
        assert stage.pay.tokens.tie_out("USD").is_tied_out
        assert stage.pay.invariants.check() == ()
        assert stage.pay.audit.verify()


def test_a_withdrawal_from_before_waits_and_goes_on_afterwards(town: Town) -> None:
    town.before()
    with town.opened(Settlement.ONCHAIN) as stage:
        town.tokens.weather.be_unreachable()
        withdrawal = stage.pay.withdrawals.initiate("ann", "50.00 USD", account_token="acc-1")
    town.tokens.weather.be_reachable()
    with town.opened(Settlement.NETTED) as stage:
        town.wait(stage)
        assert stage.pay.withdrawals.get(withdrawal.id).status == "held"

        stage.pay.tokens.open_positions("USD", approved_by="cfo")
        town.wait(stage)

        assert stage.pay.withdrawals.get(withdrawal.id).status == "payout_submitted"
        assert stage.pay.tokens.tie_out("USD").is_tied_out
        assert stage.pay.invariants.check() == ()


def test_positions_open_only_when_nothing_of_the_asset_moves(town: Town) -> None:
    town.before()
    with town.opened(Settlement.ONCHAIN) as stage:
        town.tokens.hold()
        stage.pay.invoices.pay(stage.issue("40.00").id, payer="ann")
    with town.opened(Settlement.NETTED) as stage:
        with pytest.raises(InvalidTransition, match="moving by 1 effects") as refusal:
            stage.pay.tokens.open_positions("USD", approved_by="cfo")
        (moving,) = stage.pay.effects.list(status="accepted")
        assert refusal.value.details["effects"] == [moving.id]

        town.tokens.release()
        stage.pay.sim.deliver()
        stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert figures(stage, "position") == {"acme": "120.00", "ann": "380.00"}
        assert stage.pay.tokens.settle("USD").transfers == 0
        assert stage.pay.invariants.check() == ()


def test_tokens_made_meanwhile_are_counted_once(town: Town) -> None:
    town.before()
    with town.opened(Settlement.NETTED) as stage:
        stage.fund("ann", "30.00 USD")
        stage.fund("bob", "10.00 USD")
        assert figures(stage, "position") == {"acme": "0.00", "ann": "30.00", "bob": "10.00"}

        stage.pay.tokens.open_positions("USD", approved_by="cfo", idempotency_key="monday")
        again = stage.pay.tokens.open_positions("USD", approved_by="cfo", idempotency_key="monday")

        assert again.is_tied_out
        assert figures(stage, "position") == {"acme": "80.00", "ann": "450.00", "bob": "10.00"}
        assert stage.pay.invariants.check() == ()


def test_what_the_book_moved_meanwhile_goes_with_the_first_run(quick: Town) -> None:
    quick.before()
    with quick.opened(Settlement.NETTED) as stage:
        stage.pay.invoices.pay(stage.issue("20.00").id, payer="ann")

        tie_out = stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert (tie_out.is_tied_out, str(tie_out.unsettled)) == (True, "20.00 USD")
        stage.pay.tokens.settle("USD")
        assert figures(stage, "chain") == {"acme": "100.00", "ann": "400.00"}


def test_opening_them_again_changes_nothing(quick: Town) -> None:
    quick.before()
    with quick.opened(Settlement.NETTED) as stage:
        first = stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert stage.pay.tokens.open_positions("USD", approved_by="cfo") == first


def test_an_asset_that_was_on_chain_in_between_opens_them_anew(quick: Town) -> None:
    quick.before()
    with quick.opened(Settlement.NETTED) as stage:
        stage.pay.tokens.open_positions("USD", approved_by="cfo")
    with quick.opened(Settlement.ONCHAIN) as stage:
        stage.pay.invoices.pay(stage.issue("40.00").id, payer="ann")
        stage.pay.sim.deliver()
    with quick.opened(Settlement.NETTED) as stage:
        stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert figures(stage, "position") == {"acme": "120.00", "ann": "380.00"}


def test_nothing_opens_while_tokens_lie_outside_of_our_wallets(quick: Town) -> None:
    quick.before()
    quick.tokens.push("ann", "outside", Money.of("7.00 USD"))
    quick.tokens.drain()
    with quick.opened(Settlement.NETTED) as stage:
        with pytest.raises(
            InvariantViolated, match=r"the wallets 493\.00 USD, and the supply is 500\.00 USD"
        ):
            stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert figures(stage, "position") == {"acme": "0.00", "ann": "0.00"}


def test_a_position_that_moves_while_the_provider_is_asked_is_asked_about_again(quick: Town) -> None:
    quick.before()
    with quick.opened(Settlement.NETTED) as stage:
        quick.tokens.watch = lambda: stage.fund("bob", "10.00 USD")

        with pytest.raises(ConcurrentUpdate, match="moved while the provider was asked"):
            stage.pay.tokens.open_positions("USD", approved_by="cfo", idempotency_key="k")

        tie_out = stage.pay.tokens.open_positions("USD", approved_by="cfo", idempotency_key="k")
        assert (tie_out.is_tied_out, str(tie_out.positions)) == (True, "510.00 USD")
        assert stage.pay.invariants.check() == ()


@pytest.mark.parametrize("approved_by", ["", "host"])
def test_it_takes_an_operator_and_another_person(quick: Town, approved_by: str) -> None:
    quick.before()
    with quick.opened(Settlement.NETTED) as stage:
        with pytest.raises(SecondActorRequired):
            stage.pay.tokens.open_positions("USD", approved_by=approved_by)
        with pytest.raises(NotAllowed):
            stage.pay.acting_as("ann").tokens.open_positions("USD", approved_by="cfo")

        assert figures(stage, "position") == {"acme": "0.00", "ann": "0.00"}


def test_only_a_netted_asset_has_positions_to_open(quick: Town) -> None:
    quick.before()
    with (
        quick.opened(Settlement.ONCHAIN) as stage,
        pytest.raises(AssetNotAccepted, match="settles by onchain"),
    ):
        stage.pay.tokens.open_positions("USD", approved_by="cfo")


def test_a_payee_in_a_new_netted_asset_withdraws_before_the_first_run(quick: Town) -> None:
    with quick.opened(Settlement.NETTED) as stage:
        stage.fund("ann", "100.00 USD")
        stage.pay.invoices.pay(stage.issue("40.00").id, payer="ann")

        withdrawal = stage.pay.withdrawals.initiate("acme", "40.00 USD", account_token="acc-1")

        assert stage.pay.withdrawals.get(withdrawal.id).status == "held"


@pytest.mark.parametrize("town", ["sqlite-blocking", "postgresql-blocking"], indirect=True)
def test_operators_who_open_them_while_tokens_are_made_and_moved_count_each_once(town: Town) -> None:
    town.before()
    with town.opened(Settlement.NETTED) as stage:
        at_once(
            *[lambda: stage.pay.tokens.open_positions("USD", approved_by="cfo")] * 3,
            *[lambda: stage.fund("bob", "10.00 USD")] * 3,
            lambda: stage.pay.transfers.send("ann", "bob", "5.00 USD"),
            *[stage.pay.run_pending] * 2,
        )
        stage.pay.sim.deliver()
        town.wait(stage)

        tie_out = stage.pay.tokens.open_positions("USD", approved_by="cfo")

        assert tie_out.is_tied_out, str(tie_out)
        assert stage.pay.invariants.check() == ()
        assert stage.pay.tokens.settle("USD").status != "incomplete"
