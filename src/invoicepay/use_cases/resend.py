"""The emergency resend: two persons have an intent asked about and sent once more (S-03)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from invoicepay.domain.access import authorise, second_actor
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.effects import EFFECT, Alarm, Effect, EffectCommand, EffectStatus, Observation
from invoicepay.domain.ids import clean_text
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.netting import follow_chain, position_needs
from invoicepay.domain.reducer import ABSENT
from invoicepay.errors import InvalidTransition
from invoicepay.use_cases.perform import Deps, UseCase, perform

NO_NEWS = (ABSENT, EffectStatus.UNKNOWN.value, EffectStatus.NEEDS_REVIEW.value)
"""What may have been seen of an intent that nobody is known to have carried out."""
SETTLE_IT = "The provider has told of it: say what became of it with effects.resolve."


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendEffect:
    """Send an intent in review once more, with its request and key as they are.

    Attributes:
        approved_by: the second person (four eyes).
    """

    effect_id: str
    reason: str
    approved_by: str


def _seen_of(effect_id: str) -> Find[Observation]:
    return find(Observation, effect_id=effect_id, only_read=True)


def _needs_resend(command: ResendEffect, seen: Snapshot) -> Needs:
    known = need((Effect, command.effect_id), finds=[_seen_of(command.effect_id)])
    effect = seen.peek(Effect, command.effect_id)
    return known | position_needs(seen.programme, effect) if effect else known


def decide_resend(command: ResendEffect, change: Change) -> Effect:
    """Unknown again as if just sent for the first time, so that the resend table decides once more.

    The provider is asked first wherever it can be; what it has is booked, not sent. Two persons take the
    place of the count of attempts and of the age of the key, never of the look-up.
    """
    reason = clean_text(command.reason, 500, "the reason")
    effect = change.get(Effect, command.effect_id)
    authorise(change, effect)
    second_actor(change, command.approved_by)
    status = EFFECT.after(effect.status, EffectCommand.RESEND)
    seen = change.find(_seen_of(effect.id))
    if effect.provider_ref or any(one.provider_ref or one.status not in NO_NEWS for one in seen):
        raise InvalidTransition("effect", effect.status, EffectCommand.RESEND, hint=SETTLE_IT)
    again = replace(
        effect,
        status=status,
        attempt=0,
        first_sent_at=change.now,
        alarm=Alarm.NONE,
        due_at=change.now,
        lease_until=None,
        review_reason=reason,
    )
    resent = change.put(again, "effect.resent")
    follow_chain(change, effect, resent)
    return resent


RESEND = UseCase("effects.resend", Effect, _needs_resend, decide_resend)


async def resend_effect(deps: Deps, command: ResendEffect, key: str | None = None) -> Effect:
    """Have an unanswered intent asked about and sent once more (reliability 1.5, S-03).

    Raises:
        NotFound: no such intent.
        NotAllowed, SecondActorRequired: the actor is no operator, or nobody else approved it.
        InvalidTransition: it is not in review, or the provider has told of it.
    """
    return await perform(deps, RESEND, command, key)
