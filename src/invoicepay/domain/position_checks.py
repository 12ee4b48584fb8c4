"""Checks of what we say that a chain holds: positions follow the intents, and nothing else (INV-24)."""

from __future__ import annotations

from collections.abc import Iterator

from invoicepay.domain.books import Books, Violation, differences
from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.domain.netting import OPEN, ChainPosition
from invoicepay.domain.sums import summed

_GROWS_SUPPLY = {EffectKind.MINT: 1, EffectKind.BURN: -1}


def positions_add_up(books: Books) -> Iterator[Violation]:
    """INV-24: positions sum up to final mints less burns, and what is leaving to the intents that take it."""
    positions = books.of(ChainPosition)
    assets = {position.asset for position in positions}
    intents = [effect for effect in books.of(Effect) if effect.asset in assets]
    made = summed(
        ((effect.asset,), effect.amount.micros * _GROWS_SUPPLY[effect.kind])
        for effect in intents
        if effect.status is EffectStatus.FINAL and effect.kind in _GROWS_SUPPLY
    )
    taken = summed(((effect.asset,), effect.amount.micros) for effect in intents if _takes(effect))
    held = summed(((position.asset,), position.held.micros) for position in positions)
    leaving = summed(((position.asset,), position.leaving.micros) for position in positions)
    yield from differences("INV-24", "positions", held, "final mints less burns", made)
    yield from differences("INV-24", "leaving", leaving, "intents on their way", taken)


def _takes(effect: Effect) -> bool:
    """Whether it takes tokens out of a wallet and nobody knows yet whether it did."""
    is_sent_burn = effect.kind is EffectKind.BURN and effect.last_sent_at is not None
    return effect.status in OPEN and (effect.kind is EffectKind.TRANSFER or is_sent_burn)
