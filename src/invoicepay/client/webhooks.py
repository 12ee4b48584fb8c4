"""Deliveries of providers: verified, kept, applied."""

from __future__ import annotations

from collections.abc import Mapping

from invoicepay.client.base import Group
from invoicepay.domain.effects import InboxMessage
from invoicepay.use_cases.inbox import receive_webhook


class Webhooks(Group):
    """What providers tell by themselves; repeated, late or reordered deliveries are safe."""

    async def receive(
        self, provider: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[InboxMessage, ...]:
        """Verify a delivery over its raw bytes and keep its events; answer 2xx once this returned.

        Args:
            provider: `rails` or `tokens`, the side it belongs to.

        Raises:
            WebhookSignatureInvalid: answer 400; nothing was kept.
        """
        kept = await receive_webhook(self._deps, provider, body, dict(headers))
        await self._follow_up()
        return kept
