"""Situations that a search has to come to, so that a run which finds nothing is known to have looked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SITUATIONS: Mapping[str, str] = MappingProxyType(
    {
        "deposit minted": "A deposit became tokens.",
        "deposit failed": "A deposit ended before any money came.",
        "return before mint": "A bank took a deposit back before its tokens existed (P-04).",
        "return during mint": "A bank took a deposit back while its mint was under way.",
        "return after mint": "A bank took a deposit back after its tokens existed (P-05).",
        "return of spent tokens": "More went back than the party still had; the rest is owed (1200).",
        "return after final": "A bank took back what it had called final.",
        "return before settle": "The first news of an order's money was that it went back.",
        "return reversed": "A return was dishonoured.",
        "return recovered": "A receivable was taken from tokens that came later (P-06).",
        "paid exactly": "An invoice was paid exactly.",
        "paid in part": "An invoice was paid in part.",
        "overpaid": "An invoice was overpaid; the rest became credit.",
        "paid on chain": "A payment waited for its tokens to move.",
        "payment failed on chain": "A payment's tokens did not move, and its hold was released.",
        "payment reversed": "Two people reversed a payment.",
        "credit applied": "A credit paid for an invoice.",
        "credit refunded": "A credit went back to whoever had paid it in.",
        "refunded": "A paid invoice was refunded through a credit note.",
        "voided after payment": "An invoice was voided after something was paid.",
        "bill split and paid": "Every payer of a split bill paid.",
        "hold captured": "A hold was captured.",
        "hold expired": "A hold ended by itself.",
        "invoice by schedule": "A schedule issued an invoice.",
        "netted run settled": "A settlement run brought the chain to where the book was.",
        "withdrawal paid": "A withdrawal reached the bank account.",
        "withdrawal cancelled": "A withdrawal was cancelled before it left.",
        "burn failed": "A burn failed for certain, and the tokens were spendable again.",
        "mint tried again": "A mint that had failed was sent under a new intent.",
        "payout returned": "A payout came back.",
        "payout reminted": "A payout that came back became tokens again (P-36).",
        "payout sent again": "A payout that came back was sent to another account.",
        "wallet frozen": "A wallet was frozen while it was in use.",
        "spends that only fit alone": "Two spends were under way, and the second did not fit any more.",
        "reserve deficit": "Returned deposits left the reserve short.",
        "unknown and found": "An outcome was unknown, and the provider knew the intent.",
        "unknown and sent again": "An outcome was unknown, the provider knew nothing, and it was sent again.",
        "key forgotten while unknown": "A provider forgot a key while the outcome was unknown.",
        "left to a person": "An intent needed a person.",
        "settled by a person": "Two people settled a review.",
        "claim taken over": "A claim lapsed, and another worker went on.",
        "stale worker": "A worker got its answer after another one had taken over.",
        "crash after send": "A process went down between an order and the record of its answer.",
        "found by polling": "News came by asking and by no webhook.",
        "webhook before answer": "A webhook came before the call that it was about was answered.",
        "webhook parked": "A webhook was about nothing known yet.",
        "news out of order": "Something settled before it was known to be accepted.",
        "commit without word": "A commit was done, and its acknowledgement lost.",
        "lost a race": "Somebody else changed a row first, and the command was decided again.",
        "key used again": "A key came again, and its answer was replayed.",
        "refusal replayed": "A refused command came again under its key and was refused alike.",
    }
)
"""By name: one sentence each."""


class Counts:
    """How often each situation occurred."""

    def __init__(self) -> None:
        self._seen = dict.fromkeys(SITUATIONS, 0)

    def seen(self, name: str) -> None:
        """A situation occurred.

        Raises:
            KeyError: nobody expects such a situation.
        """
        self._seen[name] += 1

    def counts(self) -> dict[str, int]:
        """Every situation with its count, those that never occurred included."""
        return dict(self._seen)
