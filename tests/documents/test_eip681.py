"""Requests that wallets read: the published examples, and every way to ask for something else (S-15)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.documents.eip681 import LARGEST_UNITS, LONGEST_TEXT, TokenRequest, read, with_checksum
from invoicepay.errors import InvalidAmount, InvalidIdentifier, InvalidInput, InvalidText

# The examples of EIP-55: all capitals, all small, and mixed.
PUBLISHED_ADDRESSES = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
TOKEN, TO = PUBLISHED_ADDRESSES[4], PUBLISHED_ADDRESSES[7]
MEMO = "0x" + "ab" * 32
REQUEST = TokenRequest(chain_id=1, token=TOKEN, to=TO, units=1)
TEXT = f"ethereum:{TOKEN}@1/transfer?address={TO}&uint256=1"


@pytest.mark.parametrize("address", PUBLISHED_ADDRESSES)
def test_published_addresses_have_their_published_checksum(address: str) -> None:
    assert with_checksum(address.lower().replace("0X", "0x")) == address


def test_the_published_request_is_written_with_its_chain_and_checksums() -> None:
    # EIP-681's own: ethereum:0x89205a3a3b2a69de6dbf7f01ed13b2108b2c43e7/transfer?address=0x8e23…&uint256=1
    token = with_checksum("0x89205a3a3b2a69de6dbf7f01ed13b2108b2c43e7")
    to = with_checksum("0x8e23ee67d1332ad560396262c48ffbb01f93d052")

    request = TokenRequest(chain_id=1, token=token, to=to, units=1)

    assert str(request) == f"ethereum:{token}@1/transfer?address={to}&uint256=1"
    assert read(str(request)) == request


@pytest.mark.parametrize("address", PUBLISHED_ADDRESSES)
def test_one_letter_of_another_case_is_a_wrong_checksum(address: str) -> None:
    for at, letter in enumerate(address):
        if at > 1 and letter.isalpha():
            other = address[:at] + letter.swapcase() + address[at + 1 :]
            with pytest.raises(InvalidIdentifier):
                TokenRequest(chain_id=1, token=TOKEN, to=other, units=1)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("@1", ""),
        TEXT.replace("@1", "@0"),
        TEXT.replace("@1", "@-1"),
        TEXT.replace("@1", "@0x1"),
        TEXT.replace("@1", "@" + "9" * 17),
        TEXT.replace("=1", "=-1"),
        TEXT.replace("=1", "=+1"),
        TEXT.replace("=1", "=0"),
        TEXT.replace("=1", "=01"),
        TEXT.replace("=1", "=1.5"),
        TEXT.replace("=1", "=2.014e18"),
        TEXT.replace("=1", "=1e6"),
        TEXT.replace("=1", "=1E6"),
        TEXT.replace("=1", "=0x1"),
        TEXT.replace("=1", "=\u0661"),
        TEXT.replace("=1", "=1_0"),
        TEXT.replace("=1", "="),
        TEXT.replace("=1", f"={2**256}"),
        TEXT.replace("=1", "=" + "9" * 5_000),
        TEXT.replace(TO, "vitalik.eth"),
        TEXT.replace(TOKEN, "token.eth"),
        TEXT.replace(TOKEN, TOKEN.lower()),
        TEXT.replace(TO, TO.lower()),
        TEXT.replace(TO, TO[:-1]),
        TEXT.replace("transfer", "approve"),
        TEXT.replace("transfer", "transferWithMemo"),
        TEXT.replace("transfer?", "transferWithMemo?") + f"&bytes32={MEMO.upper()}",
        TEXT + f"&bytes32={MEMO}",
        TEXT + "&uint256=2",
        TEXT + f"&address={TOKEN}",
        TEXT + "&gas=1",
        TEXT + "#x",
        TEXT + "\n",
        " " + TEXT,
        TEXT.replace("ethereum:", "ETHEREUM:"),
        TEXT.replace("ethereum:", "ethereum:pay-"),
        TEXT.replace("ethereum:", "ethereum://"),
        TEXT.replace("?", "%3F"),
        "ethereum:0xfb6916095ca1df60bb79Ce92ce3ea74c37c5d359?value=2.014e18",
        "",
    ],
)
def test_what_could_ask_for_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text)


@pytest.mark.parametrize("other", [None, 1, TEXT.encode()])
def test_what_is_no_text_is_refused_alike(other: Any) -> None:
    with pytest.raises(InvalidText):
        read(other)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"chain_id": 0}, InvalidIdentifier),
        ({"chain_id": True}, InvalidIdentifier),
        ({"chain_id": "1"}, InvalidIdentifier),
        ({"token": "token.eth"}, InvalidIdentifier),
        ({"to": TO.lower()}, InvalidIdentifier),
        ({"to": None}, InvalidIdentifier),
        ({"units": 0}, InvalidAmount),
        ({"units": -1}, InvalidAmount),
        ({"units": 1.5}, InvalidAmount),
        ({"units": True}, InvalidAmount),
        ({"units": LARGEST_UNITS + 1}, InvalidAmount),
        ({"memo": "lunch"}, InvalidText),
        ({"memo": MEMO[:-1]}, InvalidText),
        ({"memo": b"x"}, InvalidText),
    ],
)
def test_a_request_that_no_wallet_should_read_is_not_made(changes: Any, kind: type[InvalidInput]) -> None:
    with pytest.raises(kind):
        TokenRequest(**({"chain_id": 1, "token": TOKEN, "to": TO, "units": 1} | changes))


@given(
    chain_id=st.integers(1, 2**53 - 1),
    units=st.integers(1, LARGEST_UNITS),
    to=st.binary(min_size=20, max_size=20),
    memo=st.one_of(st.just(b""), st.binary(min_size=32, max_size=32)),
)
def test_every_request_is_read_as_it_was_written(chain_id: int, units: int, to: bytes, memo: bytes) -> None:
    request = TokenRequest(
        chain_id=chain_id,
        token=TOKEN,
        to=with_checksum(f"0x{to.hex()}"),
        units=units,
        memo=f"0x{memo.hex()}" if memo else "",
    )

    assert len(str(request)) <= LONGEST_TEXT
    assert read(str(request)) == request
