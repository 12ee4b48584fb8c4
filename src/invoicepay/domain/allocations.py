"""Allocations: signed amounts of payments and credit lots put on invoices (INV-11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.ids import Prefix
from invoicepay.domain.money import Money
from invoicepay.domain.needs import Find, find
from invoicepay.domain.quick import quick


class SourceKind(StrEnum):
    """What an allocation draws on."""

    PAYMENT = "payment"
    CREDIT = "credit"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Entity):
    """A signed amount of a payment or credit lot put on an invoice; refunds and voids are negative (INV-11).

    Attributes:
        fee: the platform's fee on the amount; negative when a reversal gave it back.
    """

    KIND: ClassVar[str] = "allocation"

    invoice_id: str
    source_kind: SourceKind
    source_id: str
    asset: str
    amount: Money
    fee: Money


def allocations_of(invoice_id: str) -> Find[Allocation]:
    """The search for what was put on an invoice, and taken off again."""
    return find(Allocation, invoice_id=invoice_id)


def allocate(
    change: Change,
    invoice_id: str,
    kind: SourceKind,
    source_id: str,
    amount: Money,
    *,
    fee: Money | None = None,
) -> Allocation:
    """Record what a payment or credit lot puts on an invoice, or takes off when the amount is negative."""
    return change.add(
        Allocation(
            id=change.new_id(Prefix.ALLOCATION),
            invoice_id=invoice_id,
            source_kind=kind,
            source_id=source_id,
            asset=amount.asset,
            amount=amount,
            fee=fee or Money.zero(amount.asset),
        )
    )
