"""The blockchains and tokens that the simulator knows, and how addresses look on each."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

NATIVE_DECIMALS = 18
USDC_DECIMALS = 6
_EVM_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_APTOS_ADDRESS = re.compile(r"0x[0-9a-fA-F]{64}")
_SOLANA_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Blockchain:
    """One network.

    Attributes:
        name: as the wallets product spells it.
        mint_code: as the Mint product spells it.
        coin: symbol of the native coin.
        queue: pending transactions that an ordinary wallet may have at once.
    """

    name: str
    mint_code: str
    coin: str
    queue: int = 32

    @property
    def is_evm(self) -> bool:
        """Whether addresses and contracts are Ethereum's."""
        return self.mint_code not in ("SOL", "APTOS")


BLOCKCHAINS = {
    chain.name: chain
    for chain in (
        Blockchain("ETH-SEPOLIA", "ETH", "ETH"),
        Blockchain("BASE-SEPOLIA", "BASE", "ETH"),
        Blockchain("MATIC-AMOY", "POLY", "POL", queue=16),
        Blockchain("ARB-SEPOLIA", "ARB", "ETH"),
        Blockchain("AVAX-FUJI", "AVAX", "AVAX"),
        Blockchain("SOL-DEVNET", "SOL", "SOL"),
        Blockchain("APTOS-TESTNET", "APTOS", "APT"),
    )
}
"""The networks on which the simulator moves tokens: test networks only, as a test key allows."""

LIVE = frozenset({"ETH", "BASE", "MATIC", "ARB", "AVAX", "SOL", "APTOS", "OP", "UNI", "ARC", "MONAD"})
"""Networks that a test key may not touch."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of one network.

    Attributes:
        unit: the unit in which the simulated book keeps it.
        address: of its contract; empty for the native coin.
    """

    id: str
    blockchain: str
    symbol: str
    name: str
    decimals: int
    unit: str
    address: str = ""

    @property
    def standard(self) -> str:
        """The token standard of its network."""
        return {"SOL": "Fungible", "APT": "FungibleAsset"}.get(BLOCKCHAINS[self.blockchain].coin, "ERC20")


USDC_IDS = {
    "ETH-SEPOLIA": ("5797fbd6-3795-519d-84ca-ec4c5f80c3b1", "0x1c7d4b196cb0c7b01d743fbc6116a902379c7238"),
    "BASE-SEPOLIA": ("bdf128b4-827b-5267-8f9e-243694989b5f", "0x036cbd53842c5426634e7929541ec2318f3dcf7e"),
    "MATIC-AMOY": ("36b6931a-873a-56a8-8a27-b706b17104ee", "0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582"),
    "ARB-SEPOLIA": ("4b8daacc-5f47-5909-a3ba-30d171ebad98", "0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d"),
    "AVAX-FUJI": ("ff47a560-9795-5b7c-adfc-8f47dad9e06a", "0x5425890298aed601595a70ab815c96711a31bc65"),
    "SOL-DEVNET": ("8fb3cadb-0ef4-573d-8fcd-e194f961c728", "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU"),
    "APTOS-TESTNET": (
        "e3cbdafc-42c3-58cc-ae4c-b31dbb10354c",
        "0x69091fbab5f7d635ee7ac5098cf0c1efbe31d68fec0f2cd565e8d168daf52832",
    ),
}
"""Per network: the id and the contract of USDC, as Circle publishes them."""


def native_unit(blockchain: str) -> str:
    """The unit of a network's own coin."""
    return f"native:{blockchain}"


def _tokens() -> dict[str, Token]:
    tokens = list[Token]()
    for chain in BLOCKCHAINS.values():
        id, address = USDC_IDS[chain.name]
        tokens.append(Token(id, chain.name, "USDC", "USDC", USDC_DECIMALS, "USDC", address))
        native = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"native.{chain.name}"))
        unit = native_unit(chain.name)
        tokens.append(Token(native, chain.name, chain.coin, chain.coin, NATIVE_DECIMALS, unit))
    return {token.id: token for token in tokens}


TOKENS = _tokens()
"""By id."""


def token_at(blockchain: str, address: str) -> Token | None:
    """The token of a contract; the native coin for the empty address."""
    wanted = address.lower()
    return next(
        (
            token
            for token in TOKENS.values()
            if token.blockchain == blockchain and token.address.lower() == wanted
        ),
        None,
    )


def fresh_address(blockchain: str, seed: str) -> str:
    """An address of this network that nobody else has; never one that screening reacts to."""
    digest = hashlib.sha256(seed.encode()).hexdigest()
    while digest[39] in "6789" or digest[63] in "6789":
        digest = hashlib.sha256(digest.encode()).hexdigest()
    chain = BLOCKCHAINS[blockchain]
    if chain.is_evm:
        return f"0x{digest[:40]}"
    if chain.mint_code == "APTOS":
        return f"0x{digest}"
    return "".join(_BASE58[byte % 58] for byte in hashlib.sha512(digest.encode()).digest()[:44])


def is_address(blockchain: str, address: str) -> bool:
    """Whether a text can be an address of this network."""
    chain = BLOCKCHAINS.get(blockchain)
    if chain is None:
        return False
    if chain.is_evm:
        return bool(_EVM_ADDRESS.fullmatch(address))
    return bool((_APTOS_ADDRESS if chain.mint_code == "APTOS" else _SOLANA_ADDRESS).fullmatch(address))


def spelled(blockchain: str, address: str) -> str:
    """The one spelling under which an address is kept: lower case where case means nothing."""
    chain = BLOCKCHAINS.get(blockchain)
    return address if chain is not None and chain.mint_code == "SOL" else address.lower()


def place(blockchain: str, address: str) -> str:
    """The account of an address in the simulated book."""
    return f"chain:{blockchain}:{spelled(blockchain, address)}"
