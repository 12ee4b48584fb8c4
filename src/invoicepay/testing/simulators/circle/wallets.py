"""Developer-controlled wallets: sets, wallets, their balances, tokens, the faucet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from invoicepay.testing.simulators.circle.amounts import parts, text
from invoicepay.testing.simulators.circle.book import OUTSIDE
from invoicepay.testing.simulators.circle.chains import (
    BLOCKCHAINS,
    LIVE,
    TOKENS,
    Token,
    fresh_address,
    is_address,
    native_unit,
    place,
    spelled,
    token_at,
)
from invoicepay.testing.simulators.circle.refusals import Refusal, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Fields, Json, Listing, Reply
from invoicepay.testing.simulators.circle.state import World, whole_seconds

PAGES = Listing(default=10, most=50, may_turn=True, grain=1_000_000)
DRIP_USDC, DRIP_NATIVE, DRIPS_A_DAY = 20_000_000, 10**17, 10


@dataclass(slots=True)
class WalletSet:
    """A group of wallets under one key."""

    id: str
    name: str
    created: datetime
    updated: datetime

    def wire(self) -> Json:
        """As it is told."""
        return {
            "id": self.id,
            "custodyType": "DEVELOPER",
            **({"name": self.name} if self.name else {}),
            "createDate": whole_seconds(self.created),
            "updateDate": whole_seconds(self.updated),
        }


@dataclass(slots=True)
class Wallet:
    """One address on one network."""

    id: str
    set_id: str
    blockchain: str
    address: str
    kind: str
    name: str
    reference: str
    created: datetime
    updated: datetime
    state: str = "LIVE"

    @property
    def account(self) -> str:
        """Where the book keeps its money."""
        return place(self.blockchain, self.address)

    @property
    def is_contract(self) -> bool:
        """Whether it is a smart contract account."""
        return self.kind == "SCA"

    def wire(self) -> Json:
        """As it is told."""
        return {
            "id": self.id,
            "state": self.state,
            "walletSetId": self.set_id,
            "custodyType": "DEVELOPER",
            "address": self.address,
            "blockchain": self.blockchain,
            "accountType": self.kind,
            "name": self.name,
            "refId": self.reference,
            "createDate": whole_seconds(self.created),
            "updateDate": whole_seconds(self.updated),
            **({"scaCore": "circle_6900_singleowner_v2"} if self.is_contract else {}),
        }


def secret_and_key(world: World, fields: Fields) -> str:
    """The idempotency key of a writing request, once all its fields and its ciphertext are right."""
    key, ciphertext = fields.key(), fields.text("entitySecretCiphertext")
    fields.check()
    world.secrets.check(ciphertext)
    return key


def supported(blockchain: str, fields: Fields, name: str) -> str:
    """A network on which a test key may work.

    Raises:
        Refusal: 156006 for a live network.
    """
    if blockchain in LIVE:
        raise Refusal(400, 156006, f"TEST_API_KEY cannot be used on mainnet blockchain {blockchain}")
    if blockchain and blockchain not in BLOCKCHAINS:
        fields.wrong("invalid_value", name, "is no supported blockchain", blockchain)
    return blockchain


def create_set(world: World, ask: Ask) -> Reply:
    """Make a wallet set."""
    fields = ask.fields()
    name = fields.text("name", required=False)
    key = secret_and_key(world, fields)

    def make() -> Reply:
        now = world.now()
        made = WalletSet(world.ids.new(), name, now, now)
        world.wallet_sets[made.id] = made
        return Reply({"walletSet": made.wire()}, 201)

    return world.wallets_replays.once(ask, key, make)


def list_sets(world: World, ask: Ask) -> Reply:
    """The wallet sets, newest first."""
    page = PAGES.page(ask, list(world.wallet_sets.values()), lambda one: one.id, lambda one: one.created)
    return Reply({"walletSets": [one.wire() for one in page.items]}, links=page.links)


def get_set(world: World, ask: Ask) -> Reply:
    """One wallet set."""
    found = world.wallet_sets.get(ask.path["id"])
    if found is None:
        raise not_found(156001, "Wallet set not found")
    return Reply({"walletSet": found.wire()})


def create_wallets(world: World, ask: Ask) -> Reply:
    """Make wallets: `count` on each of the networks; on Ethereum's kind the same addresses on each."""
    fields = ask.fields()
    set_id = fields.uuid("walletSetId")
    count = fields.number("count", default=1, least=1, most=200)
    kind = fields.word("accountType", ("EOA", "SCA"), required=False) or "EOA"
    named = fields.raw("blockchains")
    if not isinstance(named, list) or not named or not all(named):
        fields.wrong("required", "blockchains", "may not be empty", named)
        named = []
    chains = [supported(str(chain), fields, "blockchains") for chain in named]
    metadata = [_named(one) for one in fields.objects("metadata")] or [("", "")] * count
    key = secret_and_key(world, fields)
    if set_id not in world.wallet_sets:
        raise not_found(156001, "Wallet set not found")
    if len(metadata) != count:
        raise Refusal(400, 155503, "The length of the metadata does not match the count of wallets")
    if kind == "SCA" and not all(BLOCKCHAINS[chain].is_evm for chain in chains):
        raise Refusal(400, 155221, "Smart contract accounts are not supported on this blockchain")

    def make() -> Reply:
        seeds = [world.ids.new() for _ in range(count)]
        made = [
            _made(world, set_id, chain, kind, seed, told)
            for chain in chains
            for seed, told in zip(seeds, metadata, strict=True)
        ]
        return Reply({"wallets": [wallet.wire() for wallet in made]}, 201)

    return world.wallets_replays.once(ask, key, make)


