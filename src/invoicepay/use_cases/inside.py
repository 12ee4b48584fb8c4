"""The same dependencies inside an open transaction: nothing outside the database is waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

from invoicepay.errors import InsideTransaction
from invoicepay.ports.repository import Repository
from invoicepay.ports.routes import RailsRoutes, TokenRoutes
from invoicepay.use_cases.perform import Deps

T = TypeVar("T")

TOLD = ("name", "capabilities", "key_id", "checked_url")
"""What a provider, a key or a sender answers without asking anybody."""


def inside(deps: Deps, repository: Repository) -> Deps:
    """What use cases are given for a transaction that is open.

    Args:
        repository: whose units are parts of it.
    """
    return replace(
        deps,
        repository=repository,
        rails=deps.rails.each(_guarded) if isinstance(deps.rails, RailsRoutes) else _guarded(deps.rails),
        tokens=deps.tokens.each(_guarded) if isinstance(deps.tokens, TokenRoutes) else _guarded(deps.tokens),
        screening=_guarded(deps.screening),
        webhook_sender=_guarded(deps.webhook_sender),
        checkpoint_keys=tuple(map(_guarded, deps.checkpoint_keys)),
        retry=once,
        group_commit=None,
        in_transaction=True,
    )


def require_outside(deps: Deps, what: str) -> None:
    """Refuse what works outside of the database while a transaction is open.

    Raises:
        InsideTransaction: one is.
    """
    if deps.in_transaction:
        raise InsideTransaction(f"{what} reaches outside, and a transaction is open")


async def once(attempt: Callable[[], Awaitable[T]]) -> T:
    """A `Retry` that does not: what lost a race here loses it again until the transaction has ended."""
    return await attempt()


def _guarded(part: T) -> T:
    return part if part is None else cast("T", OutOfReach(part))


class OutOfReach:
    """A provider, a screening, a key or a sender while a transaction is open: there, and not to be asked."""

    def __init__(self, provider: object) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        if name in TOLD or not callable(found):
            return found

        def refused(*_: object, **__: object) -> Any:
            raise InsideTransaction(f"{name} asks {self._name()}, and a transaction is open")

        return refused

    def _name(self) -> str:
        return str(getattr(self._provider, "name", type(self._provider).__name__))
