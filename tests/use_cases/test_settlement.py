"""Settlement runs of a netted asset: what they move, what they leave alone, and what waits for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from invoicepay import Asset, InvoicePay, Programme, run_blocking
from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Source
from invoicepay.domain.money import Money
from invoicepay.domain.netting import OPEN
from invoicepay.domain.tie_out import WalletLine
from invoicepay.errors import (
    AssetNotAccepted,
    ConfigurationError,
    InvalidInput,
    InvalidTransition,
    InvariantViolated,
    NotAllowed,
    NotFound,
    UnknownAsset,
)
from invoicepay.ports.tokens import TokenEvent, TokenStatus
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.observations import record
from invoicepay.use_cases.providers import absent
from tests.support.house import A, House


@pytest.fixture
def house() -> House:
    return House()


def test_payments_people_and_refunds_are_booked_at_once_and_ask_the_chain_for_nothing(house: House) -> None:
    assert house.invoice("80").status == "completed"
    assert house.send("ann", "bob", "30").status == "completed"

    assert house.legs() == []
    assert house.lines("unsettled", "acme", "ann", "bob") == [
        "80.00",
        "-110.00",
        "30.00",
    ]
    house.in_order()


def test_a_run_moves_the_net_of_each_wallet_and_no_more(house: House) -> None:
    for _ in range(5):
        house.invoice("80")
        house.send("bob", "ann", "20")
        house.send("ann", "cho", "10")

    run = house.settle()

    assert house.legs() == [("ann", "acme", "350.00"), ("bob", "acme", "50.00"), ("bob", "cho", "50.00")]
    assert (run.status, run.transfers, run.final, run.failed) == ("settled", 3, 3, 0)
    assert (str(run.amount), run.moved) == (f"450.00 {A}", run.amount)
    assert (run.wallets, run.left_out, run.cut_at) == (4, (), house.clock.now())
    assert house.lines("chain", "acme", "ann", "bob", "cho") == [
        "400.00",
        "150.00",
        "0.00",
        "50.00",
    ]
    house.in_order()


def test_a_run_of_an_asset_that_is_settled_moves_nothing(house: House) -> None:
    house.invoice("80")
    house.settle()

    again = house.settle()

    assert (again.status, again.transfers, str(again.amount)) == ("settled", 0, f"0.00 {A}")


def test_the_same_key_opens_one_run(house: House) -> None:
    house.invoice("80")
    first = house.pay.tokens.settle(A, idempotency_key="day-1")
    house.invoice("20")

    again = house.pay.tokens.settle(A, idempotency_key="day-1")

    assert (again.id, again.replayed) == (first.id, True)
    assert [run.id for run in house.pay.tokens.settlements(A)] == [first.id]


def test_one_run_of_an_asset_goes_on_at_a_time(house: House) -> None:
    house.tokens.hold()
    house.invoice("80")
    first = house.settle()
    house.invoice("20")

    with pytest.raises(InvalidTransition, match="running"):
        house.pay.tokens.settle(A)

    house.tokens.release()
    house.work()
    assert house.pay.tokens.settlement(first).status == "settled"
    assert house.settle().transfers == 1
    house.in_order()


def test_what_is_booked_while_a_run_goes_on_is_left_to_the_next_one(house: House) -> None:
    house.tokens.hold()
    house.invoice("80")
    house.settle()
    house.send("ann", "bob", "25")
    assert (house.line("ann", "leaving"), house.line("acme", "arriving")) == ("80.00", "80.00")

    house.tokens.release()
    house.work()

    assert house.lines("unsettled", "acme", "ann", "bob") == ["0.00", "-25.00", "25.00"]
    house.in_order()


def test_a_transfer_that_fails_is_visible_and_part_of_the_next_run(house: House) -> None:
    house.invoice("80")
    house.invoice("30", payer="bob")
    house.tokens.weather.reject_next("paused")

    run = house.settle()

    assert (run.status, run.final, run.failed) == ("incomplete", 1, 1)
    (failed,) = house.pay.effects.list(status="rejected")
    assert failed.cause_id == run.id
    assert house.line("ann", "unsettled") == "-80.00"
    house.in_order()
    assert house.settle().status == "settled"
    assert house.chain("acme") == "110.00"
    house.in_order()


def test_a_withdrawal_waits_until_the_chain_holds_what_came_in_the_book(house: House) -> None:
    house.invoice("80")
    withdrawal = house.withdraw("acme", "50")
    house.wait()
    assert house.pay.withdrawals.get(withdrawal.id).status == "held"
    assert house.intents(EffectKind.BURN)[0].status is EffectStatus.PLANNED

    house.settle()
    house.wait()

    assert house.pay.withdrawals.get(withdrawal.id).status == "payout_submitted"
    assert house.chain("acme") == "30.00"
    house.in_order()


def test_of_two_withdrawals_only_what_the_chain_covers_is_burned(house: House) -> None:
    house.fund("cho", "60")
    house.send("ann", "cho", "60")
    house.tokens.hold()

    first, second = house.withdraw("cho", "60"), house.withdraw("cho", "40")
    house.wait()

    assert [house.pay.withdrawals.get(one.id).status for one in (first, second)] == ["burning", "held"]
    assert house.line("cho", "leaving") == "100.00"
    position = house.position("cho")
    assert (str(position.held.amount), str(position.leaving.amount)) == ("60.00", "60.00")
    house.tokens.release()
    house.settle()
    house.wait()
    assert house.pay.withdrawals.get(second.id).status == "payout_submitted"
    house.in_order()


def test_a_burn_that_never_left_gives_its_tokens_free_again(house: House) -> None:
    house.tokens.weather.be_unreachable()
    house.withdraw("bob", "60")
    assert str(house.position("bob").leaving.amount) == "0.00"
    assert house.pay.invariants.check() == ()

    house.tokens.weather.be_reachable()
    house.wait()

    assert house.chain("bob") == "40.00"
    house.in_order()


def test_tokens_of_a_burn_that_got_lost_are_given_to_nobody_else(house: House) -> None:
    house.tokens.weather.lose_next_request()
    house.withdraw("bob", "60")
    house.send("bob", "ann", "40")

    run = house.settle()

    assert (run.status, str(run.amount.amount)) == ("settled", "40.00")
    assert house.line("bob", "leaving") == "60.00"
    house.in_order()
    for _ in range(3):
        house.wait()
    assert house.chain("bob") == "0.00"
    house.in_order()


def test_a_frozen_wallet_still_gives_what_it_paid_before(
    house: House,
) -> None:
    house.invoice("30", payer="bob")
    house.pay.wallets.freeze("bob", A, reason="court order")

    run = house.settle()

    assert (run.status, house.legs()) == ("settled", [("bob", "acme", "30.00")])
    assert house.line("bob", "chain") == "70.00"
    house.in_order()


def test_of_a_returned_deposit_the_spent_part_reaches_the_payee_and_the_rest_is_burned(house: House) -> None:
    deposit = house.fund("cho", "100")
    house.pay.reserves.top_up(f"100.00 {A}", approved_by="cfo")
    house.invoice("80", payer="cho")
    house.tokens.hold()
    house.pay.sim.return_deposit(deposit.id)
    assert (house.line("cho", "books"), house.line("cho", "position")) == ("20.00", "100.00")

    house.tokens.release()
    house.settle()
    house.wait()

    assert house.lines("chain", "cho", "acme") == ["0.00", "80.00"]
    house.in_order()


def test_a_contested_transfer_counts_for_nothing_until_a_person_settles_it(house: House) -> None:
    house.invoice("80")
    house.settle()
    (moved,) = house.intents(EffectKind.TRANSFER)

    contest(house, moved)

    (run,) = house.pay.tokens.settlements(A)
    assert (run.status, run.final, run.failed) == ("incomplete", 0, 0)
    assert (house.line("ann", "position"), house.line("ann", "leaving")) == ("500.00", "80.00")
    house.in_order()
    house.send("ann", "bob", "5")
    assert house.settle().left_out == ("acme", "ann")

    house.pay.effects.resolve(moved.id, "final", reason="seen on chain", approved_by="cfo")

    assert house.pay.tokens.settlement(run).status == "settled"
    assert house.line("ann", "position") == "420.00"
    house.settle()
    house.in_order()


def contest(house: House, intent: Effect) -> None:
    """The issuer says of a final transfer that it failed."""
    transfer = next(t for t in house.tokens.transfers() if t.reference == intent.id)
    failed = replace(transfer, status=TokenStatus.FAILED, provider_status="reorg")
    event = TokenEvent(event_id="reorg-1", occurred_at=house.clock.now(), transfer=failed)
    house.tokens.postbox.send(event)
    house.work()


def told_of(house: House, intent: Effect, amount: str) -> None:
    """The issuer says of a transfer under way that it moved another amount."""
    transfer = next(t for t in house.tokens.transfers() if t.reference == intent.id)
    other = replace(transfer, status=TokenStatus.FINAL, amount=Money.of(f"{amount} {A}"))
    event = TokenEvent(event_id="odd-1", occurred_at=house.clock.now(), transfer=other)
    house.tokens.postbox.send(event)
    house.work()


def test_a_burn_of_less_than_was_asked_pays_nothing_out_until_it_is_whole(house: House) -> None:
    house.tokens.hold()
    withdrawal = house.withdraw("ann", "100")
    (burn,) = house.intents(EffectKind.BURN)
    told_of(house, burn, "40.00")

    with pytest.raises(InvalidInput, match="whole or not at all"):
        house.pay.effects.resolve(
            burn, "final", reason="40 burned", approved_by="cfo", amount=f"40.00 {A}", idempotency_key="k"
        )

    assert house.pay.effects.get(burn).status == "needs_review"
    assert house.pay.withdrawals.get(withdrawal).status == "burning"
    assert (str(house.position("ann").held.amount), house.intents(EffectKind.PAYOUT)) == ("500.00", [])
    house.pay.effects.resolve(burn, "final", reason="the rest burned", approved_by="cfo", idempotency_key="k")
    assert str(house.position("ann").held.amount) == "400.00"
    assert house.pay.invariants.check() == ()


@pytest.mark.parametrize("word", ["settled", "returned", "return_reversed"])
def test_a_doubtful_transfer_of_a_run_ends_by_a_word_that_tokens_have(house: House, word: str) -> None:
    house.invoice("80")
    house.tokens.hold()
    run = house.settle()
    (moved,) = house.intents(EffectKind.TRANSFER)
    told_of(house, moved, "1.00")

    with pytest.raises(InvalidTransition, match="accepted, final, rejected, failed"):
        house.pay.effects.resolve(moved, word, reason="asked", approved_by="cfo")

    house.pay.effects.resolve(moved, "failed", reason="asked", approved_by="cfo")
    assert house.pay.tokens.settlement(run).status == "incomplete"
    assert house.pay.invariants.check() == ()


ENDED = sorted(set(EffectStatus) - OPEN - {EffectStatus.CANCELLED})


@pytest.mark.parametrize("first", ENDED)
@pytest.mark.parametrize("second", ENDED)
def test_a_run_ends_with_its_transfers_however_they_end(
    house: House, first: EffectStatus, second: EffectStatus
) -> None:
    house.tokens.hold()
    house.invoice("80")
    house.invoice("30", payer="bob")
    run = house.settle()

    for intent, end in zip(house.intents(EffectKind.TRANSFER), (first, second), strict=True):
        seen = replace(absent(intent, house.clock.now()), status=end, word=end.value)
        run_blocking(record(house.pay._pay._core.deps, intent, seen, Source.POLL))

    ended = house.pay.tokens.settlement(run)
    is_whole = (first, second) == (EffectStatus.FINAL, EffectStatus.FINAL)
    assert ended.status == ("settled" if is_whole else "incomplete")
    assert (ended.running, ended.under_way) == ("", 0)
    assert house.pay.invariants.check() == ()
    assert house.settle().id != run.id


def test_a_push_from_one_wallet_to_another_moves_both_positions(house: House) -> None:
    house.tokens.push("ann", "acme", Money.of(f"25.00 {A}"))

    house.work()

    assert house.lines("position", "ann", "acme") == ["475.00", "25.00"]
    assert house.lines("unsettled", "ann", "acme") == ["0.00", "0.00"]
    house.in_order()


def test_a_party_cannot_tell_of_a_push_since_a_chain_moved_it(house: House) -> None:
    ann = house.pay.acting_as("ann")

    with pytest.raises(NotAllowed):
        ann.invoices.receive(
            payer="ann", enterprise="acme", amount=f"25.00 {A}", provider="chain", provider_ref="0x1"
        )


def test_only_a_netted_asset_settles_by_runs() -> None:
    house = House(Programme(assets={A: Asset(A, settlement="onchain")}))  # type: ignore[arg-type]

    with pytest.raises(AssetNotAccepted, match="settles by onchain"):
        house.pay.tokens.settle(A)
    with pytest.raises(UnknownAsset):
        house.pay.tokens.settle("XYZ")


def test_only_an_operator_settles_and_ties_out(house: House) -> None:
    ann = house.pay.acting_as("ann")

    for forbidden in (ann.tokens.settle, ann.tokens.tie_out):
        with pytest.raises(NotAllowed):
            forbidden(A)
    with pytest.raises(NotFound):
        ann.tokens.settlement(house.settle())


def test_a_position_that_no_intent_explains_is_named_and_stops_the_runs(house: House) -> None:
    position = house.position("bob")
    spoiled = replace(position, held=position.held + Money.of(f"1.00 {A}"))
    house.store._tenants["default"].store([spoiled])

    (violation,) = house.pay.invariants.check()

    assert (violation.rule, violation.subject, violation.difference_micros) == ("INV-24", A, 1_000_000)
    with pytest.raises(InvariantViolated, match=r"-1\.00"):
        house.pay.tokens.settle(A)


def test_tokens_that_left_behind_our_back_show_in_the_tie_out(house: House) -> None:
    house.tokens.push("ann", "outside", Money.of(f"7.00 {A}"))
    house.tokens.drain()

    tie_out = house.tie_out()

    assert not tie_out.is_tied_out
    assert house.line("ann", "unexplained") == "-7.00"
    assert "off by -7.00" in str(tie_out)


def test_the_tie_out_draws_itself_as_a_table(house: House) -> None:
    house.invoice("80")

    text, html = str(house.tie_out()), house.tie_out()._repr_html_()

    assert text.splitlines() == [
        "wallet   books  unsettled  position  on its way   chain",
        "acme     80.00      80.00      0.00                0.00",
        "ann     420.00     -80.00    500.00              500.00",
        "bob     100.00       0.00    100.00              100.00",
        "total   600.00      80.00    600.00              600.00",
    ]
    assert f"{A}: tied out" in html
    assert '<th scope="col"' in html
    assert html.count("<tr") == 1 + 3


def test_what_is_on_its_way_explains_either_side_of_a_transfer() -> None:
    def line(chain: str) -> str:
        ten, four = Money.of("10.00 USD"), Money.of("4.00 USD")
        wallet = WalletLine(
            party_id="ann", books=ten, position=ten, leaving=four, arriving=four, chain=Money.of(chain)
        )
        return str(wallet.unexplained.amount)

    chains = ("5.00 USD", "6.00 USD", "10.00 USD", "14.00 USD", "15.00 USD")
    assert [line(chain) for chain in chains] == ["-1.00", "0.00", "0.00", "0.00", "1.00"]


def test_an_asset_on_chain_ties_out_without_positions() -> None:
    house = House(Programme(assets={A: Asset(A, settlement="onchain")}))  # type: ignore[arg-type]
    house.invoice("80")
    house.work()

    assert house.chain("acme") == "80.00"
    house.in_order()


def test_where_all_tokens_lie_in_one_place_there_is_nothing_to_tie_out() -> None:
    pay = InvoicePay("memory://", programme=Programme(), clock=FrozenClock())

    with pytest.raises(AssetNotAccepted, match="in one place"):
        pay.tokens.tie_out("USD")


@pytest.mark.parametrize(
    ("settlement", "custody", "message"),
    [
        ("netted", "omnibus", "nothing can move there"),
        ("onchain", "omnibus", "nothing can move there"),
        ("ledger", "wallets", "could never redeem"),
    ],
)
def test_a_settlement_that_the_provider_cannot_serve_is_refused(
    settlement: Any, custody: str, message: str
) -> None:
    clock = FrozenClock()
    programme = Programme(assets={A: Asset(A, settlement=settlement)})

    with pytest.raises(ConfigurationError, match=message) as refusal:
        InvoicePay("memory://", programme=programme, token=SimulatedTokens(clock, custody=custody))

    assert f'Asset("{A}", settlement=' in str(refusal.value.hint)


@pytest.mark.parametrize("settlement", ["ledger", "onchain", "netted"])
def test_each_settlement_is_one_word_of_the_asset(settlement: Any) -> None:
    pay = InvoicePay(
        "memory://", programme=Programme(assets={A: Asset(A, settlement=settlement)}), clock=FrozenClock()
    )
    pay.parties.register("acme", kind="enterprise")
    pay.parties.register("ann")
    pay.sim.settle(pay.deposits.initiate("ann", f"500.00 {A}").id)
    invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Goods", f"80.00 {A}")])

    pay.invoices.pay(invoice.id, payer="ann", amount=f"100.00 {A}")
    pay.sim.deliver()

    assert pay.invoices.get(invoice.id).status == "paid"
    assert str(pay.wallets.get("acme", A).available) == f"80.00 {A}"
    assert pay.invariants.check() == ()
