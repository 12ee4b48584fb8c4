"""Dry runs: the real calls in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from invoicepay.client.base import Core
from invoicepay.client.trial import Trial, Unasked


@asynccontextmanager
async def dry_run(core: Core) -> AsyncIterator[Core]:
    """The core of a client whose calls are noted, and forgotten at the end."""
    trial = Trial()
    async with core.deps.repository.transaction() as transaction:
        inside = core.inside(transaction)
        screening = None if core.wired.screening is None else Unasked(trial)
        deps = replace(inside.wired, screening=screening, witness=trial.witness)
        shared = replace(inside.shared, handlers=list(core.shared.handlers), kind="dry run")
        try:
            yield replace(inside, wired=deps, shared=shared, trial=trial)
        finally:
            shared.is_closed = True
