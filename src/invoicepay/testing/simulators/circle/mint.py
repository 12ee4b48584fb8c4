"""The Mint account: balances, linked banks, wires coming in, addresses to send from and to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from invoicepay.testing.simulators.circle.amounts import text
from invoicepay.testing.simulators.circle.book import OUTSIDE
from invoicepay.testing.simulators.circle.chains import (
    BLOCKCHAINS,
    fresh_address,
    is_address,
    place,
    spelled,
)
from invoicepay.testing.simulators.circle.refusals import Refusal, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Fields, Json, Listing, Reply
from invoicepay.testing.simulators.circle.state import MASTER, UNSETTLED, World, with_millis

PAGES = Listing(default=50, most=50)
BY_CODE = {chain.mint_code: chain for chain in BLOCKCHAINS.values()}
"""Mint's spelling of a network to the network the sandbox means by it."""
APPROVED = {"decision": "approved", "reason": "1000"}
WIRE_BATCH, SETTLING = 600, 60
"""Virtual seconds until a mock wire is processed, and until a deposit is complete."""


def money(micros: int, currency: str = "USD") -> Json:
    """An amount as Mint writes it: two decimals, more where they are needed."""
    return {"amount": text(micros, 6, least=2), "currency": currency}


def configuration(world: World, _ask: Ask) -> Reply:
    """Ids of the account."""
    return Reply({"payments": {"masterWalletId": world.master_wallet}})


def balances(world: World, _ask: Ask) -> Reply:
    """What is spendable, and what is on its way in."""
    return Reply(
        {
            "available": [money(world.book.balance(MASTER, "USDC"))],
            "unsettled": [money(world.book.balance(UNSETTLED, "USDC"))],
        }
    )


def stablecoins(_world: World, _ask: Ask) -> Reply:
    """The supply of the whole world, which is nobody's issued supply."""
    chains = [{"amount": "30000000000.00", "chain": "ETH"}, {"amount": "4000000000.00", "chain": "BASE"}]
    coin = {"name": "USD Coin", "symbol": "USDC", "totalAmount": "34000000000.00", "chains": chains}
    return Reply([coin])


@dataclass(slots=True)
class Wire:
    """A linked bank account.

    Attributes:
        reference, virtual_account: how a wire from this bank is recognised.
        details: billing details and bank address, as they were sent.
    """

    id: str
    description: str
    fingerprint: str
    reference: str
    virtual_account: str
    details: Json
    created: datetime
    updated: datetime
    status: str = "pending"

    def wire(self, world: World) -> Json:
        """As it is told; the account number never is, but for its last digits."""
        return {
            "id": self.id,
            "status": world.word(self.status),
            "description": self.description,
            "trackingRef": self.reference,
            "fingerprint": self.fingerprint,
            "virtualAccountEnabled": True,
            "transferTypesInfo": {"wire": {"currencies": ["USD"]}},
            **self.details,
            "createDate": with_millis(self.created),
            "updateDate": with_millis(self.updated),
        }


def link_bank(world: World, ask: Ask) -> Reply:
    """Link a bank account: American, by IBAN, or other."""
    fields = ask.fields()
    key = fields.key()
    number = fields.text("iban", required=False) or fields.text("accountNumber", longest=35)
    if not fields.has("iban"):
        fields.text("routingNumber")
    details, bank = _address(fields, "billingDetails"), fields.inside("bankAddress")
    bank.text("country", longest=2)
    fields.check()

    def link() -> Reply:
        told = {"billingDetails": details, "bankAddress": fields.raw("bankAddress")}
        linked = linked_bank(world, str(bank.raw("bankName") or "BANK"), number, told)
        return Reply(linked.wire(world), 201)

    return world.mint_replays.once(ask, key, link)


def linked_bank(world: World, name: str, number: str, details: Json) -> Wire:
    """A bank account that was just linked; it is complete a little later."""
    now = world.now()
    linked = Wire(
        id=world.ids.new(),
        description=f"{name} ****{number[-4:]}",
        fingerprint=hashlib.sha256(number.encode()).hexdigest()[:36],
        reference=f"CIR{world.ids.digits(7)}",
        virtual_account=world.ids.digits(12),
        details=details,
        created=now,
        updated=now,
    )
    world.wires[linked.id] = linked
    world.clock.after(world.wait("wire", 5), lambda: _completed(world, linked))
    return linked


