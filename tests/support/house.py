"""A programme whose one asset is netted: a till, a few people, and an issuer with a wallet for each."""

from __future__ import annotations

from typing import Any

from invoicepay import Asset, InvoicePay, Programme, run_blocking
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.adapters.system import SystemIds
from invoicepay.domain.effects import Effect, EffectKind
from invoicepay.domain.entity import E
from invoicepay.domain.needs import Find, find
from invoicepay.domain.netting import ChainPosition, SettlementRun
from invoicepay.domain.tie_out import ChainTieOut
from invoicepay.testing.clock import FrozenClock

A = "USD.tempo"
NETTED = Programme(assets={A: Asset(A, settlement="netted")})  # type: ignore[arg-type]


class House:
    """A programme with one netted asset over memory: acme bills, ann, bob and cho have tokens."""

    def __init__(self, programme: Programme = NETTED) -> None:
        self.clock = FrozenClock()
        self.tokens = SimulatedTokens(self.clock, custody="wallets")
        self.store = MemoryRepository(SystemIds().new)
        self.pay = InvoicePay(repository=self.store, programme=programme, clock=self.clock, token=self.tokens)
        self.pay.parties.register("acme", kind="enterprise")
        for party, amount in (("ann", "500"), ("bob", "100"), ("cho", "0")):
            self.pay.parties.register(party)
            if amount != "0":
                self.fund(party, amount)

    def fund(self, party: str, amount: str) -> Any:
        """A settled deposit, minted."""
        deposit = self.pay.deposits.initiate(party, f"{amount} {A}")
        return self.pay.sim.settle(deposit.id)

    def invoice(self, total: str, payer: str = "ann") -> Any:
        """An invoice, paid in full."""
        invoice = self.pay.invoices.issue(
            enterprise="acme", customer=payer, lines=[("Goods", f"{total} {A}")]
        )
        return self.pay.invoices.pay(invoice.id, payer=payer)

    def send(self, payer: str, payee: str, amount: str) -> Any:
        """Tokens from one person to another."""
        return self.pay.transfers.send(payer, payee, f"{amount} {A}")

    def withdraw(self, party: str, amount: str) -> Any:
        """Ask for a payout."""
        return self.pay.withdrawals.initiate(party, f"{amount} {A}", account_token="acc-1")

    def settle(self) -> SettlementRun:
        """Open a run and let it come to its end, as far as it can."""
        run = self.pay.tokens.settle(A)
        self.work()
        return self.pay.tokens.settlement(run)

    def work(self) -> None:
        """Bring on what waits, webhooks and time included."""
        self.pay.sim.deliver()
        self.pay.run_pending()

    def wait(self) -> None:
        """Let the longest wait of a worker pass."""
        self.work()
        self.clock.advance(hours=2)
        self.work()

    def chain(self, party: str) -> str:
        """What the chain holds for a party."""
        return self.line(party, "chain")

    def line(self, party: str, figure: str) -> str:
        """One figure of the tie-out."""
        lines = {line.party_id: line for line in self.tie_out().lines}
        return str(getattr(lines[party], figure).amount) if party in lines else "0.00"

    def lines(self, figure: str, *parties: str) -> list[str]:
        """The same of several parties."""
        return [self.line(party, figure) for party in parties]

    def tie_out(self) -> ChainTieOut:
        """Books, positions and chain."""
        return self.pay.tokens.tie_out(A)

    def rows(self, wanted: Find[E]) -> list[E]:
        """Stored rows."""

        async def read() -> list[E]:
            async with self.store.reader("default") as reader:
                return list(await reader.find(wanted))

        return run_blocking(read())

    def position(self, party: str) -> ChainPosition:
        """What we say that the chain holds for a party."""
        (position,) = self.rows(find(ChainPosition, party_id=party))
        return position

    def intents(self, kind: EffectKind) -> list[Effect]:
        """Token work of one kind, oldest first."""
        return self.rows(find(Effect, kind=kind, order=("created_at",)))

    def legs(self) -> list[tuple[str, str, str]]:
        """Every transfer that runs asked for."""
        intents = self.intents(EffectKind.TRANSFER)
        return [(i.request["from_party"], i.request["to_party"], str(i.amount.amount)) for i in intents]

    def in_order(self) -> None:
        """Every invariant holds, and books, positions and chain agree."""
        assert self.pay.invariants.check() == ()
        assert self.tie_out().is_tied_out, str(self.tie_out())
