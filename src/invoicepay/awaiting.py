"""The awaiting client: `AsyncInvoicePay`, its groups, and what spans them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from invoicepay.client.audit import Audit, Invariants, Ledger
from invoicepay.client.base import Core
from invoicepay.client.credits import Credits
from invoicepay.client.deposits import Deposits
from invoicepay.client.holds import Holds
from invoicepay.client.invoices import Invoices
from invoicepay.client.parties import Parties, Wallets
from invoicepay.client.payments import Payments
from invoicepay.client.requests import Requests, Transfers
from invoicepay.client.reserves import Reserves
from invoicepay.client.schedules import Schedules
from invoicepay.client.sim import Sim
from invoicepay.client.tokens import Tokens
from invoicepay.client.webhooks import Webhooks
from invoicepay.client.withdrawals import Withdrawals
from invoicepay.domain.events import Event
from invoicepay.domain.parties import Role
from invoicepay.domain.policies import Programme
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.repository import Repository
from invoicepay.ports.runtime import Clock, Ids
from invoicepay.ports.screening import Screening
from invoicepay.ports.tokens import TokenProvider
from invoicepay.settings import Settings
from invoicepay.use_cases.pending import PendingSummary, run_pending
from invoicepay.wiring import Parts, core_from

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

EventHandler = TypeVar("EventHandler", bound=Callable[[Event], Any])


class AsyncInvoicePay:
    """One closed money loop: deposits, reserves, tokens, invoices, payments, credits, requests, payouts.

    Without arguments everything is in memory and simulated. Safe to share; close it at the end, or use it as
    a context manager.

    Args:
        store: `memory://`, `sqlite:///file.db`, `postgresql+psycopg://…`, or an engine of yours.
        rails: your bank; a simulated one when left out.
        token: your token network; a simulated one when left out.
        clock: the machine's when left out.
        screening: your compliance check; everything passes when left out.
        programme: assets, finality, limits and fees of your programme.
        dispatch: `inline` does provider work and handlers right after each call; `deferred` leaves them to
            `run_pending`.
        tenant: whose books; `tenant()` gives a copy for another.
        qr_secret: at least 32 bytes that sign payment codes; without it codes live as long as the process.
        qr_old_secrets: earlier ones, so that the codes they signed still verify.

    Raises:
        ConfigurationError: options contradict each other.
        StoreBehind, StoreUnreachable, StoreReadOnly: on the first call; the message names the next step.
    """

    def __init__(
        self,
        store: str | Engine | AsyncEngine | None = None,
        *,
        rails: RailsProvider | None = None,
        token: TokenProvider | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        screening: Screening | None = None,
        repository: Repository | None = None,
        programme: Programme | None = None,
        dispatch: str = "inline",
        tenant: str = "default",
        schema: str | None = None,
        table_prefix: str = "",
        qr_secret: bytes | None = None,
        qr_old_secrets: tuple[bytes, ...] = (),
    ) -> None:
        settings = Settings(
            programme=programme or Programme(),
            dispatch=dispatch,
            tenant=tenant,
            schema=schema,
            table_prefix=table_prefix,
            qr_secret=qr_secret,
            qr_old_secrets=qr_old_secrets,
        )
        parts = Parts(
            rails=rails, token=token, clock=clock, ids=ids, screening=screening, repository=repository
        )
        self._core = core_from(store, settings, parts, blocking=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> AsyncInvoicePay:
        """A client from settings, for example `settings_from(os.environ)`."""
        return cls._from_settings(settings, blocking=False)

    @classmethod
    def _from_settings(cls, settings: Settings, *, blocking: bool) -> AsyncInvoicePay:
        return cls._around(core_from(None, settings, Parts(), blocking=blocking))

    @classmethod
    def _blocking(cls, store: str | Engine | AsyncEngine | None, **options: Any) -> AsyncInvoicePay:
        """The same client with leaves that block, for `InvoicePay`."""
        names = ("rails", "token", "clock", "ids", "screening", "repository")
        parts = Parts(**{name: options.pop(name) for name in names})
        programme = options.pop("programme") or Programme()
        settings = Settings(programme=programme, **options)
        return cls._around(core_from(store, settings, parts, blocking=True))

    @classmethod
    def _around(cls, core: Core) -> AsyncInvoicePay:
        made = cls.__new__(cls)
        made._core = core
        return made

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
    def ledger(self) -> Ledger:
        """Accounts, balances, transactions, enterprise books."""
        return Ledger(self._core)

    @property
    def invariants(self) -> Invariants:
        """What must hold after every commit."""
        return Invariants(self._core)

    @property
    def webhooks(self) -> Webhooks:
        """Deliveries of providers."""
        return Webhooks(self._core)

    @property
    def sim(self) -> Sim:
        """Simulated banks and tokens on command.

        Raises:
            ConfigurationError: the providers are real.
        """
        return Sim(self._core)

    def tenant(self, id: str) -> AsyncInvoicePay:
        """A copy for another tenant; nothing crosses tenants."""
        return self._around(self._core.tenant(id))

    def acting_as(self, subject: str, *, role: Role | str = Role.PARTY) -> AsyncInvoicePay:
        """A copy for another actor: a party limited to its own side, or a named operator.

        Example:
            >>> from invoicepay import InvoicePay
            >>> ann = InvoicePay().acting_as("ann")
        """
        return self._around(self._core.acting_as(subject, Role(role)))

    def on(self, pattern: str) -> Callable[[EventHandler], EventHandler]:
        """Register a handler of events such as `invoice.paid` or `invoice.*`; after commit, at least once.

        Example:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> @pay.on("invoice.*")
            ... def tell(event): print(event.name)
        """

        def register(handler: EventHandler) -> EventHandler:
            async def offered(event: Event) -> None:
                if fnmatchcase(event.name, pattern):
                    result = handler(event)
                    if inspect.isawaitable(result):
                        awaited: Awaitable[Any] = result
                        await awaited

            self._core.handlers.append(offered)
            return handler

        return register

    async def run_pending(self, *, limit: int = 100, until_quiet: bool = True) -> PendingSummary:
        """Bring on what waits: provider work, webhooks, due dates, handlers; for cron or a worker."""
        return await run_pending(
            self._core.deps, limit, handlers=self._core.handlers, until_quiet=until_quiet
        )

    async def close(self) -> None:
        """Give the store's connections back."""
        await self._core.deps.repository.close()

    async def __aenter__(self) -> AsyncInvoicePay:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
