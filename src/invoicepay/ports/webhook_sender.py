"""Sends webhooks to URLs that a host has named; the guard against addresses inside is part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from invoicepay.domain.webhook_deliveries import WebhookAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingWebhook:
    """One message.

    Attributes:
        id: the event's; the same whenever it is sent again.
        at: the instant of this try, which is signed.
        body: JSON, as it is signed and sent.
        secrets: what it is signed with, as `whsec_…`; a receiver needs to know one of them.
    """

    url: str
    id: str
    at: datetime
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


class WebhookSender(Protocol):
    """The way out; asked outside of transactions only."""

    def checked_url(self, url: str) -> str:
        """The URL as it will be called.

        Raises:
            InvalidInput: nothing is sent to such a URL.
        """
        ...

    async def post(self, message: OutgoingWebhook) -> WebhookAnswer:
        """Send once, signed; no redirect is followed. A failure is an answer without a status, not raised."""
        ...

    async def close(self) -> None:
        """End the connections; a later message opens new ones."""
        ...
