"""Clients made from a client: for another tenant or actor, or for calls that belong together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from invoicepay.client.base import Core, acting
from invoicepay.client.dry_runs import dry_run
from invoicepay.client.transactions import bound, transaction
from invoicepay.domain.parties import Role
from invoicepay.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session

    from invoicepay.domain.explanation import Explanation


class Scopes:
    """What gives copies of a client; each shares the connections of the one it was made from."""

    _core: Core

    @classmethod
    def _around(cls, core: Core) -> Self:
        made = cls.__new__(cls)
        made._core = core
        return made

    @asynccontextmanager
    async def _within(self, scope: AbstractAsyncContextManager[Core]) -> AsyncIterator[Self]:
        """A copy that is good inside the scope."""
        async with scope as core:
            yield self._around(core)

    def tenant(self, id: str) -> Self:
        """A copy for another tenant; nothing crosses tenants."""
        return self._around(self._core.tenant(id))

    def acting_as(
        self,
        subject: str,
        *,
        role: Role | str = Role.PARTY,
        on_behalf_of: str = "",
        request_id: str = "",
    ) -> Self:
        """A copy for another actor: a party limited to its own side, or a named person of the operator.

        Args:
            subject: who really asks; the audit trail names them for ever, so let it be an opaque id.
            role: `party` or `operator`; what the library does by itself has a role that nobody can take.
            on_behalf_of: in whose place they act. A party's rights are then those of this party: an employee
                acts for an enterprise, a helper for a customer. Neither can be the other's second person.
            request_id: your name for the request that led here; the audit trail keeps it, too.

        Raises:
            InvalidIdentifier: nobody can be called that.
            InvalidInput: no such role.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> ann = pay.acting_as("ann")
            >>> clerk = pay.acting_as("staff:17", on_behalf_of="acme")
        """
        return self._around(self._core.acting_as(acting(subject, role, on_behalf_of, request_id)))

    def transaction(self) -> AbstractAsyncContextManager[Self]:
        """A copy whose calls are one transaction: committed at the end of the `async with`, all or nothing.

        Each call sees what earlier ones did, and nobody else does before the end. An error that leaves the
        block takes everything back, records of refusals included. Nothing outside the database is waited
        for: provider work, handlers and webhooks follow the commit as after any call.

        Keep it short, for others wait for what it holds; and make every call inside on the copy.

        Raises:
            ConcurrentUpdate: somebody else was faster; run the whole block again, with the same keys.
            InsideTransaction: a call inside would ask a provider, a screening or a key service.
            OutcomeUnknown: the commit was not acknowledged; the keys tell what it did.
            StoreUnreachable, StoreBehind, StoreReadOnly, StoreBusy: the message names the next step.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> with pay.transaction() as tx:
            ...     for customer in ("ann", "ben"):
            ...         _ = tx.invoices.issue(enterprise="acme", customer=customer, lines=[("A", "9 USD")])
            >>> len(pay.invoices.list(enterprise="acme").items)
            2
        """
        return self._within(transaction(self._core))

    def bind(self, host: AsyncSession | AsyncConnection | async_scoped_session[Any]) -> Self:
        """A copy whose calls are part of the transaction of a session or connection of yours.

        You commit, or roll back and leave nothing of ours. A call that fails takes back its own part, and
        your transaction goes on. Provider work, handlers and webhooks wait for `run_pending` after your
        commit. The copy is good for the transaction that is open now, or else for the next one.

        Args:
            host: what SQLAlchemy opened on the database that has our tables.

        Raises:
            ConfigurationError: it is closed, commits by itself, is of another database or of the other kind.
            ConcurrentUpdate: in a call: somebody else was faster; roll back and begin again.
            InsideTransaction: in a call that would ask a provider, a screening or a key service.
        """
        return self._around(bound(self._core, host))

    def dry_run(self) -> AbstractAsyncContextManager[Self]:
        """A copy whose calls are real and leave nothing: at the end of the `async with` all is forgotten.

        Each call decides and answers as always, refusals included, and sees what earlier ones did. No
        provider, screening, handler, mail or webhook is told. `explain()` of the copy says what would have
        happened. In a database the block is a transaction: others may wait for what it holds.

        Raises:
            StoreUnreachable, StoreBehind, StoreReadOnly, StoreBusy: the message names the next step.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> invoice = pay.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")])
            >>> with pay.dry_run() as trial:
            ...     void = trial.invoices.void(invoice)
            >>> void.status.value, pay.invoices.get(invoice).status.value
            ('void', 'open')
        """
        return self._within(dry_run(self._core))

    def explain(self) -> Explanation:
        """What this dry run has done so far: states, amounts, postings, rules applied, what was withheld.

        It may be asked during the dry run and after its end.

        Raises:
            ConfigurationError: this client is no dry run.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> with pay.dry_run() as trial:
            ...     deposit = trial.deposits.initiate("ann", "200.00 USD")
            >>> [f"{effect.kind} of {effect.amount}" for effect in trial.explain().effects]
            ['rails.deposit of 200.00 USD']
        """
        if self._core.trial is None:
            raise ConfigurationError(
                "only a dry run can be explained",
                hint="Write `with pay.dry_run() as trial`, then `trial.explain()`.",
            )
        return self._core.trial.explanation()
