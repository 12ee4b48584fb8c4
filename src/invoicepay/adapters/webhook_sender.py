"""Sends webhooks over HTTP, signed as Standard Webhooks says, to public addresses only (S-13)."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from invoicepay.adapters.signatures import STANDARD_V1
from invoicepay.domain.webhook_deliveries import WebhookAnswer
from invoicepay.errors import InvalidInput
from invoicepay.ports.webhook_sender import OutgoingWebhook

if TYPE_CHECKING:
    import ssl

    from invoicepay.adapters.http.connections import Connections

TOTAL_SECONDS = 10.0
"""The longest that one message may take, from looking up the name to the end of the answer."""
MOST_ANSWERED = 64 * 1024
"""The largest answer that is read; nothing of it is kept."""
HERE = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
"""Names of this machine, for trying out, and the address that each leads to."""


class HttpWebhookSender:
    """The way out over HTTP; its modules are loaded when the first message leaves.

    Args:
        allow_local: also `http://127.0.0.1`, `http://localhost` and `http://[::1]` may be told, for trying
            out on one machine.
        tls: what certificates are checked with; the usual ones when left out.
    """

    def __init__(self, *, allow_local: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self._allow_local, self._tls = allow_local, tls

    def checked_url(self, url: str) -> str:
        """The URL as it will be called: https with a public name, or this machine where that is allowed."""
        if self._allow_local and isinstance(url, str) and _is_here(url):
            return url
        from invoicepay.adapters.http.outside import outside_url

        return outside_url(url)

    async def post(self, message: OutgoingWebhook) -> WebhookAnswer:
        """Send once; what was checked when the endpoint was made is checked again now."""
        from invoicepay.adapters.http.classify import retry_after_seconds
        from invoicepay.adapters.http.messages import Request

        try:
            url = self.checked_url(message.url)
        except InvalidInput as refusal:
            return WebhookAnswer(error=refusal.message)
        request = Request("POST", url, operation="webhook", headers=_headers(message), content=message.body)
        connections = self._here if _is_here(url) else self._outside
        answer, failure = await connections.exchange("", request, TOTAL_SECONDS)
        if answer is None:
            return WebhookAnswer(error=failure.reason if failure else "no answer")
        if answer.is_success:
            return WebhookAnswer(status=answer.status)
        words = (
            f"redirects to elsewhere ({answer.status})"
            if 300 <= answer.status < 400
            else f"answered {answer.status}"
        )
        seconds = retry_after_seconds(answer, now=message.at) or 0
        return WebhookAnswer(status=answer.status, error=words, retry_after_seconds=seconds)

    async def close(self) -> None:
        """End the connections that were opened."""
        for name in ("_outside", "_here"):
            if (opened := self.__dict__.pop(name, None)) is not None:
                await opened.aclose()

    @cached_property
    def _outside(self) -> Connections:
        from invoicepay.adapters.http.connections import Connections
        from invoicepay.adapters.http.messages import Limits
        from invoicepay.adapters.http.outside import PublicAddresses

        limits = Limits(total_seconds=TOTAL_SECONDS, max_bytes=MOST_ANSWERED)
        return Connections(limits, tls=self._tls, addresses=PublicAddresses())

    @cached_property
    def _here(self) -> Connections:
        from invoicepay.adapters.http.connections import Connections
        from invoicepay.adapters.http.messages import Limits

        limits = Limits(total_seconds=TOTAL_SECONDS, max_bytes=MOST_ANSWERED)
        return Connections(limits, addresses=lambda host, _port: [HERE[host]])


def _headers(message: OutgoingWebhook) -> dict[str, str]:
    """Id, instant and the signatures by every secret, with a space between them."""
    signed = [
        STANDARD_V1.signed(STANDARD_V1.secret(secret), message.body, id=message.id, at=message.at)
        for secret in message.secrets
    ]
    name = STANDARD_V1.headers[-1]
    signatures = " ".join(each[name] for each in signed)
    return {**signed[0], name: signatures, "content-type": "application/json"}


def _is_here(url: str) -> bool:
    """Whether a URL names this machine, over plain http and without a login."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = parts.scheme == "http" and "@" not in parts.netloc and not parts.fragment
    return is_plain and url.isascii() and url.isprintable() and parts.hostname in HERE and port != 0
