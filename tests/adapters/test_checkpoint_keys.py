"""Keys of checkpoints and the texts they sign: nothing else verifies, and nothing shows a private key."""

from __future__ import annotations

import copy
import pickle
import string
import traceback
from datetime import UTC, datetime

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from invoicepay.bridge import run_blocking
from invoicepay.domain import anchors
from invoicepay.domain.audit import GENESIS, Checkpoint, Head, seal
from invoicepay.errors import ConfigurationError, InvalidInput, NotAllowed
from invoicepay.ports.signing import CheckpointKey

PRIVATE = bytes(range(32))
KEY = Ed25519Key(PRIVATE)
LETTERS = string.ascii_letters + string.digits + "-_."


def point() -> Checkpoint:
    return seal("t", None, [Head("main", 1, GENESIS)], datetime(2026, 1, 5, 9, tzinfo=UTC))


def text_of(key: CheckpointKey = KEY) -> str:
    signed = anchors.unsigned("t", point(), key.key_id)
    return anchors.with_signature(signed, run_blocking(key.sign(anchors.signed_bytes(signed))))


def accepts(key: CheckpointKey, text: str) -> bool:
    parts = anchors.parts_of(text)
    if parts is None or parts.key_id != key.key_id:
        return False
    return run_blocking(key.verify(anchors.signed_bytes(parts.signed), parts.signature))


def test_what_was_signed_verifies_and_says_what_was_sealed() -> None:
    parts = anchors.parts_of(text_of())

    assert parts is not None
    assert accepts(KEY, text_of())
    anchor = anchors.read(parts)
    assert (anchor.tenant_id, anchor.position, anchor.at, anchor.hash) == ("t", 1, point().at, point().hash)
    assert (anchor.key_id, anchor.text) == (KEY.key_id, text_of())


def test_no_other_character_anywhere_is_accepted() -> None:
    text = text_of()
    for place, letter in enumerate(text):
        other = LETTERS[(LETTERS.index(letter) + 1 + place) % len(LETTERS)]
        if other != letter:
            assert not accepts(KEY, text[:place] + other + text[place + 1 :]), place


OTHER_FORMS = ["", "ipa1", "x" * 5_000, None, 5, text_of()[:-1], text_of() + "A", text_of() + "="]
OTHER_FORMS += [f" {text_of()}", f"{text_of()}\n", text_of().replace("ipa1", "ipa2")]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_another_form_is_refused(text: str) -> None:
    assert not accepts(KEY, text)


def test_the_public_key_verifies_and_does_not_sign() -> None:
    public = Ed25519Key(public=KEY.public)

    assert accepts(public, text_of())
    with pytest.raises(ConfigurationError, match="only verifies"):
        run_blocking(public.sign(b"anything"))


def test_another_key_under_the_same_name_does_not_verify() -> None:
    assert not accepts(Ed25519Key(bytes(32), key_id=KEY.key_id), text_of())


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65), bytes(1_000)])
def test_a_malformed_signature_is_no_error(signature: bytes) -> None:
    assert run_blocking(KEY.verify(b"anything", signature)) is False


def test_a_key_is_one_half_of_32_bytes_with_a_plain_name() -> None:
    for private, public in (
        (None, None),
        (b"", None),
        (bytes(31), None),
        (bytes(33), None),
        (None, bytes(16)),
    ):
        with pytest.raises(ConfigurationError, match="32 bytes"):
            Ed25519Key(private, public=public)
    with pytest.raises(ConfigurationError, match="32 bytes"):
        Ed25519Key(bytes(16), public=bytes(16))
    for name in ("a b", "a.b", "x" * 65, "é"):
        with pytest.raises(ConfigurationError, match="name"):
            Ed25519Key(PRIVATE, key_id=name)


def test_nothing_shows_or_carries_the_private_key() -> None:
    shown = f"{KEY!r} {KEY} {vars(KEY)}"

    assert not any(form in shown for form in (PRIVATE.hex(), repr(PRIVATE)[2:40]))
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(ConfigurationError, match="neither pickled nor copied"):
            carry(KEY)


def test_a_refused_key_is_in_no_variable_of_the_traceback() -> None:
    wrong = bytes(range(100, 140))

    with pytest.raises(ConfigurationError) as refused:
        Ed25519Key(wrong)
    told = "".join(traceback.TracebackException.from_exception(refused.value, capture_locals=True).format())
    ours = told.split("src/invoicepay/adapters/checkpoint_keys.py")[1:]

    assert ours
    assert not any(repr(wrong)[2:30] in frame for frame in ours)


def test_a_client_without_a_key_or_with_none_of_the_port_says_so() -> None:
    with InvoicePay() as pay, pytest.raises(ConfigurationError, match="no key to sign"):
        pay.audit.anchor()
    with pytest.raises(ConfigurationError, match="CheckpointKey: bytes lacks key_id, sign, verify"):
        InvoicePay(checkpoint_keys=(PRIVATE,))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="a tuple"):
        InvoicePay(checkpoint_keys=[KEY])  # type: ignore[arg-type]


def test_anchoring_is_for_operators_and_without_news_says_the_same_again() -> None:
    with InvoicePay(checkpoint_keys=(KEY,)) as pay:
        assert pay.audit.anchor() is None
        pay.parties.register("ann")

        first, again = pay.audit.anchor(), pay.audit.anchor()

        assert first is not None
        assert first == again
        assert pay.audit.verify(anchors=[first, first.text])
        with pytest.raises(NotAllowed):
            pay.acting_as("ann").audit.anchor()
        with pytest.raises(InvalidInput):
            pay.audit.verify(anchors=first.text)
        other = pay.tenant("other").audit.verify(anchors=[first])
        assert other.faults == ("anchor 1: no key of ours signed it for this tenant",)
