"""Which wallet is whose: made on first use, found again by the party's id, which Circle keeps as `refId`."""

from __future__ import annotations

from dataclasses import dataclass

from invoicepay.adapters.circle import wire
from invoicepay.adapters.circle.config import CircleConfig
from invoicepay.adapters.circle.ids import Memory, leg_key
from invoicepay.adapters.circle.w3s import WalletsApi, data_of
from invoicepay.adapters.circle.wallets import wallet_body, wallets_query
from invoicepay.errors import (
    IdempotencyConflict,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

LOOK_UP, MAKE = "wallet look-up", "wallet creation"


@dataclass(frozen=True, slots=True)
class Purse:
    """A wallet as a transfer needs it."""

    wallet_id: str
    address: str


class CircleWallets:
    """The wallets of a wallet set, by party and blockchain.

    Nothing is stored here. Two promises of Circle's are relied on: the list of wallets filtered by `refId`
    finds a wallet some time after it was made, and a repeated creation under the same key answers with the
    wallet of the first one. The key is derived from set, blockchain and party, so even two processes that
    both find nothing make one wallet. A wallet that was found or made is remembered: its address never
    changes.
    """

    def __init__(self, config: CircleConfig, api: WalletsApi) -> None:
        self._config, self._api = config, api
        self._purses, self._addresses = Memory[Purse](), Memory[bool]()

    async def purse_of(self, party_id: str, blockchain: str) -> Purse:
        """The party's wallet, made if there is none yet.

        Raises:
            ProviderRejected: Circle refuses to make one.
            ProviderUnavailable: Circle did not tell or make it; nothing was moved.
        """
        return await self.known_purse(party_id, blockchain) or await self._made(party_id, blockchain)

    async def known_purse(self, party_id: str, blockchain: str) -> Purse | None:
        """The party's wallet, or None while it has none.

        Raises:
            ProviderRejected: no party is named.
            ProviderUnavailable: not answered, or two wallets bear the party's id and a person has to choose.
        """
        if not party_id:  # Circle has wallets without a reference, and would list them
            raise ProviderRejected("an order of tokens names its party")
        name = f"{blockchain}/{party_id}"
        known = self._purses.get(name)
        if known is not None:
            return known
        query = wallets_query(
            wallet_set_id=self._config.wallet_set_id, blockchain=blockchain, ref_id=party_id
        )
        listed = await self._api.ask("/v1/w3s/wallets", wire.Wallets, operation=LOOK_UP, query=query)
        found = [wallet for wallet in listed.wallets if wallet.ref_id == party_id]
        if len(found) > 1:
            ids = [wallet.id for wallet in found]
            raise ProviderUnavailable("several wallets bear one party's id at Circle", wallets=ids)
        return self._purses.put(name, _purse(found[0])) if found else None

    async def treasury(self, wallet_id: str) -> Purse:
        """A wallet by its id: the treasury's.

        Raises:
            ProviderUnavailable: not answered, or there is no such wallet.
        """
        known = self._purses.get(wallet_id)
        if known is not None:
            return known
        box = await self._api.ask(f"/v1/w3s/wallets/{wallet_id}", wire.WalletBox, operation="treasury wallet")
        return self._purses.put(wallet_id, _purse(box.wallet))

    async def is_ours(self, address: str, blockchain: str) -> bool:
        """Whether an address belongs to any wallet of our account, whatever its set.

        Raises:
            ProviderUnavailable: not answered; ask again.
        """
        name = f"{blockchain}/{address.lower()}"
        known = self._addresses.get(name)
        if known is not None:
            return known
        query = (("blockchain", blockchain), ("address", address))
        listed = await self._api.ask("/v1/w3s/wallets", wire.Wallets, operation=LOOK_UP, query=query)
        is_ours = any(wallet.address.lower() == address.lower() for wallet in listed.wallets)
        return self._addresses.put(name, True) if is_ours else False

    def is_known(self, address: str, blockchain: str) -> bool:
        """Whether `is_ours` has found the address to be ours before; asks nobody."""
        return self._addresses.get(f"{blockchain}/{address.lower()}") is not None

    async def _made(self, party_id: str, blockchain: str) -> Purse:
        """Make the wallet; no money moves, so what is unknown may be tried again under the same key."""
        own, kind = self._config.wallet_set_id, self._config.account_type
        body = wallet_body(own, blockchain, party_id, account_type=kind)
        key = leg_key(f"{own}/{blockchain}/{party_id}", "wallet")
        try:
            answer = await self._api.order("/v1/w3s/developer/wallets", body, operation=MAKE, key=key)
            made = data_of(answer, wire.Wallets, operation=MAKE).wallets
        except (ProviderUnknown, IdempotencyConflict) as error:
            raise ProviderUnavailable(f"no wallet was made: {error.message}", key=key) from error
        if len(made) != 1 or (made[0].ref_id, made[0].blockchain) != (party_id, blockchain):
            raise ProviderUnavailable("Circle made another wallet than was asked for", key=key)
        return self._purses.put(f"{blockchain}/{party_id}", _purse(made[0]))


def _purse(wallet: wire.Wallet) -> Purse:
    return Purse(wallet.id, wallet.address)
