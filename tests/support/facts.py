"""An intent as it is stored, and facts that its provider may tell of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from invoicepay.domain.effects import Effect, EffectKind, EffectStatus, Observation, Source
from invoicepay.domain.money import Money

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HUNDRED = Money.of("100.00 USD")


def an_effect(status: EffectStatus = EffectStatus.SENDING, **changes: object) -> Effect:
    """A payout of a hundred dollars in that status."""
    effect = Effect(
        id="eff_1",
        kind=EffectKind.PAYOUT,
        provider="rails",
        cause_kind="withdrawal",
        cause_id="wdr_1",
        asset="USD",
        amount=HUNDRED,
        request={},
        provider_key="eff_1",
        due_at=NOON,
        created_at=NOON,
        status=status,
    )
    return replace(effect, **changes)  # type: ignore[arg-type]


def a_fact(status: str, *, source: Source = Source.WEBHOOK, **changes: object) -> Observation:
    """What the bank tells of that payout."""
    fact = Observation(
        id=f"bank/{status}",
        effect_id="eff_1",
        provider="bank",
        fact_id=status,
        source=source,
        status=status,
        provider_status=status,
        provider_ref="out-1",
        asset="USD",
        amount=HUNDRED,
        fee=Money.zero("USD"),
    )
    return replace(fact, **changes)  # type: ignore[arg-type]
