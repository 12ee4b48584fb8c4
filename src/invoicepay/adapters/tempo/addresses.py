"""Fixed addresses, roles and topics of the Tempo protocol."""

from __future__ import annotations

from typing import Final

ZERO: Final = "0x" + "00" * 20
PATH_USD: Final = "0x20c0000000000000000000000000000000000000"
"""The stablecoin that every Tempo network has: quote token of USD tokens, and a fee token."""
FACTORY: Final = "0x20fc" + "00" * 18
REGISTRY: Final = "0x403c" + "00" * 18
"""Holds the transfer policies: who may hold and move a token."""
FEE_MANAGER: Final = "0xfeec" + "00" * 18
"""Receives the fee of every transaction, told as the last log, a `Transfer` of the fee token."""
NONCES: Final = "0x4e4f4e4345" + "00" * 15
RECEIVE_GUARD: Final = "0xb10c" + "00" * 18
"""Keeps what a holder refuses to receive; the transfer succeeds all the same."""
TIP20_PREFIX: Final = "0x20c000000000000000000000"

ISSUER_ROLE: Final = bytes.fromhex("114e74f6ea3bd819998f78687bfcb11b140da08e9b7d222fa9c1f1ba1f2aa122")
PAUSE_ROLE: Final = bytes.fromhex("139c2898040ef16910dc9f44dc697df79363da767d8bc92f2e310312b816e46d")
UNPAUSE_ROLE: Final = bytes.fromhex("265b220c5a8891efdd9e1b1b7fa72f257bd5169f8d87e319cf3dad6ff52b94ae")

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""Topic of `Transfer(from, to, amount)`: what moved balances."""
TRANSFER_WITH_MEMO: Final = "0x57bc7354aa85aed339e000bccffabbc529466af35f0772c8f8ee1145927de7f0"
"""Topic of `TransferWithMemo(from, to, amount, memo)`: told beside a `Transfer`, with the memo as topic 3."""
TRANSFER_BLOCKED: Final = "0x361d86e46fd139dc3eac4148f16b53597f0f8ddd9aba772aae0034bda5531b1c"
"""Topic of the guard's `TransferBlocked(token, receiver, nonce, …)`."""
POLICY_CREATED: Final = "0x718d87917f0c4cfd1263707ef0e77c656ed8d8bfaca06152bdb0b8094142ec27"
"""Topic of the registry's `PolicyCreated(policyId, updater, type)`; topic 1 is the new policy's number."""
