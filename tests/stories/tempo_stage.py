"""The stage of the stories with a Tempo node behind it: a token of its own, whose wallets are on a chain."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoicepay import Asset, Money, Programme, migrate, run_blocking
from invoicepay.adapters.memory.slots import MemorySlots
from invoicepay.adapters.simulated import SimControl, SimulatedRails, SimulatedTokens
from invoicepay.adapters.sql.slots import SqlSlots
from invoicepay.adapters.tempo import calls
from invoicepay.adapters.tempo.addresses import TRANSFER_WITH_MEMO
from invoicepay.adapters.tempo.network import TempoToken
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.netting import OPEN
from invoicepay.testing.clock import FrozenClock
from invoicepay.testing.tempo_node import TempoNode
from tests.adapters.tempo.bench import Bench, bench_on
from tests.adapters.tempo.chain import Chain
from tests.stories.stage import Stage, opened

A = "USD"
TURNS = 40


@dataclass(frozen=True)
class TempoStage(Stage):
    """A client whose tokens are on the node, and a bank that does what it is told."""

    tempo: Tempo
    token: TempoToken
    bench: Bench
    bank: SimControl

    def fund(self, party: str, amount: str) -> None:
        """A settled deposit, minted on the chain."""
        self.deposit(party, amount)
        self.work()

    def deposit(self, party: str, amount: str) -> str:
        """A deposit that the bank has settled; its mint is on its way."""
        deposit = self.pay.deposits.initiate(party, amount)
        self.bank.settle(self.effect(deposit.id).id)
        self.deliver()
        return str(deposit.id)

    def paid(self, invoice: Any, amount: str, *, payer: str = "ann") -> Any:
        """A payment, once the chain has it."""
        payment = self.pay.invoices.pay(invoice.id, payer=payer, amount=f"{amount} {A}")
        self.work()
        return self.pay.payments.get(payment.id)

    def deliver(self) -> None:
        """Carry the bank's webhooks over."""
        for slot, delivery in self.bank.webhooks():
            self.pay.webhooks.receive(slot, headers=delivery.headers, body=delivery.body)
        self.pay.run_pending()

    def work(self) -> None:
        """Let blocks come and time pass, until nothing of ours is on its way to the chain."""
        for _ in range(TURNS):
            self.bench.node.mine()
            self.clock.advance(seconds=10)
            self.pay.run_pending()
            if not self.on_its_way():
                return

    def on_its_way(self) -> list[Effect]:
        """Token work that was sent and is not decided."""
        return [
            effect
            for effect in self.pay.effects.list()
            if effect.kind.value.startswith("token.")
            and effect.status in OPEN
            and effect.status is not EffectStatus.PLANNED
        ]

    def effect(self, cause_id: str, kind: EffectKind | None = None) -> Effect:
        """The newest intent of a cause."""
        *_, last = [one for one in self.pay.effects.list(cause=cause_id) if kind in (None, one.kind)]
        return last

    def supply(self) -> str:
        """Tokens outstanding at finality, as the chain counts them."""
        return str(self.ask(self.tempo.supply(A)).amount)

    def held(self, party: str) -> str:
        """What the chain holds for a party at finality."""
        return str(self.ask(self.tempo.balance(party, A)).amount)

    def ask(self, question: Any) -> Any:
        """Something of the chain, beside the client."""
        return run_blocking(question)

    def height(self) -> int:
        """The newest block."""
        return int(self.ask(self.bench.rpc.block()).number)

    def transactions(self, *, since: int) -> int:
        """How many transactions the blocks after that one hold."""
        blocks = range(since + 1, self.height() + 1)
        counts = [self.bench.node.ask("eth_getBlockTransactionCountByNumber", hex(n)) for n in blocks]
        return sum(int(count, 16) for count in counts)

    def memos(self) -> list[str]:
        """The memo of every movement of the token, as the chain's logs have them."""
        topics = [TRANSFER_WITH_MEMO]
        logs = self.ask(self.bench.rpc.logs(self.token.address, topics, first=0, last=self.height()))
        return [log.topics[3].removeprefix("0x") for log in logs]

    def outstanding(self) -> str:
        """Tokens outstanding in the books."""
        return str(self.pay.tokens.validate_backing(A).tokens.amount)

    def take_outside(self, party: str, amount: str) -> None:
        """Tokens leave a wallet by its own key, behind our back."""
        stranger, account = self.bench.address("a stranger"), self.tempo.wallets.account_of(party)
        micros = Money.of(f"{amount} {A}").micros
        self.bench.do(account, calls.transfer(self.token.address, stranger, micros, bytes(32)))

    def is_in_order(self) -> None:
        """Right books, and every wallet and the supply on the chain as the books say."""
        assert self.pay.invariants.check() == ()
        assert self.pay.audit.verify()
        tie_out = self.pay.tokens.tie_out(A)
        assert tie_out.is_tied_out, str(tie_out)
        assert self.supply() == self.outstanding()


@contextmanager
def on_tempo(
    node: TempoNode, name: str, kind: str, folder: Path, *, settlement: Any = "onchain", **plan: Any
) -> Iterator[TempoStage]:
    """A stage on a node: `memory-awaiting` or `sqlite-blocking`; slots lie where the books do."""
    store, face = kind.split("-")
    url = "memory://" if store == "memory" else f"sqlite:///{folder / 'pay.db'}"
    if store != "memory":
        migrate(url)
    slots = MemorySlots() if store == "memory" else SqlSlots(url)
    clock = FrozenClock("2026-01-05T09:00:00Z")
    rails = SimulatedRails(clock)
    programme = Programme(assets={A: Asset(A, settlement=settlement)})
    with bench_on(node, name) as bench:
        token = bench.set_up(asset=A, **plan)
        chain = Chain(bench, token, tenant=name, slots=slots)
        parts = {"clock": clock, "rails": rails, "token": chain.tempo, "programme": programme}
        with closing(chain), opened(url, face, **parts) as stage:
            bank = SimControl(rails, SimulatedTokens(clock))
            yield TempoStage(stage.pay, clock, tempo=chain.tempo, token=token, bench=bench, bank=bank)
    run_blocking(slots.close())
