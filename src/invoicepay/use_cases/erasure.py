"""Erase what was written about a person; what was booked stays, under an id that tells nothing (S-27)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from invoicepay.domain.access import authorise, owner_needs
from invoicepay.domain.change import Change, Snapshot
from invoicepay.domain.deposits import Deposit, DepositStatus
from invoicepay.domain.needs import Find, Needs, find, need
from invoicepay.domain.parties import PARTY, Party, PartyCommand
from invoicepay.domain.shape import identifier
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from invoicepay.errors import InvalidTransition
from invoicepay.use_cases.perform import Deps, UseCase, perform

UNDER_WAY: dict[type[Deposit | Withdrawal], tuple[str, ...]] = {
    Deposit: (
        DepositStatus.INITIATED,
        DepositStatus.PENDING,
        DepositStatus.IN_REVIEW,
        DepositStatus.RECEIVED,
        DepositStatus.CONFIRMED,
    ),
    Withdrawal: (
        WithdrawalStatus.IN_REVIEW,
        WithdrawalStatus.HELD,
        WithdrawalStatus.BURNING,
        WithdrawalStatus.BURNED,
        WithdrawalStatus.PAYOUT_SUBMITTED,
    ),
}
"""What still needs the token of its account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseParty:
    """Empty every text about a closed party."""

    party_id: str


def _under_way(party_id: str) -> list[Find[Any]]:
    return [
        find(kind, party_id=party_id, status__in=statuses, only_read=True)
        for kind, statuses in UNDER_WAY.items()
    ]


def _needs_erase(command: EraseParty, _seen: Snapshot) -> Needs:
    return owner_needs(command.party_id) | need(finds=_under_way(command.party_id))


def decide_erase_party(command: EraseParty, change: Change) -> Party:
    """Mark the party as erased, and have the store empty its texts with the same commit."""
    party = change.get(Party, command.party_id)
    authorise(change, party)
    status = PARTY.after(party.status, PartyCommand.ERASE)
    for wanted in _under_way(party.id):
        for moving in change.find(wanted):
            hint = "Wait until it has ended, then erase."
            raise InvalidTransition(moving.KIND, moving.status, PartyCommand.ERASE, hint=hint, id=moving.id)
    change.erase(party.id)
    return change.put(replace(party, status=status), "party.erased")


ERASE = UseCase("parties.erase", Party, _needs_erase, decide_erase_party)


async def erase_party(deps: Deps, command: EraseParty, key: str | None = None) -> Party:
    """Empty every text about a closed party, in the rows and in what they were before.

    Raises:
        InvalidIdentifier: nobody can be called that.
        NotFound: no such party.
        NotAllowed: the actor is no operator.
        InvalidTransition: it is not closed, or a deposit or withdrawal of it is under way.
    """
    identifier(command.party_id, "the party")
    return await perform(deps, ERASE, command, key)
