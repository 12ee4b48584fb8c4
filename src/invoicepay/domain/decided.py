"""One command with its end, as whoever watches is shown it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from invoicepay.domain.change import Outcome, Snapshot
from invoicepay.domain.entity import Entity
from invoicepay.domain.parties import Actor, Party
from invoicepay.domain.payments import Payment, PaymentStatus
from invoicepay.domain.policies import Policy
from invoicepay.errors import InvoicePayError

K = TypeVar("K", bound=Entity)


@dataclass(frozen=True, slots=True)
class Decided:
    """One command with its end, before its writes are folded into what was seen.

    Attributes:
        outcome: None where it was refused or answered from the store.
        refusal: None where it was not.
        is_replayed: its key had been used, and the stored answer came back.
    """

    operation: str
    command: Any
    actor: Actor
    seen: Snapshot
    outcome: Outcome[Any] | None
    refusal: InvoicePayError | None
    is_replayed: bool = False

    def written(self, kind: type[K]) -> Iterator[tuple[K | None, K]]:
        """Each row of a kind that it wrote, with what it was before."""
        for row in self.outcome.rows if self.outcome else ():
            if isinstance(row, kind):
                yield self.known(kind, row.id), row

    def known(self, kind: type[K], id: str) -> K | None:
        """A row as it was loaded."""
        row: Any = self.seen.rows.get((kind, id))
        found: K | None = row
        return found

    def policy(self, enterprise_id: str) -> Policy:
        """How the enterprise treats payments."""
        made = (party for _, party in self.written(Party) if party.id == enterprise_id)
        party = self.known(Party, enterprise_id) or next(made, None)
        return party.policy if party else Policy()

    def settled(self) -> Iterator[Payment]:
        """The payments that this command completed."""
        for before, payment in self.written(Payment):
            was = before.status if before else None
            if payment.status is PaymentStatus.COMPLETED and was is not PaymentStatus.COMPLETED:
                yield payment
