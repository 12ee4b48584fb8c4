"""When to try again: the resend table, backoff, and how often to look (reliability 1.5, 1.6)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from invoicepay.domain.effects import Effect, EffectStatus

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)
SHORTEST_LOOK = timedelta(seconds=5)
LONGEST_LOOK = timedelta(minutes=30)
LONGEST_WATCH = timedelta(days=1)
WATCHED_FOR = timedelta(days=90)
"""How long a settled movement is looked at daily: a consumer's debit may come back for 60 days (R10)."""
MOST_SENDS = 8
"""Sends after which an unknown outcome goes to a person instead of being sent once more."""
VANISHED = timedelta(hours=4)
"""How long a provider may not know what it accepted before a person looks: it may only be slow to show it."""


class Resend(StrEnum):
    """What may be done about an intent that may have left already."""

    LOOK_UP = "look_up"
    SEND = "send"
    REVIEW = "review"


def may_resend(
    *,
    deduplicates: bool,
    finds_by_reference: bool,
    is_key_alive: bool,
    is_key_kept: bool,
    absences: int,
    attempt: int,
) -> Resend:
    """Whether an intent of unknown outcome may be sent again, always under its own key.

    Args:
        deduplicates: the provider moves money once per key.
        finds_by_reference: the provider can be asked by our reference.
        is_key_alive: the provider still remembers the key.
        is_key_kept: it never forgets one.
        absences: how often the provider said, past its grace and one grace apart, that it has nothing.
        attempt: how often it was sent so far.
    """
    needed = 0 if not finds_by_reference else 1 if deduplicates else 2
    if absences < needed:
        return Resend.LOOK_UP
    if deduplicates and is_key_kept and finds_by_reference:
        return Resend.SEND  # however often: it moves once, and the provider says that it has not moved
    is_safe = is_key_alive if deduplicates else finds_by_reference
    return Resend.SEND if is_safe and attempt < MOST_SENDS else Resend.REVIEW


def is_key_alive(effect: Effect, lifetime_seconds: int, now: datetime) -> bool:
    """Whether the provider still knows the key, less a tenth to be sure; 0 means that it never forgets.

    The key is as old as its first use: what waited long before it left loses nothing of its time.
    """
    used_since = effect.first_sent_at or effect.created_at
    return lifetime_seconds == 0 or (now - used_since) * 10 < timedelta(seconds=lifetime_seconds) * 9


def backoff(misses: int, chance: float) -> timedelta:
    """Wait after so many calls that did not leave: doubled each time up to an hour, `chance` of it taken."""
    longest: timedelta = min(LONGEST_WAIT, FIRST_WAIT * int(2 ** min(misses, 12)))
    return longest * chance


def jitter(effect: Effect) -> float:
    """A fraction below one that differs between intents and between claims of one."""
    digest = hashlib.sha256(f"{effect.id}/{effect.fence}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32


def next_look(effect: Effect, now: datetime) -> datetime:
    """When to ask the provider again: often after it was sent, then less, daily while a return may come.

    It is never given up: what settled long ago is asked about after a quarter of its age.
    """
    since = effect.last_sent_at or effect.created_at  # however long it had waited before
    age = now - since
    longest = LONGEST_WATCH if effect.status is EffectStatus.SETTLED else LONGEST_LOOK
    is_history = effect.status is EffectStatus.SETTLED and age > WATCHED_FOR
    return now + (age / 4 if is_history else min(longest, max(SHORTEST_LOOK, age / 4)))
