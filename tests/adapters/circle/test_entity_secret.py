"""The entity secret leaves encrypted only, each time as another text."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from invoicepay.adapters.circle.entity_secret import ciphertext, entity_key
from invoicepay.errors import ConfigurationError
from invoicepay.testing.simulators.circle.keys import OAEP
from invoicepay.testing.simulators.circle.keys import entity_key as private_key

SECRET = SecretStr("0123456789abcdef" * 4)


def pem_of(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, label: str = "PUBLIC KEY") -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode().replace("PUBLIC KEY", label)


@pytest.mark.parametrize("label", ["PUBLIC KEY", "RSA PUBLIC KEY"])
def test_circle_reads_the_secret_out_of_it_whatever_the_label_of_its_key(label: str) -> None:
    sealed = ciphertext(SECRET, entity_key(pem_of(private_key().public_key(), label)))

    assert len(sealed) == 684
    assert private_key().decrypt(base64.b64decode(sealed), OAEP).hex() == SECRET.get_secret_value()


def test_no_two_are_alike() -> None:
    key = entity_key(pem_of(private_key().public_key()))

    assert len({ciphertext(SECRET, key) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "no key",
        pem_of(ec.generate_private_key(ec.SECP256R1()).public_key()),
        pem_of(rsa.generate_private_key(65537, 1024).public_key()),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n%%%%\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_rsa_key_of_good_size_is_refused(pem: str) -> None:
    with pytest.raises(ConfigurationError):
        entity_key(pem)
