"""A desk where money comes in and goes out: facts are told in any order, invariants are looked at after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from invoicepay.domain.accounts import Account, Code
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Source
from invoicepay.domain.money import Money
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme
from invoicepay.domain.withdrawals import Withdrawal
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.use_cases import deposits, withdrawals
from invoicepay.use_cases.observations import record
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.providers import Sighting
from tests.support.desk import Desk

S = EffectStatus


def usd(text: str) -> Money:
    """An amount in dollars."""
    return Money(text, "USD")


class Says:
    """Screening that always says the same."""

    def __init__(self, verdict: Verdict, reason: str = "looks odd") -> None:
        self._screened = Screened(verdict=verdict, reason=reason)

    async def screen(self, subject: Subject) -> Screened:
        """Say it."""
        return self._screened


class MoneyDesk(Desk):
    """Ann, Bob and the enterprise Acme; every deposit goes the whole way in."""

    def __init__(self, programme: Programme | None = None, **ports: Any) -> None:
        super().__init__(programme, **ports)
        self.user("ann")
        self.user("bob")
        self.enterprise("acme")

    @property
    def worker(self) -> Deps:
        """The same programme for the library itself."""
        return replace(self.deps, actor=Actor("worker", Role.SYSTEM))

    def initiate(self, party: str, amount: str, rail: str = "wire") -> Deposit:
        """A deposit that the bank was not asked for yet."""
        command = deposits.InitiateDeposit(party_id=party, amount=usd(amount), rail=rail)
        return self.run(deposits.initiate_deposit(self.deps, command))

    def bring(self, party: str, amount: str) -> Deposit:
        """A completed deposit."""
        deposit = self.initiate(party, amount)
        self.tell(deposit.id, S.FINAL)
        self.tell(self.mint_of(deposit.id), S.FINAL)
        self.bring_cash(usd(amount))
        return self.deposit(deposit.id)

    def withdraw(self, party: str, amount: str, *, until: EffectStatus | None = None) -> Withdrawal:
        """A withdrawal, with its burn final and its payout at `until` where that is given."""
        command = withdrawals.InitiateWithdrawal(
            party_id=party, amount=usd(amount), rail="wire", account_token="ba_1"
        )
        withdrawal = self.run(withdrawals.initiate_withdrawal(self.deps, command))
        if until is not None:
            self.tell(withdrawal.burn_id, S.FINAL)
            self.tell(withdrawal.id, until)
        return self.withdrawal(withdrawal.id)

    def deposit(self, id: str) -> Deposit:
        """The deposit now."""
        found: Deposit = self.row(Deposit, id)
        return found

    def withdrawal(self, id: str) -> Withdrawal:
        """The withdrawal now."""
        found: Withdrawal = self.row(Withdrawal, id)
        return found

    def mint_of(self, deposit_id: str) -> str:
        """The id of the deposit's latest mint."""
        from invoicepay.domain.tokens import Mint

        reserve_id = self.deposit(deposit_id).reserve_id
        id: str = [mint.id for mint in self.rows(Mint) if mint.reserve_id == reserve_id][-1]
        return id

    def effect(self, cause_id: str, kind: EffectKind | None = None) -> Effect:
        """The latest intent of a cause."""
        found: Effect = [
            effect
            for effect in self.rows(Effect)
            if effect.cause_id == cause_id and kind in (None, effect.kind)
        ][-1]
        return found

    def tell(
        self,
        cause_id: str,
        status: EffectStatus,
        *,
        effect: Effect | None = None,
        amount: str = "",
        fee: str = "",
        code: str = "",
        source: Source = Source.WEBHOOK,
    ) -> Effect:
        """A fact about the latest intent of a cause; it goes the way of every webhook."""
        intent = effect or self.effect(cause_id)
        sighting = Sighting(
            status=status,
            word=status.value,
            provider_status=f"the provider says {status}",
            amount=usd(amount) if amount else intent.amount,
            fee=usd(fee) if fee else Money.zero(intent.asset),
            provider_ref="" if status is S.UNKNOWN else f"ref-{intent.id}",
            return_code=code,
        )
        return self.run(record(self.deps, intent, sighting, source))

    def books(self) -> dict[str, str]:
        """What every account holds: `{"1000": "80.00", "2000 bob": "20.00"}`; negative ones too."""
        return {
            f"{int(account.code)} {account.party_id}".strip(): Money.from_micros(
                micros, account.asset
            ).amount_text
            for account, micros in sorted(self.balances().items(), key=lambda item: item[0].id)
        }

    def total(self, code: Code, party_id: str = "") -> Money:
        """What one account holds."""
        return self.balance(Account(code, "USD", party_id))

    def rules(self) -> list[str]:
        """The rule of every posting, in order."""

        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return [booked.posting.rule for booked in await reader.transactions(limit=1000)]

        return self.run(read())

    def events(self) -> list[str]:
        """The name of every event, in order."""

        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return [event.name for event in await reader.events(limit=1000)]

        return self.run(read())

    def broken(self) -> list[str]:
        """The rules that are broken."""

        async def read() -> list[str]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return sorted({violation.rule for violation in await reader.violations()})

        return self.run(read())
