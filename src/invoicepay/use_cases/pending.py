"""Everything that waits: provider work, webhooks both ways, due dates, events; one pass (decision D8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from invoicepay.domain.shown import Shown
from invoicepay.errors import InvoicePayError
from invoicepay.ports.runtime import SharesClock
from invoicepay.use_cases import due
from invoicepay.use_cases.inbox import apply_received
from invoicepay.use_cases.inside import require_outside
from invoicepay.use_cases.neighbours import Served, Stages
from invoicepay.use_cases.outbox import Delivered, Handler, Undelivered, deliver_events
from invoicepay.use_cases.perform import Deps
from invoicepay.use_cases.recover import poll_due, send_due
from invoicepay.use_cases.webhook_sending import tell_endpoints

LIMIT = 100
MOST_PASSES = 50
SHARE = timedelta(seconds=1)
"""How long a pass over all tenants sends for one of them, and then polls, before the next has its turn."""


@dataclass(frozen=True, slots=True)
class PendingSummary(Shown):
    """What a run did.

    Attributes:
        sent: intents brought a step on: sent, or looked up after an unknown outcome.
        polled: intents whose provider was asked for news.
        received: webhooks applied or set aside.
        due: things whose time had come: confirmed, expired, executed.
        delivered: events that every handler took.
        posted: webhooks that were tried, whether the endpoint took them or not.
        refusals: why something could not go on now; it is tried again or visible in its own state.
        undelivered: events that a handler did not take.
    """

    sent: int = 0
    polled: int = 0
    received: int = 0
    due: int = 0
    delivered: int = 0
    posted: int = 0
    refusals: tuple[InvoicePayError, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    passes: int = field(default=1, compare=False)

    @property
    def moved(self) -> int:
        """How many things moved; 0 means that nothing waits for now."""
        return self.sent + self.polled + self.received + self.due + self.delivered + self.posted


async def run_pending(
    deps: Deps, limit: int = LIMIT, *, handlers: Sequence[Handler] = (), until_quiet: bool = False
) -> PendingSummary:
    """Bring everything of one tenant on that waits, and tell the host's handlers what happened.

    Call it from a timer, a job queue or a loop; any number of callers may run at once.

    Args:
        limit: the most of each kind that one pass takes.
        until_quiet: repeat until nothing moves, at most 50 times; what is due later stays for later.
    """
    require_outside(deps, "run_pending")
    summary = await _one_pass(deps, limit, handlers)
    while until_quiet and summary.passes < MOST_PASSES:
        more = await _one_pass(deps, limit, handlers)
        if not more.moved - len(more.refusals):
            return replace(summary, refusals=more.refusals or summary.refusals)
        summary = _together(summary, more)
    return summary


async def run_pending_everywhere(
    deps: Deps,
    limit: int = LIMIT,
    *,
    handlers: Sequence[Handler] = (),
    is_stopping: Callable[[], bool] | None = None,
) -> dict[str, PendingSummary]:
    """One pass for every tenant of the store; a fault with one is raised once all had theirs.

    However much waits in one tenant, the next has its turn soon: provider work is cut at `SHARE`.

    Args:
        is_stopping: asked before each tenant; true leaves the rest for the next pass.
    """
    require_outside(deps, "run_pending_everywhere")
    stages, summaries = Stages(), dict[str, PendingSummary]()
    for tenant in await deps.repository.tenants():
        if is_stopping and is_stopping():
            break
        one = _one_pass(replace(deps, tenant_id=tenant), limit, handlers, SHARE)
        summaries[tenant] = await stages.done(one, PendingSummary())
    stages.end()
    return summaries


async def _one_pass(
    deps: Deps, limit: int, handlers: Sequence[Handler], share: timedelta | None = None
) -> PendingSummary:
    """Due dates first, for they make work to send; events last, for they tell of it.

    A fault of the program in one stage keeps no later one from its turn; it is raised at the end.
    """
    stages, deps = Stages(), await _with_lease_clock(deps)
    timely = await stages.done(due.run_due(deps, limit), Served())
    sent = await stages.done(send_due(deps, limit, share), Served())
    received = await stages.done(apply_received(deps, limit), Served())
    polled = await stages.done(poll_due(deps, limit, share), Served())
    told = await stages.done(deliver_events(deps, handlers, limit), Delivered()) if handlers else Delivered()
    posted = await stages.done(tell_endpoints(deps, limit, share), Served())
    stages.end()
    return replace(
        _summary(timely, sent, received, polled, posted), delivered=told.count, undelivered=told.undelivered
    )


async def _with_lease_clock(deps: Deps) -> Deps:
    """The same with the store's clock for leases, where it has one: those of all workers end by one time."""
    store = deps.repository
    return replace(deps, lease_clock=await store.shared_clock()) if isinstance(store, SharesClock) else deps


def _summary(
    timely: Served, sent: Served, received: Served, polled: Served, posted: Served
) -> PendingSummary:
    return PendingSummary(
        sent=sent.count,
        polled=polled.count,
        received=received.count,
        due=timely.count,
        posted=posted.count,
        refusals=tuple(
            refusal for stage in (timely, sent, received, polled, posted) for refusal in stage.refusals
        ),
    )


def _together(first: PendingSummary, then: PendingSummary) -> PendingSummary:
    """Both runs; what the later one could not do is what is left."""
    return PendingSummary(
        sent=first.sent + then.sent,
        polled=first.polled + then.polled,
        received=first.received + then.received,
        due=first.due + then.due,
        delivered=first.delivered + then.delivered,
        posted=first.posted + then.posted,
        refusals=then.refusals,
        undelivered=then.undelivered,
        passes=first.passes + 1,
    )
