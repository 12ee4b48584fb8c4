"""Why a person may be needed: each reason for a review, and the trouble that leads to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from invoicepay.domain.deposits import Reserve
from invoicepay.domain.effects import Effect
from invoicepay.domain.tokens import Burn, Mint
from invoicepay.ports.rails import RailsCapabilities
from invoicepay.ports.tokens import TokenCapabilities
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.mirror import Mirror

CONTRADICTION: Final = "contradiction"
"""Trouble of an intent about which a provider said something that was not so."""
FATES = (
    "provider.fails",
    "provider.returns",
    "provider.returns_late",
    "provider.returns_unsettled",
    "provider.return_reversed",
    "provider.partial",
    "provider.fee",
    "provider.odd_word",
    "chain.fails",
    CONTRADICTION,
)
"""What becomes of orders now and then, and may come at a moment at which the books cannot follow."""
LOST = ("call.lost", "call.answer_lost", "call.late", "call.slow", "process.crash")
"""After these nobody knows whether an order arrived."""
UNWRITTEN = tuple(name for name in FAULTS if name.startswith("database."))
"""After these it may not be written down that an order surely did not arrive."""
SAID = "the provider says "
UNSAFE = "unknown, and not safe to send again"
"""The reason of a review that no fault has to explain, only a provider that could double an order."""
AHEAD = "the books moved the tokens already"
"""Tokens that the books gave may be spent again before the chain has moved them, which it then refuses."""
LED_TO: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("amount is ", ("call.wrong_echo", "provider.partial", CONTRADICTION)),
    (f"{SAID}sent before, then refused", LOST + UNWRITTEN),
    (SAID, ("provider.odd_word", CONTRADICTION)),
)
"""By the beginning of a review's reason: one of these must have happened; for all others, one of `FATES`."""


def is_explained(reason: str, troubles: Collection[str], can: RailsCapabilities | TokenCapabilities) -> bool:
    """Whether one of the troubles, or what the provider cannot do, leads to a review for that reason."""
    if reason.startswith(AHEAD):
        return True
    if reason == SAID + UNSAFE:
        return not (can.deduplicates and can.finds_by_reference and can.key_lifetime_seconds == 0)
    causes = next((causes for start, causes in LED_TO if reason.startswith(start)), FATES)
    return any(trouble in causes for trouble in troubles)


def family(mirror: Mirror, effect: Effect) -> Iterator[Effect]:
    """The intents of the same money: a deposit's with its mints', a payout's with its burn's."""
    causes = dict.fromkeys([effect.cause_id])
    mint = mirror.get(Mint, effect.cause_id)
    if mint is not None:
        reserve = mirror.get(Reserve, mint.reserve_id)
        causes |= dict.fromkeys([mint.withdrawal_id, reserve.deposit_id if reserve else ""])
    burn = mirror.get(Burn, effect.cause_id)
    if burn is not None:
        causes |= dict.fromkeys([burn.withdrawal_id, burn.deposit_id])
    for reserve in mirror.of(Reserve):
        if reserve.deposit_id == effect.cause_id:
            causes |= dict.fromkeys(m.id for m in mirror.of(Mint) if m.reserve_id == reserve.id)
    for cause in causes:
        if cause:
            yield from mirror.effects_of(cause)
