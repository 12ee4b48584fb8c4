"""Tokens of ben leave the programme, so that some can arrive from outside (P-18)."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.domain import postings
from invoicepay.domain.accounts import available, held
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Needs, need
from invoicepay.domain.parties import Party
from tests.support.free import free


@dataclass(frozen=True, slots=True)
class Leave:
    amount: Money


def _needs_leave(command: Leave, seen: Snapshot) -> Needs:
    return need((Party, "ben"), accounts=[available("ben", "USD"), held("ben", "USD")])


def _decide_leave(command: Leave, change: Change) -> Party:
    """P-18: tokens of ben leave the programme."""
    micros = command.amount.micros
    change.post(postings.placed_on_hold("ben", "USD", micros, memo="x"))
    for posting in postings.sent_outside("ben", "USD", micros, memo="x"):
        change.post(posting)
    return change.get(Party, "ben")


LEAVE = free("test.leave", Party, _needs_leave, _decide_leave)