def _address(fields: Fields, name: str) -> Json:
    inside = fields.inside(name)
    for part in ("name", "city", "line1"):
        inside.text(part, longest=1024)
    country = inside.text("country", longest=2)
    inside.text("postalCode", longest=16)
    inside.text("district", required=country in ("US", "CA"), longest=16)
    sent: Json = fields.raw(name) or {}
    return sent


def _completed(world: World, linked: Wire) -> None:
    linked.status, linked.updated = "complete", world.now()
    world.postbox.told_by_sns("wire", "wire", linked.wire(world))


def list_banks(world: World, _ask: Ask) -> Reply:
    """Every linked bank."""
    return Reply([one.wire(world) for one in world.wires.values()])


def bank_of(world: World, id: str) -> Wire:
    """A linked bank by its id.

    Raises:
        Refusal: there is none.
    """
    found = world.wires.get(id)
    if found is None:
        raise not_found(1089, "Bank account not found")
    return found


def get_bank(world: World, ask: Ask) -> Reply:
    """One linked bank."""
    return Reply(bank_of(world, ask.path["id"]).wire(world))


def instructions(world: World, ask: Ask) -> Reply:
    """Where to wire to, so that it counts for this bank."""
    linked = bank_of(world, ask.path["id"])
    return Reply(
        {
            "trackingRef": linked.reference,
            "virtualAccountEnabled": True,
            "beneficiary": {
                "name": "CIRCLE INTERNET FINANCIAL INC",
                "address1": "1 MAIN STREET",
                "address2": "SUITE 1",
            },
            "beneficiaryBank": {
                "name": "SIMULATED BANK",
                "swiftCode": "SIMUUS33",
                "routingNumber": "999999999",
                "accountNumber": linked.virtual_account,
                "currency": ask.query.get("currency") or "USD",
                "address": "1 BANK STREET",
                "city": "NEW YORK",
                "postalCode": "10001",
                "country": "US",
            },
        }
    )


@dataclass(slots=True)
class Deposit:
    """A wire that came in."""

    id: str
    bank: str
    amount: int
    created: datetime
    updated: datetime
    status: str = "pending"
    risk: Json | None = None

    def wire(self, world: World) -> Json:
        """As it is told, in newer or older words."""
        dated = {"sourceWalletId": self.bank, "fee": money(0)}
        newer = {"source": {"id": self.bank, "type": "wire"}, "fees": money(0)}
        return {
            "id": self.id,
            **(dated if world.knobs.is_dated else newer),
            "destination": {"type": "wallet", "id": world.master_wallet},
            "amount": money(self.amount),
            "status": world.word(self.status),
            "riskEvaluation": self.risk,
            "createDate": with_millis(self.created),
            "updateDate": with_millis(self.updated),
        }


def mock_wire(world: World, ask: Ask) -> Reply:
    """The sandbox's wire from a linked bank; processed with the next batch."""
    fields = ask.fields()
    reference = fields.text("trackingRef")
    amount, _currency = fields.money("amount", ("USD",))
    number = fields.inside("beneficiaryBank").text("accountNumber")
    linked = next((one for one in world.wires.values() if one.reference == reference), None)
    if reference and (linked is None or (number and linked.virtual_account != number)):
        fields.wrong("invalid_value", "trackingRef", "is not of a linked bank", reference)
    fields.check()
    assert linked is not None
    bank = linked.id

    def process() -> None:
        receive_wire(world, bank, amount)

    world.clock.after(world.wait("mock_wire", WIRE_BATCH), process)
    told = {"trackingRef": reference, "amount": money(amount), "beneficiaryBank": {"accountNumber": number}}
    return Reply({**told, "status": "pending"}, 201)


def receive_wire(world: World, bank: str, amount: int) -> Deposit:
    """Money from a linked bank arrives: a deposit, which settles by and by."""
    now = world.now()
    deposit = Deposit(world.ids.new(), bank, amount, now, now)
    world.deposits[deposit.id] = deposit
    world.book.move("USDC", OUTSIDE, UNSETTLED, amount, deposit.id)
    world.postbox.told_by_sns("deposits", "deposit", deposit.wire(world))
    world.clock.after(world.wait("deposit", SETTLING), lambda: _settle(world, deposit))
    return deposit


