"""Who is told of an outcome that stays unknown, and how soon (reliability 1.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from invoicepay.domain.change import Change
from invoicepay.domain.effects import Alarm, Effect, EffectStatus

UNANSWERED = (EffectStatus.SENDING, EffectStatus.UNKNOWN)
"""What may have left and is not known to have arrived, once nobody is sending it any more."""
RAISED_AFTER: Mapping[Alarm, timedelta] = {
    Alarm.WARNING: timedelta(minutes=15),
    Alarm.PAGE: timedelta(hours=4),
}
"""How long after an intent may have left for the first time each alarm is raised, the soft one first."""
EVENTS: Mapping[Alarm, str] = {Alarm.WARNING: "effect.alarm_warning", Alarm.PAGE: "effect.alarm_page"}


def let_wait(change: Change, effect: Effect, due_at: datetime) -> Effect:
    """End the claim of an intent and look again at `due_at`, or when its next alarm is due.

    Alarms need no queue of their own: an unknown outcome is looked up until it is known, and each look that
    finds nothing ends here.
    """
    raised, event = effect.alarm, None
    if effect.status in UNANSWERED and effect.first_sent_at is not None:
        raised = alarm_at(effect.first_sent_at, change.now)
        event = EVENTS[raised] if raised is not effect.alarm else None
        due_at = min([due_at, *_later(effect.first_sent_at, change.now)])
    return change.put(replace(effect, lease_until=None, due_at=due_at, alarm=raised), event)


def alarm_at(first_sent_at: datetime, now: datetime) -> Alarm:
    """The loudest alarm that is due by now for an intent without an answer."""
    due = [alarm for alarm, after in RAISED_AFTER.items() if now >= first_sent_at + after]
    return due[-1] if due else Alarm.NONE


def _later(first_sent_at: datetime, now: datetime) -> list[datetime]:
    """When the alarms that are not due yet will be."""
    return [at for after in RAISED_AFTER.values() if (at := first_sent_at + after) > now]
