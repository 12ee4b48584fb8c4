"""Makes what an operator needs at Circle first: wallet sets, a treasury wallet, the ways to Mint and back."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import WALLETS_URL, MintConfig
from invoicepay.adapters.circle.errors import Cause
from invoicepay.adapters.circle.ids import leg_key
from invoicepay.adapters.circle.mint import MintApi
from invoicepay.adapters.circle.w3s import WalletsApi, data_of
from invoicepay.adapters.circle.wallets import wallet_body
from invoicepay.adapters.http import Sender
from invoicepay.errors import ConfigurationError, ProviderRejected, ProviderUnavailable

TREASURY = "treasury"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircleSetup:
    """What was made, or found made: these go into `CircleConfig` and `CircleAsset`.

    Attributes:
        treasury_address: send USDC here, by `CircleTreasury.fund`, or from the faucet on a test network.
    """

    wallet_set_id: str
    treasury_wallet_id: str
    treasury_address: str


async def set_up(
    api_key: SecretStr,
    entity_secret: SecretStr,
    *,
    name: str,
    blockchain: str,
    account_type: str = "SCA",
    base_url: str = WALLETS_URL,
) -> CircleSetup:
    """Make the wallet set of the parties, and the treasury wallet in a set of its own; again changes nothing.

    The treasury has its own set so that no party's id can ever name it.

    Args:
        name: of the programme or tenant; the same name means the same sets.

    Raises:
        ProviderRejected, ProviderUnavailable, ProviderUnknown: not done or not known; call again.
    """
    sender = Sender("circle", base_url, secrets=(api_key, entity_secret))
    api = WalletsApi(api_key, entity_secret, sender)
    try:
        parties = await _wallet_set(api, f"{name} parties")
        own = await _wallet_set(api, f"{name} treasury")
        body = wallet_body(own, blockchain, TREASURY, account_type=account_type)
        key = leg_key(f"{own}/{blockchain}", TREASURY)
        answer = await api.order("/v1/w3s/developer/wallets", body, operation="treasury wallet", key=key)
        made = data_of(answer, wire.Wallets, operation="treasury wallet", is_order=True).wallets
    finally:
        await sender.aclose()
    if len(made) != 1:
        raise ProviderUnavailable("Circle made another number of wallets than was asked for")
    return CircleSetup(wallet_set_id=parties, treasury_wallet_id=made[0].id, treasury_address=made[0].address)


async def find_token_id(
    api_key: SecretStr,
    entity_secret: SecretStr,
    *,
    wallet_id: str,
    token_address: str,
    base_url: str = WALLETS_URL,
) -> str:
    """Circle's id of a token, where it is not published: read from a wallet that holds some.

    Raises:
        ConfigurationError: the wallet holds no such token.
        ProviderUnavailable: not answered; ask again.
    """
    sender = Sender("circle", base_url, secrets=(api_key, entity_secret))
    path, query = f"/v1/w3s/wallets/{wallet_id}/balances", (("tokenAddress", token_address),)
    try:
        api = WalletsApi(api_key, entity_secret, sender)
        held = await api.ask(path, wire.Balances, operation="token id", query=query)
    finally:
        await sender.aclose()
    for balance in held.token_balances:
        if balance.token.token_address.lower() == token_address.lower():
            return balance.token.id
    raise ConfigurationError(f"the wallet holds no token {token_address}; send it some first")


async def _wallet_set(api: WalletsApi, name: str) -> str:
    """A wallet set by its name: the key is derived from it, so that there is one."""
    key = leg_key(name, "wallet set")
    answer = await api.order("/v1/w3s/developer/walletSets", {"name": name}, operation="wallet set", key=key)
    return data_of(answer, wire.WalletSetBox, operation="wallet set", is_order=True).wallet_set.id


ADDRESSES = "/v1/businessAccount/wallets/addresses"


@dataclass(frozen=True, slots=True, kw_only=True)
class MintSetup:
    """What goes into `MintConfig` beside the linked bank account, which a person links in Circle's console.

    Attributes:
        is_approved: an administrator has approved the recipient in the console; until then `fund` waits.
    """

    recipient_id: str
    is_approved: bool
    deposit_address: str


async def set_up_mint(config: MintConfig, *, treasury_address: str, chain: str) -> MintSetup:
    """Name the treasury wallet as a recipient of Mint, and learn Mint's own address; again changes nothing.

    Args:
        chain: Mint's word for the treasury's blockchain, `BASE` for test and live.

    Raises:
        ProviderRejected, ProviderUnavailable, ProviderUnknown: not done or not known; call again.
    """
    sender = Sender(config.name, config.base_url, secrets=(config.api_key,))
    api = MintApi(config, sender)
    place = {"currency": config.currency, "chain": chain}
    try:
        recipient = await _recipient(api, {**place, "address": treasury_address, "description": TREASURY})
        key = leg_key(chain, "deposit address")
        own = await api.order(
            f"{ADDRESSES}/deposit", place, wire.DepositAddress, operation="deposit address", key=key
        )
    finally:
        await sender.aclose()
    is_approved = recipient.status in wire.APPROVED
    return MintSetup(recipient_id=recipient.id, is_approved=is_approved, deposit_address=own.address)


async def _recipient(api: MintApi, asked: dict[str, str]) -> wire.Recipient:
    """The recipient, made or found: where the address is named already (2003), the approved one is read."""
    path, key = f"{ADDRESSES}/recipient", leg_key(f"{asked['chain']}/{asked['address']}", "recipient")
    try:
        return await api.order(path, asked, wire.Recipient, operation="recipient", key=key)
    except ProviderRejected as error:
        if error.details.get("cause") != Cause.EXISTS:
            raise
    known = await api.listed(path, wire.Recipient, operation="recipients")
    wanted = (asked["chain"], asked["address"].lower())
    for recipient in known:
        if (recipient.chain, recipient.address.lower()) == wanted:
            return recipient
    raise ProviderUnavailable("the recipient is named already, and waits for an administrator's approval")
