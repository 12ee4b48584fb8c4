"""Keys in the process: stable, apart from each other, and shown by nothing."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from coincurve import PrivateKey, PublicKey
from pydantic import SecretStr

from invoicepay.adapters.tempo.keys import LocalKeys, address_of
from invoicepay.bridge import run_blocking
from invoicepay.errors import ConfigurationError

SEED = bytes(range(100, 132))
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CANARY = "c0ffee" * 10 + "c0de"


def address(keys: LocalKeys, account: str) -> str:
    return run_blocking(keys.address(account))


def test_the_same_seed_gives_an_account_the_same_address_for_ever() -> None:
    assert address(LocalKeys(SEED), "issuer") == "0x68144a7c14d055cb04c7327fb44cadd124ea88a2"
    assert address(LocalKeys(SecretStr("0x" + SEED.hex())), "issuer") == address(LocalKeys(SEED), "issuer")


def test_accounts_and_seeds_have_keys_of_their_own() -> None:
    names = ["issuer", "admin", "fees", "operator", "wallet:t1:ann", "wallet:t1:an", "wallet:t2:ann", "", "é"]

    assert (
        len({address(keys, name) for keys in (LocalKeys(SEED), LocalKeys(bytes(32))) for name in names}) == 18
    )


def test_a_fixed_key_wins_over_a_derived_one() -> None:
    key = SecretStr("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6")

    keys = LocalKeys(SEED, fixed={"fees": key})

    assert address(keys, "fees") == "0x90f79bf6eb2c4f870365e785982e1f101e93b906"
    assert address(keys, "issuer") == address(LocalKeys(SEED), "issuer")


def test_a_signature_is_low_deterministic_and_recovers_to_the_address() -> None:
    keys = LocalKeys(SEED)
    for number in range(50):
        digest = bytes([number]) * 32

        signature = run_blocking(keys.sign("issuer", digest, payload=b""))

        assert signature == run_blocking(keys.sign("issuer", digest, payload=b""))
        assert 0 < signature.s <= ORDER // 2
        assert signature.recovery in (0, 1)
        told = signature.r.to_bytes(32, "big") + signature.s.to_bytes(32, "big") + bytes([signature.recovery])
        key = PublicKey.from_signature_and_message(told, digest, hasher=None)
        assert address_of(key.format(compressed=False)) == address(keys, "issuer")


@pytest.mark.parametrize(
    "fixed",
    [
        bytes(32),
        ORDER.to_bytes(32, "big"),
        bytes(31),
        bytes(33),
        SecretStr("no hex"),
        SecretStr(""),
        SecretStr("0x7"),
    ],
)
def test_what_is_no_private_key_is_refused(fixed: bytes | SecretStr) -> None:
    with pytest.raises(ConfigurationError, match="the key of fees is no private key"):
        LocalKeys(SEED, fixed={"fees": fixed})


@pytest.mark.parametrize(
    "seed", [b"", bytes(31), SecretStr("ab" * 31), SecretStr("a passphrase that is long enough")]
)
def test_a_seed_that_is_short_or_no_hexadecimal_is_refused(seed: bytes | SecretStr) -> None:
    with pytest.raises(ConfigurationError, match="the seed of the keys is 32 bytes or more"):
        LocalKeys(seed)


def test_nothing_shows_a_key() -> None:
    seed = SecretStr(CANARY)
    keys = LocalKeys(seed, fixed={"fees": SecretStr(CANARY[::-1])})
    run_blocking(keys.sign("fees", bytes(32), payload=b""))
    run_blocking(keys.address("issuer"))

    shown = [repr(keys), str(keys), f"{vars(keys)}", repr(keys._loaded["fees"])]

    for hidden in (CANARY, CANARY[::-1], bytes.fromhex(CANARY).hex(), repr(bytes.fromhex(CANARY))[2:20]):
        assert not any(hidden in text for text in shown)
    assert keys._loaded["fees"].secret == bytes.fromhex(CANARY[::-1])


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_are_neither_pickled_nor_copied(carry: object) -> None:
    assert callable(carry)
    with pytest.raises(ConfigurationError, match="neither pickled nor copied"):
        carry(LocalKeys(SEED))


def test_a_refused_key_is_in_no_variable_of_the_traceback() -> None:
    wrong = bytes.fromhex(CANARY) + b"!"

    with pytest.raises(ConfigurationError) as refused:
        LocalKeys(SEED, fixed={"fees": wrong})
    told = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    ours = told.split("src/invoicepay/adapters/tempo/keys.py")[1:]

    assert ours
    assert not any(repr(wrong)[2:14] in frame for frame in ours)


def test_the_key_of_an_account_is_not_the_seed() -> None:
    keys = LocalKeys(SEED)
    address(keys, "issuer")

    assert keys._loaded["issuer"].secret != SEED
    assert isinstance(keys._loaded["issuer"], PrivateKey)
