"""Identifiers and text from outside: kinds of id, their spelling, and the guards for names and keys."""

import re
import unicodedata
from enum import StrEnum

from invoicepay.errors import InvalidIdentifier, InvalidKey, InvalidText

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_SHIFTS = range(120, -1, -10)
_TYPEID = re.compile(r"([a-z]{2,8})_([0-7][0-9a-hjkmnp-tv-z]{25})")
_TYPEID_LENGTH = 35
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_KEY_LENGTH = 255
_PARTY_LENGTH = 128
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Prefix(StrEnum):
    """The kind of thing that an id of ours names; the prefix of the id."""

    INVOICE = "inv"
    CREDIT_NOTE = "cn"
    PAYMENT = "pmt"
    ALLOCATION = "alc"
    CREDIT = "crd"
    DEPOSIT = "dep"
    RESERVE = "rsv"
    UNMATCHED_FUNDS = "unm"
    ATTESTATION = "att"
    MINT = "mnt"
    BURN = "brn"
    WITHDRAWAL = "wdr"
    REQUEST = "req"
    TRANSFER = "trf"
    HOLD = "hld"
    SCHEDULE = "sch"
    SETTLEMENT_RUN = "stl"
    EFFECT = "eff"
    OBSERVATION = "obs"
    INBOX_MESSAGE = "whk"
    EVENT = "evt"
    LEDGER_TRANSACTION = "ltx"
    AUDIT_RECORD = "aud"
    KEY = "key"
    STATEMENT_LINE = "stm"
    RECEIPT = "rcp"
    BREAK = "brk"
    REMARK = "rmk"
    WEBHOOK_ENDPOINT = "whe"


def uuid7_bytes(unix_ms: int, random_bytes: bytes) -> bytes:
    """A version 7 UUID: 48 bits of milliseconds, then 74 of the 80 random bits, highest first (RFC 9562).

    Ids of one millisecond sort like their `random_bytes`, so a counter in front keeps the order of calls.
    """
    assert 0 <= unix_ms < 1 << 48, "milliseconds since 1970 fit 48 bits"
    assert len(random_bytes) == 10, "ten random bytes"
    chance = int.from_bytes(random_bytes) >> 6
    high, low = chance >> 62, chance & ((1 << 62) - 1)
    return (unix_ms << 80 | 7 << 76 | high << 64 | 2 << 62 | low).to_bytes(16)


def typeid(prefix: str, uuid: bytes) -> str:
    """Prefix and UUID as text that sorts like the UUID: `inv_01k…`, 26 letters of Crockford's base 32."""
    number = int.from_bytes(uuid)
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def ten_letters(number: int) -> str:
    """50 bits as text: the milliseconds in front of an id, or the random bits at its end."""
    assert 0 <= number < 1 << 50, "ten letters hold 50 bits"
    return "".join([_PAIRS[number >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def timed_id(prefix: str, time: str, counter: int, chance: str) -> str:
    """`typeid` over `uuid7_bytes`: milliseconds, a counter of 24 bits, random bits; see `ten_letters`."""
    bits = 7 << 26 | counter >> 12 << 14 | 2 << 12 | counter & 0xFFF
    return f"{prefix}_{time}{_PAIRS[bits >> 20]}{_PAIRS[bits >> 10 & 1023]}{_PAIRS[bits & 1023]}{chance}"


def parse_typeid(text: str, prefix: str | None = None) -> tuple[str, bytes]:
    """Prefix and UUID of an id of ours.

    Raises:
        InvalidIdentifier: the text is no such id, or names another kind than `prefix`.
    """
    found = _TYPEID.fullmatch(text) if isinstance(text, str) and len(text) <= _TYPEID_LENGTH else None
    if found is None:
        raise InvalidIdentifier("an id is written like inv_01k0000000e008000000000000")
    if prefix is not None and found[1] != prefix:
        raise InvalidIdentifier(f"expected an id that starts with {prefix}_, not {found[1]}_", id=text)
    number = 0
    for letter in found[2]:
        number = number << 5 | _VALUES[letter]
    return found[1], number.to_bytes(16)


def party_id(text: str, field: str = "the party id") -> str:
    """The host's own id of a user or enterprise: 1 to 128 printable characters, kept as they are (D14).

    Raises:
        InvalidIdentifier: empty, too long, padded with spaces, not printable, or not in Unicode form NFC.
    """
    if not isinstance(text, str):
        raise InvalidIdentifier(f"{field} is text, not {type(text).__name__}", field=field)
    if not 1 <= len(text) <= _PARTY_LENGTH:
        raise InvalidIdentifier(f"{field} has 1 to {_PARTY_LENGTH} characters", field=field)
    if not text.isprintable() or text != text.strip() or not unicodedata.is_normalized("NFC", text):
        raise InvalidIdentifier(f"{field} is printable, in NFC, without spaces around it", field=field)
    return text


def clean_text(text: str, max_len: int, field: str) -> str:
    """A name, memo or reason in Unicode form NFC, as every store returns it (S-18, S-20).

    Raises:
        InvalidText: too long, or with control, direction-override or surrogate characters.
    """
    if not isinstance(text, str):
        raise InvalidText(f"{field} is text, not {type(text).__name__}", field=field)
    if len(text) > max_len:
        raise InvalidText(f"{field} has at most {max_len} characters", field=field, max_length=max_len)
    if text.isascii() and text.isprintable():
        return text
    if any(char in _OVERRIDES or unicodedata.category(char) in _REFUSED_CATEGORIES for char in text):
        raise InvalidText(f"{field} contains control or direction-override characters", field=field)
    composed = unicodedata.normalize("NFC", text)
    if len(composed) > max_len:
        raise InvalidText(f"{field} has at most {max_len} characters", field=field, max_length=max_len)
    return composed


def idempotency_key(text: str) -> str:
    """The host's name for one intent: 1 to 255 printable ASCII characters, without spaces around it (D7).

    Raises:
        InvalidKey: it has another form.
    """
    if not isinstance(text, str) or len(text) > _KEY_LENGTH or not _KEY.fullmatch(text):
        raise InvalidKey(f"an idempotency key has 1 to {_KEY_LENGTH} printable ASCII characters")
    return text
