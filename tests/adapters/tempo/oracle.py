"""A second encoder of Tempo transactions, written from the specification and using no library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Item: TypeAlias = "int | bytes | Sequence[Item]"

_ROUNDS = 24
_MASK = 2**64 - 1
_RATE = 136


def keccak(data: bytes) -> bytes:
    """Keccak-256 with the original padding."""
    padded = bytearray(data) + bytearray(_RATE - len(data) % _RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), _RATE):
        for place in range(_RATE // 8):
            word = padded[start + 8 * place : start + 8 * place + 8]
            lanes[place % 5][place // 5] ^= int.from_bytes(word, "little")
        lanes = _permuted(lanes)
    return b"".join(lanes[place % 5][place // 5].to_bytes(8, "little") for place in range(4))


def _permuted(a: list[list[int]]) -> list[list[int]]:
    lfsr = 1
    for _ in range(_ROUNDS):
        columns = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        mixed = [columns[x - 1] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        a = [[a[x][y] ^ mixed[x] for y in range(5)] for x in range(5)]
        x, y, moving = 1, 0, a[1][0]
        for step in range(_ROUNDS):
            x, y = y, (2 * x + 3 * y) % 5
            moving, a[x][y] = a[x][y], _turned(moving, (step + 1) * (step + 2) // 2)
        for y in range(5):
            row = [a[x][y] for x in range(5)]
            for x in range(5):
                a[x][y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        for j in range(7):
            lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171)
            if lfsr & 2:
                a[0][0] ^= 1 << ((1 << j) - 1)
    return a


def _turned(word: int, by: int) -> int:
    by %= 64
    return (word << by | word >> (64 - by)) & _MASK


def rlp(item: Item) -> bytes:
    """Recursive length prefix encoding."""
    if isinstance(item, int):
        return rlp(item.to_bytes((item.bit_length() + 7) // 8, "big"))
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefix(len(item), 0x80) + item
    body = b"".join(rlp(one) for one in item)
    return _prefix(len(body), 0xC0) + body


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([offset + 55 + len(size)]) + size


def unrlp(data: bytes) -> list[Item]:
    """The fields of an encoded list; every length is taken at its word."""
    item, rest = _read(data)
    assert rest == b""
    assert isinstance(item, list)
    return item


def _read(data: bytes) -> tuple[Item, bytes]:
    first = data[0]
    if first < 0x80:
        return data[:1], data[1:]
    offset = 0xC0 if first >= 0xC0 else 0x80
    length, start = first - offset, 1
    if length > 55:
        start = 1 + length - 55
        length = int.from_bytes(data[1:start], "big")
    body, rest = data[start : start + length], data[start + length :]
    if offset == 0x80:
        return body, rest
    items: list[Item] = []
    while body:
        item, body = _read(body)
        items.append(item)
    return items, rest


def sender_digest(fields: list[Item], *, is_sponsored: bool) -> bytes:
    """What the sender signs; with a fee payer it leaves fee token and payer open."""
    signed = list(fields[:13])
    signed[10:12] = [b"", b"\0"] if is_sponsored else [fields[10], b""]
    return keccak(b"\x76" + rlp(signed))


def payer_digest(fields: list[Item], sender: bytes) -> bytes:
    """What the fee payer signs: the fee token, and the sender in place of its own signature."""
    return keccak(b"\x78" + rlp([*fields[:11], sender, fields[12]]))