def _settle(world: World, deposit: Deposit) -> None:
    fate = world.knobs.fate("deposit")
    deposit.status = "failed" if fate is not None else "complete"
    deposit.risk = {"decision": "denied", "reason": fate.reason or "3000"} if fate is not None else APPROVED
    deposit.updated = world.now()
    target = OUTSIDE if fate is not None else MASTER
    world.book.move("USDC", UNSETTLED, target, deposit.amount, deposit.id)
    world.postbox.told_by_sns("deposits", "deposit", deposit.wire(world))


def list_deposits(world: World, ask: Ask) -> Reply:
    """Deposits, newest first."""
    fields = Fields(ask.query)
    fields.word("type", ("wire",), required=False)
    fields.check()
    page = PAGES.page(ask, list(world.deposits.values()), lambda one: one.id, lambda one: one.created)
    return Reply([one.wire(world) for one in page.items], links=page.links)


def get_deposit(world: World, ask: Ask) -> Reply:
    """One deposit."""
    found = world.deposits.get(ask.path["id"])
    if found is None:
        raise not_found(404, "Deposit not found")
    return Reply(found.wire(world))


def make_deposit_address(world: World, ask: Ask) -> Reply:
    """The address of the account on a chain; there is one per chain."""
    fields = ask.fields()
    key = fields.key()
    currency, code = fields.word("currency", ("USD",)), fields.word("chain", sorted(BY_CODE))
    fields.check()

    def make() -> Reply:
        told = next((one for one in world.deposit_addresses.values() if one["chain"] == code), None)
        if told is None:
            chain = BY_CODE[code].name
            address = fresh_address(chain, world.ids.new())
            told = {"id": world.ids.new(), "address": address, "currency": currency, "chain": code}
            world.deposit_addresses[place(chain, address)] = told
        return Reply(told, 201)

    return world.mint_replays.once(ask, key, make)


def list_deposit_addresses(world: World, _ask: Ask) -> Reply:
    """Every address of the account."""
    return Reply(list(world.deposit_addresses.values()))


@dataclass(slots=True)
class Recipient:
    """An address outside to which the account may send, once an administrator approved it."""

    id: str
    address: str
    code: str
    currency: str
    description: str
    created: datetime
    status: str = "pending_verification"

    def wire(self, world: World) -> Json:
        """As it is told."""
        return {
            "id": self.id,
            "address": self.address,
            "chain": self.code,
            "currency": self.currency,
            "description": self.description,
            "status": world.word(self.status),
        }


def add_recipient(world: World, ask: Ask) -> Reply:
    """Ask for an address to be allowed."""
    fields = ask.fields()
    key, code = fields.key(), fields.word("chain", sorted(BY_CODE))
    address, description = fields.text("address"), fields.text("description")
    currency = fields.word("currency", ("USD", "EUR"), required=False) or "USD"
    if address and code in BY_CODE and not is_address(BY_CODE[code].name, address):
        fields.wrong("pattern_mismatch", "address", "is no address of this chain", address)
    fields.check()

    def add() -> Reply:
        kept = spelled(BY_CODE[code].name, address)
        if any((one.address, one.code) == (kept, code) for one in world.recipients.values()):
            raise Refusal(400, 2003, "The recipient address already exists")
        added = Recipient(world.ids.new(), kept, code, currency, description, world.now())
        if world.knobs.approves_recipients:
            added.status = "active"
        world.recipients[added.id] = added
        return Reply(added.wire(world))

    return world.mint_replays.once(ask, key, add)


def list_recipients(world: World, ask: Ask) -> Reply:
    """The approved addresses, newest first."""
    approved = [one for one in world.recipients.values() if one.status == "active"]
    page = PAGES.page(ask, approved, lambda one: one.id, lambda one: one.created)
    return Reply([one.wire(world) for one in page.items], links=page.links)


def remove_recipient(world: World, ask: Ask) -> Reply:
    """Allow an address no longer."""
    if world.recipients.pop(ask.path["id"], None) is None:
        raise not_found(404, "Recipient address not found")
    return Reply({})
