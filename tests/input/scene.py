"""Two tenants with one of everything, in every state that a call needs, and a look at all that is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, inspect

from invoicepay import Asset, Every, InvoicePay, Policy, Programme, migrate
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from invoicepay.adapters.memory import MemoryRepository
from invoicepay.adapters.memory.tables import Tables
from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.entity import Entity
from invoicepay.domain.policies import AutoApply, Settlement
from invoicepay.domain.webhook_deliveries import WebhookAnswer
from invoicepay.ports.rails import RailStatus
from invoicepay.ports.screening import Screened, Subject, Verdict
from invoicepay.ports.tokens import TokenCapabilities
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.observations import as_worker
from invoicepay.use_cases.perform import perform
from invoicepay.use_cases.stops import STOP, StopProvider
from invoicepay.use_cases.webhook_fan_out import fan_out
from invoicepay.use_cases.webhook_sending import RECORD, RecordTry
from tests.support.sql import engine_for

HOME, AWAY = "home", "away"
STRANGER = "stranger"
"""An enterprise that only the other tenant knows."""
QR_SECRET = b"k" * 32
BANK, STOPPED = "simulated-bank", "old-bank"
"""The bank of every scene, and one of former times."""
HOOKS = "http://127.0.0.1:9/hooks"
"""Where nobody listens."""
CHAIN, NETS = "USD.tempo", "USD.nets"
PROGRAMME = Programme(
    assets={
        CHAIN: Asset(CHAIN, settlement=Settlement.ONCHAIN),
        NETS: Asset(NETS, settlement=Settlement.NETTED),
    },
    deposit_fee_micros=250_000,
    unknown_parties="refuse",
)
REVIEWED = "13.13 USD"
Looking = tuple[Engine, tuple[str, ...]]
"""An engine and the tables behind it."""


class EveryWay(SimulatedTokens):
    """An issuer that is lenient enough for assets of every settlement at once."""

    def capabilities(self) -> TokenCapabilities:
        """Wallets by party, as a netted asset needs them."""
        return replace(super().capabilities(), per_party=True)


class ReviewsOneAmount:
    """Screening that wants a person to look at one amount."""

    async def screen(self, subject: Subject) -> Screened:
        """The verdict."""
        is_odd = str(subject.amount) == REVIEWED
        return Screened(verdict=Verdict.REVIEW if is_odd else Verdict.ALLOW, reason="odd" if is_odd else "")


@dataclass
class Scene:
    """A client of one tenant, the ids of what it has, and the world around it.

    Attributes:
        things: ids by what they are good for, for example `open_invoice`.
    """

    pay: InvoicePay
    clock: FrozenClock
    rails: SimulatedRails
    tokens: SimulatedTokens
    looking: Looking | None
    repository: MemoryRepository | None = None
    things: dict[str, str] = field(default_factory=dict[str, str])
    away: dict[str, str] = field(default_factory=dict[str, str])

    def stored(self) -> dict[str, Any]:
        """Everything of every tenant that would have changed if something had happened."""
        outside = {"bank": self.rails.transfers(), "chain": self.tokens.transfers()}
        if self.repository is not None:
            return outside | _memory(self.repository)
        assert self.looking is not None, "a scene is in memory or in a database"
        return outside | _rows(self.looking)

    def rewind(self, stored: Mapping[str, Any]) -> None:
        """Make the books in memory what they were, with nobody at work; what providers did stays done."""
        assert self.repository is not None, "only memory is rewound"
        self.repository._tenants = {tenant: Tables() for tenant in (HOME, AWAY)}
        self.repository._turns.clear()  # whose turn it was later would keep others off for that long
        for tenant, tables in self.repository._tenants.items():
            for table in fields(tables):
                if (name := f"{tenant}.{table.name}") in stored:
                    setattr(tables, table.name, _copied(stored[name]))


def _memory(repository: MemoryRepository) -> dict[str, Any]:
    """Tables of every tenant, copied as deep as they can change; rows are frozen."""
    return {
        f"{tenant}.{table.name}": _copied(getattr(tables, table.name))
        for tenant, tables in repository._tenants.items()
        for table in fields(tables)
        if table.name not in ("indexes", "revision")  # made by looking, and counted by every commit
    }


def _copied(value: Any) -> Any:
    """A copy without the empty shelves that looking leaves behind."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items() if inner != {}}
    return list(value) if isinstance(value, list) else set(value) if isinstance(value, set) else value


