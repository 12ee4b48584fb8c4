"""Every path that the simulator answers, and what answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from invoicepay.testing.simulators.circle import (
    mint,
    mint_moves,
    orders,
    screening,
    subscriptions,
    wallets,
)
from invoicepay.testing.simulators.circle.keys import EntitySecrets
from invoicepay.testing.simulators.circle.requests import Ask, Reply
from invoicepay.testing.simulators.circle.state import World

Handler = Callable[[World, Ask], Reply]


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint.

    Attributes:
        product: `wallets` or `mint`, whose key opens it; `open` needs none.
    """

    method: str
    path: str
    product: str
    handler: Handler


def ping(_world: World, _ask: Ask) -> Reply:
    """Whether anybody is there."""
    return Reply({"message": "pong"}, is_bare=True)


def entity_public_key(_world: World, _ask: Ask) -> Reply:
    """The key under which the entity secret is encrypted."""
    return Reply({"publicKey": EntitySecrets.public_key_pem()})


def entity(world: World, _ask: Ask) -> Reply:
    """The entity behind the key."""
    return Reply({"appId": world.entity_id})


def register_secret(world: World, ask: Ask) -> Reply:
    """Take the entity secret, once."""
    fields = ask.fields()
    ciphertext = fields.text("entitySecretCiphertext")
    fields.check()
    return Reply({"recoveryFile": world.secrets.register(ciphertext)}, 201)


def _entries(product: str, *rows: tuple[str, str, Handler]) -> list[Entry]:
    return [Entry(method, path, product, handler) for method, path, handler in rows]


W3S = "/v1/w3s"
ACCOUNT = "/v1/businessAccount"
TRANSACTION = f"{W3S}/developer/transactions"

ENTRIES: tuple[Entry, ...] = (
    *_entries("open", ("GET", "/ping", ping), ("GET", "/v1/stablecoins", mint.stablecoins)),
    *_entries(
        "wallets",
        ("GET", f"{W3S}/config/entity", entity),
        ("GET", f"{W3S}/config/entity/publicKey", entity_public_key),
        ("POST", f"{W3S}/config/entity/entitySecret", register_secret),
        ("POST", f"{W3S}/developer/walletSets", wallets.create_set),
        ("GET", f"{W3S}/walletSets", wallets.list_sets),
        ("GET", f"{W3S}/walletSets/{{id}}", wallets.get_set),
        ("POST", f"{W3S}/developer/wallets", wallets.create_wallets),
        ("GET", f"{W3S}/developer/wallets/balances", wallets.list_with_balances),
        ("PUT", f"{W3S}/developer/wallets/{{id}}/blockchains/{{blockchain}}", wallets.derive_wallet),
        ("GET", f"{W3S}/wallets", wallets.list_wallets),
        ("GET", f"{W3S}/wallets/{{id}}", wallets.get_wallet),
        ("PUT", f"{W3S}/wallets/{{id}}", wallets.update_wallet),
        ("GET", f"{W3S}/wallets/{{id}}/balances", wallets.get_balances),
        ("GET", f"{W3S}/tokens/{{id}}", wallets.get_token),
        ("POST", f"{TRANSACTION}/transfer", orders.transfer),
        ("POST", f"{TRANSACTION}/contractExecution", orders.call_contract),
        ("POST", f"{TRANSACTION}/{{id}}/cancel", orders.cancel),
        ("POST", f"{TRANSACTION}/{{id}}/accelerate", orders.accelerate),
        ("GET", f"{W3S}/transactions", orders.list_transactions),
        ("GET", f"{W3S}/transactions/{{id}}", orders.get_transaction),
        ("POST", f"{W3S}/transactions/validateAddress", wallets.validate_address),
        ("POST", f"{W3S}/transactions/transfer/estimateFee", orders.estimate),
        ("POST", f"{W3S}/transactions/contractExecution/estimateFee", orders.estimate),
        ("POST", f"{W3S}/compliance/screening/addresses", screening.screen),
        ("POST", "/v1/faucet/drips", wallets.drip),
        ("POST", "/v2/notifications/subscriptions", subscriptions.subscribe),
        ("GET", "/v2/notifications/subscriptions", subscriptions.list_all),
        ("GET", "/v2/notifications/subscriptions/{id}", subscriptions.get),
        ("PATCH", "/v2/notifications/subscriptions/{id}", subscriptions.update),
        ("DELETE", "/v2/notifications/subscriptions/{id}", subscriptions.delete),
        ("GET", "/v2/notifications/publicKey/{id}", subscriptions.public_key),
    ),
    *_entries(
        "mint",
        ("GET", "/v1/configuration", mint.configuration),
        ("GET", f"{ACCOUNT}/balances", mint.balances),
        ("POST", f"{ACCOUNT}/banks/wires", mint.link_bank),
        ("GET", f"{ACCOUNT}/banks/wires", mint.list_banks),
        ("GET", f"{ACCOUNT}/banks/wires/{{id}}", mint.get_bank),
        ("GET", f"{ACCOUNT}/banks/wires/{{id}}/instructions", mint.instructions),
        ("GET", f"{ACCOUNT}/deposits", mint.list_deposits),
        ("GET", f"{ACCOUNT}/deposits/{{id}}", mint.get_deposit),
        ("POST", "/v1/mocks/payments/wire", mint.mock_wire),
        ("POST", f"{ACCOUNT}/wallets/addresses/deposit", mint.make_deposit_address),
        ("GET", f"{ACCOUNT}/wallets/addresses/deposit", mint.list_deposit_addresses),
        ("POST", f"{ACCOUNT}/wallets/addresses/recipient", mint.add_recipient),
        ("GET", f"{ACCOUNT}/wallets/addresses/recipient", mint.list_recipients),
        ("DELETE", f"{ACCOUNT}/wallets/addresses/recipient/{{id}}", mint.remove_recipient),
        ("POST", f"{ACCOUNT}/transfers", mint_moves.send),
        ("GET", f"{ACCOUNT}/transfers", mint_moves.list_transfers),
        ("GET", f"{ACCOUNT}/transfers/{{id}}", mint_moves.get_transfer),
        ("POST", f"{ACCOUNT}/payouts", mint_moves.pay_out),
        ("GET", f"{ACCOUNT}/payouts", mint_moves.list_payouts),
        ("GET", f"{ACCOUNT}/payouts/{{id}}", mint_moves.get_payout),
        ("POST", "/v1/notifications/subscriptions", subscriptions.subscribe_v1),
        ("GET", "/v1/notifications/subscriptions", subscriptions.list_v1),
        ("DELETE", "/v1/notifications/subscriptions/{id}", subscriptions.delete_v1),
    ),
)
"""The endpoints; what is not here is answered with 404."""
