"""Finds out what became of intents: unknown ones by asking only, open ones by polling."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from invoicepay.domain.effects import Effect, EffectStatus, Observation, Source
from invoicepay.domain.needs import find
from invoicepay.domain.reducer import ABSENT
from invoicepay.domain.resending import VANISHED, Resend, is_key_alive, may_resend, next_look
from invoicepay.domain.time import iso
from invoicepay.errors import ProviderUnavailable
from invoicepay.use_cases import providers
from invoicepay.use_cases.claims import TO_POLL, TO_SEND, claim
from invoicepay.use_cases.neighbours import Served, served, tried
from invoicepay.use_cases.observations import record, recording
from invoicepay.use_cases.outbound import SOON, postpone, postponing, recorded_together, send_claimed
from invoicepay.use_cases.perform import Call, Deps
from invoicepay.use_cases.prefunding import covered

FIRST_TURN = 4
MOST_A_TURN = 50
"""Intents that are marked together: as many as leave within about a second, so that guards asked hold."""
MOST_HANDED_OVER = 192
"""Intents that a provider takes in one call: six full transactions of 32 orders, within one call's time."""


async def send_due(deps: Deps, limit: int, share: timedelta | None = None) -> Served:
    """Claim what is due and bring each intent one step on, a few at a time and more while that goes fast.

    Args:
        share: claim nothing more after so long, for others wait; None takes all that is due, up to `limit`.
    """
    return await _in_portions(deps, TO_SEND, limit, share, lambda claimed: _sent(deps, claimed))


async def _in_portions(
    deps: Deps,
    statuses: tuple[EffectStatus, ...],
    limit: int,
    share: timedelta | None,
    bring_on: Callable[[Sequence[Effect]], Awaitable[list[Any]]],
) -> Served:
    """Claim only what there is time for: where others wait little at first, and more while that goes fast."""
    began, outcomes, size = deps.clock.now(), list[Any](), limit if share is None else FIRST_TURN
    while room := limit - len(outcomes):
        asked, since = min(size, room), deps.clock.now()
        claimed = await claim(deps, statuses, asked)
        outcomes += await bring_on(claimed)
        now = deps.clock.now()
        if share is None or len(claimed) < asked or now - began >= share:
            break
        size = 2 * size if now - since < share / 4 else size
    return served(outcomes)


