"""What the Mint account sends and takes on chain, and what it pays out to a bank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from invoicepay.testing.simulators.circle.book import OUTSIDE, Overdraft
from invoicepay.testing.simulators.circle.chains import USDC_IDS, place, token_at
from invoicepay.testing.simulators.circle.mint import (
    APPROVED,
    BY_CODE,
    PAGES,
    bank_of,
    money,
)
from invoicepay.testing.simulators.circle.refusals import Refusal, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Fields, Json, Reply
from invoicepay.testing.simulators.circle.state import MASTER, Fate, World, with_millis
from invoicepay.testing.simulators.circle.transactions import begin, receive
from invoicepay.testing.simulators.circle.wallets import wallet_at

BROADCAST, FINALITY, BANKING = 5, 180, 3600
"""Virtual seconds: until a transfer is broadcast, until it is final, until a bank has a payout."""


@dataclass(slots=True)
class Transfer:
    """USDC going out to an allowed address, or coming in to a deposit address.

    Attributes:
        code: Mint's spelling of the chain.
        recipient: where it goes; empty when it comes in.
        address: the deposit address it came to; empty when it goes out.
    """

    id: str
    code: str
    amount: int
    created: datetime
    recipient: str = ""
    address: str = ""
    status: str = "pending"
    hash: str = ""
    error: str = ""
    risk: Json | None = None

    def wire(self, world: World) -> Json:
        """As it is told."""
        account = {"type": "wallet", "id": world.master_wallet}
        there = {"type": "blockchain", "address": self.recipient, "chain": self.code}
        status = "pending" if world.knobs.is_dated and self.status == "running" else self.status
        return {
            "id": self.id,
            "source": account if self.recipient else {"type": "blockchain", "chain": self.code},
            "destination": there if self.recipient else {**account, "address": self.address},
            "amount": money(self.amount),
            "status": world.word(status),
            **({"transactionHash": self.hash} if self.hash else {}),
            **({"errorCode": self.error} if self.error else {}),
            **({"riskEvaluation": self.risk} if self.risk else {}),
            "createDate": with_millis(self.created),
        }


def send(world: World, ask: Ask) -> Reply:
    """Send USDC to an allowed address."""
    fields = ask.fields()
    key, destination = fields.key(), fields.inside("destination")
    destination.word("type", ("verified_blockchain",))
    recipient_id = destination.uuid("addressId")
    amount, _currency = fields.money("amount", ("USD",), decimals=6)
    fields.check()

    def start() -> Reply:
        recipient = world.recipients.get(recipient_id)
        if recipient is None:
            raise not_found(5001, "Recipient address not found")
        if recipient.status != "active":
            raise Refusal(400, 2004, "The recipient address is not verified yet")
        transfer = Transfer(world.ids.new(), recipient.code, amount, world.now(), recipient=recipient.address)
        _spend(world, amount, transfer.id, 5006)
        world.transfers[transfer.id] = transfer
        fate = world.knobs.fate("transfer")
        _tell_transfer(world, transfer)
        world.clock.after(world.wait("running", BROADCAST), lambda: _broadcast(world, transfer, fate))
        return Reply(transfer.wire(world), 201)

    return world.mint_replays.once(ask, key, start)


def _spend(world: World, amount: int, id: str, code: int) -> None:
    """Put the amount aside.

    Raises:
        Refusal: there is less; with the code of the endpoint.
    """
    try:
        world.book.move("USDC", MASTER, f"mint:{id}", amount, id)
    except Overdraft as error:
        raise Refusal(400, code, "Insufficient funds") from error


def _broadcast(world: World, transfer: Transfer, fate: Fate | None) -> None:
    if fate is not None and fate.reason != "blockchain_error":
        _fail_transfer(world, transfer, fate)
        return
    transfer.status, transfer.hash = "running", f"0x{world.ids.digest()}"
    _tell_transfer(world, transfer)
    if fate is None or fate.end != "STUCK":
        world.clock.after(world.wait("complete", FINALITY), lambda: _finish(world, transfer, fate))


def _finish(world: World, transfer: Transfer, fate: Fate | None) -> None:
    if fate is not None:
        _fail_transfer(world, transfer, fate)
        return
    chain = BY_CODE[transfer.code].name
    target = place(chain, transfer.recipient)
    world.book.move("USDC", f"mint:{transfer.id}", target, transfer.amount, transfer.id)
    transfer.status, transfer.risk = "complete", APPROVED
    _tell_transfer(world, transfer)
    wallet, token = wallet_at(world, chain, transfer.recipient), token_at(chain, USDC_IDS[chain][1])
    assert token is not None
    if wallet is not None:
        issuer = f"0x{'c1' * 20}"
        begin(world, receive(world, wallet, token, transfer.amount, source=issuer, hash=transfer.hash))


def _fail_transfer(world: World, transfer: Transfer, fate: Fate) -> None:
    transfer.status, transfer.error = "failed", fate.reason or "transfer_failed"
    if transfer.error == "transfer_denied":
        transfer.risk = {"decision": "denied", "reason": "3000"}
    world.book.move("USDC", f"mint:{transfer.id}", MASTER, transfer.amount, transfer.id)
    _tell_transfer(world, transfer)


def receiver(world: World) -> Callable[[str, int, str, str], None]:
    """What hears of USDC that reached an address, and makes a transfer of it where it is the account's."""

    def hear(account: str, amount: int, _blockchain: str, hash: str) -> None:
        address = world.deposit_addresses.get(account)
        if address is None:
            return
        transfer = Transfer(
            world.ids.new(), address["chain"], amount, world.now(), address=address["address"]
        )
        transfer.hash = hash
        world.transfers[transfer.id] = transfer
        _tell_transfer(world, transfer)
        world.clock.after(world.wait("complete", FINALITY), lambda: _take_in(world, transfer, account))

    return hear


