"""A process that dies at any boundary: before or after a commit, before or after a provider's answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from invoicepay.ports.repository import Unit
from invoicepay.ports.tokens import TokenBatches, TokenMove
from invoicepay.use_cases.perform import Deps

OUTSIDE = ("initiate_deposit", "initiate_withdrawal", "mint", "burn", "transfer", "move", "find")


class Crash(BaseException):
    """The process is gone; no handler runs."""


class Fate:
    """Counts boundaries and ends the process at one of them."""

    def __init__(self, dies_at: int | None = None) -> None:
        self._dies_at = dies_at
        self.passed = 0

    def boundary(self) -> None:
        """One more boundary."""
        if self.passed == self._dies_at:
            raise Crash
        self.passed += 1


def mortal(deps: Deps, fate: Fate) -> Deps:
    """The same dependencies in a process with this fate."""
    return replace(
        deps,
        repository=_MortalRepository(deps.repository, fate),
        rails=_MortalProvider(deps.rails, fate),
        tokens=(_MortalBatches if isinstance(deps.tokens, TokenBatches) else _MortalProvider)(
            deps.tokens, fate
        ),
    )


class _Wrapper:
    def __init__(self, inner: Any, fate: Fate) -> None:
        self._inner, self._fate = inner, fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _MortalRepository(_Wrapper):
    @asynccontextmanager
    async def unit(self, tenant_id: str) -> AsyncIterator[Unit]:
        async with self._inner.unit(tenant_id) as unit:
            yield _MortalUnit(unit, self._fate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _MortalUnit(_Wrapper):
    async def commit(self) -> None:
        self._fate.boundary()
        await self._inner.commit()
        self._fate.boundary()

    async def load(self, *arguments: Any) -> None:
        await self._inner.load(*arguments)

    async def replies(self, *arguments: Any) -> Any:
        return await self._inner.replies(*arguments)

    async def apply(self, *arguments: Any) -> None:
        await self._inner.apply(*arguments)


class _MortalProvider(_Wrapper):
    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._around(found) if name in OUTSIDE else found

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*arguments: Any, **named: Any) -> Any:
            self._fate.boundary()
            answer = await call(*arguments, **named)
            self._fate.boundary()
            return answer

        return asked


class _MortalBatches(_MortalProvider):
    async def move(self, moves: Sequence[TokenMove]) -> Any:
        return await self._around(self._inner.move)(moves)
