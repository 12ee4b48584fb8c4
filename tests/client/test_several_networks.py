"""One client with a token network for each asset: who mints, who is asked, who is believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from invoicepay import Asset, InvoicePay, Money, Programme
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.errors import AssetNotAccepted, ConfigurationError, InvalidInput
from invoicepay.ports.tokens import MoveKind, TokenEvent, TokenMove, TokenTransfer
from invoicepay.testing import FrozenClock


class InBatches(SimulatedTokens):
    """Takes several orders in one call."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.batches = list[int]()

    async def move(self, moves: Sequence[TokenMove]) -> Sequence[TokenTransfer | Exception]:
        self.batches.append(len(moves))
        calls = {MoveKind.MINT: self.mint, MoveKind.BURN: self.burn, MoveKind.TRANSFER: self.transfer}
        return [await calls[move.kind](move.order, idempotency_key=move.idempotency_key) for move in moves]


class Mint:
    """Dollars on one network, euros on another, over one bank."""

    def __init__(self, kind: type[SimulatedTokens] = SimulatedTokens) -> None:
        clock = FrozenClock("2026-01-31T09:00:00Z")
        self.bank = SimulatedRails(clock)
        self.dollars, self.euros = kind(clock, name="dollars"), kind(clock, name="euros")
        networks = {"USD": self.dollars, "EUR": self.euros}
        self.pay = InvoicePay(rails=self.bank, token=networks, clock=clock, dispatch="deferred")

    def arrive(self, *amounts: str) -> list[str]:
        """Money that has settled; its tokens are not minted yet."""
        ids = [self.pay.deposits.initiate("ann", amount).id for amount in amounts]
        self.pay.run_pending()
        for effect in self.pay.effects.list(status=EffectStatus.ACCEPTED):
            self.bank.move(effect.id, BankCommand.SETTLE)
        for delivery in self.bank.drain():
            self.pay.webhooks.receive("rails", headers=delivery.headers, body=delivery.body)
        return ids

    def minted(self) -> dict[str, int]:
        return {one.name: len(one.transfers()) for one in (self.dollars, self.euros)}

    def providers_of_mints(self) -> set[tuple[str, str]]:
        effects = self.pay.effects.list()
        return {(one.asset, one.provider) for one in effects if one.kind is EffectKind.MINT}


@pytest.fixture
def mint() -> Iterator[Mint]:
    made = Mint()
    yield made
    made.pay.close()


def test_each_asset_is_minted_by_its_own_network(mint: Mint) -> None:
    mint.arrive("10.00 USD", "20.00 EUR")
    mint.pay.run_pending()

    assert mint.minted() == {"dollars": 1, "euros": 1}
    assert mint.providers_of_mints() == {("USD", "dollars"), ("EUR", "euros")}
    assert mint.pay.wallets.get("ann", asset="EUR").available == Money.of("20.00 EUR")


def test_networks_that_take_several_orders_get_their_own_in_one_call() -> None:
    mint = Mint(InBatches)
    mint.arrive("1.00 USD", "2.00 EUR", "3.00 USD", "4.00 EUR", "5.00 USD")
    mint.pay.run_pending()
    mint.pay.close()

    assert isinstance(mint.dollars, InBatches)
    assert isinstance(mint.euros, InBatches)
    assert (mint.dollars.batches, mint.euros.batches) == ([3], [2])


def test_an_asset_that_nobody_issues_is_refused_before_anybody_waits_for_it(mint: Mint) -> None:
    with pytest.raises(InvalidInput, match="no token network of this client issues CHF") as refusal:
        mint.pay.deposits.initiate("ann", "10.00 CHF")
    with pytest.raises(AssetNotAccepted, match="issues CHF"):
        mint.pay.reserves.reconcile("CHF")

    assert "token={" in refusal.value.hint


def test_a_stop_of_one_network_stops_no_other(mint: Mint) -> None:
    mint.arrive("10.00 USD", "20.00 EUR")
    mint.pay.effects.stop("dollars", reason="a fork")
    mint.pay.run_pending()
    stopped = mint.minted()

    mint.pay.effects.resume("dollars", reason="it is over", approved_by="cfo")
    mint.pay.run_pending()

    assert stopped == {"dollars": 0, "euros": 1}
    assert mint.minted() == {"dollars": 1, "euros": 1}


def test_a_tie_out_asks_the_network_of_the_asset(mint: Mint) -> None:
    mint.arrive("10.00 USD", "20.00 EUR")
    mint.pay.run_pending()

    dollars, euros = mint.pay.reserves.reconcile("USD"), mint.pay.reserves.reconcile("EUR")

    assert (dollars.supply, euros.supply) == (Money.of("10.00 USD"), Money.of("20.00 EUR"))


def test_one_network_is_not_believed_about_the_tokens_of_another(mint: Mint) -> None:
    mint.dollars.hold()
    mint.arrive("10.00 USD")
    mint.pay.run_pending()
    (effect,) = (one for one in mint.pay.effects.list() if one.kind is EffectKind.MINT)
    told = mint.dollars.transfers()[0]
    mint.dollars.release()
    final = mint.dollars.transfers()[0]
    assert (told.reference, final.reference) == (effect.id, effect.id)
    mint.euros.postbox.send(TokenEvent(event_id="lie", occurred_at=final.observed_at, transfer=final))

    for delivery in mint.euros.drain():
        mint.pay.webhooks.receive("euros", headers=delivery.headers, body=delivery.body)
    mint.pay.run_pending()

    assert mint.pay.effects.get(effect.id).status is EffectStatus.ACCEPTED
    for delivery in mint.dollars.drain():
        mint.pay.webhooks.receive("dollars", headers=delivery.headers, body=delivery.body)
    mint.pay.run_pending()
    assert mint.pay.effects.get(effect.id).status is EffectStatus.FINAL


def test_a_delivery_names_its_network(mint: Mint) -> None:
    with pytest.raises(
        InvalidInput, match="provider is one of rails, simulated-bank, dollars, euros, not 'tokens'"
    ):
        mint.pay.webhooks.receive("tokens", headers={}, body=b"{}")


def test_health_tells_of_every_network_by_name(mint: Mint) -> None:
    token = mint.pay.health().token

    assert token.provider == "dollars, euros"
    assert {check.name.partition(".")[0] for check in token.checks} == {"dollars", "euros"}


def test_a_settlement_is_held_to_the_network_of_its_asset() -> None:
    clock = FrozenClock("2026-01-31T09:00:00Z")
    book = SimulatedTokens(clock, name="book")
    chain = SimulatedTokens(clock, name="chain", custody="wallets")
    programme = Programme(
        assets={asset.code: asset for asset in (Asset("USD"), Asset("USD.tempo", settlement="onchain"))}  # type: ignore[arg-type]
    )

    InvoicePay(token={"USD": book, "USD.tempo": chain}, programme=programme).close()
    with pytest.raises(ConfigurationError, match=r"USD\.tempo is onchain, and book keeps"):
        InvoicePay(token={"USD": book}, programme=programme)
    with pytest.raises(ConfigurationError, match="no token network issues USD"):
        InvoicePay(token={"USD.tempo": chain}, programme=programme)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ({}, "token names no network"),
        ({"dollars": SimulatedTokens}, "a route begins with an asset"),
        ({"USD": SimulatedTokens}, "token is the class SimulatedTokens"),
        ({"USD": object()}, "token is no TokenProvider: object lacks"),
    ],
)
def test_routes_that_lead_nowhere_are_refused(token: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        InvoicePay(token=token)
