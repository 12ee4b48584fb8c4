"""Asks the host for names and addresses of whoever pays; the gateway may want them, we keep none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields

from pydantic import SecretStr

from invoicepay.adapters.tillipay.accounts import Payer
from invoicepay.errors import ProviderUnavailable

Payers = Callable[[str], Awaitable[Payer]]
"""Tells a party's details by the host's id of it."""


async def sources_of(payers: Payers | None, party_id: str) -> dict[str, SecretStr]:
    """What fills a request about a payer.

    Raises:
        ProviderUnavailable: the host could not tell; nothing was sent.
    """
    if payers is None:
        return {}
    try:
        payer = await payers(party_id)
    except Exception as error:
        raise ProviderUnavailable("the payer's details could not be read; nothing was sent") from error
    return {f"payer.{one.name}": SecretStr(getattr(payer, one.name)) for one in fields(payer)}
