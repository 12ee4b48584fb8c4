"""Bank statement × ledger × token supply: ties out, names what does not, posts nothing (INV-07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from invoicepay.adapters.simulated import SimControl, SimulatedRails
from invoicepay.domain.deposits import Attestation, Deposit, DepositStatus
from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.domain.money import Money
from invoicepay.domain.reconciliation import BreakKind, StatementLine
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import CurrencyMismatch, NotAllowed, ProviderUnavailable, UnknownAsset
from invoicepay.use_cases import reserves, sweeps
from invoicepay.use_cases.reconcile import Reconcile, TieOut, reconcile
from invoicepay.use_cases.recover import poll_due, send_due
from tests.support.money_desk import MoneyDesk, usd

K = BreakKind
MONDAY = date(2026, 1, 5)


class Bank:
    """A desk whose bank and issuer really move; the worker carries news over."""

    def __init__(self) -> None:
        self.desk = MoneyDesk()
        self.sim = SimControl(self.desk.rails, self.desk.tokens)

    def work(self) -> None:
        """Send what is planned and poll what is open until nothing is due."""
        for _ in range(4):
            self.desk.run(send_due(self.desk.deps, 50))
        for effect in self.desk.rows(Effect):
            if effect.status in (EffectStatus.ACCEPTED, EffectStatus.SETTLED):
                self.desk.clock.set(max(effect.due_at, self.desk.clock.now()))
        self.desk.run(poll_due(self.desk.deps, 50))
        self.desk.run(sweeps.confirm_due(self.desk.deps))
        self.desk.run(send_due(self.desk.deps, 50))

    def deposit(self, party: str, amount: str, rail: str = "wire") -> Deposit:
        """A deposit that the bank settled."""
        deposit = self.desk.initiate(party, amount, rail)
        self.work()
        self.sim.settle(self.desk.effect(deposit.id).id)
        self.work()
        return self.desk.deposit(deposit.id)

    def payout(self, party: str, amount: str) -> Withdrawal:
        """A withdrawal that the bank has on its way."""
        withdrawal = self.desk.withdraw(party, amount)
        self.work()
        return self.desk.withdrawal(withdrawal.id)

    def tie_out(self, *lines: StatementLine, balance: str = "") -> TieOut:
        """Reconcile."""
        bank = usd(balance) if balance else None
        return self.desk.run(
            reconcile(self.desk.deps, Reconcile(asset="USD", lines=lines, bank_balance=bank))
        )


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = Bank()
    yield bank
    assert bank.desk.broken() == []


def line(ref: str, amount: str, on: date = MONDAY) -> StatementLine:
    money = usd(amount.lstrip("-"))
    return StatementLine(ref=ref, amount=-money if amount.startswith("-") else money, booked_on=on)


def found(tie_out: TieOut) -> list[tuple[str, str, str]]:
    return [(b.kind, b.object_id, b.amount.amount_text) for b in tie_out.breaks]


def test_bank_books_and_supply_agree_and_the_agreement_is_kept(bank: Bank) -> None:
    bank.deposit("ann", "200.00")

    tie_out = bank.tie_out()

    assert (tie_out.backed, tie_out.breaks, tie_out.violations) == (True, (), ())
    assert (tie_out.bank_balance, tie_out.ledger_balance, tie_out.supply) == (usd("200.00"),) * 3
    assert bank.desk.rows(Attestation) == (tie_out.attestation,)
    assert tie_out.attestation is not None
    assert tie_out.attestation.is_tied_out
    assert "bank 200.00 USD, books 200.00 USD" in tie_out.explain()


def test_money_that_the_bank_has_and_we_do_not_trust_yet_explains_the_difference(bank: Bank) -> None:
    bank.deposit("ann", "200.00")
    waiting = bank.deposit("ann", "50.00", "bank_debit")

    tie_out = bank.tie_out()
    with_lines = bank.tie_out(line(waiting.provider_ref, "50.00", MONDAY))

    assert waiting.status is DepositStatus.RECEIVED
    assert tie_out.is_tied_out
    assert not tie_out.unexplained
    assert (K.TIMING, waiting.id, "50.00") in found(with_lines)


def test_a_statement_matches_by_reference_and_by_amount_and_day(bank: Bank) -> None:
    deposit = bank.deposit("ann", "200.00")
    top_up = reserves.TopUp(amount=usd("30.00"), approved_by="cfo", reference="own-1")
    bank.desk.run(reserves.top_up(bank.desk.deps, top_up))

    tie_out = bank.tie_out(line(deposit.provider_ref, "200.00"), line("", "30.00"), balance="230.00")

    assert (tie_out.is_tied_out, tie_out.breaks) == (True, ())


def test_a_payout_that_only_the_bank_has_settled_is_a_matter_of_time(bank: Bank) -> None:
    deposit = bank.deposit("acme", "200.00")
    withdrawal = bank.payout("acme", "40.00")
    assert withdrawal.status is WithdrawalStatus.PAYOUT_SUBMITTED

    tie_out = bank.tie_out(
        line(deposit.provider_ref, "200.00"),
        line(withdrawal.provider_ref, "-40.00"),
        balance="160.00",
    )

    assert found(tie_out) == [(K.TIMING, withdrawal.id, "-40.00")]
    assert tie_out.is_tied_out
    assert tie_out.breaks[0].deadline == date(2026, 1, 7)


def test_money_that_nobody_knows_is_named_with_a_proposal_and_stops_mints(bank: Bank) -> None:
    deposit = bank.deposit("ann", "200.00")
    before = bank.desk.books()

    tie_out = bank.tie_out(line(deposit.provider_ref, "200.00"), line("stray", "75.00"), balance="275.00")

    assert found(tie_out) == [(K.MISSING_INTERNAL, "stray", "75.00")]
    assert (tie_out.unexplained, tie_out.backed) == (usd("75.00"), False)
    assert [violation.rule for violation in tie_out.violations] == ["INV-07"]
    assert tie_out.breaks[0].proposal is not None
    assert bank.desk.books() == before
    later = bank.deposit("ann", "10.00")
    assert (later.status, later.reason) == (DepositStatus.CONFIRMED, "reserve_deficit")


def test_carrying_the_proposal_out_ties_out(bank: Bank) -> None:
    deposit = bank.deposit("ann", "200.00")
    stray = reserves.ReceiveUnmatched(amount=usd("75.00"), provider="bank", provider_ref="stray")
    bank.desk.run(reserves.unmatched_received(bank.desk.deps, stray))

    tie_out = bank.tie_out(line(deposit.provider_ref, "200.00"), line("stray", "75.00"), balance="275.00")

    assert (tie_out.is_tied_out, tie_out.breaks) == (True, ())


def test_what_the_bank_never_showed_is_missing_outside_after_its_days(bank: Bank) -> None:
    deposit = bank.deposit("ann", "200.00")
    top_up = reserves.TopUp(amount=usd("30.00"), approved_by="cfo", reference="own-1")
    bank.desk.run(reserves.top_up(bank.desk.deps, top_up))
    shown = line(deposit.provider_ref, "200.00")

    at_once = bank.tie_out(shown, balance="200.00")
    bank.desk.clock.advance(days=3)
    late = bank.tie_out(shown, balance="200.00")

    assert [(kind, amount) for kind, _, amount in found(at_once)] == [(K.TIMING, "-30.00")]
    assert at_once.is_tied_out
    assert [(kind, amount) for kind, _, amount in found(late)] == [(K.MISSING_EXTERNAL, "-30.00")]
    assert (late.is_tied_out, late.unexplained) == (False, -usd("30.00"))


def test_tokens_under_way_explain_a_different_supply_and_nothing_else_does(bank: Bank) -> None:
    bank.deposit("ann", "200.00")
    deposit = bank.desk.initiate("ann", "10.00")
    bank.work()
    bank.sim.settle(bank.desk.effect(deposit.id).id)
    bank.desk.tokens.issue("ann", usd("10.00"))

    stray = bank.tie_out()
    bank.work()

    assert found(stray)[-1] == (K.AMOUNT, "supply", "10.00")
    assert not stray.backed


def test_without_any_balance_nothing_is_attested(bank: Bank) -> None:
    silent = replace(bank.desk.rails.capabilities(), tells_balance=False)
    bank.desk.deps = replace(bank.desk.deps, rails=SimulatedRails(bank.desk.clock, capabilities=silent))

    tie_out = bank.tie_out()

    assert (tie_out.bank_balance, tie_out.unexplained, tie_out.attestation) == (None, None, None)
    assert bank.desk.rows(Attestation) == ()


def test_the_same_key_attests_once(bank: Bank) -> None:
    bank.deposit("ann", "200.00")
    command = Reconcile(asset="USD")

    first = bank.desk.run(reconcile(bank.desk.deps, command, "monday"))
    again = bank.desk.run(reconcile(bank.desk.deps, command, "monday"))

    assert first.attestation is not None
    assert again.attestation is not None
    assert again.attestation.id == first.attestation.id


def test_only_operators_reconcile_a_known_asset_in_its_own_amounts(bank: Bank) -> None:
    desk = bank.desk
    with pytest.raises(NotAllowed):
        desk.run(reconcile(desk.acting_as("ann"), Reconcile(asset="USD")))
    with pytest.raises(UnknownAsset):
        desk.run(reconcile(desk.deps, Reconcile(asset="USD.nowhere")))
    with pytest.raises(CurrencyMismatch):
        desk.run(reconcile(desk.deps, Reconcile(asset="USD", bank_balance=Money("1.00", "EUR"))))


def test_an_unreachable_bank_is_no_tie_out(bank: Bank) -> None:
    bank.desk.rails.weather.be_unreachable()

    with pytest.raises(ProviderUnavailable):
        bank.tie_out()

    assert bank.desk.rows(Attestation) == ()
