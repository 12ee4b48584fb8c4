"""One turn of the worker, once intents are claimed: mark as sent, send, record (reliability 1.3).

No transaction is open while a provider is asked. A crash after any step leaves what the next turn needs.
Each step but the sending is one transaction for several intents; a provider that takes several orders at
once gets them in one call. What was marked and not recorded when a process died may have left: it is unknown,
and found out by asking. So only intents that can be found out about are marked with others, and few while a
provider is slow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from invoicepay.domain.alarms import let_wait
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import (
    EFFECT,
    Effect,
    EffectCommand,
    EffectStatus,
    Source,
)
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.netting import follow_chain, position_needs
from invoicepay.domain.provider_switches import is_stopped, switch_needs
from invoicepay.domain.resending import backoff, jitter, next_look
from invoicepay.errors import ProviderRejected, ProviderUnavailable
from invoicepay.use_cases import providers
from invoicepay.use_cases.claims import TO_SEND
from invoicepay.use_cases.guards import barrier, give_way, guard_needs
from invoicepay.use_cases.neighbours import carried_out, tried
from invoicepay.use_cases.observations import recording, worker_call
from invoicepay.use_cases.perform import Call, Deps, UseCase, carry_out

CALL_TIME = timedelta(seconds=30)
"""The longest a call may take, with margin; a claim with less time left does not send."""
FRESH = timedelta(seconds=10)
"""How long after they were asked the guards are taken to hold; an older mark is taken back unused."""
SOON = timedelta(seconds=1)
"""How long an answer may wait for others to be recorded with; what a crash meanwhile loses is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSent:
    """Bytes are about to leave under this claim.

    Attributes:
        effect: as it was claimed.
        provider: where they would go to; put in by the worker, and by default who the claim named.
    """

    effect: Effect
    provider: str = field(default="", compare=False)

    @property
    def switch(self) -> str:
        """The name under which the provider is stopped."""
        return self.provider or self.effect.provider


def _needs_mark(command: MarkSent, seen: Snapshot) -> Needs:
    own = need((Effect, command.effect.id)) | switch_needs(command.switch)
    return own | guard_needs(command.effect, seen)


def decide_mark(command: MarkSent, change: Change) -> bool:
    """From here on an absent answer is unknown; a lost or nearly ended claim must not send.

    What never left is planned again while a guard stands in its way, or given up for good. While its
    provider is stopped it waits as it is.
    """
    effect = change.get(Effect, command.effect.id)
    is_ours = effect.fence == command.effect.fence and effect.status in TO_SEND
    if not is_ours or effect.lease_until is None or effect.lease_until - change.now < CALL_TIME:
        return False
    if is_stopped(change, command.switch):
        _hold_back(change, effect)
        return False
    if effect.last_sent_at is None and (code := barrier(change, effect)):
        waiting = change.put(taken_back(effect, next_look(effect, change.now)), "effect.waiting")
        give_way(change, waiting, code)
        return False
    first = effect.first_sent_at or change.now
    sent = replace(effect, attempt=effect.attempt + 1, first_sent_at=first, last_sent_at=change.now)
    follow_chain(change, effect, change.put(sent))
    return True


def _hold_back(change: Change, effect: Effect) -> None:
    """End a claim that may not send now: planned when it never left, unknown as before when it may have."""
    due_at = next_look(effect, change.now)
    if effect.last_sent_at is None:
        change.put(taken_back(effect, due_at), "effect.waiting")
    else:
        let_wait(change, effect, due_at)


def taken_back(effect: Effect, due_at: datetime) -> Effect:
    """A claimed intent as one that never left, to be tried again at `due_at`."""
    status = EFFECT.after(effect.status, EffectCommand.TAKE_BACK)
    never = replace(effect, first_sent_at=None, last_sent_at=None)
    return replace(never, status=status, lease_until=None, due_at=due_at)


