"""Endpoints of outgoing webhooks: which URLs are told of which events, signed with which secret."""

from __future__ import annotations

from collections.abc import Sequence

from invoicepay.client.base import Group, chosen, id_of, several
from invoicepay.client.pages import AsyncPage
from invoicepay.domain.webhook_deliveries import WebhookAnswer
from invoicepay.domain.webhook_endpoints import WebhookEndpoint, WebhookEndpointStatus, event_patterns
from invoicepay.use_cases import queries
from invoicepay.use_cases import webhook_endpoints as endpoints


class WebhookEndpoints(Group):
    """URLs that are told of events after the commit, at least once, as Standard Webhooks lays it down."""

    async def create(
        self, *, url: str, events: Sequence[str], idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Tell a URL of every matching event that is committed from now on; operators only.

        Messages leave with `run_pending`, or right after each call where `dispatch` is `inline`. The receiver
        verifies them with `secret(endpoint)`.

        Args:
            url: https, a public name, port 443 or 8443; put no secret into it, for it is stored as it is.
            events: patterns such as `invoice.paid`, `invoice.*` or `*`. Work with providers, bank accounts
                and webhooks themselves are not told outside.

        Raises:
            ConfigurationError: `webhook_secret` is not set.
            InvalidInput: nothing is sent to such a URL, or no event has such a name.
            NotAllowed: the actor is no operator.

        Examples:
            >>> from invoicepay import InvoicePay
            >>> pay = InvoicePay()
            >>> endpoint = pay.webhook_endpoints.create(url="https://shop.example/in", events=["invoice.*"])
            >>> pay.webhook_endpoints.secret(endpoint)[:6]
            'whsec_'
        """
        patterns = event_patterns(several(events, "events"))
        command = endpoints.CreateEndpoint(url=url, events=patterns)
        return await self._do(endpoints.create_endpoint, command, idempotency_key)

    async def get(self, endpoint: str | WebhookEndpoint) -> WebhookEndpoint:
        """One endpoint, and how it has answered lately.

        Raises:
            NotFound: unknown in this tenant.
        """
        return await queries.own(self._deps, WebhookEndpoint, id_of(endpoint))

    async def list(
        self, *, status: WebhookEndpointStatus | str | None = None, after: str = "", limit: int = 50
    ) -> AsyncPage[WebhookEndpoint]:
        """Endpoints, oldest first; for operators.

        Args:
            status: `enabled` or `disabled`.
            after: the `next_cursor` of an earlier page.
            limit: rows of a page, 1 to 200; walking over the list fetches page after page.
        """
        wanted = None if status is None else chosen(WebhookEndpointStatus, status, "status")
        return await self._page(WebhookEndpoint, after=after, limit=limit, status=wanted)

    async def update(
        self,
        endpoint: str | WebhookEndpoint,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> WebhookEndpoint:
        """Send to another URL, or other events; what is left out stays. What waits goes to the new URL.

        Raises:
            NotFound: unknown in this tenant.
            InvalidInput: nothing is sent to such a URL, or no event has such a name.
            NotAllowed: the actor is no operator.
        """
        patterns = None if events is None else event_patterns(several(events, "events"))
        command = endpoints.UpdateEndpoint(endpoint_id=id_of(endpoint), url=url, events=patterns)
        return await self._do(endpoints.update_endpoint, command, idempotency_key)

    async def disable(
        self, endpoint: str | WebhookEndpoint, *, reason: str = "", idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Send nothing more there; what waits for it goes on waiting. A message on its way may still arrive.

        Args:
            reason: it stands in the log of operations.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is disabled.
            NotAllowed: the actor is no operator.
        """
        command = endpoints.DisableEndpoint(endpoint_id=id_of(endpoint), reason=reason)
        return await self._do(endpoints.disable_endpoint, command, idempotency_key)

    async def enable(
        self, endpoint: str | WebhookEndpoint, *, idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Send what waits for a disabled endpoint, and events that are committed from now on.

        What happened while it was disabled is sent by `webhook_deliveries.replay_range`.

        Raises:
            NotFound: unknown in this tenant.
            InvalidTransition: it is enabled.
            NotAllowed: the actor is no operator.
        """
        command = endpoints.EnableEndpoint(endpoint_id=id_of(endpoint))
        return await self._do(endpoints.enable_endpoint, command, idempotency_key)

    async def rotate_secret(
        self, endpoint: str | WebhookEndpoint, *, idempotency_key: str | None = None
    ) -> WebhookEndpoint:
        """Give the endpoint a new secret; for 24 hours messages carry a signature by the former one, too.

        Give the receiver `secret(endpoint)` within that time.

        Raises:
            NotFound: unknown in this tenant.
            NotAllowed: the actor is no operator.
        """
        command = endpoints.RotateSecret(endpoint_id=id_of(endpoint))
        return await self._do(endpoints.rotate_secret, command, idempotency_key)

    async def secret(self, endpoint: str | WebhookEndpoint) -> str:
        """What the receiver verifies messages with, `whsec_…`: made anew at each call, and kept nowhere.

        Raises:
            NotFound: unknown in this tenant.
            ConfigurationError: `webhook_secret` is not set.
            NotAllowed: the actor is no operator.
        """
        return await endpoints.secret_of(self._deps, id_of(endpoint))

    async def test(self, endpoint: str | WebhookEndpoint) -> WebhookAnswer:
        """Send one signed message of the type `webhook_endpoint.test` now; it is not kept and not repeated.

        Returns:
            What the endpoint answered; `is_taken` when with 2xx.

        Raises:
            NotFound: unknown in this tenant.
            ConfigurationError: `webhook_secret` is not set.
            NotAllowed: the actor is no operator.
        """
        return await endpoints.test_endpoint(self._deps, id_of(endpoint))
