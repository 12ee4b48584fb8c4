# mypy: ignore-errors
# It runs in the environment of the client, whose packages are not those of this project.
"""A tour with Circle's Python client of Mint, unmodified; runs in its own environment.

Usage: python tour_mint.py URL API_KEY ADDRESS, where ADDRESS may be made a recipient.
"""

import sys
import uuid

import circle
from circle.apis.tags import (
    addresses_api,
    balances_api,
    deposits_api,
    health_api,
    management_api,
    payments_api,
    payouts_api,
    stablecoins_api,
    subscriptions_api,
    transfers_api,
    wires_api,
)
from telling import Told, until

URL, API_KEY, ADDRESS = sys.argv[1:4]
told = Told()
client = circle.ApiClient(circle.Configuration(host=URL, access_token=API_KEY))
wires, addresses = wires_api.WiresApi(client), addresses_api.AddressesApi(client)
transfers, payouts = transfers_api.TransfersApi(client), payouts_api.PayoutsApi(client)
hooks = subscriptions_api.SubscriptionsApi(client)


def data(answer):
    """What stands in the envelope, as plain values."""
    return answer.body["data"]


def usd(amount):
    """An amount."""
    return {"amount": amount, "currency": "USD"}


def fresh():
    """An idempotency key."""
    return str(uuid.uuid4())


told.call("ping", health_api.HealthApi(client).ping)
told.call("get_account_config", management_api.ManagementApi(client).get_account_config)
told.call("list_stablecoins", stablecoins_api.StablecoinsApi(client).list_stablecoins)
told.call("list_business_balances", balances_api.BalancesApi(client).list_business_balances)
# by IBAN: what describes a US bank fits two of the client's own schemas, and it refuses to send it
bank = {
    "idempotencyKey": fresh(),
    "iban": "DE31100400480532013000",
    "billingDetails": {
        "name": "Acme Inc",
        "city": "Boston",
        "country": "US",
        "line1": "100 Money Street",
        "district": "MA",
        "postalCode": "01234",
    },
    "bankAddress": {"bankName": "SAN FRANCISCO", "city": "SAN FRANCISCO", "country": "US", "district": "CA"},
}
linked = told.call("create_business_wire_account", lambda: wires.create_business_wire_account(body=bank))
bank_id = str(data(linked)["id"])
told.call(
    "get_business_wire_account",
    lambda: wires.get_business_wire_account(path_params={"id": bank_id}),
)
told.call("list_business_wire_accounts", wires.list_business_wire_accounts)
instructions = told.call(
    "get_business_wire_account_instructions",
    lambda: wires.get_business_wire_account_instructions(path_params={"id": bank_id}),
)
wire = {
    "trackingRef": str(data(instructions)["trackingRef"]),
    "amount": usd("5000.00"),
    "beneficiaryBank": {"accountNumber": str(data(instructions)["beneficiaryBank"]["accountNumber"])},
}
told.call(
    "create_mock_wire_payment",
    lambda: payments_api.PaymentsApi(client).create_mock_wire_payment(body=wire),
)
deposits = deposits_api.DepositsApi(client)
found = told.call(
    "list_business_deposits",
    lambda: until(
        deposits.list_business_deposits,
        lambda seen: [str(one["status"]) for one in data(seen)] == ["complete"],
    ),
)
told.expect("one complete deposit", [str(one["status"]) for one in data(found)] == ["complete"])
wanted = {
    "idempotencyKey": fresh(),
    "address": ADDRESS,
    "chain": "ETH",
    "currency": "USD",
    "description": "treasury",
}
allowed = told.call(
    "create_business_recipient_address",
    lambda: addresses.create_business_recipient_address(body=wanted),
)
told.call("list_business_recipient_addresses", addresses.list_business_recipient_addresses)
move = {
    "idempotencyKey": fresh(),
    "destination": {"type": "verified_blockchain", "addressId": str(data(allowed)["id"])},
    "amount": usd("250.00"),
}
sent = told.call("create_business_transfer", lambda: transfers.create_business_transfer(body=move))
again = told.call("the same transfer again", lambda: transfers.create_business_transfer(body=move))
told.expect("the first transfer again", data(sent)["id"] == data(again)["id"])
other = {**move, "amount": usd("251.00")}
told.refused("the key with another body", lambda: transfers.create_business_transfer(body=other), 409, 1083)
much = {**move, "amount": usd("900000.00"), "idempotencyKey": fresh()}
told.refused("a transfer of too much", lambda: transfers.create_business_transfer(body=much), 400, 5006)
transfer_id = {"id": str(data(sent)["id"])}
told.call("get_business_transfer", lambda: transfers.get_business_transfer(path_params=transfer_id))
told.call("list_business_transfers", transfers.list_business_transfers)
at = {"idempotencyKey": fresh(), "currency": "USD", "chain": "ETH"}
told.call(
    "create_business_deposit_address",
    lambda: addresses.create_business_deposit_address(body=at),
)
told.call("get_business_deposit_address", addresses.get_business_deposit_address)
pay = {
    "idempotencyKey": fresh(),
    "destination": {"type": "wire", "id": bank_id},
    "amount": usd("100.00"),
}
paid = told.call("create_business_payout", lambda: payouts.create_business_payout(body=pay))
payout_id = {"id": str(data(paid)["id"])}
seen = told.call(
    "get_business_payout",
    lambda: until(
        lambda: payouts.get_business_payout(path_params=payout_id),
        lambda one: str(data(one)["status"]) == "complete",
    ),
)
told.expect("a complete payout", str(data(seen)["status"]) == "complete")
told.call("list_business_payouts", payouts.list_business_payouts)
hook = told.call(
    "create_subscription",
    lambda: hooks.create_subscription(body={"endpoint": "https://host.example/hooks"}),
)
told.call("list_subscriptions", hooks.list_subscriptions)
told.refused(
    "deleting a subscription with an open confirmation",
    lambda: hooks.delete_subscription(path_params={"id": str(data(hook)["id"])}),
    400,
    2,
)
told.call(
    "delete_business_recipient_address",
    lambda: addresses.delete_business_recipient_address(path_params={"id": str(data(allowed)["id"])}),
)
