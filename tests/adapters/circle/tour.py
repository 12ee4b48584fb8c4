"""A tour of every endpoint of the simulator, done and refused, with a plain client."""

from __future__ import annotations

from tests.adapters.circle.caller import ACCOUNT, CHAIN, US_BANK, USDC, W3S, Caller, Json, fresh_key

HOOKS = "https://host.example/hooks/circle"
NOBODY = "00000000-0000-4000-8000-000000000000"


def tour(caller: Caller) -> None:
    """Visit everything once or more; what is refused on purpose is refused by the service, not by us."""
    for path in ("/ping", "/v1/stablecoins"):
        caller.bare("GET", path)
    _wallets(caller)
    _transactions(caller)
    _surroundings(caller)
    _mint(caller)
    _mint_moves(caller)
    _refusals(caller)


def _wallets(caller: Caller) -> None:
    caller.call("GET", f"{W3S}/config/entity")
    caller.call("POST", f"{W3S}/config/entity/entitySecret", {"entitySecretCiphertext": caller.ciphertext()})
    (first, second) = caller.wallets()
    caller.wallets(1, kind="SCA")
    caller.call("GET", f"{W3S}/walletSets")
    caller.call("GET", f"{W3S}/walletSets/{first['walletSetId']}")
    caller.call("GET", f"{W3S}/wallets", pageSize="1", blockchain=CHAIN)
    caller.call("GET", f"{W3S}/wallets", address=second["address"])
    caller.call("GET", f"{W3S}/wallets/{first['id']}")
    caller.call("PUT", f"{W3S}/wallets/{second['id']}", {"name": "bob", "refId": "bob"})
    caller.call("PUT", f"{W3S}/developer/wallets/{first['id']}/blockchains/ETH-SEPOLIA", {})
    caller.call("GET", f"{W3S}/wallets/{first['id']}/balances")
    caller.call("GET", f"{W3S}/developer/wallets/balances", blockchain=CHAIN, amount__gte="0.5")
    caller.call("GET", f"{W3S}/tokens/{USDC}")


def _transactions(caller: Caller) -> None:
    circle = caller.circle
    first, second = caller.wallets()
    done = caller.transfer(first, second, refId="order 1").json()["data"]["id"]
    for _ in range(8):
        caller.call("GET", f"{W3S}/transactions/{done}")
        circle.advance(30)
    by_address = {"walletId": None, "walletAddress": first["address"], "blockchain": CHAIN, "tokenId": None}
    by_address |= {"tokenAddress": "0x036CbD53842c5426634e7929541eC2318f3dCF7e"}
    caller.transfer(first, second, **by_address)
    circle.finish()
    circle.stick_next()
    stuck = caller.transfer(first, second).json()["data"]["id"]
    circle.finish()
    caller.call("GET", f"{W3S}/transactions/{stuck}")
    caller.order(f"/developer/transactions/{stuck}/accelerate")
    circle.finish()
    cancelled = caller.transfer(first, second).json()["data"]["id"]
    caller.order(f"/developer/transactions/{cancelled}/cancel")
    circle.fail_next("FAILED_ON_CHAIN")
    caller.transfer(first, second)
    circle.reorganise_next()
    caller.transfer(first, second)
    circle.finish()
    call = {"abiFunctionSignature": "approve(address,uint256)", "abiParameters": [second["address"], "1"]}
    call |= {"contractAddress": f"0x{'a' * 40}"}
    caller.order("/developer/transactions/contractExecution", walletId=first["id"], feeLevel="LOW", **call)
    caller.call(
        "POST", f"{W3S}/transactions/contractExecution/estimateFee", {"walletId": first["id"], **call}
    )
    wanted: Json = {"walletId": first["id"], "destinationAddress": second["address"], "amounts": ["1"]}
    caller.call("POST", f"{W3S}/transactions/transfer/estimateFee", {**wanted, "tokenId": USDC})
    address = {"address": second["address"], "blockchain": CHAIN}
    caller.call("POST", f"{W3S}/transactions/validateAddress", address)
    caller.call("GET", f"{W3S}/transactions", walletIds=first["id"], pageSize="2", order="ASC")
    caller.call("GET", f"{W3S}/transactions", txType="INBOUND", state="COMPLETE")
    denied = caller.transfer(first, f"0x{'a' * 36}7777").json()["data"]["id"]
    circle.finish()
    caller.call("GET", f"{W3S}/transactions/{denied}")


def _surroundings(caller: Caller) -> None:
    (wallet,) = caller.wallets(1)
    drip = {"address": wallet["address"], "blockchain": CHAIN, "usdc": True, "native": True}
    caller.call("POST", "/v1/faucet/drips", drip)
    for suffix in ("0000", "9999", "7666"):
        screened = {"idempotencyKey": fresh_key(), "address": f"0x{'b' * 36}{suffix}", "chain": CHAIN}
        caller.call("POST", f"{W3S}/compliance/screening/addresses", screened)
    v2 = "/v2/notifications/subscriptions"
    made = caller.call("POST", v2, {"endpoint": HOOKS, "notificationTypes": ["transactions.*"]}).json()[
        "data"
    ]
    caller.call("GET", v2)
    caller.call("GET", f"{v2}/{made['id']}")
    caller.call("PATCH", f"{v2}/{made['id']}", {"name": "ours", "enabled": False})
    caller.call("DELETE", f"{v2}/{made['id']}")
    key = caller.circle.world.notification_keys.current
    caller.call("GET", f"/v2/notifications/publicKey/{key}")
    caller.call("GET", f"/v2/notifications/publicKey/{NOBODY}")


