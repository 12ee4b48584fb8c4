"""What becomes due by the clock alone, and which stem does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from invoicepay.use_cases import credits, holds, invoices, requests, sweeps
from invoicepay.use_cases.neighbours import Served, Stages
from invoicepay.use_cases.perform import Deps

DueWork = Callable[[Deps, int], Awaitable[Served]]


async def _trusted_deposits(deps: Deps, limit: int) -> Served:
    return Served(await sweeps.confirm_due(deps, limit))


async def _waiting_mints(deps: Deps, limit: int) -> Served:
    return Served(await sweeps.mint_waiting(deps, limit))


async def _overdue(deps: Deps, limit: int) -> Served:
    return Served(await sweeps.tell_overdue(deps, limit))


DUE: tuple[DueWork, ...] = (
    _trusted_deposits,
    _waiting_mints,
    _overdue,
    requests.execute_due,
    requests.expire_due,
    holds.expire_due,
    invoices.expire_due,
    invoices.tell_overdue,
    credits.expire_due_credits,
)
"""Each finds at most so many of its own that are due, and moves them on one by one."""


async def run_due(deps: Deps, limit: int) -> Served:
    """Move on what is due by now, every stem in turn; a fault in one is raised once all had theirs."""
    stages, served = Stages(), Served()
    for work in DUE:
        served += await stages.done(work(deps, limit), Served())
    stages.end()
    return served