MARK = UseCase("effects.mark_sent", bool, _needs_mark, decide_mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postpone:
    """End a claim that learned nothing.

    Attributes:
        sent_before: when an earlier attempt may have left; None means that none ever did.
        attempts_before: how often it may have left before; a mark under this claim is taken back.
        misses: how often in a row it surely did not leave.
    """

    effect_id: str
    fence: int
    due_at: datetime
    sent_before: datetime | None
    attempts_before: int
    misses: int


def _needs_postpone(command: Postpone, seen: Snapshot) -> Needs:
    known = need((Effect, command.effect_id))
    effect = seen.peek(Effect, command.effect_id)
    return known | position_needs(seen.programme, effect) if effect else known


def decide_postpone(command: Postpone, change: Change) -> bool:
    """Try again later under the same key: planned when it never left, unknown when it may have."""
    effect = change.get(Effect, command.effect_id)
    if effect.fence != command.fence:
        return False
    due_at = max(command.due_at, change.now)
    waiting = replace(effect, attempt=command.attempts_before, misses=command.misses)
    if effect.status is EffectStatus.SENDING and command.sent_before is None:
        put_off = change.put(taken_back(waiting, due_at), "effect.not_sent")
    else:
        put_off = let_wait(change, replace(waiting, last_sent_at=command.sent_before), due_at)
    follow_chain(change, effect, put_off)
    return True


POSTPONE = UseCase("effects.postpone", bool, _needs_postpone, decide_postpone)


def postponing(deps: Deps, effect: Effect, due_at: datetime, *, misses: int = 0) -> Call[Postpone, bool]:
    """The call that ends a claim and tries again at `due_at`; `effect` is as it was claimed."""
    command = Postpone(
        effect_id=effect.id,
        fence=effect.fence,
        due_at=due_at,
        sent_before=effect.last_sent_at,
        attempts_before=effect.attempt,
        misses=misses,
    )
    return worker_call(deps, POSTPONE, command)


async def postpone(deps: Deps, effect: Effect, due_at: datetime) -> None:
    """End the claim by itself and try again at `due_at`."""
    await carry_out(deps, postponing(deps, effect, due_at))


async def send_claimed(deps: Deps, effects: Sequence[Effect]) -> list[Any]:
    """Send claimed intents once each and record what became of them; each is as it was claimed.

    All are marked in one transaction before the first leaves, and recorded in few while they leave.

    Returns:
        An outcome for each; an exception where one could not be marked or recorded.
    """
    timed = deps.on_lease_time
    marked_at = timed.clock.now()
    marks = await carried_out(timed, [_marking(timed, effect) for effect in effects])
    marked = [effect for effect, mark in zip(effects, marks, strict=True) if mark is True]
    together = [effect for effect in marked if providers.goes_together(deps, effect)]
    alone = [effect for effect in marked if not providers.goes_together(deps, effect)]
    outcomes = await _handed_over(deps, together, marked_at)
    outcomes += await recorded_together(deps, alone, lambda effect: _sent(deps, effect, marked_at))
    sent = {effect.id: outcome for effect, outcome in zip([*together, *alone], outcomes, strict=True)}
    return [sent[effect.id] if mark is True else mark for effect, mark in zip(effects, marks, strict=True)]


def _marking(deps: Deps, effect: Effect) -> Call[MarkSent, bool]:
    command = MarkSent(effect=effect, provider=providers.provider_name(deps, effect))
    return worker_call(deps, MARK, command)


async def _handed_over(deps: Deps, effects: Sequence[Effect], marked_at: datetime) -> list[Any]:
    """Send marked intents in one call, and record together what the provider said of each."""
    now = deps.on_lease_time.clock.now()
    going = [effect for effect in effects if not _is_late(effect, now, marked_at)]
    answers = await providers.send_together(deps, going) if going else []
    calls = {
        effect.id: _answered(deps, effect, answer) for effect, answer in zip(going, answers, strict=True)
    }
    return await carried_out(
        deps, [calls.get(effect.id) or postponing(deps, effect, now) for effect in effects]
    )


async def recorded_together(
    deps: Deps, effects: Sequence[Effect], ask: Callable[[Effect], Awaitable[Call[Any, Any]]]
) -> list[Any]:
    """Ask a provider about one intent after the other; what they answered is recorded together, and soon."""
    outcomes, done, since = list[Any](), 0, deps.clock.now()
    for effect in effects:
        outcomes += await tried([effect], ask)
        if deps.clock.now() - since >= SOON:
            outcomes[done:] = await carried_out(deps, outcomes[done:])
            done, since = len(outcomes), deps.clock.now()
    outcomes[done:] = await carried_out(deps, outcomes[done:])
    return outcomes


async def _sent(deps: Deps, effect: Effect, marked_at: datetime) -> Call[Any, Any]:
    """Send a marked intent, or take the mark back when too much time went by; the call that records it."""
    now = deps.on_lease_time.clock.now()
    if _is_late(effect, now, marked_at):
        return postponing(deps, effect, now)
    try:
        answer: providers.Transfer | Exception = await providers.send(deps, effect)
    except Exception as error:  # noqa: BLE001 - `_answered` judges it
        answer = error
    return _answered(deps, effect, answer)


def _is_late(effect: Effect, now: datetime, marked_at: datetime) -> bool:
    """Whether the guards were asked too long ago, or a call could outlast the claim."""
    return now - marked_at > FRESH or effect.lease_until is None or effect.lease_until - now < CALL_TIME


def _answered(deps: Deps, effect: Effect, answer: providers.Transfer | Exception) -> Call[Any, Any]:
    """The call that records what a provider answered; whatever broke after bytes may have left is unknown.

    Args:
        effect: as it was claimed: `last_sent_at` tells whether an earlier attempt may have left. The refusal
            of a second one, such as `duplicate reference`, says nothing about the first: a person looks.
    """
    if isinstance(answer, ProviderUnavailable):
        misses = effect.misses + 1
        due_at = deps.clock.now() + _wait(effect, answer, misses)
        return postponing(deps, effect, due_at, misses=misses)
    if isinstance(answer, ProviderRejected):
        is_first = effect.last_sent_at is None
        refusal = f"sent before, then refused: {answer.message}"
        sighting = providers.refused(effect, answer.message) if is_first else providers.doubt(effect, refusal)
    elif isinstance(answer, Exception):
        sighting = providers.unanswered(effect)
    else:
        sighting = _read(effect, answer)
    return recording(deps, effect, sighting, Source.CALL, fence=effect.fence)


def _read(effect: Effect, answer: providers.Transfer) -> providers.Sighting:
    try:
        return providers.sighting_of(effect, answer)
    except Exception:  # noqa: BLE001 - an answer that cannot be read is none
        return providers.unanswered(effect)


def _wait(effect: Effect, error: ProviderUnavailable, misses: int) -> timedelta:
    """Backoff, or longer when the provider asks for it."""
    asked = error.details.get("retry_after_seconds")
    least = timedelta(seconds=asked) if isinstance(asked, int) else timedelta(0)
    return max(least, backoff(misses, jitter(effect)))
