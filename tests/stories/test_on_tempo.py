"""The worked examples with every token on a Tempo node: the chain moves it, then the books say so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from invoicepay import Line, Money, Policy
from invoicepay.domain.effects import EffectKind, memo_of
from invoicepay.domain.policies import AutoApply
from invoicepay.testing.tempo_node import TempoNode
from tests.stories.tempo_stage import A, TempoStage, on_tempo
from tests.support.tempo import tempo_node

__all__ = ["tempo_node"]

BLOCKING, AWAITING = "sqlite-blocking", "memory-awaiting"
both_kinds = partial(pytest.mark.parametrize, argvalues=(BLOCKING, AWAITING), indirect=True)


@pytest.fixture
def stage(request: pytest.FixtureRequest, tempo_node: TempoNode, tmp_path: Path) -> Iterator[TempoStage]:
    """A programme whose dollars move on the chain first; afterwards books and chain agree."""
    kind = getattr(request, "param", BLOCKING)
    with on_tempo(tempo_node, request.node.nodeid, kind, tmp_path) as stage:
        yield stage
        stage.is_in_order()


def e2_to_e5(stage: TempoStage) -> None:
    """The worked examples, with the figures that the specification states."""
    pay = stage.pay
    exact = stage.paid(stage.issue("100.00"), "100.00")
    assert (exact.payment_type, exact.status) == ("EXACT", "completed")
    stage.has(ann="400", acme="100")

    goods = Line.of("Licence", "75.63 USD", tax_rate="0.19")
    parts = pay.invoices.issue(enterprise="acme", customer="ann", lines=[goods])
    kinds = [stage.paid(parts, "30.00").payment_type for _ in range(3)]
    assert (kinds, pay.invoices.get(parts.id).status) == (["PARTIAL", "PARTIAL", "EXACT"], "paid")

    over = stage.paid(stage.issue("80.00"), "100.00")
    assert (over.payment_type, str(over.applied), str(over.credit)) == (
        "OVERPAYMENT",
        "80.00 USD",
        "20.00 USD",
    )
    stage.has(ann="210", acme="270", acme_credit_reserve="20")

    pay.parties.set_policy("acme", Policy(auto_apply=AutoApply.MANUAL))
    second = stage.paid(stage.issue("40.00"), "55.50")
    pay.parties.set_policy("acme", Policy())
    assert stage.issue("30.00").status == "paid"
    assert [str(pay.credits.get(one.credit_id).remaining) for one in (over, second)] == [
        "0.00 USD",
        "5.50 USD",
    ]
    last = stage.issue("25.00")
    assert (last.status, str(last.remaining)) == ("partially_paid", "19.50 USD")
    stage.paid(last, "19.50")
    assert pay.invoices.get(last.id).status == "paid"
    stage.has(ann="135", acme="365", acme_credit_reserve="0")


@both_kinds("stage")
def test_the_worked_examples_end_on_the_chain_as_in_the_books(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    assert (stage.supply(), stage.held("ann")) == ("500.00", "500.00")

    e2_to_e5(stage)

    assert (stage.held("ann"), stage.held("acme")) == ("135.00", "365.00")
    assert stage.supply() == stage.outstanding() == "500.00"


def test_a_payment_is_pending_with_its_tokens_held_until_the_chain_has_it(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    stage.ask(stage.tempo.prepare("ann", A))
    stage.bench.node.hold_blocks()

    payment = stage.pay.invoices.pay(invoice.id, payer="ann")

    assert stage.pay.payments.get(payment.id).status in ("pending", "processing")
    stage.has(ann="400", ann_held="100", acme="0")
    assert (stage.held("ann"), stage.pay.invoices.get(invoice.id).status) == ("500.00", "open")
    stage.bench.node.release_blocks()
    stage.work()
    assert stage.pay.payments.get(payment.id).status == "completed"
    stage.has(ann="400", ann_held="0", acme="100")


def test_the_transfer_carries_the_digest_of_the_invoice(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")

    stage.paid(invoice, "100.00")

    assert memo_of(invoice.id) in stage.memos()


def test_a_withdrawal_burns_on_the_chain_before_its_payout(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    stage.paid(stage.issue("100.00"), "100.00")

    withdrawal = stage.pay.withdrawals.initiate("acme", "60.00 USD", account_token="acc-1")
    stage.work()
    assert (stage.supply(), stage.held("acme")) == ("440.00", "40.00")

    stage.bank.settle(stage.effect(withdrawal.id, EffectKind.PAYOUT).id)
    stage.deliver()

    assert stage.pay.withdrawals.get(withdrawal.id).status == "paid"
    stage.has(acme="40", a1000="440")


def test_people_and_refunds_move_on_the_chain_too(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    over = stage.paid(stage.issue("80.00"), "100.00")

    stage.pay.credits.refund(over.credit_id)
    stage.pay.transfers.send("ann", "bob", "70.00 USD")
    stage.work()

    assert [stage.held(party) for party in ("ann", "acme", "bob")] == ["350.00", "80.00", "70.00"]


@pytest.fixture
def capped(request: pytest.FixtureRequest, tempo_node: TempoNode, tmp_path: Path) -> Iterator[TempoStage]:
    """The same with a token of which at most 500.00 may be outstanding."""
    cap = Money.of(f"500.00 {A}")
    with on_tempo(tempo_node, request.node.nodeid, AWAITING, tmp_path, cap=cap) as stage:
        stage.fund("ann", "500.00 USD")
        yield stage
        assert stage.pay.invariants.check() == ()


def test_a_mint_above_the_cap_is_refused_and_no_token_is_booked(capped: TempoStage) -> None:
    capped.deposit("bob", "100.00 USD")

    (mint,) = capped.pay.tokens.mints(party="bob")
    assert (mint.status, mint.reason) == ("failed", "the token's supply cap does not allow it")
    capped.has(bob="0", bob_unminted="100", a1000="500", a1050="100")
    assert capped.supply() == capped.outstanding() == "500.00"
    capped.is_in_order()


def test_with_a_higher_cap_the_failed_mint_goes_through(capped: TempoStage) -> None:
    capped.deposit("bob", "100.00 USD")
    (mint,) = capped.pay.tokens.mints(party="bob")

    capped.ask(capped.bench.control(capped.token).set_cap(Money.of(f"600.00 {A}")))
    capped.pay.tokens.retry_mint(mint.id)
    capped.work()

    capped.has(bob="100", bob_unminted="0")
    capped.is_in_order()


def test_a_paused_token_moves_nothing_until_it_goes_on(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    invoice = stage.issue("100.00")
    stage.ask(stage.tempo.pause(A))

    payment = stage.pay.invoices.pay(invoice.id, payer="ann")
    stage.work()

    waiting = stage.effect(payment.id)
    assert (waiting.status, waiting.last_sent_at) == ("planned", None)
    assert waiting.fence == 1, "it was tried once"
    assert stage.pay.payments.get(payment.id).status == "pending"
    stage.has(ann="400", ann_held="100", acme="0")
    assert stage.held("ann") == "500.00"
    stage.ask(stage.tempo.unpause(A))
    stage.clock.advance(minutes=10)
    stage.pay.run_pending()
    stage.work()
    assert stage.pay.payments.get(payment.id).status == "completed"


def test_a_frozen_wallet_pays_nothing_and_has_its_tokens_back(stage: TempoStage) -> None:
    stage.fund("ann", "500.00 USD")
    stage.ask(stage.tempo.freeze("ann", A))

    payment = stage.paid(stage.issue("100.00"), "100.00")

    assert (payment.status, payment.failure_reason) == ("failed", "the wallet of ann is frozen on the chain")
    stage.has(ann="500", ann_held="0", acme="0")
    stage.ask(stage.tempo.unfreeze("ann", A))
    assert stage.paid(stage.issue("100.00"), "100.00").status == "completed"


def test_a_wallet_that_holds_less_than_the_books_say_pays_nothing(capped: TempoStage) -> None:
    capped.take_outside("ann", "450.00")

    payment = capped.paid(capped.issue("100.00"), "100.00")

    said = "the wallet on the chain holds less than the amount"
    assert (payment.status, payment.failure_reason) == ("failed", said)
    capped.has(ann="500", ann_held="0", acme="0")
    tie_out = capped.pay.tokens.tie_out(A)
    assert not tie_out.is_tied_out
    assert [str(line.unexplained) for line in tie_out.lines] == ["-450.00 USD"]


@pytest.fixture
def netted(request: pytest.FixtureRequest, tempo_node: TempoNode, tmp_path: Path) -> Iterator[TempoStage]:
    """The same with dollars that move in the book at once, and on the chain by settlement runs."""
    name, kind = request.node.nodeid, getattr(request, "param", AWAITING)
    with on_tempo(tempo_node, name, kind, tmp_path, settlement="netted") as stage:
        stage.fund("ann", "500.00 USD")
        yield stage
        stage.is_in_order()


@both_kinds("netted")
def test_netted_the_worked_examples_become_one_transfer(netted: TempoStage) -> None:
    e2_to_e5(netted)
    assert (netted.held("ann"), netted.held("acme")) == ("500.00", "0.00")
    blocks = netted.height()

    run = netted.pay.tokens.settle(A)
    netted.work()

    run = netted.pay.tokens.settlement(run)
    assert (run.status, run.transfers, str(run.moved)) == ("settled", 1, "365.00 USD")
    assert netted.transactions(since=blocks) == 2, "ann's wallet approves once, then one transfer"
    assert (netted.held("ann"), netted.held("acme"), netted.supply()) == ("135.00", "365.00", "500.00")


def test_netted_a_burn_waits_for_the_run_that_brings_its_tokens(netted: TempoStage) -> None:
    netted.paid(netted.issue("100.00"), "100.00")
    withdrawal = netted.pay.withdrawals.initiate("acme", "65.00 USD", account_token="acc-1")
    netted.work()
    assert (netted.pay.withdrawals.get(withdrawal.id).status, netted.supply()) == ("held", "500.00")

    netted.pay.tokens.settle(A)
    netted.work()
    netted.clock.advance(hours=1)
    netted.pay.run_pending()
    netted.work()

    assert netted.pay.withdrawals.get(withdrawal.id).status == "payout_submitted"
    assert (netted.held("ann"), netted.held("acme"), netted.supply()) == ("400.00", "35.00", "435.00")


def test_netted_a_frozen_wallet_is_visible_in_the_run_and_part_of_the_next_one(netted: TempoStage) -> None:
    netted.paid(netted.issue("100.00"), "100.00")
    netted.ask(netted.tempo.freeze("ann", A))

    run = netted.pay.tokens.settle(A)
    netted.work()

    run = netted.pay.tokens.settlement(run)
    assert (run.status, run.failed) == ("incomplete", 1)
    assert netted.effect(run.id).status == "rejected"
    netted.has(ann="400", acme="100")
    netted.ask(netted.tempo.unfreeze("ann", A))
    again = netted.pay.tokens.settle(A)
    netted.work()
    assert netted.pay.tokens.settlement(again).status == "settled"
    assert netted.held("acme") == "100.00"
