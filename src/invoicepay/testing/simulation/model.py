"""A plain model of who has what: accepted commands one at a time, in the order of their commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from invoicepay.domain.accounts import WALLET_CODES, Account, account
from invoicepay.domain.allocations import Allocation, SourceKind
from invoicepay.domain.change import Outcome
from invoicepay.domain.credit_notes import CreditNote, CreditNoteDisposition
from invoicepay.domain.credits import CreditLot
from invoicepay.domain.entity import Entity
from invoicepay.domain.payments import Channel, Payment, PaymentStatus, Receipt
from invoicepay.domain.requests import Transfer, TransferStatus
from invoicepay.domain.tokens import Burn, BurnStatus, Mint, MintStatus
from invoicepay.testing.simulation.mirror import Mirror

WALLET = tuple(sorted(WALLET_CODES))
Wallet = tuple[str, str]
"""Party and asset."""
Move = tuple[str, str, int]
"""From whom, to whom, and how much; empty is nobody of the programme."""


class SequentialModel:
    """What each wallet holds if every accepted command had been given alone, one after the other.

    It reads what commands decided (a payment completed, a mint is done) and never what they posted, so
    that a posting which does not fit its decision shows.
    """

    def __init__(self, platform_id: str) -> None:
        self._platform_id = platform_id
        self.tokens: dict[Wallet, int] = {}
        self._moved: dict[Wallet, None] = {}

    def take(self, outcome: Outcome[Any], before: Mirror) -> list[Wallet]:
        """Carry one command out.

        Args:
            before: everything as it was when the command was given.

        Returns:
            Wallets from which more was taken than they had.
        """
        overdrawn = list[Wallet]()
        for asset, (giver, taker, micros) in self._moves(outcome, before):
            self._moved |= {(party, asset): None for party in (giver, taker) if party}
            if giver:
                left = self.tokens.get((giver, asset), 0) - micros
                self.tokens[giver, asset] = left
                if left < 0:
                    overdrawn.append((giver, asset))
            if taker:
                self.tokens[taker, asset] = self.tokens.get((taker, asset), 0) + micros
        return [wallet for wallet in overdrawn if self.tokens[wallet] < 0]

    def differences(self, balances: Mapping[Account, int], accounts: Iterable[Account]) -> list[str]:
        """A sentence for each wallet that does not hold what the model says.

        Args:
            accounts: those that moved; wallets that only the model moved are looked at, too.
        """
        wallets = {(a.party_id, a.asset): None for a in accounts if a.code in WALLET_CODES} | self._moved
        self._moved = {}
        wrong = list[str]()
        for party, asset in wallets:
            found = sum(balances.get(account(code, asset, party), 0) for code in WALLET)
            expected = self.tokens.get((party, asset), 0)
            if found != expected:
                wrong.append(f"{party} has {found} micros of {asset}, one at a time it would be {expected}")
        return wrong

    def _moves(self, outcome: Outcome[Any], before: Mirror) -> Iterator[tuple[str, Move]]:
        lots = {row.id: row for row in outcome.rows if isinstance(row, CreditLot)}
        for row in outcome.rows:
            known = before.rows.get((type(row), row.id))
            for move in self._moves_of(row, known, before, lots):
                yield row.asset, move  # type: ignore[attr-defined]  # every row that moves tokens names one
        yield from _given_back(outcome.rows, before)

    def _moves_of(
        self, row: Entity, known: Any, before: Mirror, lots: Mapping[str, CreditLot]
    ) -> Iterable[Move]:
        """What a row's step to a new status means for wallets."""
        was = getattr(known, "status", None)
        match row:
            case Mint(status=MintStatus.COMPLETED) if was is not MintStatus.COMPLETED:
                return [("", row.party_id, row.amount.micros)]
            case Burn(status=BurnStatus.COMPLETED) if was is not BurnStatus.COMPLETED:
                return [(row.party_id, "", row.amount.micros)]
            case Transfer(status=TransferStatus.COMPLETED) if was is not TransferStatus.COMPLETED:
                return [(row.payer_id, row.payee_id, row.amount.micros)]
            case Payment(status=PaymentStatus.COMPLETED) if was is not PaymentStatus.COMPLETED:
                return self._paid(row)
            case Payment(status=PaymentStatus.REVERSED) if was is not PaymentStatus.REVERSED:
                return [(taker, giver, micros) for giver, taker, micros in self._paid(row)]
            case Receipt() if known is None:
                return [(row.payer_id, row.enterprise_id, row.amount.micros)]
            case CreditLot(out_of_band=False):
                refunded = row.refunded.micros - (known.refunded.micros if known is not None else 0)
                return [(row.enterprise_id, row.payer_id, refunded)]
            case Allocation(source_kind=SourceKind.CREDIT) if known is None and row.fee:
                lot = lots.get(row.source_id) or before.get(CreditLot, row.source_id)
                return [(lot.enterprise_id, self._platform_id, row.fee.micros)] if lot else []
            case _:
                return []

    def _paid(self, payment: Payment) -> list[Move]:
        if payment.channel is Channel.EXTERNAL:
            return []
        fee = payment.fee.micros
        return [
            (payment.payer_id, payment.enterprise_id, payment.amount.micros - fee),
            (payment.payer_id, self._platform_id, fee),
        ]


def _given_back(rows: Sequence[Entity], before: Mirror) -> Iterator[tuple[str, Move]]:
    """What a refund took off an invoice goes back to whoever had paid it, unless it became credit."""
    taken_off = [row for row in rows if isinstance(row, Allocation) and row.amount.micros < 0]
    if not taken_off or _became_something_else(rows, before):
        return
    payments = {row.id: row for row in rows if isinstance(row, Payment)}
    for row in taken_off:
        payment = payments.get(row.source_id) or before.get(Payment, row.source_id)
        if payment is None or payment.channel is Channel.EXTERNAL:
            continue
        if payment.status is PaymentStatus.COMPLETED:
            receiver = payment.payer_id or payment.customer_id
            yield row.asset, (payment.enterprise_id, receiver, -row.amount.micros)


def _became_something_else(rows: Sequence[Entity], before: Mirror) -> bool:
    """Whether what was taken off an invoice became new credit, or is given back outside."""
    for row in rows:
        if isinstance(row, CreditLot) and before.get(CreditLot, row.id) is None:
            return True
        if isinstance(row, CreditNote) and row.disposition is CreditNoteDisposition.OUT_OF_BAND:
            return True
    return False