async def _sent(deps: Deps, claimed: Sequence[Effect]) -> list[Any]:
    left, outcomes, size = list(claimed), list[Any](), FIRST_TURN
    while left:
        turn, since = _turn(deps, left, size), deps.clock.now()
        outcomes += await _brought_on(deps, turn)
        is_fast = deps.clock.now() - since < SOON
        size = min(2 * size, MOST_A_TURN) if is_fast else max(size // 2, 1)
        left = left[len(turn) :]
    return outcomes


def _turn(deps: Deps, effects: Sequence[Effect], size: int) -> Sequence[Effect]:
    """The next intents to mark together; one alone whose provider could not tell later whether it left.

    Those that leave in one call need not be few.
    """
    found_out = list(takewhile(lambda effect: _is_found_out(deps, effect), effects[:MOST_HANDED_OVER]))
    in_one_call = list(takewhile(lambda effect: providers.goes_together(deps, effect), found_out))
    return in_one_call or found_out[:size] or effects[:1]


def _is_found_out(deps: Deps, effect: Effect) -> bool:
    can = providers.abilities(deps, effect)
    return can.deduplicates or can.finds_by_reference


async def _brought_on(deps: Deps, effects: Sequence[Effect]) -> list[Any]:
    may_go = await tried(effects, lambda effect: _may_go(deps, effect))
    going = [effect for effect, may in zip(effects, may_go, strict=True) if may is True]
    waiting = await covered(deps, going)
    ready = [effect for effect in going if effect.id not in waiting]
    sent = dict(zip((effect.id for effect in ready), await send_claimed(deps, ready), strict=True))
    outcomes = {**sent, **waiting}
    return [outcomes[effect.id] if may is True else may for effect, may in zip(effects, may_go, strict=True)]


async def _may_go(deps: Deps, effect: Effect) -> bool:
    return effect.last_sent_at is None or await _may_go_again(deps, effect)


async def poll_due(deps: Deps, limit: int, share: timedelta | None = None) -> Served:
    """Ask about accepted and settled intents, so that lost webhooks only cost time.

    Args:
        share: as in `send_due`.
    """

    async def asked(claimed: Sequence[Effect]) -> list[Any]:
        return await recorded_together(deps, claimed, lambda effect: _polled(deps, effect))

    return await _in_portions(deps, TO_POLL, limit, share, asked)


async def _polled(deps: Deps, effect: Effect) -> Call[Any, Any]:
    now = deps.clock.now()
    if not providers.abilities(deps, effect).finds_by_reference:
        return postponing(deps, effect, next_look(effect, now))
    try:
        transfer = await providers.look_up(deps, effect)
    except ProviderUnavailable:
        return postponing(deps, effect, next_look(effect, now))
    if transfer is not None:
        sighting = providers.sighting_of(effect, transfer)
    elif effect.status is EffectStatus.ACCEPTED:
        sighting = _missed(effect, now)
    else:
        return postponing(deps, effect, next_look(effect, now))  # it moved, and may be history there by now
    return recording(deps, effect, sighting, Source.POLL, fence=effect.fence)


def _missed(effect: Effect, now: datetime) -> providers.Sighting:
    """What a provider does not know that had accepted it: noted at first, and in time a person's matter.

    It is never sent again by itself: taken once, it may have moved under a name that is not shown.
    """
    if effect.absent_since is None or now - effect.absent_since < VANISHED:
        return providers.absent(effect, now)
    return providers.doubt(effect, f"absent since {iso(effect.absent_since)}, though it was accepted")


async def _may_go_again(deps: Deps, effect: Effect) -> bool:
    """Resolve an intent that may have left: True only when the table lets it be sent once more."""
    can = providers.abilities(deps, effect)
    absences = 0
    if can.finds_by_reference:
        found = await _asked(deps, effect)
        if found is None:
            return False
        absences = found
    decision = may_resend(
        deduplicates=can.deduplicates,
        finds_by_reference=can.finds_by_reference,
        is_key_alive=is_key_alive(effect, can.key_lifetime_seconds, deps.on_lease_time.clock.now()),
        is_key_kept=can.key_lifetime_seconds == 0,
        absences=absences,
        attempt=effect.attempt,
    )
    if decision is Resend.REVIEW:
        doubt = providers.doubt(effect, "unknown, and not safe to send again")
        await record(deps, effect, doubt, Source.LOOKUP, fence=effect.fence)
    elif decision is Resend.LOOK_UP:
        await _wait(deps, effect, deps.clock.now() + _grace(can))
    return decision is Resend.SEND


async def _asked(deps: Deps, effect: Effect) -> int | None:
    """How often the provider has nothing by now; None when the matter is settled or has to wait."""
    now = deps.on_lease_time.clock.now()
    try:
        transfer = await providers.look_up(deps, effect)
    except ProviderUnavailable:
        await _wait(deps, effect, next_look(effect, now))
        return None
    if transfer is not None:
        sighting = providers.sighting_of(effect, transfer)
        await record(deps, effect, sighting, Source.LOOKUP, fence=effect.fence)
        return None
    return await _absences(deps, effect, now)


async def _absences(deps: Deps, effect: Effect, now: datetime) -> int | None:
    """Count an absence when it proves something: a grace after the last sending or the last absence."""
    grace = _grace(providers.abilities(deps, effect))
    assert effect.last_sent_at is not None, "only what may have left is looked up"
    async with deps.repository.reader(deps.tenant_id) as reader:
        earlier = await reader.find(
            find(Observation, effect_id=effect.id, status=ABSENT, order=("created_at",))
        )
    noted = [seen.occurred_at or seen.created_at for seen in earlier]
    counted = [at for at in noted if at > effect.last_sent_at]
    since = counted[-1] if counted else effect.last_sent_at
    if now < since + grace:
        await _wait(deps, effect, since + grace)
        return None
    await record(deps, effect, providers.absent(effect, now), Source.LOOKUP)
    return len(counted) + 1


async def _wait(deps: Deps, effect: Effect, until: datetime) -> None:
    """Look again later; an intent whose worker died while sending is unknown from now on."""
    if effect.status is EffectStatus.SENDING:
        await record(deps, effect, providers.unanswered(effect), Source.LOOKUP)
    await postpone(deps, effect, until)


def _grace(can: providers.Abilities) -> timedelta:
    return timedelta(seconds=can.absent_grace_seconds)
