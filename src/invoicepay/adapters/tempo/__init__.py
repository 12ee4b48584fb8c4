"""Tempo: TIP-20 tokens on a chain, over JSON-RPC, with keys behind a `Signer`."""

from invoicepay.adapters.tempo.control import TempoControl
from invoicepay.adapters.tempo.incoming import Incoming, IncomingPage, IncomingScan, memo_for
from invoicepay.adapters.tempo.keys import LocalKeys
from invoicepay.adapters.tempo.network import LOCAL, MAINNET, TESTNET, TempoAccounts, TempoNetwork, TempoToken
from invoicepay.adapters.tempo.provider import Tempo
from invoicepay.adapters.tempo.rpc import TempoRpc, sender_to
from invoicepay.adapters.tempo.setup import TokenPlan, set_up

__all__ = [
    "LOCAL",
    "MAINNET",
    "TESTNET",
    "Incoming",
    "IncomingPage",
    "IncomingScan",
    "LocalKeys",
    "Tempo",
    "TempoAccounts",
    "TempoControl",
    "TempoNetwork",
    "TempoRpc",
    "TempoToken",
    "TokenPlan",
    "memo_for",
    "sender_to",
    "set_up",
]
