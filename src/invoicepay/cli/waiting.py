"""What `doctor` sees of the work that waits: how old it is, what needs a person, what is stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from invoicepay.cli.findings import FAIL, OK, WARN, Finding
from invoicepay.client.base import Core
from invoicepay.domain.alarms import UNANSWERED, alarm_at
from invoicepay.domain.effects import Alarm, Effect, EffectStatus, InboxMessage, InboxStatus
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.needs import Find, find
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.domain.webhook_deliveries import WebhookDelivery, WebhookDeliveryStatus
from invoicepay.domain.webhook_endpoints import DisabledBecause, WebhookEndpoint
from invoicepay.use_cases.queries import every

WARNS_AFTER, FAILS_AFTER = timedelta(minutes=5), timedelta(hours=1)
"""How long work may be due before somebody should look, and before nobody seems to do it."""
MOST_COUNTED = 200
_WORKER = "Run a worker: invoicepay worker --app module:name"
_REVIEW = 'See pay.effects.list(status="needs_review"); pay.effects.resolve(...) takes a second person.'
_DEAD = 'See pay.webhook_deliveries.list(status="dead"); pay.webhook_deliveries.replay(id) sends one again.'
_SILENT = "Ask who runs it; then pay.webhook_endpoints.enable(id)."
_OPEN = (
    EffectStatus.PLANNED,
    EffectStatus.SENDING,
    EffectStatus.UNKNOWN,
    EffectStatus.ACCEPTED,
    EffectStatus.SETTLED,
)


async def findings(core: Core, tenants: Sequence[str]) -> AsyncIterator[Finding]:
    """Each look, over all of the tenants."""
    desks = [replace(core, wired=replace(core.wired, tenant_id=tenant)) for tenant in tenants]
    now = core.deps.clock.now()
    yield _age("provider work", [one.due_at for one in await _all(desks, _due(now))], now)
    received = find(InboxMessage, status=InboxStatus.RECEIVED, order=("id",), limit=1)
    yield _age("received webhooks", [one.created_at for one in await _all(desks, received)], now)
    async for finding in _webhooks(desks):
        yield finding
    if core.handlers:
        yield _age("events for handlers", await _undelivered(desks), now)
    reviews = await _all(
        desks, find(Effect, status=EffectStatus.NEEDS_REVIEW, order=("id",), limit=MOST_COUNTED)
    )
    yield _counted("reviews", reviews, "wait for a person", _REVIEW)
    unanswered = find(Effect, status__in=UNANSWERED, order=("id",), limit=MOST_COUNTED)
    yield _alarms(await _all(desks, unanswered), now)
    yield _stopped(await _all(desks, find(ProviderSwitch, status=ProviderStatus.STOPPED)))


async def _webhooks(desks: Iterable[Core]) -> AsyncIterator[Finding]:
    """Those that were sent in vain."""
    dead = find(WebhookDelivery, status=WebhookDeliveryStatus.DEAD, order=("id",), limit=MOST_COUNTED)
    letters = await _all(desks, dead)
    yield _counted("dead letters", letters, "were given up", _DEAD)
    endpoints = await _all(desks, find(WebhookEndpoint))
    silent = [one for one in endpoints if one.because in (DisabledBecause.GONE, DisabledBecause.FAILING)]
    yield _counted("webhook endpoints", silent, "were disabled, for they failed", _SILENT)


def _due(now: datetime) -> Find[Effect]:
    return find(Effect, status__in=_OPEN, due_at__le=now, order=("due_at",), limit=1)


async def _all(desks: Iterable[Core], wanted: Find[E]) -> list[E]:
    return [row for desk in desks for row in await every(desk.deps, wanted)]


async def _undelivered(desks: Iterable[Core]) -> list[datetime]:
    """When the oldest event happened that no handler took yet, of each tenant."""
    found: list[datetime] = []
    for desk in desks:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            found += [event.at for event in await reader.events(unpublished=True, limit=1)]
    return found


def _age(name: str, since: Sequence[datetime], now: datetime) -> Finding:
    """How long the oldest has waited since it was due."""
    waited = now - min(since, default=now)
    if waited < WARNS_AFTER:
        return Finding(name, OK, f"the oldest has waited {_words(waited)}" if since else "nothing waits")
    status = WARN if waited < FAILS_AFTER else FAIL
    return Finding(name, status, f"the oldest has waited {_words(waited)}", _WORKER)


def _words(waited: timedelta) -> str:
    """Days, hours, minutes or seconds, the largest that fits."""
    seconds = int(waited.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} s"


def _counted(name: str, found: Sequence[Entity], what: str, step: str) -> Finding:
    """How many need a person, and what the person does."""
    if not found:
        return Finding(name, OK, "none")
    return Finding(name, WARN, f"{_count(found)} {what}, the first {found[0].id}", step)


def _alarms(found: Sequence[Effect], now: datetime) -> Finding:
    """Outcomes that stay unknown, also where no worker has run that would have raised the alarm."""
    due = {effect.id: alarm_at(effect.first_sent_at, now) for effect in found if effect.first_sent_at}
    loud = [effect for effect in found if due.get(effect.id, Alarm.NONE) is not Alarm.NONE]
    if not loud:
        return Finding("alarms", OK, "no outcome has been unknown for long")
    status = FAIL if Alarm.PAGE in due.values() else WARN
    step = "Ask the provider about it; the worker goes on asking. pay.effects.stop(...) if it is in trouble."
    return Finding("alarms", status, f"{_count(loud)} without an answer, the first {loud[0].id}", step)


def _stopped(found: Sequence[ProviderSwitch]) -> Finding:
    if not found:
        return Finding("switches", OK, "no provider is stopped")
    names = ", ".join(sorted({switch.id for switch in found}))
    step = "When it is well again: pay.effects.resume(...) with a second person."
    return Finding("switches", WARN, f"stopped: {names}", step)


def _count(found: Sequence[Entity]) -> str:
    return f"{len(found)} or more" if len(found) >= MOST_COUNTED else str(len(found))
