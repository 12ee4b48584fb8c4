"""Requests for tokens as `ethereum:` texts that wallets read (EIP-681), written and read strictly (S-15)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from invoicepay.errors import InvalidAmount, InvalidIdentifier, InvalidText, MissingExtra

LARGEST_UNITS = 2**256 - 1
LARGEST_CHAIN = 2**53 - 1
LONGEST_TEXT = 400

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_MEMO = re.compile(r"0x[0-9a-f]{64}")
_TEXT = re.compile(
    r"ethereum:(?P<token>0x[0-9a-fA-F]{40})@(?P<chain>[1-9][0-9]{0,15})"
    r"/(?P<call>transfer|transferWithMemo)"
    r"\?address=(?P<to>0x[0-9a-fA-F]{40})&uint256=(?P<units>[1-9][0-9]{0,77})"
    r"(?:&bytes32=(?P<memo>0x[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Somebody is asked to send tokens to an address.

    Attributes:
        chain_id: the network; a request without one could be paid on another.
        token: the token's contract, with its checksum (EIP-55).
        to: who is paid, with its checksum.
        units: the token's smallest units, a whole number: micros for a token of six decimals.
        memo: 32 bytes as `0x…` in small letters, where the token takes one with the transfer; may be empty.

    Raises:
        InvalidIdentifier: no chain, or an address whose checksum is missing or wrong.
        InvalidAmount: not a whole number above zero.
        InvalidText: a memo that is none.
        MissingExtra: checksums need `invoicepay[tempo]`.
    """

    chain_id: int
    token: str
    to: str
    units: int
    memo: str = ""

    def __post_init__(self) -> None:
        if type(self.chain_id) is not int or not 1 <= self.chain_id <= LARGEST_CHAIN:
            raise InvalidIdentifier("a chain is named by a whole number above zero", field="chain_id")
        _require_address(self.token, "token")
        _require_address(self.to, "to")
        if type(self.units) is not int or not 1 <= self.units <= LARGEST_UNITS:
            raise InvalidAmount("tokens are asked for in whole units above zero", field="units")
        if self.memo and not (isinstance(self.memo, str) and _MEMO.fullmatch(self.memo)):
            raise InvalidText("a memo is 32 bytes, as 0x and 64 small hexadecimal digits", field="memo")

    def __str__(self) -> str:
        """The text for a QR code."""
        call, memo = ("transferWithMemo", f"&bytes32={self.memo}") if self.memo else ("transfer", "")
        return f"ethereum:{self.token}@{self.chain_id}/{call}?address={self.to}&uint256={self.units}{memo}"


def read(text: str) -> TokenRequest:
    """The request in a scanned text, as `str(request)` writes it and no other way.

    EIP-681 allows more: names instead of addresses, exponents, signs, a default chain. Each of these is a way
    to ask for something else than the reader thinks, so all are refused.

    Raises:
        InvalidText: any other text; an `InvalidIdentifier` or `InvalidAmount` names the part that is wrong.

    Examples:
        >>> token = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        >>> to = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
        >>> request = TokenRequest(chain_id=4217, token=token, to=to, units=12_500_000)
        >>> read(str(request)) == request
        True
    """
    found = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= LONGEST_TEXT else None
    if found is None or (found["call"] == "transferWithMemo") is not bool(found["memo"]):
        raise InvalidText("this is no request for tokens: ethereum:0x…@chain/transfer?address=0x…&uint256=…")
    return TokenRequest(
        chain_id=int(found["chain"]),
        token=found["token"],
        to=found["to"],
        units=int(found["units"]),
        memo=found["memo"] or "",
    )


def with_checksum(address: str) -> str:
    """An address with the checksum in the case of its letters (EIP-55).

    Raises:
        InvalidIdentifier: it is no address.

    Examples:
        >>> with_checksum("0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359")
        '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'
    """
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        raise InvalidIdentifier("an address is 0x and 40 hexadecimal digits")
    digits = address[2:].lower()
    marks = _keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False)
    )


def _require_address(address: str, field: str) -> None:
    if with_checksum(address) != address:
        raise InvalidIdentifier("the checksum of an address is missing or wrong (EIP-55)", field=field)


def _keccak(data: bytes) -> bytes:
    try:
        from eth_hash.auto import keccak
    except ImportError as error:
        raise MissingExtra("tempo", needed_for="The checksum of an address") from error
    return keccak(data)
