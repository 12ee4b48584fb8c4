"""Transactions against a second encoder, and calls against the interfaces that the official package ships."""

from __future__ import annotations

import json
from importlib import resources
from random import Random
from typing import Any

import pytest
from coincurve import PublicKey

from invoicepay.adapters.tempo import addresses, calls
from invoicepay.adapters.tempo.keys import LocalKeys, address_of
from invoicepay.adapters.tempo.transaction import (
    EXPIRING_NONCE,
    MOST_CALLS,
    MOST_GAS,
    Call,
    SignedTransaction,
    TempoTransaction,
    gas_for,
    sign_transaction,
)
from invoicepay.bridge import run_blocking
from tests.adapters.tempo import oracle

KEYS = LocalKeys(b"a seed that only these tests use")
TOKEN = "0x20c0000000000000000000000000000000000001"
ANN, BOB = "0x" + "a1" * 20, "0x" + "b0" * 20
MEMO = bytes(range(32))


def drawn(chance: Random) -> TempoTransaction:
    """Any transaction that we may build, edges more often than chance would have it."""
    return TempoTransaction(
        chain_id=chance.choice([1, 127, 128, 4217, 42431, 31337]),
        calls=tuple(
            Call(
                "0x" + chance.randbytes(20).hex(),
                chance.randbytes(chance.choice([0, 1, 4, 55, 56, 132, 300])),
            )
            for _ in range(chance.choice([1, 2, 3, MOST_CALLS]))
        ),
        nonce_key=chance.choice([0, 1, 127, 128, 2**64, EXPIRING_NONCE]),
        nonce=chance.choice([0, 1, 127, 128, 255, 256, 2**64 - 1]),
        gas=chance.choice([1, 21_000, MOST_GAS]),
        fee_token="0x" + chance.randbytes(20).hex(),
        max_fee=chance.choice([0, 1, 25_000_000_000]),
        valid_before=chance.choice([None, 1, 1_764_115_200]),
    )


def encoded(transaction: TempoTransaction) -> list[oracle.Item]:
    """The thirteen fields that both signatures follow, after the specification."""
    return [
        transaction.chain_id,
        0,
        transaction.max_fee,
        transaction.gas,
        [[bytes.fromhex(call.to[2:]), 0, call.data] for call in transaction.calls],
        [],
        transaction.nonce_key,
        transaction.nonce,
        transaction.valid_before or b"",
        b"",
        bytes.fromhex(transaction.fee_token[2:]),
        b"",
        [],
    ]


def signed(transaction: TempoTransaction, *, fee_payer: str | None = None) -> SignedTransaction:
    return run_blocking(sign_transaction(KEYS, transaction, account="sender", fee_payer=fee_payer))


def address(account: str) -> bytes:
    return bytes.fromhex(run_blocking(KEYS.address(account))[2:])


def recovered(r: bytes, s: bytes, recovery: int, digest: bytes) -> bytes:
    """The address whose key signed."""
    key = PublicKey.from_signature_and_message(
        r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([recovery]), digest, hasher=None
    )
    return bytes.fromhex(address_of(key.format(compressed=False))[2:])


def test_the_second_encoder_hashes_as_published() -> None:
    assert oracle.keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert oracle.keccak(b"ISSUER_ROLE") == addresses.ISSUER_ROLE
    for length in (1, 135, 136, 137, 272):
        assert len(oracle.keccak(bytes(length))) == 32


@pytest.mark.parametrize("seed", range(100))
def test_bytes_and_hash_are_those_of_the_second_encoder(seed: int) -> None:
    transaction = drawn(Random(seed))
    expected = encoded(transaction)

    result = signed(transaction)

    *_fields, signature = oracle.unrlp(result.raw[1:])
    assert isinstance(signature, bytes)
    assert result.raw == b"\x76" + oracle.rlp([*expected, signature])
    assert result.hash == "0x" + oracle.keccak(result.raw).hex()
    assert signature[64] in (27, 28)
    digest = oracle.sender_digest(expected, is_sponsored=False)
    assert recovered(signature[:32], signature[32:64], signature[64] - 27, digest) == address("sender")