def _take_in(world: World, transfer: Transfer, account: str) -> None:
    try:
        world.book.move("USDC", account, MASTER, transfer.amount, transfer.id)
    except Overdraft:
        transfer.status, transfer.error = "failed", "blockchain_error"
    else:
        transfer.status, transfer.risk = "complete", APPROVED
    _tell_transfer(world, transfer)


def _tell_transfer(world: World, transfer: Transfer) -> None:
    world.postbox.told_by_sns("transfers", "transfer", transfer.wire(world))


@dataclass(slots=True)
class Payout:
    """USDC given back for dollars in the operator's own bank.

    Attributes:
        returned: the `return` object, once the bank sent the money back.
    """

    id: str
    bank: str
    bank_name: str
    amount: int
    created: datetime
    updated: datetime
    status: str = "pending"
    reference: str = ""
    error: str = ""
    risk: Json | None = None
    returned: Json = field(default_factory=dict[str, Any])

    def wire(self, world: World) -> Json:
        """As it is told."""
        return {
            "id": self.id,
            "sourceWalletId": world.master_wallet,
            "destination": {"type": "wire", "id": self.bank, "name": self.bank_name},
            "amount": money(self.amount),
            "fees": money(0),
            "status": world.word(self.status),
            **({"trackingRef": self.reference} if self.reference else {}),
            **({"errorCode": self.error} if self.error else {}),
            "riskEvaluation": self.risk,
            **({"return": self.returned} if self.returned else {}),
            "createDate": with_millis(self.created),
            "updateDate": with_millis(self.updated),
        }


def pay_out(world: World, ask: Ask) -> Reply:
    """Pay dollars to a linked bank."""
    fields = ask.fields()
    key, destination = fields.key(), fields.inside("destination")
    destination.word("type", ("wire",))
    bank_id = destination.uuid("id")
    amount, _currency = fields.money("amount", ("USD",))
    fields.check()

    def start() -> Reply:
        bank, limit, now = bank_of(world, bank_id), world.knobs.payout_limit, world.now()
        if limit is not None and amount > limit:
            raise Refusal(400, 1107, "The payout limit is exceeded")
        payout = Payout(world.ids.new(), bank.id, bank.description, amount, now, now)
        _spend(world, amount, payout.id, 1093)
        world.payouts[payout.id] = payout
        fate = world.knobs.fate("payout")
        _tell_payout(world, payout)
        world.clock.after(world.wait("payout", BANKING), lambda: _paid(world, payout, fate))
        return Reply(payout.wire(world), 201)

    return world.mint_replays.once(ask, key, start)


def _paid(world: World, payout: Payout, fate: Fate | None) -> None:
    payout.updated, aside = world.now(), f"mint:{payout.id}"
    if fate is not None:
        payout.status, payout.error = "failed", fate.reason or "transaction_failed"
        denied = payout.error == "transaction_denied"
        payout.risk = {"decision": "denied", "reason": "3000"} if denied else APPROVED
        world.book.move("USDC", aside, MASTER, payout.amount, payout.id)
    else:
        payout.status, payout.risk = "complete", APPROVED
        payout.reference = f"CIR{world.ids.digits(7)}"
        world.book.move("USDC", aside, OUTSIDE, payout.amount, payout.id)
    _tell_payout(world, payout)


def send_back(world: World, payout: Payout, reason: str, fee: int) -> None:
    """The bank returns a complete payout; the account has the money again, less the fee."""
    assert payout.status == "complete", "only what arrived can be sent back"
    now = world.now()
    payout.status, payout.error, payout.updated = "failed", "transaction_returned", now
    payout.returned = {
        "id": world.ids.new(),
        "payoutId": payout.id,
        "amount": money(payout.amount - fee),
        "fees": money(fee),
        "reason": reason,
        "status": "complete",
        "createDate": with_millis(now),
        "updateDate": with_millis(now),
    }
    world.book.move("USDC", OUTSIDE, MASTER, payout.amount - fee, payout.id)
    _tell_payout(world, payout)


def _tell_payout(world: World, payout: Payout) -> None:
    world.postbox.told_by_sns("payouts", "payout", payout.wire(world))


def list_transfers(world: World, ask: Ask) -> Reply:
    """Transfers out and in, newest first."""
    page = PAGES.page(ask, list(world.transfers.values()), lambda one: one.id, lambda one: one.created)
    return Reply([one.wire(world) for one in page.items], links=page.links)


def get_transfer(world: World, ask: Ask) -> Reply:
    """One transfer."""
    found = world.transfers.get(ask.path["id"])
    if found is None:
        raise not_found(404, "Transfer not found")
    return Reply(found.wire(world))


def list_payouts(world: World, ask: Ask) -> Reply:
    """Payouts, newest first, by bank or status."""
    fields = Fields(ask.query)
    bank, status = fields.text("destination", required=False), fields.text("status", required=False)
    statuses = status.split(",") if status else []
    chosen = [
        one
        for one in world.payouts.values()
        if (not bank or one.bank == bank) and (not statuses or one.status in statuses)
    ]
    page = PAGES.page(ask, chosen, lambda one: one.id, lambda one: one.created)
    return Reply([one.wire(world) for one in page.items], links=page.links)


def get_payout(world: World, ask: Ask) -> Reply:
    """One payout."""
    found = world.payouts.get(ask.path["id"])
    if found is None:
        raise not_found(404, "Payout not found")
    return Reply(found.wire(world))
