"""Deliveries of providers: verified, kept, applied."""

from __future__ import annotations

from invoicepay.client.base import Group
from invoicepay.domain.effects import InboxMessage
from invoicepay.errors import InvalidInput, WebhookSignatureInvalid, not_what
from invoicepay.ports.webhooks import RequestHeaders
from invoicepay.use_cases import providers
from invoicepay.use_cases.inbox import receive_webhook


class Webhooks(Group):
    """What providers tell by themselves; repeated, late or reordered deliveries are safe."""

    async def receive(
        self, provider: str, *, headers: RequestHeaders, body: bytes
    ) -> tuple[InboxMessage, ...]:
        """Verify a delivery over its raw bytes and keep its events; answer 2xx once this returned.

        Args:
            provider: the provider's name, or its side, `rails` or `tokens`, where it is the only one there.
            headers: as the framework has them, in any spelling of upper and lower case; one that came twice
                counts as both of its values, joined by a comma.
            body: the raw bytes of the request; the signature covers them.

        Raises:
            InvalidInput: there is no such provider; the message names those there are.
            WebhookSignatureInvalid: answer 400; nothing was kept.
            ProviderUnavailable: answer 503; the key to check it with cannot be had now, and it comes again.
        """
        slot, name = self._side(provider)
        if isinstance(headers, type) or not (isinstance(headers, RequestHeaders) and isinstance(body, bytes)):
            raise WebhookSignatureInvalid(
                f"a delivery is headers and bytes, not {type(headers).__name__} and {type(body).__name__}",
                hint="Pass the request's body before anything has parsed it.",
            )
        kept = await receive_webhook(self._deps, slot, body, _joined(headers), name=name)
        await self._follow_up()
        return kept

    def _side(self, provider: str) -> tuple[str, str]:
        """The side that a provider is wired on, and its name; a name that two have says nothing."""
        sides = providers.sides(self._deps)
        wired = [(side, name) for side, several in sides.items() for name in several]
        found = [one for one in wired if one[0] == provider] or [one for one in wired if one[1] == provider]
        if len(found) != 1:
            known = dict.fromkeys(side for side, several in sides.items() if len(several) == 1)
            known |= dict.fromkeys(name for _, name in wired)
            raise InvalidInput(f"provider is one of {', '.join(known)}{not_what(provider)}", field="provider")
        return found[0]


def _joined(headers: RequestHeaders) -> dict[str, str]:
    """Every value of every header: `dict(headers)` of a web framework would hide all but one of a name.

    Raises:
        WebhookSignatureInvalid: something in it is no text.
    """
    joined: dict[str, str] = {}
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise WebhookSignatureInvalid("the names and values of headers are text")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
