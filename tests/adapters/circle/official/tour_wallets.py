# mypy: ignore-errors
# It runs in the environment of the client, whose packages are not those of this project.
"""A tour with Circle's Python client of wallets, unmodified; runs in its own environment.

Usage: python tour_wallets.py URL API_KEY ENTITY_SECRET FOLDER. The client's own settings point it to the
simulator: the configurations client is made before the wallets client, which does not pass its host on.
"""

import sys
import uuid

from circle.web3 import configurations, developer_controlled_wallets, utils
from telling import Told, until

URL, API_KEY, SECRET, FOLDER = sys.argv[1:5]
CHAIN, USDC = "BASE-SEPOLIA", "bdf128b4-827b-5267-8f9e-243694989b5f"
told = Told()
m = developer_controlled_wallets

utils.API_KEY = API_KEY
settings = utils.init_configurations_client(host=URL)
told.call(
    "register_entity_secret_ciphertext",
    lambda: utils.register_entity_secret_ciphertext(API_KEY, SECRET, FOLDER, base_url=URL),
)
client = utils.init_developer_controlled_wallets_client(api_key=API_KEY, entity_secret=SECRET, host=URL)
sets, wallets = m.WalletSetsApi(client), m.WalletsApi(client)
transactions, tokens = m.TransactionsApi(client), m.TokenLookupApi(client)
hooks = configurations.WebhookSubscriptionsApi(settings)

told.call("ping", configurations.HealthApi(settings).ping)
told.call("get_entity_config", configurations.DeveloperAccountApi(settings).get_entity_config)
made = told.call("create_wallet_set", lambda: sets.create_wallet_set(m.CreateWalletSetRequest(name="tour")))
group = made.data.wallet_set.actual_instance.id
told.call("get_wallet_set", lambda: sets.get_wallet_set(group))
told.call("get_wallet_sets", sets.get_wallet_sets)
request = m.CreateWalletRequest(wallet_set_id=group, blockchains=[CHAIN], count=2, account_type="EOA")
answer = told.call("create_wallet", lambda: wallets.create_wallet(request))
first, second = (one.actual_instance for one in answer.data.wallets)
listed = told.call("get_wallets", lambda: wallets.get_wallets(wallet_set_id=group, page_size=1))
told.expect("one wallet on a page of one", len(listed.data.wallets) == 1)
told.call("get_wallet", lambda: wallets.get_wallet(first.id))
told.call("update_wallet", lambda: wallets.update_wallet(second.id, m.UpdateWalletRequest(name="bob")))
told.call("derive_wallet", lambda: wallets.derive_wallet(first.id, "ETH-SEPOLIA"))
drip = configurations.FaucetRequest(address=first.address, blockchain=CHAIN, usdc=True, native=True)
told.call(
    "request_testnet_tokens",
    lambda: configurations.FaucetApi(settings).request_testnet_tokens(faucet_request=drip),
)
held = told.call("list_wallet_balance", lambda: wallets.list_wallet_balance(first.id))
told.expect("20 USDC of the faucet", "20" in [one.amount for one in held.data.token_balances])
told.call("get_wallets_with_balances", lambda: wallets.get_wallets_with_balances(CHAIN, amount__gte="0.01"))
told.call("get_token_id", lambda: tokens.get_token_id(USDC))
told.call(
    "create_validate_address",
    lambda: transactions.create_validate_address(
        m.ValidateAddressRequest(address=second.address, blockchain=CHAIN)
    ),
)
told.call(
    "create_transfer_estimate_fee",
    lambda: transactions.create_transfer_estimate_fee(
        m.EstimateTransferTransactionFeeRequest(
            amounts=["1"], destination_address=second.address, token_id=USDC, wallet_id=first.id
        )
    ),
)


def order(amount, key=None, source=None):
    """A transfer."""
    wanted = m.CreateTransferTransactionForDeveloperRequest(
        idempotency_key=key or str(uuid.uuid4()),
        amounts=[amount],
        destination_address=second.address,
        token_id=USDC,
        wallet_id=source or first.id,
        fee_level="MEDIUM",
        ref_id="tour",
    )
    return transactions.create_developer_transaction_transfer(wanted)


def look(id):
    """A transaction."""
    return transactions.get_transaction(id).data.transaction


key = str(uuid.uuid4())
sent = told.call("create_developer_transaction_transfer", lambda: order("2.5", key))
again = told.call("the same transfer under the same key", lambda: order("2.5", key))
told.expect("the first transfer again", again.data.id == sent.data.id)
seen = told.call(
    "get_transaction", lambda: until(lambda: look(sent.data.id), lambda one: one.state == "COMPLETE")
)
told.expect("a complete transfer with a hash", seen.state == "COMPLETE" and bool(seen.tx_hash))
held = wallets.list_wallet_balance(second.id)
told.expect("2.5 USDC arrived", [one.amount for one in held.data.token_balances] == ["2.5"])
told.call("list_transactions", lambda: transactions.list_transactions(wallet_ids=first.id, page_size=5))
told.call("list_transactions inbound", lambda: transactions.list_transactions(tx_type="INBOUND", order="ASC"))
told.refused("a transfer of too much", lambda: order("1000"), 400, 155205)
told.refused("a transfer without gas", lambda: order("1", source=second.id), 400, 155201)
told.refused("a wallet that is not there", lambda: wallets.get_wallet(uuid.uuid4()), 404, 156002)
call = m.CreateContractExecutionTransactionForDeveloperRequest(
    wallet_id=first.id,
    contract_address="0x" + "a" * 40,
    abi_function_signature="approve(address,uint256)",
    abi_parameters=[
        m.AbiParametersInner(second.address),
        m.AbiParametersInner("1"),
    ],
    fee_level="LOW",
)
called = told.call(
    "create_developer_transaction_contract_execution",
    lambda: transactions.create_developer_transaction_contract_execution(call),
)
until(lambda: look(called.data.id), lambda one: one.state == "COMPLETE")
stopped = order("0.1")
until(lambda: look(stopped.data.id), lambda one: one.state == "SENT")  # while it is CLEARED none can
told.call(
    "create_developer_transaction_cancel",
    lambda: transactions.create_developer_transaction_cancel(
        stopped.data.id, m.CancelTransactionForDeveloperRequest()
    ),
)
slow = order("0.2")
until(lambda: look(slow.data.id), lambda one: one.state == "SENT")
told.call(
    "create_developer_transaction_accelerate",
    lambda: transactions.create_developer_transaction_accelerate(
        slow.data.id, m.AccelerateTransactionForDeveloperRequest()
    ),
)
wish = configurations.CreateSubscriptionRequest(endpoint="https://host.example/hooks")
hook = told.call("create_subscription", lambda: hooks.create_subscription(wish)).data
told.call("get_subscription", lambda: hooks.get_subscription(hook.id))
told.call("get_subscriptions", hooks.get_subscriptions)
change = configurations.UpdateSubscriptionRequest(name="ours", enabled=False)
told.call("update_subscription", lambda: hooks.update_subscription(hook.id, change))
told.call("delete_subscription", lambda: hooks.delete_subscription(hook.id))
told.refused("a notification key", lambda: hooks.get_notification_signature(uuid.uuid4()), 400, 2)
key_id = sys.argv[5]
signed = told.call("get_notification_signature", lambda: hooks.get_notification_signature(key_id))
told.expect("an ECDSA key", signed.data.algorithm == "ECDSA_SHA_256")
client.configuration.entity_secret = "no hex at all"
told.refused("a ciphertext that the client could not make", lambda: order("1"), 400, 156013)
