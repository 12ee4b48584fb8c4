"""Several calls as one transaction in a simulated process: whatever happens, both are durable or neither."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from invoicepay import AsyncInvoicePay
from invoicepay.testing.simulation import run
from invoicepay.testing.simulation.faults import NUMBERS
from invoicepay.testing.simulation.hand import Hand
from invoicepay.testing.simulation.odds import CRASH
from tests.simulation.small import Small

STEPS = 300
TROUBLE = {
    "calm": {},
    "the end of the process before COMMIT": {"ann#1/delay4": CRASH},
    "the end of the process after COMMIT": {"ann#1/delay5": CRASH},
    **{
        fault: {"ann#1/commit1": NUMBERS[f"database.{fault}"]}
        for fault in ("ack_lost", "nack_lost", "conflict_at_commit", "dropped")
    },
    "busy at the second call": {"ann#1/load2": NUMBERS["database.busy"]},
}


@dataclass
class TwoAtOnce(Small):
    """Ann asks for two deposits in one transaction."""

    async def ann(self, hand: Hand) -> None:
        async def both(pay: AsyncInvoicePay) -> None:
            async with pay.transaction() as tx:
                for part in ("first", "second"):
                    await tx.deposits.initiate(
                        "ann", "10.00 USD", rail="instant", idempotency_key=hand.key_of(part)
                    )

        if hand.begins():
            await hand.insist("ann deposits twice", both)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_both_calls_are_durable_or_neither(trouble: str) -> None:
    two = TwoAtOnce()
    found = run(two.stage, 0, STEPS, decisions={"ann#1": 1, **TROUBLE[trouble]})

    assert found.broken == ()
    assert bool(two.faults()) is (trouble != "calm")
    asked = [
        [reply.key for reply in commit.replies if reply.operation == "deposits.initiate"]
        for commit in two.commits
    ]
    assert [keys for keys in asked if keys] == [["ann#1/first", "ann#1/second"]]
    assert (two.available, two.supply, len(two.orders)) == ("20.00 USD", "20.00 USD", 2)
