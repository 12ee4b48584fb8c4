"""The awaiting client: `AsyncInvoicePay`, its groups, and what spans them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from invoicepay.client.audit import Audit, Invariants, Ledger
from invoicepay.client.bank_accounts import BankAccounts
from invoicepay.client.credits import Credits
from invoicepay.client.deposits import Deposits
from invoicepay.client.effects import Effects
from invoicepay.client.events import handler_of
from invoicepay.client.holds import Holds
from invoicepay.client.invoices import Invoices
from invoicepay.client.notices import Notices
from invoicepay.client.parties import Parties, Wallets
from invoicepay.client.payments import Payments
from invoicepay.client.requests import Requests, Transfers
from invoicepay.client.reserves import Reserves
from invoicepay.client.schedules import Schedules
from invoicepay.client.scopes import Scopes
from invoicepay.client.sim import Sim
from invoicepay.client.tokens import Tokens
from invoicepay.client.webhook_deliveries import WebhookDeliveries
from invoicepay.client.webhook_endpoints import WebhookEndpoints
from invoicepay.client.webhooks import Webhooks
from invoicepay.client.withdrawals import Withdrawals
from invoicepay.client.worker import Worker
from invoicepay.domain.event_patterns import event_pattern
from invoicepay.domain.events import Event
from invoicepay.domain.policies import Programme
from invoicepay.domain.shape import whole
from invoicepay.ports.authorizer import Authorizer
from invoicepay.ports.health import SystemHealth
from invoicepay.ports.repository import Repository
from invoicepay.ports.routes import RailsChoice, TokenChoice
from invoicepay.ports.runtime import Clock, Ids
from invoicepay.ports.screening import Screening
from invoicepay.ports.sealing import FieldCipher
from invoicepay.ports.signing import CheckpointKey
from invoicepay.settings import Settings
from invoicepay.use_cases.health import system_health
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.pending import PendingSummary, run_pending_everywhere
from invoicepay.wiring import Parts, core_from, environment_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

EventHandler = TypeVar("EventHandler", bound=Callable[[Event], Any])


class AsyncInvoicePay(Scopes):
    """One closed money loop: deposits, reserves, tokens, invoices, payments, credits, requests, payouts.

    Without arguments everything is in memory and simulated. Safe to share; close it at the end, or use it as
    a context manager.

    Args:
        store: `memory://`, `sqlite:///file.db`, `postgresql+psycopg://…`, or an engine of yours.
        rails: your bank, or the name under which one is installed; several by asset and rail:
            `{("USD", "wire"): one, "EUR": other}`. A simulated one when left out.
        token: your token network, or the name of an installed one; several by asset:
            `{"USD.tempo": one, "EUR": other}`. A simulated one when left out.
        clock: the machine's when left out.
        screening: your compliance check; everything passes when left out.
        cipher: seals people's texts in the store; they lie there as they are when left out.
        authorizer: your own say in who may do what; it can forbid what the rules allow, never the reverse.
        checkpoint_keys: sign and verify checkpoints of the audit trail; the first signs.
        notices: tells people of what happens to them, by mail or as you like; nobody is told when left out.
        programme: assets, finality, limits and fees of your programme.
        environment: `production` refuses what is only good for trying out; the error lists all of it.
        dispatch: `inline` does provider work and handlers right after each call; `deferred` leaves them to
            `run_pending`.
        group_commit: `off` gives every call a transaction of its own; left alone, calls that come at the same
            time share one, except in memory.
        tenant: whose books; `tenant()` gives a copy for another.
        qr_secret: at least 32 bytes that sign payment codes; without it codes live as long as the process.
        qr_old_secrets: earlier ones, so that the codes they signed still verify.
        webhook_secret: at least 32 bytes from which the secrets of webhook endpoints are made; only in memory
            it may be left out.
        webhook_old_secrets: earlier ones, which go on signing until they are left out.
        allow_local_webhooks: webhook endpoints may be `http://127.0.0.1`, for trying out on one machine.

    Raises:
        ConfigurationError: options contradict each other.
        StoreBehind, StoreUnreachable, StoreReadOnly: on the first call; the message names the next step.
    """

    _blocks: ClassVar[bool] = False

    def __init__(
        self,
        store: str | Engine | AsyncEngine | None = None,
        *,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        repository: Repository | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
        programme: Programme | None = None,
        environment: str = "development",
        dispatch: str = "inline",
        group_commit: str = "auto",
        tenant: str = "default",
        schema: str | None = None,
        table_prefix: str = "",
        qr_secret: bytes | None = None,
        qr_old_secrets: tuple[bytes, ...] = (),
        webhook_secret: bytes | None = None,
        webhook_old_secrets: tuple[bytes, ...] = (),
        allow_local_webhooks: bool = False,
    ) -> None:
        settings = Settings(
            programme=programme or Programme(),
            environment=environment,
            dispatch=dispatch,
            group_commit=group_commit,
            tenant=tenant,
            schema=schema,
            table_prefix=table_prefix,
            qr_secret=qr_secret,
            qr_old_secrets=qr_old_secrets,
            webhook_secret=webhook_secret,
            webhook_old_secrets=webhook_old_secrets,
            allow_local_webhooks=allow_local_webhooks,
        )
        parts = Parts(
            rails=rails,
            token=token,
            clock=clock,
            ids=ids,
            screening=screening,
            cipher=cipher,
            repository=repository,
            authorizer=authorizer,
            checkpoint_keys=checkpoint_keys,
            notices=notices,
        )
        self._core = core_from(store, settings, parts, blocking=self._blocks)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        repository: Repository | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
    ) -> AsyncInvoicePay:
        """A client from settings that the host read from its own configuration.

        Examples:
            >>> from invoicepay import InvoicePay, Settings
            >>> with InvoicePay.from_settings(Settings(store="memory://", tenant="shop")) as pay:
            ...     print(pay)
            <InvoicePay on memory://, tenant shop, acting as host (operator)>
        """
        parts = Parts(
            rails=rails,
            token=token,
            clock=clock,
            ids=ids,
            screening=screening,
            cipher=cipher,
            repository=repository,
            authorizer=authorizer,
            checkpoint_keys=checkpoint_keys,
            notices=notices,
        )
        return cls._around(core_from(None, settings, parts, blocking=cls._blocks))

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        programme: Programme | None = None,
        rails: RailsChoice | None = None,
        token: TokenChoice | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        cipher: FieldCipher | None = None,
        authorizer: Authorizer | None = None,
        checkpoint_keys: tuple[CheckpointKey, ...] = (),
        notices: Notices | None = None,
    ) -> AsyncInvoicePay:
        """A client from `INVOICEPAY_STORE` and the other `INVOICEPAY_*` variables of the process.

        The environment is read by this call and by nothing else in the library.

        Args:
            environ: read instead of `os.environ`, by installed providers that are named, too.

        Raises:
            ConfigurationError: `INVOICEPAY_STORE` is not set, or a variable of that prefix is not known.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay.from_env({"INVOICEPAY_STORE": "memory://"})
            >>> pay.close()
        """
        settings = environment_settings(environ, programme)
        parts = Parts(
            environ=environ,
            rails=rails,
            token=token,
            clock=clock,
            ids=ids,
            screening=screening,
            cipher=cipher,
            authorizer=authorizer,
            checkpoint_keys=checkpoint_keys,
            notices=notices,
        )
        return cls._around(core_from(None, settings, parts, blocking=cls._blocks))

    @property
    def parties(self) -> Parties:
        """Participants under your own ids."""
        return Parties(self._core)

    @property
    def wallets(self) -> Wallets:
        """What a party has; freezing."""
        return Wallets(self._core)

    @property
    def deposits(self) -> Deposits:
        """Fiat coming in."""
        return Deposits(self._core)

    @property
    def reserves(self) -> Reserves:
        """The money behind the tokens."""
        return Reserves(self._core)

    @property
    def tokens(self) -> Tokens:
        """Mints, burns and their backing."""
        return Tokens(self._core)

    @property
    def invoices(self) -> Invoices:
        """Claims of enterprises on customers, and paying them."""
        return Invoices(self._core)

    @property
    def payments(self) -> Payments:
        """Payments of invoices."""
        return Payments(self._core)

    @property
    def credits(self) -> Credits:
        """What enterprises owe customers."""
        return Credits(self._core)

    @property
    def schedules(self) -> Schedules:
        """Recurring invoices."""
        return Schedules(self._core)

    @property
    def requests(self) -> Requests:
        """Asking another person for money; split bills; codes to scan."""
        return Requests(self._core)

    @property
    def transfers(self) -> Transfers:
        """Tokens from person to person, and across the programme's border."""
        return Transfers(self._core)

    @property
    def withdrawals(self) -> Withdrawals:
        """Fiat going out."""
        return Withdrawals(self._core)

    @property
    def holds(self) -> Holds:
        """Tokens set aside."""
        return Holds(self._core)

    @property
    def audit(self) -> Audit:
        """The tamper-evident trail."""
        return Audit(self._core)

    @property
    def bank_accounts(self) -> BankAccounts:
        """Bank accounts that were ruled out, by a return code or by hand."""
        return BankAccounts(self._core)

    @property
    def ledger(self) -> Ledger:
        """Accounts, balances, transactions, enterprise books."""
        return Ledger(self._core)

    @property
    def invariants(self) -> Invariants:
        """What must hold after every commit."""
        return Invariants(self._core)

    @property
    def effects(self) -> Effects:
        """What providers were asked to do, and what became of it."""
        return Effects(self._core)

    @property
    def webhooks(self) -> Webhooks:
        """Deliveries of providers."""
        return Webhooks(self._core)

    @property
    def webhook_endpoints(self) -> WebhookEndpoints:
        """URLs that are told of events."""
        return WebhookEndpoints(self._core)

    @property
    def webhook_deliveries(self) -> WebhookDeliveries:
        """What these URLs were told, are being told, and did not take."""
        return WebhookDeliveries(self._core)

    @property
    def sim(self) -> Sim:
        """Simulated banks and tokens on command.

        Raises:
            ConfigurationError: the providers are real.
        """
        return Sim(self._core)

    def on(self, pattern: str) -> Callable[[EventHandler], EventHandler]:
        """Register a handler of events such as `invoice.paid` or `invoice.*`; after commit, at least once.

        A handler that raises is offered the event again by the next `run_pending`; where that runs by itself,
        what was raised is logged to `invoicepay.handlers`.

        Raises:
            InvalidInput: no event can match the pattern.
            ConfigurationError: an async handler of a blocking client.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> @pay.on("invoice.*")
            ... def tell(event): print(event.name)
        """
        events = event_pattern(pattern)

        def register(handler: EventHandler) -> EventHandler:
            self._core.shared.handlers.append(handler_of(events, handler, blocks=self._blocks))
            return handler

        return register

    async def health(self) -> SystemHealth:
        """How the store and the providers are; moves nothing. For operators and readiness probes.

        A provider that cannot be asked is reported as not told, and counts as ok.

        Raises:
            NotAllowed: the actor is a party.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> InvoicePay().health().is_ok
            True
        """
        return await system_health(self._core.deps)

    async def run_pending(self, *, limit: int = 100, until_quiet: bool = True) -> PendingSummary:
        """Bring on what waits: provider work, webhooks, due dates, handlers; for cron or a worker.

        Operators only, for the summary tells of everybody's work.

        Raises:
            NotAllowed: the actor is a party.
        """
        whole(limit, "limit", least=1)
        await allow(self._core.deps, "run_pending")
        return await self._core.run_pending(limit, until_quiet=until_quiet)

    async def run_pending_everywhere(
        self, *, limit: int = 100, is_stopping: Callable[[], bool] | None = None
    ) -> dict[str, PendingSummary]:
        """One pass of `run_pending` for every tenant of the store; operators only.

        A tenant with much to send is left after about a second, so that others do not wait for it.

        Args:
            limit: the most of each kind that the pass takes in each tenant.
            is_stopping: asked before each tenant; once true, the pass ends there.

        Returns:
            What was done, by tenant; call it again while a summary has `moved`.

        Raises:
            NotAllowed: the actor is a party.
        """
        whole(limit, "limit", least=1)
        await allow(self._core.deps, "run_pending_everywhere")
        return await run_pending_everywhere(
            self._core.deps, limit, handlers=self._core.handlers, is_stopping=is_stopping
        )

    def worker(
        self,
        *,
        poll_seconds: float = 1.0,
        limit: int = 100,
        everywhere: bool = True,
        bill_every_seconds: float | None = None,
        on_pass: Callable[[Mapping[str, PendingSummary]], object] | None = None,
        on_trouble: Callable[[Exception], object] | None = None,
    ) -> Worker:
        """A loop around `run_pending`, for a process, thread or task of yours; nothing starts by itself.

        Args:
            poll_seconds: the wait when nothing moves, more than 0 and at most an hour.
            limit: the most of each kind that a pass takes in each tenant.
            everywhere: every tenant of the store; False serves this client's alone.
            bill_every_seconds: how often recurring invoices that are due are issued, as by
                `schedules.run_due`; left out, they are not.
            on_pass: told after each pass what was done, by tenant.
            on_trouble: told of a pass that failed; the next one comes after a pause.

        Raises:
            InvalidInput: no such number.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay(dispatch="deferred")
            >>> worker = pay.worker(poll_seconds=1.0, on_pass=lambda done: worker.stop())
            >>> worker.run_forever()
        """
        return Worker(
            self._core,
            poll_seconds=poll_seconds,
            limit=limit,
            everywhere=everywhere,
            bill_every_seconds=bill_every_seconds,
            on_pass=on_pass,
            on_trouble=on_trouble,
        )

    async def close(self) -> None:
        """Give the store's connections back; this client and its copies take no calls afterwards."""
        await self._core.close()

    def __repr__(self) -> str:
        return f"<AsyncInvoicePay on {self._core}>"

    async def __aenter__(self) -> AsyncInvoicePay:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()


class _BlockingLeaves(AsyncInvoicePay):
    """The same client over a store and a wait that block, for `InvoicePay` to drive in single steps."""

    _blocks = True
