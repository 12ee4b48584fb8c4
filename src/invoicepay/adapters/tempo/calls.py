"""The calls we make: TIP-20 tokens, their factory, the policy registry, nonces; and what questions answer."""

from __future__ import annotations

from typing import Any, Final

from invoicepay.adapters.tempo import addresses
from invoicepay.adapters.tempo.extra import keccak, tempo_extra
from invoicepay.adapters.tempo.transaction import Call

UNLIMITED: Final = 2**256 - 1
"""An allowance that is never used up."""
BLACKLIST: Final = 1
"""The kind of policy that lets everybody hold and move a token but those on its list."""
MEMO_BYTES: Final = 32


def mint(token: str, to: str, amount: int, memo: bytes) -> Call:
    """Issue `amount` base units; the sender has the issuer role."""
    return _call(token, "e44f0b12", ("address", "uint256", "bytes32"), to, amount, _memo(memo))


def burn(token: str, amount: int, memo: bytes) -> Call:
    """Destroy tokens of the sender's own; the sender has the issuer role."""
    return _call(token, "38f23b0b", ("uint256", "bytes32"), amount, _memo(memo))


def transfer(token: str, to: str, amount: int, memo: bytes) -> Call:
    """Move tokens of the sender's own."""
    return _call(token, "95777d59", ("address", "uint256", "bytes32"), to, amount, _memo(memo))


def pull(token: str, holder: str, to: str, amount: int, memo: bytes) -> Call:
    """Move tokens of a holder who approved the sender."""
    types = ("address", "address", "uint256", "bytes32")
    return _call(token, "929c2539", types, holder, to, amount, _memo(memo))


def approve(token: str, spender: str, amount: int = UNLIMITED) -> Call:
    """Let `spender` pull from the sender; works on a paused token too."""
    return _call(token, "095ea7b3", ("address", "uint256"), spender, amount)


def pause(token: str) -> Call:
    """Stop transfers, mints and burns."""
    return _call(token, "8456cb59")


def unpause(token: str) -> Call:
    """Let a paused token move again; another role than pausing."""
    return _call(token, "3f4ba83a")


def grant_role(token: str, role: bytes, account: str) -> Call:
    """Give a role; the sender is the token's admin."""
    return _call(token, "2f2ff15d", ("bytes32", "address"), role, account)


def revoke_role(token: str, role: bytes, account: str) -> Call:
    """Take a role back; the sender is the token's admin."""
    return _call(token, "d547741f", ("bytes32", "address"), role, account)


def set_supply_cap(token: str, cap: int) -> Call:
    """Limit the supply; at least what is outstanding, at most 2^128 − 1."""
    return _call(token, "b6a3f59a", ("uint256",), cap)


def change_policy(token: str, policy: int) -> Call:
    """Bind the token to a transfer policy of the registry; the sender is the token's admin."""
    return _call(token, "fd5e9420", ("uint64",), policy)


def create_token(name: str, symbol: str, currency: str, quote_token: str, admin: str, salt: bytes) -> Call:
    """Make a token at the address that `token_address` tells; its currency is for ever."""
    types = ("string", "string", "string", "address", "address", "bytes32")
    return _call(addresses.FACTORY, "68130445", types, name, symbol, currency, quote_token, admin, salt)


def token_address(sender: str, salt: bytes) -> str:
    """Where a token made by `sender` with `salt` stands, before it is made and after.

    The chain tells the same (`getTokenAddress`), so this is known without asking.
    """
    return addresses.TIP20_PREFIX + keccak(_encoded(("address", "bytes32"), (sender, salt)))[:8].hex()


def create_policy(admin: str) -> Call:
    """Make an empty blacklist; its number is topic 1 of the `PolicyCreated` log."""
    return _call(addresses.REGISTRY, "ca5d55f6", ("address", "uint8"), admin, BLACKLIST)


def blacklist(policy: int, account: str, *, is_blocked: bool) -> Call:
    """Put an account on the policy's list or take it off; the sender is the policy's admin."""
    types = ("uint64", "address", "bool")
    return _call(addresses.REGISTRY, "c62b27d4", types, policy, account, is_blocked)


def balance_of(token: str, account: str) -> Call:
    """Asks for base units held."""
    return _call(token, "70a08231", ("address",), account)


def total_supply(token: str) -> Call:
    """Asks for base units outstanding."""
    return _call(token, "18160ddd")


def supply_cap(token: str) -> Call:
    """Asks for the most base units."""
    return _call(token, "8f770ad0")


def is_paused(token: str) -> Call:
    """Asks whether the token stands still."""
    return _call(token, "5c975abb")


def has_role(token: str, account: str, role: bytes) -> Call:
    """Asks whether an account has a role; here the account comes first."""
    return _call(token, "ac4ab3fb", ("address", "bytes32"), account, role)


def allowance(token: str, holder: str, spender: str) -> Call:
    """Asks how much `spender` may pull."""
    return _call(token, "dd62ed3e", ("address", "address"), holder, spender)


def policy_of(token: str) -> Call:
    """Asks for the number of the token's policy; 0 refuses and 1 lets through everybody."""
    return _call(token, "9c4bad29")


def policy_data(policy: int) -> Call:
    """Asks for a policy's kind and admin."""
    return _call(addresses.REGISTRY, "50214329", ("uint64",), policy)


def is_authorized(policy: int, account: str) -> Call:
    """Asks whether a policy lets an account hold and move."""
    return _call(addresses.REGISTRY, "55a1179e", ("uint64", "address"), policy, account)


def is_token(address: str) -> Call:
    """Asks the factory whether a token stands at an address."""
    return _call(addresses.FACTORY, "35ec42c9", ("address",), address)


def lane_nonce(account: str, nonce_key: int) -> Call:
    """Asks for the next nonce of a lane; key 0 is asked with `eth_getTransactionCount` instead."""
    return _call(addresses.NONCES, "89535803", ("address", "uint256"), account, nonce_key)


def number(answer: bytes) -> int:
    """The first word of an answer.

    Raises:
        ValueError: there is none, as when nothing stands at the address.
    """
    return int(words(answer, "uint256")[0])


def words(answer: bytes, *types: str) -> tuple[Any, ...]:
    """An answer in parts.

    Raises:
        ValueError: the answer has another shape.
    """
    with tempo_extra():
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError
    try:
        return tuple(decode(types, answer))
    except DecodingError as error:
        raise ValueError(f"{len(answer)} bytes are not {', '.join(types)}") from error


def _call(to: str, selector: str, types: tuple[str, ...] = (), *values: object) -> Call:
    return Call(to, bytes.fromhex(selector) + (_encoded(types, values) if types else b""))


def _encoded(types: tuple[str, ...], values: tuple[object, ...]) -> bytes:
    with tempo_extra():
        from eth_abi.abi import encode
    return encode(types, values)


def _memo(memo: bytes) -> bytes:
    assert len(memo) == MEMO_BYTES, f"a memo has {MEMO_BYTES} bytes"
    return memo
