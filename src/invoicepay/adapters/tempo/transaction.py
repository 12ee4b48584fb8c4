"""Builds and signs Tempo transactions: calls that happen together or not at all, for one slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from invoicepay.adapters.tempo.extra import keccak, tempo_extra
from invoicepay.ports.signing import Signature, Signer

if TYPE_CHECKING:
    import pytempo  # type: ignore[import-untyped] # it ships no types

MOST_CALLS = 32
"""The most calls that the public pool takes in one transaction."""
MOST_GAS = 16_000_000
MAX_FEE = 25_000_000_000
"""What we offer at most per unit of gas; twice the highest base fee of the protocol, the rest comes back."""
ACCOUNT_NONCE = 0
"""The nonce key of an account's own nonce; 1 and above are lanes beside it."""
EXPIRING_NONCE = 2**256 - 1
"""The nonce key of transactions that have no slot; never used to move money, for they can happen twice."""

_FIRST_CALL, _EACH_CALL, _NEW_LANE = 350_000, 300_000, 250_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a contract; `to` is its address, `data` selector and arguments."""

    to: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoTransaction:
    """What is signed.

    Attributes:
        calls: 1 to 32; one that reverts undoes all of them, uses the slot and costs the fee.
        nonce_key, nonce: the slot of the sender; the chain takes one transaction for it, for ever.
        gas: the most units; see `gas_for`.
        max_fee: the most for one unit, in 10^-18 of the fee token's unit.
        fee_token: address of the token that pays the fee; whoever pays holds gas × max_fee of it.
        valid_before: seconds since 1970; a block of that time or later does not take it any more.
    """

    chain_id: int
    calls: tuple[Call, ...]
    nonce_key: int
    nonce: int
    gas: int
    fee_token: str
    max_fee: int = MAX_FEE
    valid_before: int | None = None

    def __post_init__(self) -> None:
        assert 1 <= len(self.calls) <= MOST_CALLS, f"a transaction has 1 to {MOST_CALLS} calls"
        assert 0 < self.gas <= MOST_GAS, f"gas is 1 to {MOST_GAS}"
        assert self.nonce >= 0 and 0 <= self.nonce_key <= EXPIRING_NONCE, "a slot is a nonce key and a nonce"


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes to send, and the hash by which the chain knows them."""

    raw: bytes = field(repr=False)
    hash: str


def gas_for(calls: int, *, is_new_lane: bool = False) -> int:
    """The gas to offer for so many calls; unused gas is not paid.

    The node's own estimate is wrong for this kind of transaction, so this is a formula over measured costs:
    at most 300,000 for a call that writes a fresh balance, 250,000 for the first use of a nonce key.
    """
    return min(_FIRST_CALL + _EACH_CALL * calls + _NEW_LANE * is_new_lane, MOST_GAS)


async def sign_transaction(
    signer: Signer, transaction: TempoTransaction, *, account: str, fee_payer: str | None = None
) -> SignedTransaction:
    """Sign for `account`; when `fee_payer` names another account, that one signs too and pays the fee.

    Signatures are deterministic with `LocalKeys`: the same transaction gives the same bytes and hash.

    Raises:
        ProviderUnavailable: the key service was not reached; nothing was sent.
        ProviderRejected: the signer's policy does not allow it; nothing was sent.
    """
    assert fee_payer != account, "who pays its own fee names no fee payer"
    built = _built(transaction, is_sponsored=fee_payer is not None)
    sender = await signer.address(account)
    built = _with(built, sender_address=bytes.fromhex(sender[2:]))
    # 27 and 28, not 0 and 1: the node encodes the latter anew and then knows another hash than ours.
    signature = await _signature(signer, account, built.encode_for_signing(), base=27)
    if fee_payer is not None:
        payload = built.encode_for_signing(for_fee_payer=True)
        built = _with(built, fee_payer_signature=await _signature(signer, fee_payer, payload, base=0))
    raw = _with(built, sender_signature=signature).encode()
    return SignedTransaction(raw, hash_of(raw))


def hash_of(raw: bytes) -> str:
    """The hash by which the chain knows a signed transaction."""
    return "0x" + keccak(raw).hex()


def _built(transaction: TempoTransaction, *, is_sponsored: bool) -> pytempo.TempoTransaction:
    with tempo_extra():
        from pytempo import TempoTransaction
    return TempoTransaction.create(
        chain_id=transaction.chain_id,
        gas_limit=transaction.gas,
        max_fee_per_gas=transaction.max_fee,
        nonce=transaction.nonce,
        nonce_key=transaction.nonce_key,
        valid_before=transaction.valid_before,
        fee_token=_plain(transaction.fee_token),
        awaiting_fee_payer=is_sponsored,
        calls=_calls(transaction.calls),
    )


def _calls(calls: Sequence[Call]) -> tuple[pytempo.Call, ...]:
    from pytempo import Call as TempoCall

    return tuple(TempoCall.create(to=_plain(call.to), data=call.data) for call in calls)


def _plain(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))


def _with(built: pytempo.TempoTransaction, **changes: object) -> pytempo.TempoTransaction:
    from attrs import evolve

    return evolve(built, **changes)


async def _signature(signer: Signer, account: str, payload: bytes, *, base: int) -> pytempo.Signature:
    return _encodable(await signer.sign(account, keccak(payload), payload=payload), base=base)


def _encodable(signature: Signature, *, base: int) -> pytempo.Signature:
    """The signature, refused by pytempo when its `s` is the higher one, which the chain would not take."""
    from pytempo import Signature as TempoSignature

    return TempoSignature(r=signature.r, s=signature.s, v=base + signature.recovery)
