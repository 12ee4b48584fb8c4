"""What the gateway knows us by: a merchant id and a pair of keys for each channel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelCredentials:
    """Credentials of one channel, as the portal gives them out."""

    merchant_id: str
    api_key: SecretStr
    secret_key: SecretStr


Credentials = Mapping[str, ChannelCredentials]
"""By channel; a channel without credentials is not used."""


def secrets_of(credentials: Credentials) -> Iterator[SecretStr]:
    """Every secret in them."""
    for one in credentials.values():
        yield from (one.api_key, one.secret_key)
