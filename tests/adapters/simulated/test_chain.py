"""The simulated issuer: supply and balances add up, finality on command, pushes by others."""

from __future__ import annotations

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.bridge import run_blocking
from invoicepay.domain.money import Money
from invoicepay.errors import NotFound
from invoicepay.ports.rails import RailOrder, RailStatus
from invoicepay.ports.tokens import TokenOrder, TokenStatus
from invoicepay.testing.clock import FrozenClock

TEN = Money.of("10.00 USD")


def a_mint(reference: str = "eff_1") -> TokenOrder:
    return TokenOrder(reference=reference, amount=TEN, to_party="ann")


def figures(tokens: SimulatedTokens) -> tuple[Money, Money]:
    """Supply, and ann's balance."""
    return run_blocking(tokens.supply("USD")), run_blocking(tokens.balance("ann", "USD"))


def test_pending_tokens_do_not_exist_until_they_are_final() -> None:
    tokens = SimulatedTokens(FrozenClock(), finality="manual")
    run_blocking(tokens.mint(a_mint(), idempotency_key="k"))
    before = figures(tokens)

    tokens.finalize("eff_1")
    tokens.finalize("eff_1")

    assert before == (Money.zero("USD"), Money.zero("USD"))
    assert figures(tokens) == (TEN, TEN)


def test_an_order_that_fails_moves_nothing() -> None:
    tokens = SimulatedTokens(FrozenClock(), finality="manual")
    run_blocking(tokens.mint(a_mint(), idempotency_key="k"))

    tokens.fail("eff_1")
    tokens.finalize("eff_1")

    assert tokens.found("eff_1").status is TokenStatus.FAILED
    assert figures(tokens) == (Money.zero("USD"), Money.zero("USD"))


def test_held_orders_are_released_together() -> None:
    tokens = SimulatedTokens(FrozenClock())
    tokens.hold()
    run_blocking(tokens.mint(a_mint(), idempotency_key="k"))

    tokens.release()
    run_blocking(tokens.mint(a_mint("eff_2"), idempotency_key="k2"))

    assert figures(tokens) == (TEN + TEN, TEN + TEN)


def test_a_push_is_told_with_both_parties_and_without_a_reference_of_ours() -> None:
    clock = FrozenClock()
    tokens = SimulatedTokens(clock)
    tokens.issue("ann", TEN)

    tokens.push("ann", "acme", TEN, invoice_id="inv_1")

    (delivery,) = tokens.drain()
    (event,) = tokens.parse_webhook(delivery.body, delivery.headers, received_at=clock.now())
    assert (event.from_party, event.to_party, event.invoice_id) == ("ann", "acme", "inv_1")
    assert (event.transfer.reference, event.transfer.status) == ("", TokenStatus.FINAL)
    assert figures(tokens)[1] == Money.zero("USD")


def test_told_contradictions_move_no_tokens() -> None:
    tokens = SimulatedTokens(FrozenClock())
    run_blocking(tokens.mint(a_mint(), idempotency_key="k"))

    tokens.tell("eff_1", TokenStatus.FAILED)

    assert tokens.found("eff_1").status is TokenStatus.FAILED
    assert figures(tokens) == (TEN, TEN)


def test_an_order_that_it_never_saw_is_not_moved() -> None:
    with pytest.raises(NotFound):
        SimulatedTokens(FrozenClock()).finalize("eff_none")


def test_one_control_moves_bank_and_issuer_and_collects_the_webhooks_of_both() -> None:
    clock = FrozenClock()
    rails, tokens = SimulatedRails(clock), SimulatedTokens(clock, finality="manual")
    control = SimControl(rails, tokens)
    for reference in ("eff_1", "eff_2"):
        run_blocking(tokens.mint(a_mint(reference), idempotency_key=reference))
    order = RailOrder(reference="eff_3", amount=TEN, rail="wire", party_id="ann")
    run_blocking(rails.initiate_deposit(order, idempotency_key="eff_3"))

    control.finalize_tokens("eff_1")
    control.fail_tokens("eff_2")
    control.review("eff_3")

    statuses = [tokens.found("eff_1").status, tokens.found("eff_2").status, rails.transfer("eff_3").status]
    assert statuses == [TokenStatus.FINAL, TokenStatus.FAILED, RailStatus.IN_REVIEW]
    assert [slot for slot, _ in control.webhooks()] == ["rails"] * 2 + ["tokens"] * 4
    assert control.webhooks() == ()