@pytest.mark.parametrize("seed", range(100, 150))
def test_a_fee_payer_signs_the_fee_token_and_the_sender_leaves_it_open(seed: int) -> None:
    transaction = drawn(Random(seed))
    expected = encoded(transaction)

    result = signed(transaction, fee_payer="fees")

    *fields, signature = oracle.unrlp(result.raw[1:])
    paid = fields[11]
    assert isinstance(signature, bytes)
    assert isinstance(paid, list)
    assert result.raw == b"\x76" + oracle.rlp([*expected[:11], paid, [], signature])
    sender_digest = oracle.sender_digest(expected, is_sponsored=True)
    assert recovered(signature[:32], signature[32:64], signature[64] - 27, sender_digest) == address("sender")
    parity, r, s = paid
    assert isinstance(r, bytes)
    assert isinstance(s, bytes)
    payer_digest = oracle.payer_digest(expected, address("sender"))
    assert recovered(r, s, 1 if parity == b"\x01" else 0, payer_digest) == address("fees")


def test_the_same_transaction_is_signed_alike_every_time() -> None:
    transaction = drawn(Random(7))

    assert signed(transaction, fee_payer="fees") == signed(transaction, fee_payer="fees")


def test_bytes_are_not_shown() -> None:
    result = signed(drawn(Random(7)))

    assert result.raw.hex()[:40] not in repr(result)
    assert result.hash in repr(result)


@pytest.mark.parametrize(
    "change",
    [{"calls": ()}, {"calls": (Call(TOKEN, b""),) * 33}, {"gas": 0}, {"gas": MOST_GAS + 1}, {"nonce": -1}],
)
def test_what_the_chain_would_never_take_is_our_own_fault(change: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "chain_id": 1, "calls": (Call(TOKEN, b""),), "nonce_key": 0, "nonce": 0, "gas": 1, "fee_token": TOKEN,
    }  # fmt: skip

    with pytest.raises(AssertionError):
        TempoTransaction(**{**given, **change})


@pytest.mark.parametrize(
    ("count", "is_new_lane", "gas"), [(1, False, 650_000), (1, True, 900_000), (32, False, 9_950_000)]
)
def test_gas_follows_calls_and_the_first_use_of_a_lane(count: int, is_new_lane: bool, gas: int) -> None:
    assert gas_for(count, is_new_lane=is_new_lane) == gas


def selector(interface: str, name: str) -> str:
    """The selector of a function as the official package ships it."""
    text = (resources.files("pytempo") / "contracts" / "abis" / f"{interface}.json").read_text()
    found = [one for one in json.loads(text) if one["type"] == "function" and one["name"] == name]
    assert len(found) == 1
    types = ",".join(argument["type"] for argument in found[0]["inputs"])
    return oracle.keccak(f"{name}({types})".encode())[:4].hex()


def word(value: str | int | bool | bytes) -> bytes:
    """One static argument."""
    if isinstance(value, str):
        return bytes.fromhex(value[2:]).rjust(32, b"\0")
    return value if isinstance(value, bytes) else int(value).to_bytes(32, "big")