def _rows(looking: Looking) -> dict[str, Any]:
    """Every row of every table, in the order in which they lie there."""
    engine, tables = looking
    with engine.connect() as connection:
        return {name: connection.exec_driver_sql(f'SELECT * FROM "{name}"').all() for name in tables}


@contextmanager
def _looking(store: str) -> Iterator[Looking | None]:
    """A way past the client to everything that a database holds."""
    if store == "memory://":
        yield None
        return
    migrate(store)
    with engine_for(store) as engine:
        yield engine, tuple(inspect(engine).get_table_names())


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Tables that differ; answers kept under their key are no change of the books."""
    assert before.keys() == after.keys()
    kept = ("replies", "idempotency_keys")
    return [name for name in after if not name.endswith(kept) and after[name] != before[name]]


@contextmanager
def scene(store: str = "memory://", **options: Any) -> Iterator[Scene]:
    """The home tenant on a store; in memory there is another tenant that has the same, under other ids."""
    clock = FrozenClock("2026-01-05T09:00:00Z")
    rails, tokens = SimulatedRails(clock), EveryWay(clock)
    repository = MemoryRepository(SystemIds().new) if store == "memory://" else None
    made = {
        "programme": PROGRAMME,
        "dispatch": "deferred",
        "qr_secret": QR_SECRET,
        "webhook_secret": QR_SECRET,
        "allow_local_webhooks": True,
        **options,
    }
    pay = InvoicePay(
        store,
        repository=repository,
        rails=rails,
        token=tokens,
        clock=clock,
        screening=ReviewsOneAmount(),
        checkpoint_keys=(Ed25519Key(bytes(32)),),
        **made,
    )
    with _looking(store) as looking, pay:
        home = Scene(pay.tenant(HOME), clock, rails, tokens, looking, repository)
        away = Scene(pay.tenant(AWAY), clock, rails, tokens, looking, repository)
        builders = [_Builder(home)]
        if repository is not None:
            builders.append(_Builder(away))
            away.pay.parties.register(STRANGER, kind="enterprise")
        for builder in builders:
            builder.begin()
        clock.advance(days=1)
        for builder in builders:
            builder.refuse_what_was_lost()
        for builder in builders:
            builder.work()
        clock.advance(hours=1)
        for builder in builders:
            builder.leave_waiting()
        clock.advance(hours=2)
        home.away = away.things
        yield home


class _Builder:
    """Makes the things of one tenant, in three acts with time between them."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.pay, self.things = scene, scene.pay, scene.things

    def keep(self, **made: Entity) -> None:
        """Remember ids."""
        self.things.update({name: thing.id for name, thing in made.items()})

    def work(self) -> None:
        """Let everything happen that can."""
        self.pay.sim.deliver()

    def deposit(self, party: str, amount: str, rail: str = "instant") -> Any:
        """A deposit that the bank settled."""
        deposit = self.pay.deposits.initiate(party, amount, rail=rail, account_token=f"ba_of_{party}")
        self.work()
        return self.pay.sim.settle(deposit.id)

    def issue(self, total: str, customer: str = "ann", **terms: Any) -> Any:
        """An invoice over one line."""
        return self.pay.invoices.issue(
            enterprise="acme", customer=customer, lines=[("Goods", total)], reference="po-1", **terms
        )

    def begin(self) -> None:
        """People, money, and what takes a day."""
        pay = self.pay
        manual = Policy(auto_apply=AutoApply.MANUAL)
        for enterprise in ("acme", "globex"):
            pay.parties.register(enterprise, kind="enterprise", policy=manual)
        for person in ("ann", "bob", "cho", "eve", "idle", "gone"):
            pay.parties.register(person)
        pay.parties.close("gone")
        pay.reserves.top_up("500.00 USD", approved_by="cfo", reference="b-1")
        self.keep(deposit=self.deposit("ann", "1000.00 USD"))
        self._told_outside()
        for amount in ("100.00 EUR", f"200.00 {CHAIN}"):
            self.deposit("ann", amount)
        self.deposit("bob", "200.00 USD")
        self.deposit("acme", "300.00 USD")
        pay.wallets.freeze("bob", "EUR", reason="looked at")
        self._invoices()
        self._money()
        self._people()
        self._lost()

    def _told_outside(self) -> None:
        """An endpoint that has answered for the last time, and one that is told of nothing."""
        endpoints = self.pay.webhook_endpoints
        deps = self.pay._pay._core.deps
        here = endpoints.create(url=HOOKS, events=["party.registered"])
        self.keep(endpoint=here, disabled_endpoint=endpoints.create(url=HOOKS, events=["party.closed"]))
        endpoints.disable(self.things["disabled_endpoint"])
        self.pay.parties.register("told")
        run_blocking(fan_out(deps, 1))
        (delivery,) = self.pay.webhook_deliveries.list(endpoint=here)
        gone = RecordTry(delivery_id=delivery.id, fence=0, answer=WebhookAnswer(status=410, error="gone"))
        run_blocking(as_worker(deps, RECORD, gone))
        self.keep(dead_delivery=delivery)

    def _invoices(self) -> None:
        pay = self.pay
        self.keep(
            draft=pay.invoices.draft(enterprise="acme", customer="ann", lines=[("Goods", "10.00 USD")]),
            open_invoice=self.issue("100.00 USD"),
            other_open=self.issue("60.00 USD"),
            bobs_invoice=self.issue("20.00 USD", "bob"),
            untouched=self.issue("15.00 USD"),
            part=self.issue("100.00 USD"),
            paid=self.issue("50.00 USD"),
            expired=self.issue("30.00 USD", expires_at=self.scene.clock.now() + timedelta(hours=1)),
            chain_invoice=self.issue(f"90.00 {CHAIN}"),
        )
        self.keep(
            payment=pay.invoices.pay(self.things["part"], payer="ann", amount="40.00 USD"),
            overpayment=pay.invoices.pay(self.things["paid"], payer="ann", amount="75.00 USD"),
            note=pay.invoices.credit_note(self.things["part"], "10.00 USD", reason="late"),
            goodwill=pay.credits.grant("acme", "ann", "5.00 USD", note="sorry"),
        )
        (lot,) = (lot for lot in pay.credits.list(customer="ann") if lot.id != self.things["goodwill"])
        self.keep(lot=lot)

    def _money(self) -> None:
        pay, scene = self.pay, self.scene
        self.keep(by_hand=pay.deposits.record("cho", "40.00 USD", provider="box", provider_ref="b-1"))
        self.work()
        self.keep(unconfirmed=self.deposit("eve", "30.00 USD", rail="bank_credit"))
        self.keep(reviewed=self.deposit("eve", "31.00 USD", rail="bank_credit"))
        pay.deposits.review(self.things["reviewed"], reason="odd")
        scene.tokens.weather.reject_next("paused")
        scene.tokens.weather.reject_next("paused")
        unminted = self.deposit("eve", "32.00 USD"), self.deposit("eve", "33.00 USD")
        first, _ = pay.tokens.mints(party="eve", status="failed")
        self.keep(failed_mint=first, settlement=pay.tokens.settle(NETS))
        self.things["reserve"] = pay.deposits.get(unminted[1].id).reserve_id
        self._spent_and_returned()
        self._doubtful()
        pay.reserves.record_interest("2.00 USD", reference="i-1")
        self.keep(unmatched=pay.reserves.record_unmatched("8.00 USD", provider="box", provider_ref="u-1"))

    def _spent_and_returned(self) -> None:
        """What cho deposited is spent, then the bank takes it back; its burn is refused."""
        pay = self.pay
        spent = self.deposit("cho", "50.00 USD")
        pay.transfers.send("cho", "bob", "70.00 USD")
        self.scene.tokens.weather.reject_next("paused")
        self.keep(returned=pay.sim.return_deposit(spent.id, code="R10"))
        pay.transfers.send("bob", "cho", "25.00 USD")
        self.things["burn"] = next(iter(pay.tokens.burns(party="cho"))).id

    def _doubtful(self) -> None:
        """A deposit failed, and then the bank says that it was paid."""
        pay, scene = self.pay, self.scene
        deposit = pay.deposits.initiate("eve", "34.00 USD", account_token="ba_1")
        self.work()
        pay.sim.fail(deposit)
        (effect,) = pay.effects.list(cause=deposit)
        scene.rails.tell(effect.id, RailStatus.SETTLED)
        pay.sim.deliver()
        self.keep(doubtful_deposit=deposit, doubtful=effect)

    def _lost(self) -> None:
        """A deposit that nobody answered, and a provider of former times that is stopped."""
        pay, scene = self.pay, self.scene
        scene.rails.weather.lose_next_request()
        lost = pay.deposits.initiate("eve", "36.00 USD", account_token="ba_1")
        self.work()
        (effect,) = pay.effects.list(cause=lost)
        self.keep(unanswered=effect)
        command = StopProvider(provider=STOPPED, reason="given up")
        run_blocking(perform(pay._pay._core.deps, STOP, command))

    def refuse_what_was_lost(self) -> None:
        """The bank says of the deposit that nobody answered: a duplicate, and no more than that."""
        self.scene.rails.weather.reject_next("duplicate reference")
        self.work()

    def _people(self) -> None:
        pay, later = self.pay, self.scene.clock.now() + timedelta(days=30)
        self.keep(
            transfer=pay.transfers.send("ann", "bob", "1.00 USD", note="tea"),
            sent_out=pay.transfers.send_outside("ann", "15.00 USD", address="0x1"),
            request=pay.requests.create("bob", "12.00 USD", payer="ann", amount_editable=True),
            open_request=pay.requests.create("bob", asset="USD"),
            approved=pay.requests.create("bob", "3.00 USD", payer="ann"),
            hold=pay.holds.place("ann", "9.00 USD", payee="acme", expires_at=later),
            schedule=pay.schedules.create(
                enterprise="globex", customer="ann", lines=[("Plan", "4.00 USD")], every=Every.month()
            ),
            paused=pay.schedules.create(
                enterprise="globex", customer="bob", lines=[("Plan", "4.00 USD")], every=Every.month()
            ),
        )
        pay.requests.approve(self.things["approved"], payer="ann", pay_at=later)
        pay.schedules.pause(self.things["paused"])
        self._withdrawals()

    def _withdrawals(self) -> None:
        pay = self.pay
        bad = f"ba_{self.things['burn']}"
        self.keep(
            reviewed_withdrawal=pay.withdrawals.initiate("ann", REVIEWED, account_token="ba_1"),
            returned_withdrawal=pay.withdrawals.initiate("ann", "20.00 USD", account_token=bad),
        )
        self.work()
        pay.sim.settle_payout(self.things["returned_withdrawal"])
        returned = pay.sim.return_payout(self.things["returned_withdrawal"])
        self.keep(bad_account=pay.bank_accounts.get(bad))
        self.things["burn_of_withdrawal"] = returned.burn_id

    def leave_waiting(self) -> None:
        """What the worker has not touched yet; time makes some of it due."""
        pay, soon = self.pay, self.scene.clock.now() + timedelta(hours=1)
        self.keep(
            unsent_deposit=pay.deposits.initiate("ann", "11.00 USD", account_token="ba_1"),
            unsent_withdrawal=pay.withdrawals.initiate("ann", "21.00 USD", account_token="ba_1"),
            unsent_payment=pay.invoices.pay(
                self.things["chain_invoice"], payer="ann", amount=f"30.00 {CHAIN}"
            ),
            overdue=self.issue("35.00 USD", expires_at=soon),
            old_lot=pay.credits.grant("globex", "ann", "6.00 USD", expires_at=soon),
        )
        self.things["payee_code"] = pay.requests.payee_qr("bob", asset="USD").payload
        self.things["request_code"] = pay.requests.qr(self.things["request"]).payload
