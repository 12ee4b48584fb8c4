"""Which Tempo network, whose accounts, which token: what every part of the adapter is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from invoicepay.adapters.tempo.addresses import PATH_USD
from invoicepay.adapters.tempo.transaction import MAX_FEE


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoNetwork:
    """A chain and how fees are paid on it.

    Attributes:
        chain_id: compared with the node's before anything is signed.
        fee_token: a liquid dollar token, never one of our own: those stop when they are paused.
        max_fee: the most for a unit of gas, in 10^-18 of the fee token's unit.
        longest_silence_seconds: a head older than that means that the node has lost the network; None where
            blocks come with transactions only.
    """

    chain_id: int
    fee_token: str = PATH_USD
    max_fee: int = MAX_FEE
    longest_silence_seconds: int | None = 10

    @property
    def is_test(self) -> bool:
        """Whether its tokens are worth nothing."""
        return self.chain_id in (TESTNET.chain_id, LOCAL.chain_id)


MAINNET: Final = TempoNetwork(chain_id=4217)
TESTNET: Final = TempoNetwork(chain_id=42431)
LOCAL: Final = TempoNetwork(chain_id=31337, longest_silence_seconds=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoAccounts:
    """Which account of the `Signer` has which role; each should have a key of its own.

    Attributes:
        admin: makes tokens and gives roles; needed for set-up only, so its key can stay offline.
        issuer: mints and burns.
        operator: moves tokens of wallets that approved it.
        guard: freezes wallets, pauses and unpauses.
        fees: pays the fees of all the others; the only one that holds fee tokens.
        retired: earlier issuers and operators: what is bound to their slots is still signed with their keys,
            and nothing new is bound to them.
    """

    admin: str = "admin"
    issuer: str = "issuer"
    operator: str = "operator"
    guard: str = "guard"
    fees: str = "fees"
    retired: tuple[str, ...] = ()

    @property
    def moving(self) -> tuple[str, ...]:
        """Every account that moves tokens, or did."""
        return self.issuer, self.operator, *self.retired


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoToken:
    """A token of ours as it stands on the chain.

    Attributes:
        asset: as our books name it, `USD.tempo` for example.
        policy: number of the transfer policy that freezes wallets.
    """

    asset: str
    address: str
    policy: int
