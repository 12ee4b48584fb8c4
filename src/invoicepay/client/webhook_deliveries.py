"""Deliveries of outgoing webhooks: what is on its way, what was taken, dead letters, replays."""

from __future__ import annotations

from datetime import datetime

from invoicepay.client.base import Group, chosen, id_of, optional_id
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.time import aware
from invoicepay.domain.webhook_deliveries import WebhookDelivery, WebhookDeliveryStatus
from invoicepay.domain.webhook_endpoints import WebhookEndpoint
from invoicepay.use_cases import queries
from invoicepay.use_cases import webhook_replay as replays


class WebhookDeliveries(Group):
    """One delivery for each event and endpoint; what no try could deliver is `dead` and can be replayed."""

    async def get(self, delivery: str | WebhookDelivery) -> WebhookDelivery:
        """One delivery.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, WebhookDelivery, id_of(delivery))

    async def list(
        self,
        *,
        endpoint: str | WebhookEndpoint | None = None,
        status: WebhookDeliveryStatus | str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> AsyncPage[WebhookDelivery]:
        """Deliveries in the order of their events; for operators.

        Args:
            status: `pending`, `delivered` or `dead`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(WebhookDeliveryStatus, status, "status")
        return await self._page(
            WebhookDelivery, after=after, limit=limit, endpoint_id=optional_id(endpoint), status=wanted
        )

    async def replay(
        self, delivery: str | WebhookDelivery, *, idempotency_key: str | None = None
    ) -> WebhookDelivery:
        """Try a dead or delivered one again, from the beginning of the schedule and under the same id.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is on its way.
            NotAllowed: the actor is no operator.
        """
        command = replays.ReplayDelivery(delivery_id=id_of(delivery))
        return await self._do(replays.replay_delivery, command, idempotency_key)

    async def replay_range(
        self,
        endpoint: str | WebhookEndpoint,
        *,
        since: datetime,
        until: datetime,
        idempotency_key: str | None = None,
    ) -> int:
        """Send everything that an endpoint takes of a span of time, whether it was sent before or not.

        For an endpoint that lost what it was sent, was disabled, or is new and wants to know the past.

        Args:
            since: when the first of the events happened.
            until: when the last of them had happened; not part of the span.

        Returns:
            How many are on their way by this call; what was on its way already does not count.

        Raises:
            NotFound: no such endpoint in this tenant.
            InvalidInput: the span ends before it begins, or holds more than 1,000 such events.
            NotAllowed: the actor is no operator.
        """
        command = replays.ReplayRange(
            endpoint_id=id_of(endpoint), since=aware(since, "since"), until=aware(until, "until")
        )
        return await self._do(replays.replay_range, command, idempotency_key)