def _mint(caller: Caller) -> None:
    caller.call("GET", "/v1/configuration")
    bank = caller.bank()
    other = {**US_BANK, "accountNumber": None, "routingNumber": None, "iban": "DE31100400480532013000"}
    kept = {name: value for name, value in other.items() if value is not None}
    caller.post(f"{ACCOUNT}/banks/wires", **kept)
    caller.call("GET", f"{ACCOUNT}/banks/wires")
    caller.call("GET", f"{ACCOUNT}/banks/wires/{bank['id']}")
    told = caller.get(f"{ACCOUNT}/banks/wires/{bank['id']}/instructions", currency="USD")
    wire: Json = {
        "trackingRef": told["trackingRef"],
        "amount": {"amount": "5000.00", "currency": "USD"},
        "beneficiaryBank": {"accountNumber": told["beneficiaryBank"]["accountNumber"]},
    }
    caller.call("POST", "/v1/mocks/payments/wire", wire)
    caller.circle.advance(610)
    caller.call("GET", f"{ACCOUNT}/balances")
    caller.circle.finish()
    deposits = caller.get(f"{ACCOUNT}/deposits", type="wire")
    caller.call("GET", f"{ACCOUNT}/deposits/{deposits[0]['id']}")
    caller.circle.knobs.is_dated = True
    caller.call("GET", f"{ACCOUNT}/deposits", pageSize="1")
    caller.circle.knobs.is_dated = False
    caller.call("GET", f"{ACCOUNT}/balances")


def _mint_moves(caller: Caller) -> None:
    circle = caller.circle
    (first,) = caller.wallets(1)
    recipients = f"{ACCOUNT}/wallets/addresses/recipient"
    wanted = {"address": first["address"], "chain": "BASE", "currency": "USD", "description": "treasury"}
    allowed = caller.post(recipients, **wanted).json()["data"]
    caller.post(recipients, **wanted)
    circle.approve_recipient(allowed["id"])
    caller.call("GET", recipients)
    money = {"amount": "250.00", "currency": "USD"}
    target = {"type": "verified_blockchain", "addressId": allowed["id"]}
    sent = caller.post(f"{ACCOUNT}/transfers", destination=target, amount=money).json()["data"]
    circle.advance(6)
    caller.call("GET", f"{ACCOUNT}/transfers/{sent['id']}")
    circle.finish()
    deposit = {"currency": "USD", "chain": "BASE"}
    address = caller.post(f"{ACCOUNT}/wallets/addresses/deposit", **deposit).json()["data"]["address"]
    caller.call("GET", f"{ACCOUNT}/wallets/addresses/deposit")
    caller.transfer(first, address, "20")
    circle.finish()
    circle.fail_next_at_mint("transfer", "transfer_denied")
    caller.post(f"{ACCOUNT}/transfers", destination=target, amount=money)
    circle.finish()
    caller.call("GET", f"{ACCOUNT}/transfers", pageSize="2")
    bank = caller.get(f"{ACCOUNT}/banks/wires")[0]
    body = {"destination": {"type": "wire", "id": bank["id"]}, "amount": money}
    caller.post(f"{ACCOUNT}/payouts", **body)
    paid = caller.post(f"{ACCOUNT}/payouts", **body).json()["data"]
    circle.finish()
    circle.return_payout(paid["id"], fee=15_000_000)
    caller.call("GET", f"{ACCOUNT}/payouts/{paid['id']}")
    caller.call("GET", f"{ACCOUNT}/payouts", destination=bank["id"], pageSize="5")
    caller.call("DELETE", f"{recipients}/{allowed['id']}")
    v1 = "/v1/notifications/subscriptions"
    made = caller.call("POST", v1, {"endpoint": HOOKS}).json()["data"]
    caller.call("DELETE", f"{v1}/{made['id']}")
    for one in list(circle.world.postbox.subscriptions[made["id"]].tokens):
        circle.confirm(f"https://sns.us-west-2.amazonaws.com/?Token={one}")
    caller.call("GET", v1)
    caller.call("DELETE", f"{v1}/{made['id']}")


def _refusals(caller: Caller) -> None:
    """One of each kind that the documents leave out."""
    first, second = caller.wallets()
    caller.bare("GET", f"{W3S}/wallets")
    caller.bare("GET", f"{ACCOUNT}/balances", authorization="Bearer nobody")
    for path in (f"{W3S}/wallets", f"{W3S}/transactions", f"{W3S}/tokens", f"{ACCOUNT}/transfers"):
        caller.call("GET", f"{path}/{NOBODY}")
    caller.transfer(first, second, "1000000")
    caller.transfer(second, first)
    caller.transfer(first, second, entitySecretCiphertext="#REFILL_PLACEHOLDER")
    caller.transfer(first, second, idempotencyKey="not-a-key")
    used = fresh_key()
    for amount in ("1.00", "1.00", "2.00"):
        bank = caller.get(f"{ACCOUNT}/banks/wires")[0]
        body: Json = {"destination": {"type": "wire", "id": bank["id"]}, "idempotencyKey": used}
        caller.post(f"{ACCOUNT}/payouts", amount={"amount": amount, "currency": "USD"}, **body)
