"""Whatever happens in whatever order: a netted asset adds up after every step, and all comes to rest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest

from invoicepay.domain.books import Violation
from invoicepay.errors import InvoicePayError, NotFound
from tests.support.house import A, House

PEOPLE = ("ann", "bob", "cho")
EVERYBODY = (*PEOPLE, "acme")

Step = Callable[[House], object]


def _send(payer: str, payee: str, amount: str) -> Step:
    return lambda house: house.send(payer, payee, amount)


def _pay(payer: str, amount: str) -> Step:
    return lambda house: house.invoice(amount, payer=payer)


def _fund(party: str, amount: str) -> Step:
    return lambda house: house.fund(party, amount)


def _withdraw(party: str, amount: str) -> Step:
    return lambda house: house.withdraw(party, amount)


def _freeze(party: str) -> Step:
    return lambda house: house.pay.wallets.freeze(party, A, reason="walk")


def _unfreeze(party: str) -> Step:
    return lambda house: house.pay.wallets.unfreeze(party, A, reason="walk")


def _return_deposit(house: House) -> None:
    for deposit in house.pay.deposits.list(status="completed", limit=1).items:
        house.pay.sim.return_deposit(deposit)


def _top_up(house: House) -> object:
    return house.pay.reserves.top_up(f"50.00 {A}", approved_by="cfo")


WEATHER: tuple[Step, ...] = (
    House.settle,
    House.settle,
    House.wait,
    lambda house: house.tokens.hold(),
    lambda house: house.tokens.release(),
    lambda house: house.tokens.weather.lose_next_answer(),
    lambda house: house.tokens.weather.lose_next_request(),
    lambda house: house.tokens.weather.reject_next("paused"),
    lambda house: house.tokens.weather.be_unreachable(),
    lambda house: house.tokens.weather.be_reachable(),
    _return_deposit,
    _top_up,
)
AMOUNTS = ("0.01", "7.00", "60.00", "140.00")


def _step(chance: Random) -> Step:
    """Something that somebody, or the weather, does next."""
    first, second, amount = chance.choice(EVERYBODY), chance.choice(EVERYBODY), chance.choice(AMOUNTS)
    person = chance.choice(PEOPLE)
    return chance.choice(
        (
            *[_send(first, second, amount)] * 5,
            *[_pay(person, amount)] * 5,
            *[_withdraw(first, amount)] * 5,
            _fund(person, amount),
            _freeze(first),
            _unfreeze(first),
            *WEATHER,
        )
    )


def rest(house: House) -> None:
    """Good weather, until nothing waits any more."""
    house.tokens.weather.be_reachable()
    house.tokens.release()
    for party in EVERYBODY:
        with suppress(InvoicePayError):
            _unfreeze(party)(house)
    for _ in range(8):
        house.wait()
        _resolve(house)
        with suppress(InvoicePayError):
            house.settle()


def _resolve(house: House) -> None:
    """Two persons find out at the provider what became of what nobody else can tell."""
    for effect in list(house.pay.effects.list(status="needs_review")):
        try:
            status = house.tokens.found(effect.id).status.value
        except NotFound:
            status = "rejected"
        house.pay.effects.resolve(effect, status, reason="asked the provider", approved_by="cfo")


def broken(house: House) -> list[Violation]:
    """What no outside fact excuses; a returned deposit may leave the operator short (INV-04)."""
    return [found for found in house.pay.invariants.check() if found.rule != "INV-04"]


@pytest.mark.parametrize("seed", range(12))
def test_books_positions_and_chain_agree_after_any_walk(seed: int) -> None:
    walk(seed)


def walk(seed: int) -> None:
    """Thirty steps, each of which may be refused; then rest."""
    house, chance = House(), Random(seed)
    for _ in range(30):
        with suppress(InvoicePayError):
            _step(chance)(house)
        assert broken(house) == []
    rest(house)
    assert broken(house) == []
    assert house.tie_out().is_tied_out, str(house.tie_out())
    assert [line.party_id for line in house.tie_out().lines if line.unsettled] == []
    assert [run.status for run in house.pay.tokens.settlements(A, status="running")] == []