def _named(fields: Fields) -> tuple[str, str]:
    """The name and the reference of a wallet, where they are told."""
    return fields.text("name", required=False), fields.text("refId", required=False)


def _made(world: World, set_id: str, chain: str, kind: str, seed: str, told: tuple[str, str]) -> Wallet:
    now = world.now()
    family = "evm" if BLOCKCHAINS[chain].is_evm else chain
    wallet = Wallet(
        world.ids.new(),
        set_id,
        chain,
        fresh_address(chain, f"{family}/{seed}/{kind}"),
        kind,
        *told,
        now,
        now,
    )
    world.wallets[wallet.id] = wallet
    return wallet


def wallet_of(world: World, id: str) -> Wallet:
    """A wallet by its id.

    Raises:
        Refusal: there is none.
    """
    found = world.wallets.get(id)
    if found is None:
        raise not_found(156002, "Wallet not found")
    return found


def wallet_at(world: World, blockchain: str, address: str) -> Wallet | None:
    """The entity's own wallet at an address."""
    wanted = place(blockchain, address)
    return next((wallet for wallet in world.wallets.values() if wallet.account == wanted), None)


def _chosen(world: World, query: Mapping[str, str]) -> list[Wallet]:
    asked: dict[str, Callable[[Wallet], str]] = {
        "address": lambda wallet: spelled(wallet.blockchain, wallet.address),
        "blockchain": lambda wallet: wallet.blockchain,
        "walletSetId": lambda wallet: wallet.set_id,
        "refId": lambda wallet: wallet.reference,
    }
    chosen = list(world.wallets.values())
    for name, read in asked.items():
        if query.get(name):
            wanted = query[name].lower() if query[name].startswith("0x") else query[name]
            chosen = [wallet for wallet in chosen if read(wallet) == wanted]
    return chosen


def list_wallets(world: World, ask: Ask) -> Reply:
    """Wallets, newest first, by address, network, set or reference."""
    page = PAGES.page(ask, _chosen(world, ask.query), lambda one: one.id, lambda one: one.created)
    return Reply({"wallets": [one.wire() for one in page.items]}, links=page.links)


def list_with_balances(world: World, ask: Ask) -> Reply:
    """Wallets of one network with what they hold, those above an amount if one is named."""
    fields = Fields(ask.query)
    blockchain = supported(fields.text("blockchain"), fields, "blockchain")
    least = fields.text("amount__gte", required=False) or "0"
    wanted = token_at(blockchain, ask.query.get("tokenAddress", "")) if blockchain in BLOCKCHAINS else None
    if wanted is None:
        fields.wrong("invalid_value", "tokenAddress", "is no token of this network")
    fields.check()
    assert wanted is not None
    floor = parts(least, wanted.decimals) or 0
    rich = [one for one in _chosen(world, ask.query) if world.book.balance(one.account, wanted.unit) >= floor]
    page = PAGES.page(ask, rich, lambda one: one.id, lambda one: one.created)
    told = [{**one.wire(), "tokenBalances": balances(world, one)} for one in page.items]
    return Reply({"wallets": told}, links=page.links)


def get_wallet(world: World, ask: Ask) -> Reply:
    """One wallet."""
    return Reply({"wallet": wallet_of(world, ask.path["id"]).wire()})


