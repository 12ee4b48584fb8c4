"""A programme in memory on a clock that tests move: use cases without a client."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.system import TransactionRetry, blocking_sleep
from invoicepay.bridge import run_blocking
from invoicepay.domain import postings
from invoicepay.domain.accounts import Account, Code, available
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import typeid, uuid7_bytes
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Actor, Party, PartyKind, Role
from invoicepay.domain.policies import Policy, Programme
from invoicepay.domain.qr_payload import QrKeys
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.perform import Deps, UseCase, perform
from tests.support.free import free

T = TypeVar("T")


class CountingIds:
    """Ids that count: equal runs give equal ids."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self, prefix: str, now: datetime) -> str:
        """The next id."""
        return typeid(
            prefix, uuid7_bytes(int(now.timestamp() * 1000), (next(self._numbers) << 6).to_bytes(10))
        )

    def nonce(self) -> str:
        """The next nonce."""
        return f"{next(self._numbers):032d}"


class AllowAll:
    """Screening that lets everything pass."""

    async def screen(self, subject: Subject) -> Screened:
        """Allow."""
        return Screened(verdict=Verdict.ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """Register a party and give it tokens with the reserve behind them."""

    party_id: str
    kind: PartyKind
    amount: Money
    policy: Policy


def _fund_needs(command: Fund, seen: Snapshot) -> Needs:
    asset = command.amount.asset
    owed = [Account(code, asset, command.party_id) for code in (Code.UNCONFIRMED, Code.UNMINTED)]
    return need((Party, command.party_id), accounts=owed)


def _fund(command: Fund, change: Change) -> Party:
    """A party whose tokens went through P-01 to P-03, with the mint that INV-06 wants to see."""
    party = change.peek(Party, command.party_id)
    if party is None:
        party = change.add(
            Party(id=command.party_id, kind=command.kind, policy=command.policy), "party.registered"
        )
    id, asset, micros = command.party_id, command.amount.asset, command.amount.micros
    if micros:
        mint = Mint(
            id=change.new_id("mnt"),
            party_id=id,
            asset=asset,
            amount=command.amount,
            status=MintStatus.PENDING,
        )
        change.add(mint, "mint.pending")
        for status in (MintStatus.SUBMITTED, MintStatus.COMPLETED):
            mint = change.put(replace(mint, status=status), f"mint.{status}")
        change.post(postings.deposit_received(id, asset, micros, memo=mint.id))
        change.post(postings.reserve_confirmed(id, asset, micros, memo=mint.id))
        change.post(postings.minted(id, asset, micros, custodied=False, memo=mint.id))
    return party


FUND = free("test.fund", Party, _fund_needs, _fund)


class Desk:
    """Dependencies over memory, with shortcuts for tests.

    Example:
        >>> desk = Desk()
        >>> desk.fund("ann", "500.00 USD")
        >>> desk.available("ann")
        Money('500.00', 'USD')
    """

    def __init__(self, programme: Programme | None = None, **ports: Any) -> None:
        self.clock = FrozenClock()
        self.ids = CountingIds()
        self.rails = SimulatedRails(self.clock)
        self.tokens = SimulatedTokens(self.clock)
        self.deps = Deps(
            repository=MemoryRepository(self.ids.new),
            clock=self.clock,
            ids=self.ids,
            retry=TransactionRetry(blocking_sleep),
            programme=programme or Programme(),
            rails=self.rails,
            tokens=self.tokens,
            screening=AllowAll(),
            tenant_id="default",
            actor=Actor("ops", Role.OPERATOR),
            qr_keys=QrKeys(active="k1", secrets={"k1": b"0" * 32}),
        )
        self.deps = replace(self.deps, **ports)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result."""
        return run_blocking(coroutine)

    def acting_as(self, party_id: str) -> Deps:
        """The same programme for a party."""
        return replace(self.deps, actor=Actor(party_id, Role.PARTY))

    def enterprise(self, id: str, policy: Policy | None = None) -> None:
        """Register an enterprise."""
        self._fund(id, PartyKind.ENTERPRISE, Money.zero("USD"), policy)

    def fund(self, id: str, amount: str, *, kind: PartyKind = PartyKind.USER) -> None:
        """Register a party and give it tokens with the reserve behind them."""
        self._fund(id, kind, Money.of(amount), None)

    def user(self, id: str) -> None:
        """Register a user without tokens."""
        self._fund(id, PartyKind.USER, Money.zero("USD"), None)

    def _fund(self, id: str, kind: PartyKind, amount: Money, policy: Policy | None) -> None:
        command = Fund(party_id=id, kind=kind, amount=amount, policy=policy or Policy())
        self.run(perform(self.deps, FUND, command))
        self.tokens.issue(id, amount)
        self.bring_cash(amount)

    def bring_cash(self, amount: Money) -> None:
        """Put money into the safeguarded account, whichever bank keeps it."""
        for rails in {id(rails): rails for rails in (self.rails, self.deps.rails)}.values():
            if hasattr(rails, "add_cash"):
                rails.add_cash(amount)

    def available(self, party_id: str, asset: str = "USD") -> Money:
        """Spendable tokens of a party."""
        return self.balance(available(party_id, asset))

    def balance(self, account: Account) -> Money:
        """What an account holds."""
        return Money.from_micros(self.balances().get(account, 0), account.asset)

    def balances(self) -> dict[Account, int]:
        """Every account that holds something, in micros."""

        async def read() -> dict[Account, int]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return {account: n for account, n in (await reader.balances()).items() if n}

        return self.run(read())

    def rows(self, kind: type[Entity]) -> tuple[Any, ...]:
        """Every row of a kind, by id."""
        from invoicepay.domain.needs import find

        async def read() -> tuple[Any, ...]:
            async with self.deps.repository.reader(self.deps.tenant_id) as reader:
                return await reader.find(find(kind))

        return self.run(read())

    def row(self, kind: type[Entity], id: str) -> Any:
        """One row."""
        return next(row for row in self.rows(kind) if row.id == id)

    def decide(self, use_case: UseCase[Any, T], command: Any) -> T:
        """Perform a command as the operator."""
        return self.run(perform(self.deps, use_case, command))
