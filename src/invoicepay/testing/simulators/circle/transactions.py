"""Transactions of wallets: what they are, and how they go from state to state on the virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from invoicepay.testing.simulators.circle.amounts import text
from invoicepay.testing.simulators.circle.book import OUTSIDE, Overdraft
from invoicepay.testing.simulators.circle.chains import NATIVE_DECIMALS, Token, native_unit, place
from invoicepay.testing.simulators.circle.requests import Json
from invoicepay.testing.simulators.circle.screening import evaluation, rule_for
from invoicepay.testing.simulators.circle.state import Fate, World, whole_seconds
from invoicepay.testing.simulators.circle.wallets import Wallet, wallet_at

NEXT = {
    "INITIATED": ("CLEARED", 1),
    "CLEARED": ("QUEUED", 1),
    "QUEUED": ("SENT", 2),
    "SENT": ("CONFIRMED", 15),
    "CONFIRMED": ("COMPLETE", 180),
}
"""From each state that moves by itself: the next one, and after how many virtual seconds."""
ENDED = frozenset({"COMPLETE", "FAILED", "DENIED", "CANCELLED"})
ON_CHAIN = frozenset({"SENT", "STUCK"})
"""Broadcast, and in no block yet."""
TOLD = frozenset({"QUEUED", "SENT", "CONFIRMED", "COMPLETE", "CANCELLED", "FAILED"})
"""The states that webhooks tell; DENIED and STUCK are found by asking."""
GAS = {"LOW": 84 * 10**12, "MEDIUM": 105 * 10**12, "HIGH": 126 * 10**12}
"""What a transaction costs, in the smallest part of the native coin, by fee level."""


@dataclass(slots=True)
class Transaction:
    """One transaction, ours or arriving.

    Attributes:
        token, amount: what moves; None and 0 for a call of a contract that moves no token.
        call: fields of a contract call.
        fate: how it ends, when that was ordained.
        arrival: its other side, where that is a wallet of ours too; both share their end.
    """

    id: str
    wallet: Wallet
    is_inbound: bool
    source: str
    destination: str
    token: Token | None
    amount: int
    reference: str
    created: datetime
    updated: datetime
    fee_level: str = "MEDIUM"
    state: str = "INITIATED"
    call: Json = field(default_factory=dict[str, Any])
    fate: Fate | None = None
    chain: Json = field(default_factory=dict[str, Any])
    error: str = ""
    screening: Json = field(default_factory=dict[str, Any])
    is_waiting: bool = False
    arrival: Transaction | None = None

    @property
    def blockchain(self) -> str:
        """The network it is on."""
        return self.wallet.blockchain

    @property
    def pays_gas(self) -> bool:
        """Whether the wallet pays the network itself."""
        return not (self.is_inbound or self.wallet.is_contract)

    def wire(self, world: World) -> Json:
        """As it is told, by webhook or when asked."""
        told: Json = {
            "id": self.id,
            "state": world.word(self.state),
            "blockchain": self.blockchain,
            "transactionType": "INBOUND" if self.is_inbound else "OUTBOUND",
            "custodyType": "DEVELOPER",
            "operation": "CONTRACT_EXECUTION" if self.call else "TRANSFER",
            "walletId": self.wallet.id,
            "sourceAddress": self.source,
            "destinationAddress": self.destination,
            "refId": self.reference,
            "createDate": whole_seconds(self.created),
            "updateDate": whole_seconds(self.updated),
            **self.call,
            **self.chain,
        }
        if self.token is not None:
            told["tokenId"], told["amounts"] = self.token.id, [text(self.amount, self.token.decimals)]
        if not self.is_inbound:
            told["feeLevel"] = self.fee_level
        if self.state == "FAILED":
            told["errorReason"], told["errorDetails"] = self.error, f"simulated: {self.error}"
        if self.screening:
            told["transactionScreeningEvaluation"] = self.screening
        return told


def begin(world: World, transaction: Transaction) -> None:
    """Take a transaction in, or one that arrived, and let it go its way."""
    world.transactions[transaction.id] = transaction
    _wait_for_next(world, transaction)


def change(world: World, transaction: Transaction, state: str) -> None:
    """Put a transaction into a state, and tell it."""
    transaction.state, transaction.updated = state, max(world.now(), transaction.updated)
    if state in TOLD:
        kind = "inbound" if transaction.is_inbound else "outbound"
        world.postbox.told(f"transactions.{kind}", transaction.wire(world))
    _wake(world, transaction.wallet)


def receive(
    world: World, wallet: Wallet, token: Token, amount: int, *, source: str, hash: str
) -> Transaction:
    """Make the inbound transaction of a wallet; the money is there already."""
    now = world.now()
    inbound = Transaction(
        id=world.ids.new(),
        wallet=wallet,
        is_inbound=True,
        source=source,
        destination=wallet.address,
        token=token,
        amount=amount,
        reference="",
        created=now,
        updated=now,
        chain={"txHash": hash, "blockHeight": world.block, "firstConfirmDate": whole_seconds(now)},
    )
    world.transactions[inbound.id] = inbound
    change(world, inbound, "CONFIRMED")
    return inbound


def fail(world: World, transaction: Transaction, reason: str) -> None:
    """End a transaction without what it was for; what a block had moved goes back."""
    if transaction.state == "CONFIRMED":
        _moved(world, transaction, back=True)
    transaction.error = reason
    change(world, transaction, "FAILED")
    if transaction.arrival is not None:
        transaction.arrival.error = reason
        change(world, transaction.arrival, "FAILED")


def resume(world: World, transaction: Transaction) -> None:
    """Broadcast again at a higher fee: from SENT or STUCK back to SENT."""
    transaction.fee_level, transaction.fate = "HIGH", None
    change(world, transaction, "SENT")
    _wait_for_next(world, transaction)


def _wait_for_next(world: World, transaction: Transaction) -> None:
    following = NEXT.get(transaction.state)
    if following is None:
        return
    state, seconds = following
    came_from = transaction.state
    transaction.is_waiting = False

    def step() -> None:
        if transaction.state != came_from:
            return
        if _is_held_up(world, transaction, state):
            transaction.is_waiting = True
            return
        _step(world, transaction, state)
        _wait_for_next(world, transaction)

    world.clock.after(world.wait(state, seconds), step)


def _is_held_up(world: World, transaction: Transaction, state: str) -> bool:
    """Whether an earlier transaction of the wallet must be in a block first: one nonce after the other."""
    if state not in ("CONFIRMED", "SENT") or transaction.is_inbound:
        return False
    if state == "SENT" and not transaction.wallet.is_contract:
        return False
    for other in world.transactions.values():
        if other is transaction:
            return False
        if other.wallet is transaction.wallet and not other.is_inbound and other.state in ON_CHAIN:
            return True
    return False


def _wake(world: World, wallet: Wallet) -> None:
    """Let go on what an earlier transaction of the wallet held up."""
    for transaction in list(world.transactions.values()):
        if transaction.wallet is wallet and transaction.is_waiting:
            _wait_for_next(world, transaction)


def _step(world: World, transaction: Transaction, state: str) -> None:
    fate = transaction.fate
    if fate is not None and (fate.after or "SENT") == transaction.state:
        _end_as_ordained(world, transaction, fate)
    elif state == "CLEARED" and _is_denied(world, transaction):
        change(world, transaction, "DENIED")
    elif state == "CONFIRMED" and not _confirm(world, transaction):
        fail(world, transaction, "FAILED_ON_CHAIN")
    else:
        if state == "SENT":
            transaction.chain = {"txHash": f"0x{world.ids.digest()}"}
        change(world, transaction, state)
        if state == "CONFIRMED":
            _arrive(world, transaction)
        elif state == "COMPLETE" and transaction.arrival is not None:
            change(world, transaction.arrival, "COMPLETE")


def _arrive(world: World, sent: Transaction) -> None:
    """Tell the other side of a transfer that a block holds, where it is ours too."""
    if sent.is_inbound or sent.token is None:
        return
    wallet, hash = wallet_at(world, sent.blockchain, sent.destination), str(sent.chain["txHash"])
    if wallet is not None:
        sent.arrival = receive(world, wallet, sent.token, sent.amount, source=sent.source, hash=hash)
    if sent.token.unit == "USDC":
        account = place(sent.blockchain, sent.destination)
        for listener in world.arrivals:
            listener(account, sent.amount, sent.blockchain, hash)


def _end_as_ordained(world: World, transaction: Transaction, fate: Fate) -> None:
    transaction.fate = None
    if fate.end == "FAILED":
        fail(world, transaction, fate.reason or "FAILED_ON_CHAIN")
    else:
        change(world, transaction, fate.end)


def _is_denied(world: World, transaction: Transaction) -> bool:
    """Screen the other side; a rule may deny the transaction, and freeze our wallet."""
    rule = rule_for(transaction.destination)
    if rule is None:
        return False
    transaction.screening = evaluation(rule, transaction.destination, world.now())
    if "FREEZE_WALLET" in rule.actions:
        transaction.wallet.state = "FROZEN"
    return "DENY" in rule.actions


def _confirm(world: World, transaction: Transaction) -> bool:
    """Put it into a block: tokens and gas move; whether they could."""
    world.block += 1
    transaction.chain |= {
        "blockHash": f"0x{world.ids.digest()}",
        "blockHeight": world.block,
        "firstConfirmDate": whole_seconds(world.now()),
        "networkFee": text(GAS[transaction.fee_level], NATIVE_DECIMALS),
    }
    try:
        _moved(world, transaction)
    except Overdraft:
        return False
    return True


def _moved(world: World, transaction: Transaction, *, back: bool = False) -> None:
    """Move the tokens, or move them back; gas is gone in either case."""
    there = place(transaction.blockchain, transaction.destination)
    source, target = (there, transaction.wallet.account) if back else (transaction.wallet.account, there)
    if transaction.token is not None:
        world.book.move(transaction.token.unit, source, target, transaction.amount, transaction.id)
    if transaction.pays_gas and not back:
        gas = GAS[transaction.fee_level]
        world.book.move(native_unit(transaction.blockchain), source, OUTSIDE, gas, transaction.id)
    transaction.wallet.updated = world.now()
