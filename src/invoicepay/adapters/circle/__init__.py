"""Circle: parties' USDC in developer-controlled wallets, the operator's treasury at Mint, address screening.

No call of the token side makes or destroys USDC: mint is a release from the treasury, burn a return to it.
"""

from invoicepay.adapters.circle.config import (
    MINT_SANDBOX_URL,
    MINT_URL,
    USDC,
    WALLETS_URL,
    CircleAsset,
    CircleConfig,
    MintConfig,
)
from invoicepay.adapters.circle.screening import CircleScreening
from invoicepay.adapters.circle.setup import CircleSetup, MintSetup, find_token_id, set_up, set_up_mint
from invoicepay.adapters.circle.tokens import CircleTokens
from invoicepay.adapters.circle.treasury import CircleTreasury
from invoicepay.adapters.circle.webhooks_v1 import SubscriptionOffer

__all__ = [
    "MINT_SANDBOX_URL",
    "MINT_URL",
    "USDC",
    "WALLETS_URL",
    "CircleAsset",
    "CircleConfig",
    "CircleScreening",
    "CircleSetup",
    "CircleTokens",
    "CircleTreasury",
    "MintConfig",
    "MintSetup",
    "SubscriptionOffer",
    "find_token_id",
    "set_up",
    "set_up_mint",
]
