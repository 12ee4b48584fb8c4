"""Clients made from a client: for another tenant or actor, or for calls that belong together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Self

from invoicepay.client.base import Core, acting
from invoicepay.domain.parties import Role


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
