"""A process dies at each step of each operation: what is durable then, and the same end for all that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from invoicepay.domain.effects import EffectKind as K
from invoicepay.domain.effects import EffectStatus as S
from tests.crashes.matrix import Matrix
from tests.recovery.dying_at import AFTER_COMMIT, durable, first_place, new_effects, told


@dataclass(frozen=True, slots=True)
class Step:
    """Where a process dies.

    Attributes:
        row: of the recovery table.
        kind, status: it dies where an intent of the story is this far for the first time;
        at: at a boundary of this kind.
        nth: which intent of its kind.
        back: so many boundaries before.
        rules: what is posted by then; `moved`: what each account has more or less.
    """

    row: str
    story: str
    kind: K
    status: S
    rules: tuple[str, ...] = ()
    moved: Mapping[int, str] = field(default_factory=dict[int, str])
    at: str = AFTER_COMMIT
    nth: int = 1
    back: int = 0


DEPOSIT, WITHDRAWAL, CHAIN = "deposits.initiate", "withdrawals.initiate", "a_payment_on_chain"
SLOW = "a_deposit_that_is_not_trusted_at_once"
RETURN = ("P-01", "P-02", "P-03", "P-05", "P-05", "P-05", "P-09")
RETURNED, REMINTED = "a_deposit_is_returned", "a_payout_is_returned_and_minted_again"

CONFIRMED, HELD = ("P-01", "P-02"), {2000: "-10", 2010: "10"}
BACKED = {1050: "10", 2110: "9.75", 2410: "0.25"}
"""Confirmed money, less the operator's fee, that no token stands for yet."""
MINTED = {1000: "9.75", 1050: "0.25", 2000: "9.75", 2410: "0.25"}
BURNED = ("P-30", "P-31")
OWED = {1000: "-10", 1050: "10", 2000: "-10"}
"""Tokens are gone, and their money is owed to whoever had them."""
TAKEN_BACK = {1000: "-0.25", 1050: "0.25", 2000: "-805.62", 2030: "805.37", 2410: "0.25"}
"""What the return takes is burned, and the rest of the wallet frozen."""

STEPS = (
    Step("deposit 1", DEPOSIT, K.DEPOSIT, S.PLANNED),
    Step("deposit 2", DEPOSIT, K.DEPOSIT, S.SENDING, at="after initiate_deposit"),
    Step("deposit 3", DEPOSIT, K.DEPOSIT, S.ACCEPTED),
    Step("deposit 4", SLOW, K.DEPOSIT, S.SETTLED, ("P-01",), {1100: "10", 2100: "10"}),
    Step("deposit 5", DEPOSIT, K.MINT, S.PLANNED, CONFIRMED, BACKED),
    Step("deposit failed", "a_deposit_fails", K.DEPOSIT, S.FAILED),
    Step("mint 1", DEPOSIT, K.MINT, S.SENDING, CONFIRMED, BACKED),
    Step("mint 2", DEPOSIT, K.MINT, S.SENDING, CONFIRMED, BACKED, at="after mint"),
    Step("mint 3", DEPOSIT, K.MINT, S.FINAL, (*CONFIRMED, "P-03"), MINTED),
    Step("transfer 1", CHAIN, K.TRANSFER, S.PLANNED, ("P-10",), {2000: "-20", 2010: "20"}),
    Step(
        "transfer 2",
        CHAIN,
        K.TRANSFER,
        S.SENDING,
        ("P-10",),
        {2000: "-20", 2010: "20"},
        at="after transfer",
    ),
    Step("transfer 3", CHAIN, K.TRANSFER, S.FINAL, ("P-10", "P-11")),
    Step("transfer failed", "a_payment_on_chain_fails", K.TRANSFER, S.FAILED, ("P-10", "P-12")),
    Step("burn 1", WITHDRAWAL, K.BURN, S.PLANNED, ("P-30",), HELD),
    Step("burn 2", WITHDRAWAL, K.BURN, S.SENDING, ("P-30",), HELD, at="after burn"),
    Step("burn 3", WITHDRAWAL, K.BURN, S.FINAL, BURNED, {**OWED, 2300: "10"}),
    Step("payout 1", WITHDRAWAL, K.PAYOUT, S.SENDING, BURNED, {**OWED, 2300: "10"}),
    Step(
        "payout 2",
        WITHDRAWAL,
        K.PAYOUT,
        S.SENDING,
        BURNED,
        {**OWED, 2300: "10"},
        at="after initiate_withdrawal",
    ),
    Step(
        "payout 3",
        WITHDRAWAL,
        K.PAYOUT,
        S.SETTLED,
        (*BURNED, "P-32", "P-33"),
        {1000: "-10", 2000: "-10"},
    ),
    Step(
        "payout failed",
        "a_payout_fails",
        K.PAYOUT,
        S.FAILED,
        (*BURNED, "P-32", "P-34"),
        {**OWED, 2320: "10"},
    ),
    Step("returned deposit 1", RETURNED, K.DEPOSIT, S.RETURNED, RETURN, TAKEN_BACK),
    Step(
        "returned deposit, not booked yet",
        RETURNED,
        K.DEPOSIT,
        S.RETURNED,
        (*CONFIRMED, "P-03"),
        MINTED,
        back=1,
    ),
    Step("returned deposit 2", RETURNED, K.BURN, S.SENDING, RETURN, TAKEN_BACK, at="after burn"),
    Step(
        "returned payout 1",
        REMINTED,
        K.PAYOUT,
        S.RETURNED,
        (*BURNED, "P-32", "P-33", "P-35"),
        {**OWED, 2320: "10"},
    ),
    Step("returned payout 2", REMINTED, K.MINT, S.FINAL, (*BURNED, "P-32", "P-33", "P-35", "P-36")),
    Step(
        "returned payout 2'",
        "a_payout_is_returned_and_paid_elsewhere",
        K.PAYOUT,
        S.ACCEPTED,
        (*BURNED, "P-32", "P-34", "P-32"),
        {**OWED, 2310: "10"},
        nth=2,
    ),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.row)
def test_whoever_dies_at_the_step_changes_nothing_of_the_end(on: Matrix, step: Step) -> None:
    story = told(on, step.story)

    def is_so() -> bool:
        ours = [effect for effect in new_effects(on, story) if effect.kind is step.kind]
        return len(ours) >= step.nth and ours[step.nth - 1].status is step.status

    place = first_place(on, story, step.at, is_so) - step.back
    seen = []

    faults = on.cell(story, place, lambda: seen.append(durable(on, story)))

    assert faults == []
    (left,) = seen
    assert (tuple(left.rules), left.moved) == (step.rules, step.moved)
