"""Money comes in and goes out at random, facts in any order: the books hold after every step."""

from __future__ import annotations

from collections.abc import Coroutine
from random import Random
from typing import Any

import pytest

from invoicepay.domain.deposits import Deposit, DepositStatus, Reserve
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.holds import Hold, HoldPurpose, HoldStatus
from invoicepay.domain.policies import Programme
from invoicepay.domain.tokens import Burn, Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import InvoicePayError
from invoicepay.use_cases import (
    deposits,
    holds,
    parties,
    requests,
    reserves,
    returns,
    sweeps,
    tokens,
    withdrawals,
)
from invoicepay.use_cases.observations import RESOLUTIONS, ResolveReview, resolve_review
from tests.support.money_desk import MoneyDesk, S, usd

PARTIES = ("ann", "bob", "acme")
RAILS = ("wire", "bank_credit", "bank_debit")
TOKEN_FACTS = (S.ACCEPTED, S.UNKNOWN, *[S.FINAL] * 6, S.FAILED, S.REJECTED)
ENDS = (S.RETURNED, S.RETURN_REVERSED, S.FAILED, S.REJECTED)
FACTS = {
    EffectKind.DEPOSIT: (S.ACCEPTED, S.UNKNOWN, S.SETTLED, *[S.FINAL] * 7, *ENDS),
    EffectKind.PAYOUT: (S.ACCEPTED, S.UNKNOWN, *[S.SETTLED] * 3, S.FINAL, *[S.RETURNED] * 2, *ENDS),
    EffectKind.MINT: TOKEN_FACTS,
    EffectKind.BURN: TOKEN_FACTS,
}


