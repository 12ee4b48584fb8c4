"""What may be ordered of wallets: transfers, contract calls, cancelling, accelerating; and the questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invoicepay.testing.simulators.circle.amounts import parts, text
from invoicepay.testing.simulators.circle.chains import (
    BLOCKCHAINS,
    NATIVE_DECIMALS,
    TOKENS,
    Token,
    is_address,
    native_unit,
    token_at,
)
from invoicepay.testing.simulators.circle.refusals import Refusal, not_found
from invoicepay.testing.simulators.circle.requests import Ask, Fields, Json, Reply
from invoicepay.testing.simulators.circle.state import World
from invoicepay.testing.simulators.circle.transactions import (
    ENDED,
    GAS,
    Transaction,
    begin,
    change,
    resume,
)
from invoicepay.testing.simulators.circle.wallets import (
    PAGES,
    Wallet,
    secret_and_key,
    supported,
    wallet_at,
    wallet_of,
)

LEVELS = ("LOW", "MEDIUM", "HIGH")


@dataclass(frozen=True, slots=True)
class Order:
    """A checked wish to move tokens or call a contract."""

    wallet: Wallet
    destination: str
    token: Token | None
    amount: int
    level: str
    reference: str
    call: Json


def transfer(world: World, ask: Ask) -> Reply:
    """Move a token from a wallet to an address."""
    fields = ask.fields()
    destination, amounts = fields.text("destinationAddress"), fields.raw("amounts")
    if not isinstance(amounts, list) or len(amounts) != 1:
        fields.wrong("invalid_value", "amounts", "must have exactly one element", amounts)
    level, reference = _level(fields), fields.text("refId", required=False)
    key = secret_and_key(world, fields)

    def order() -> Reply:
        wallet = _source(world, fields)
        token = _token(fields, wallet)
        amount = parts(amounts[0], token.decimals)
        if not amount:
            raise Refusal(400, 155219, "The amount of the transfer is not valid")
        if not is_address(wallet.blockchain, destination):
            raise Refusal(400, 155220, "The destination address is not valid on this blockchain")
        return _begun(world, Order(wallet, destination, token, amount, level, reference, {}))

    return world.wallets_replays.once(ask, key, order)


def call_contract(world: World, ask: Ask) -> Reply:
    """Call a contract: `transfer(address,uint256)` of USDC moves it, every other call only costs gas."""
    fields = ask.fields()
    contract = fields.text("contractAddress")
    signature, data = (
        fields.text("abiFunctionSignature", required=False),
        fields.text("callData", required=False),
    )
    if bool(signature) == bool(data):
        fields.wrong("required", "abiFunctionSignature", "or callData, exactly one of both")
    level, reference = _level(fields), fields.text("refId", required=False)
    key = secret_and_key(world, fields)

    def order() -> Reply:
        wallet = _source(world, fields)
        if not BLOCKCHAINS[wallet.blockchain].is_evm:
            raise Refusal(400, 155221, "Contract execution is not supported on this blockchain")
        values = fields.raw("abiParameters") or []
        if not isinstance(values, list):
            raise Refusal(400, 155226, "The ABI parameters do not match the function signature")
        call: Json = {"contractAddress": contract}
        call |= {"abiFunctionSignature": signature, "abiParameters": values} if signature else {}
        token = token_at(wallet.blockchain, contract)
        if token is None or signature != "transfer(address,uint256)":
            return _begun(world, Order(wallet, contract, None, 0, level, reference, call))
        if (
            len(values) != 2
            or not str(values[1]).isdecimal()
            or not is_address(wallet.blockchain, str(values[0]))
        ):
            raise Refusal(400, 155226, "The ABI parameters do not match the function signature")
        return _begun(world, Order(wallet, str(values[0]), token, int(values[1]), level, reference, call))

    return world.wallets_replays.once(ask, key, order)


def _level(fields: Fields) -> str:
    level = fields.word("feeLevel", LEVELS, required=False)
    if level and any(fields.has(name) for name in ("gasPrice", "maxFee", "priorityFee")):
        fields.wrong("not_required", "feeLevel", "goes not with fees of your own")
    if not level and not fields.has("gasLimit"):
        fields.wrong("required", "feeLevel", "or gasLimit is needed")
    return level or "MEDIUM"


def _source(world: World, fields: Fields) -> Wallet:
    if fields.has("walletId"):
        return wallet_of(world, fields.text("walletId"))
    found = wallet_at(world, fields.text("blockchain"), fields.text("walletAddress"))
    if found is None:
        raise not_found(156002, "Wallet not found")
    return found


def _token(fields: Fields, wallet: Wallet) -> Token:
    """The token that is meant: by id, by contract, or the native coin.

    Raises:
        Refusal: none such on the wallet's network.
    """
    if fields.has("tokenId"):
        token = TOKENS.get(fields.text("tokenId"))
    else:
        token = token_at(wallet.blockchain, fields.text("tokenAddress", required=False))
    if token is None:
        raise not_found(156003, "Token not found")
    if token.blockchain != wallet.blockchain:
        raise Refusal(400, 155224, "The token is not on the blockchain of the wallet")
    return token


def _begun(world: World, order: Order) -> Reply:
    """Look whether it can be done now, and begin it.

    Raises:
        Refusal: wallet frozen 155501, queue full 155264, too few tokens 155205, no gas 155201.
    """
    wallet = order.wallet
    if wallet.state == "FROZEN":
        raise Refusal(400, 155501, "The wallet is frozen")
    pending = [
        one
        for one in world.transactions.values()
        if one.wallet is wallet and not one.is_inbound and one.state not in ENDED | {"CONFIRMED"}
    ]
    if len(pending) >= BLOCKCHAINS[wallet.blockchain].queue:
        raise Refusal(400, 155264, "The wallet has too many pending transactions")
    gas = native_unit(wallet.blockchain)
    if order.token is not None:
        free = world.book.balance(wallet.account, order.token.unit)
        free -= sum(one.amount for one in pending if one.token is order.token)
        if order.amount > free:
            raise Refusal(
                400, 155205, "The asset amount owned by the wallet is insufficient for the transaction"
            )
    if not wallet.is_contract and world.book.balance(wallet.account, gas) < GAS[order.level] * (
        1 + len(pending)
    ):
        raise Refusal(400, 155201, "The native token amount owned by the wallet is insufficient for the fee")
    return Reply(_started(world, order), 201)


def _started(world: World, order: Order) -> Json:
    now, wallet = world.now(), order.wallet
    begun = Transaction(
        id=world.ids.new(),
        wallet=wallet,
        is_inbound=False,
        source=wallet.address,
        destination=order.destination,
        token=order.token,
        amount=order.amount,
        reference=order.reference,
        created=now,
        updated=now,
        fee_level=order.level,
        call=order.call,
        fate=world.knobs.fate("transaction"),
    )
    begin(world, begun)
    if wallet.is_contract and not world.knobs.sponsors_gas:
        begun.error = "PAYMASTER_POLICY_NOT_ACTIVATED"
        change(world, begun, "FAILED")
    return {"id": begun.id, "state": "INITIATED"}


def transaction_of(world: World, id: str) -> Transaction:
    """A transaction by its id.

    Raises:
        Refusal: there is none.
    """
    found = world.transactions.get(id)
    if found is None:
        raise not_found(156010, "Transaction not found")
    return found


def get_transaction(world: World, ask: Ask) -> Reply:
    """One transaction."""
    return Reply({"transaction": transaction_of(world, ask.path["id"]).wire(world)})


def list_transactions(world: World, ask: Ask) -> Reply:
    """Transactions, newest first; there is no search by `refId`."""
    query = ask.query
    wallets = set(query["walletIds"].split(",")) if query.get("walletIds") else None
    chosen = [
        one
        for one in world.transactions.values()
        if (wallets is None or one.wallet.id in wallets) and _matches(one.wire(world), query)
    ]
    page = PAGES.page(ask, chosen, lambda one: one.id, lambda one: one.created)
    return Reply({"transactions": [one.wire(world) for one in page.items]}, links=page.links)


def _matches(told: Json, query: Any) -> bool:
    """Whether a transaction is among those asked for."""
    asked = {"txType": "transactionType", "state": "state", "operation": "operation", "txHash": "txHash"}
    asked |= {"blockchain": "blockchain", "custodyType": "custodyType"}
    wanted = query.get("destinationAddress", "").lower()
    return all(told.get(field) == query[name] for name, field in asked.items() if query.get(name)) and (
        not wanted or told["destinationAddress"].lower() == wanted
    )


def cancel(world: World, ask: Ask) -> Reply:
    """Replace a transaction that is in no block by nothing; costs gas like any other."""

    def act(found: Transaction) -> Reply:
        if found.state not in ("INITIATED", "QUEUED", "SENT", "STUCK"):
            raise Refusal(400, 155215, f"The transaction cannot be cancelled in state {found.state}")
        change(world, found, "CANCELLED")
        return Reply({"id": found.id, "state": "CANCELLED"})

    return _on_transaction(world, ask, act)


def accelerate(world: World, ask: Ask) -> Reply:
    """Send a transaction that is in no block again, at a high fee."""

    def act(found: Transaction) -> Reply:
        if found.state not in ("SENT", "STUCK"):
            raise Refusal(400, 155229, f"The transaction cannot be accelerated in state {found.state}")
        resume(world, found)
        return Reply({"id": found.id})

    return _on_transaction(world, ask, act)


def _on_transaction(world: World, ask: Ask, act: Any) -> Reply:
    found = transaction_of(world, ask.path["id"])
    key = secret_and_key(world, ask.fields())
    return world.wallets_replays.once(ask, f"{found.id}/{key}", lambda: act(found))


def estimate(world: World, ask: Ask) -> Reply:
    """What a transfer or a call would cost, at each fee level."""
    fields = ask.fields()
    if fields.has("walletId"):
        wallet_of(world, fields.uuid("walletId"))
    elif fields.text("sourceAddress"):
        supported(fields.text("blockchain"), fields, "blockchain")
    fields.check()
    return Reply({level.lower(): _fee(level) for level in LEVELS})


def _fee(level: str) -> Json:
    limit = 84_000
    price = GAS[level] // limit
    return {
        "gasLimit": str(limit),
        "maxFee": text(price, 9),
        "priorityFee": text(price // 2, 9),
        "baseFee": text(price // 2, 9),
        "networkFee": text(GAS[level], NATIVE_DECIMALS),
        "networkFeeRaw": text(GAS[level], NATIVE_DECIMALS),
    }