STATIC: list[tuple[Call, str, str, tuple[Any, ...]]] = [
    (calls.mint(TOKEN, ANN, 5, MEMO), "ITIP20", "mintWithMemo", (ANN, 5, MEMO)),
    (calls.burn(TOKEN, 2**64, MEMO), "ITIP20", "burnWithMemo", (2**64, MEMO)),
    (calls.transfer(TOKEN, ANN, 5, MEMO), "ITIP20", "transferWithMemo", (ANN, 5, MEMO)),
    (calls.pull(TOKEN, ANN, BOB, 5, MEMO), "ITIP20", "transferFromWithMemo", (ANN, BOB, 5, MEMO)),
    (calls.approve(TOKEN, BOB), "ITIP20", "approve", (BOB, 2**256 - 1)),
    (calls.pause(TOKEN), "ITIP20", "pause", ()),
    (calls.unpause(TOKEN), "ITIP20", "unpause", ()),
    (calls.set_supply_cap(TOKEN, 7), "ITIP20", "setSupplyCap", (7,)),
    (calls.change_policy(TOKEN, 9), "ITIP20", "changeTransferPolicyId", (9,)),
    (calls.balance_of(TOKEN, ANN), "ITIP20", "balanceOf", (ANN,)),
    (calls.total_supply(TOKEN), "ITIP20", "totalSupply", ()),
    (calls.supply_cap(TOKEN), "ITIP20", "supplyCap", ()),
    (calls.is_paused(TOKEN), "ITIP20", "paused", ()),
    (calls.allowance(TOKEN, ANN, BOB), "ITIP20", "allowance", (ANN, BOB)),
    (calls.policy_of(TOKEN), "ITIP20", "transferPolicyId", ()),
    (calls.grant_role(TOKEN, MEMO, ANN), "ITIP20RolesAuth", "grantRole", (MEMO, ANN)),
    (calls.revoke_role(TOKEN, MEMO, ANN), "ITIP20RolesAuth", "revokeRole", (MEMO, ANN)),
    (calls.has_role(TOKEN, ANN, MEMO), "ITIP20RolesAuth", "hasRole", (ANN, MEMO)),
    (calls.create_policy(ANN), "ITIP403Registry", "createPolicy", (ANN, 1)),
    (calls.blacklist(3, ANN, is_blocked=True), "ITIP403Registry", "modifyPolicyBlacklist", (3, ANN, True)),
    (calls.policy_data(3), "ITIP403Registry", "policyData", (3,)),
    (calls.is_authorized(3, ANN), "ITIP403Registry", "isAuthorized", (3, ANN)),
    (calls.lane_nonce(ANN, 5), "INonce", "getNonce", (ANN, 5)),
]


@pytest.mark.parametrize(("call", "interface", "name", "values"), STATIC, ids=[one[2] for one in STATIC])
def test_a_call_is_selector_and_words_of_the_shipped_interface(
    call: Call, interface: str, name: str, values: tuple[Any, ...]
) -> None:
    assert call.data.hex() == selector(interface, name) + b"".join(map(word, values)).hex()


def test_a_token_is_made_with_three_texts_behind_six_words() -> None:
    call = calls.create_token("A dollar of ours", "OURS", "USD", addresses.PATH_USD, ANN, MEMO)

    head = [word(192), word(256), word(320), word(addresses.PATH_USD), word(ANN), MEMO]
    tails = [word(len(text)) + text.encode().ljust(32, b"\0") for text in ("A dollar of ours", "OURS", "USD")]
    assert call.to == addresses.FACTORY
    assert call.data == bytes.fromhex("68130445") + b"".join([*head, *tails])


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        (addresses.TRANSFER, "Transfer(address,address,uint256)"),
        (addresses.TRANSFER_WITH_MEMO, "TransferWithMemo(address,address,uint256,bytes32)"),
        (addresses.POLICY_CREATED, "PolicyCreated(uint64,address,uint8)"),
        (addresses.TRANSFER_BLOCKED, "TransferBlocked(address,address,uint64,uint256,uint8,bytes)"),
    ],
)
def test_topics_are_the_hashes_of_their_events(topic: str, event: str) -> None:
    assert topic == "0x" + oracle.keccak(event.encode()).hex()


@pytest.mark.parametrize("role", ["ISSUER_ROLE", "PAUSE_ROLE", "UNPAUSE_ROLE"])
def test_roles_are_the_hashes_of_their_names(role: str) -> None:
    assert getattr(addresses, role) == oracle.keccak(role.encode())


def test_an_answer_of_another_shape_is_told_and_not_guessed() -> None:
    with pytest.raises(ValueError, match="0 bytes are not uint256"):
        calls.number(b"")