class Walk:
    """One random life of a programme."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        fee = self.dice.choice((0, 1_000_000))
        programme = Programme(
            deposit_fee_micros=fee, withdrawal_fee_micros=fee, bears_processor_fee=self.dice.random() < 0.3
        )
        self.desk = MoneyDesk(programme)
        for party in PARTIES:
            self.desk.bring(party, "300.00")
        self.steps: list[str] = []

    def step(self) -> None:
        """Do something; a refusal is an answer, everything else is a bug."""
        often = [self.fact] * 12 + [self.deposit, self.withdraw, self.sweep] * 3 + [self.resolve] * 2
        seldom = [self.pay, self.top_up, self.hold, self.freeze, self.mend, self.review, self.cancel]
        act = self.dice.choice(often + seldom)
        self.steps.append(act.__name__)
        act()
        broken = set(self.desk.broken()) - {"INV-04"}
        assert not broken, (sorted(broken), self.steps[-5:], self.desk.books())

    def tried(self, *calls: Coroutine[Any, Any, Any]) -> None:
        """Make the calls; each may be refused."""
        for call in calls:
            try:
                self.desk.run(call)
            except InvoicePayError as refusal:
                self.steps.append(refusal.code)

    def amount(self) -> str:
        return f"{self.dice.randint(2, 120)}.00"

    def party(self) -> str:
        return self.dice.choice(PARTIES)

    def fact(self) -> None:
        """News of a recent intent, likely or not; only what was never sent has none."""
        intent = self.dice.choice(self.desk.rows(Effect)[-12:])
        if intent.status is EffectStatus.CANCELLED:
            return
        status = self.dice.choice(FACTS[intent.kind])
        fee = self.dice.choice(("", "", "0.50")) if intent.kind is EffectKind.DEPOSIT else ""
        self.steps.append(f"{intent.kind} {status}")
        self.desk.tell(intent.cause_id, status, effect=intent, fee=fee, code="R10")

    def resolve(self) -> None:
        """A person finds out something about an intent in review."""
        doubtful = [row for row in self.desk.rows(Effect) if row.status is EffectStatus.NEEDS_REVIEW]
        if doubtful:
            finding = ResolveReview(
                effect_id=self.dice.choice(doubtful).id,
                status=self.dice.choice(RESOLUTIONS),
                reason="asked the provider",
                approved_by="cfo",
            )
            self.tried(resolve_review(self.desk.deps, finding))

    def deposit(self) -> None:
        rail = self.dice.choice(RAILS)
        wanted = deposits.InitiateDeposit(party_id=self.party(), amount=usd(self.amount()), rail=rail)
        self.tried(deposits.initiate_deposit(self.desk.deps, wanted))

    def withdraw(self) -> None:
        wanted = withdrawals.InitiateWithdrawal(
            party_id=self.party(), amount=usd(self.amount()), rail="wire", account_token="ba_1"
        )
        self.tried(withdrawals.initiate_withdrawal(self.desk.deps, wanted))

    def cancel(self) -> None:
        for row in self.desk.rows(Withdrawal)[-2:]:
            wanted = withdrawals.CancelWithdrawal(withdrawal_id=row.id)
            self.tried(withdrawals.cancel_withdrawal(self.desk.deps, wanted))

    def sweep(self) -> None:
        self.desk.clock.advance(days=self.dice.choice((0, 1, 4)))
        self.desk.run(sweeps.confirm_due(self.desk.deps))
        self.desk.run(sweeps.mint_waiting(self.desk.deps))

    def pay(self) -> None:
        payer, payee = self.dice.sample(PARTIES, 2)
        wanted = requests.SendTransfer(payer_id=payer, payee_id=payee, amount=usd(self.amount()))
        self.tried(requests.send_transfer(self.desk.deps, wanted))

    def top_up(self) -> None:
        wanted = reserves.TopUp(amount=usd(self.amount()), approved_by="cfo")
        self.tried(reserves.top_up(self.desk.deps, wanted))

    def hold(self) -> None:
        """Place an authorization, or release the one that is there."""
        for row in self.desk.rows(Hold):
            if row.status is HoldStatus.ACTIVE and row.purpose is HoldPurpose.AUTHORIZATION:
                self.tried(holds.release_hold(self.desk.deps, holds.ReleaseHold(hold_id=row.id)))
                return
        wanted = holds.PlaceHold(owner_id=self.party(), amount=usd(self.amount()))
        self.tried(holds.place_hold(self.desk.deps, wanted))

    def freeze(self) -> None:
        party, deps = self.party(), self.desk.deps
        freeze = parties.FreezeWallet(party_id=party, asset="USD", reason="look")
        unfreeze = parties.UnfreezeWallet(party_id=party, asset="USD", reason="fine")
        self.tried(parties.freeze_wallet(deps, freeze))
        if self.dice.random() < 0.8:
            self.tried(parties.unfreeze_wallet(deps, unfreeze))

    def review(self) -> None:
        """Compliance looks at a deposit on its way, and lets it go on or not."""
        deps, waiting = self.desk.deps, (DepositStatus.PENDING, DepositStatus.RECEIVED)
        found = [row for row in self.desk.rows(Deposit) if row.status in waiting]
        if found:
            id = self.dice.choice(found).id
            self.tried(deposits.review_deposit(deps, deposits.ReviewDeposit(deposit_id=id, reason="odd")))
            if self.dice.random() < 0.5:
                self.tried(deposits.release_deposit(deps, deposits.ReleaseDeposit(deposit_id=id)))
            else:
                reject = deposits.RejectDeposit(deposit_id=id, reason="fraud")
                self.tried(deposits.reject_deposit(deps, reject))

    def mend(self) -> None:
        """Everything that an operator may try on what went wrong."""
        deps = self.desk.deps
        for mint in self.desk.rows(Mint):
            if mint.status is MintStatus.FAILED:
                self.tried(tokens.retry_mint(deps, tokens.RetryMint(mint_id=mint.id)))
        for burn in self.desk.rows(Burn):
            if burn.reason:
                self.tried(tokens.retry_burn(deps, tokens.RetryBurn(burn_id=burn.id)))
        for reserve in self.desk.rows(Reserve)[-1:]:
            self.tried(returns.release_reserve(deps, returns.ReleaseReserve(reserve_id=reserve.id)))
        for deposit in self.desk.rows(Deposit):
            if deposit.recoverable:
                self.tried(self.recovery(deposit.id))
        for withdrawal in self.desk.rows(Withdrawal):
            if withdrawal.status is WithdrawalStatus.RETURNED:
                self.tried(self.way_out(withdrawal.id))

    def recovery(self, id: str) -> Coroutine[Any, Any, Any]:
        if self.dice.random() < 0.5:
            return returns.recover_receivable(self.desk.deps, returns.RecoverReceivable(deposit_id=id))
        return returns.write_off(self.desk.deps, returns.WriteOff(deposit_id=id, approved_by="cfo"))

    def way_out(self, id: str) -> Coroutine[Any, Any, Any]:
        if self.dice.random() < 0.5:
            return withdrawals.remint(self.desk.deps, withdrawals.Remint(withdrawal_id=id))
        again = withdrawals.RetryPayout(withdrawal_id=id, account_token="ba_2")
        return withdrawals.retry_payout(self.desk.deps, again)


@pytest.mark.parametrize("seed", range(25))
def test_the_books_hold_after_every_step(seed: int) -> None:
    walk = Walk(seed)

    for _ in range(60):
        walk.step()