def update_wallet(world: World, ask: Ask) -> Reply:
    """Rename a wallet, or give it another reference."""
    wallet, fields = wallet_of(world, ask.path["id"]), ask.fields()
    name, reference = fields.text("name", required=False), fields.text("refId", required=False)
    fields.check()
    wallet.name, wallet.reference = name or wallet.name, reference or wallet.reference
    wallet.updated = world.now()
    return Reply({"wallet": wallet.wire()})


def derive_wallet(world: World, ask: Ask) -> Reply:
    """The wallet of the same address on another network of Ethereum's kind."""
    wallet, fields = wallet_of(world, ask.path["id"]), ask.fields()
    blockchain = supported(ask.path["blockchain"], fields, "blockchain")
    told = _named(fields.inside("metadata")) if fields.has("metadata") else ("", "")
    fields.check()
    if not (BLOCKCHAINS[blockchain].is_evm and BLOCKCHAINS[wallet.blockchain].is_evm):
        raise Refusal(400, 155221, "Deriving is supported on EVM blockchains only")
    there = wallet_at(world, blockchain, wallet.address)
    status = 200 if there else 201
    derived = there or _made(world, wallet.set_id, blockchain, wallet.kind, "", told)
    derived.address = wallet.address
    derived.name, derived.reference = told[0] or derived.name, told[1] or derived.reference
    return Reply({"wallet": derived.wire()}, status)


def balances(world: World, wallet: Wallet) -> list[Json]:
    """What a wallet holds, token by token; a token it never had is left out."""
    return [
        {
            "token": token_wire(token, wallet.created),
            "amount": text(world.book.balance(wallet.account, token.unit), token.decimals),
            "updateDate": whole_seconds(wallet.updated),
        }
        for token in TOKENS.values()
        if token.blockchain == wallet.blockchain and token.unit in world.book.units(wallet.account)
    ]


def token_wire(token: Token, at: datetime) -> Json:
    """A token as it is told."""
    return {
        "id": token.id,
        "blockchain": token.blockchain,
        "name": token.name,
        "symbol": token.symbol,
        "decimals": token.decimals,
        "isNative": not token.address,
        **({"tokenAddress": token.address, "standard": token.standard} if token.address else {}),
        "createDate": whole_seconds(at),
        "updateDate": whole_seconds(at),
    }


def get_balances(world: World, ask: Ask) -> Reply:
    """What one wallet holds, by token if one is named."""
    wallet = wallet_of(world, ask.path["id"])
    wanted, name = ask.query.get("tokenAddress", "").lower(), ask.query.get("name", "")
    held = [
        entry
        for entry in balances(world, wallet)
        if (not wanted or entry["token"].get("tokenAddress", "").lower() == wanted)
        and (not name or entry["token"]["name"] == name)
    ]
    page = PAGES.page(ask, held, lambda one: one["token"]["id"], lambda _one: wallet.created)
    return Reply({"tokenBalances": list(page.items)}, links=page.links)


def get_token(world: World, ask: Ask) -> Reply:
    """One token."""
    token = TOKENS.get(ask.path["id"])
    if token is None:
        raise not_found(156003, "Token not found")
    return Reply({"token": token_wire(token, world.now())})


def validate_address(_world: World, ask: Ask) -> Reply:
    """Whether a text is an address of a network."""
    fields = ask.fields()
    address, blockchain = fields.text("address"), supported(fields.text("blockchain"), fields, "blockchain")
    fields.check()
    return Reply({"isValid": is_address(blockchain, address)})


def drip(world: World, ask: Ask) -> Reply:
    """The faucet of the test networks: a little USDC, a little of the native coin; EURC is not played."""
    fields = ask.fields()
    address, blockchain = fields.text("address"), supported(fields.text("blockchain"), fields, "blockchain")
    wanted: Sequence[tuple[str, str, int]] = [
        ("usdc", "USDC", DRIP_USDC),
        ("native", native_unit(blockchain), DRIP_NATIVE),
    ]
    units = [(unit, amount) for flag, unit, amount in wanted if fields.flag(flag)]
    fields.check()
    if world.drips >= DRIPS_A_DAY:
        raise Refusal(429, 5, "API rate limit error")
    world.drips += 1
    for unit, amount in units:
        world.book.move(unit, OUTSIDE, place(blockchain, address), amount, f"faucet {world.drips}")
    return Reply(status=204)
