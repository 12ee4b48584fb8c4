"""Deliveries of providers: verified, kept, applied."""

from __future__ import annotations

from collections.abc import Mapping

from invoicepay.client.base import Group
from invoicepay.domain.effects import InboxMessage
from invoicepay.errors import InvalidInput, WebhookSignatureInvalid, not_what
from invoicepay.use_cases.inbox import receive_webhook


class Webhooks(Group):
    """What providers tell by themselves; repeated, late or reordered deliveries are safe."""

    async def receive(
        self, provider: str, *, headers: Mapping[str, str], body: bytes
    ) -> tuple[InboxMessage, ...]:
        """Verify a delivery over its raw bytes and keep its events; answer 2xx once this returned.

        Args:
            provider: `rails` or `tokens`, the side it belongs to, or the name of the provider there.
            headers: as they came, in any spelling of upper and lower case; one that came twice counts as
                both of its values, joined by a comma.
            body: the raw bytes of the request; the signature covers them.

        Raises:
            InvalidInput: there is no such provider; the message names those there are.
            WebhookSignatureInvalid: answer 400; nothing was kept.
            ProviderUnavailable: answer 503; the key to check it with cannot be had now, and it comes again.
        """
        slot = self._slot(provider)
        if not isinstance(headers, Mapping) or not isinstance(body, bytes):
            raise WebhookSignatureInvalid(
                f"a delivery is a mapping and bytes, not {type(headers).__name__} and {type(body).__name__}",
                hint="Pass the request's body before anything has parsed it.",
            )
        kept = await receive_webhook(self._deps, slot, body, _joined(headers))
        await self._follow_up()
        return kept

    def _slot(self, provider: str) -> str:
        """The side that a provider is wired on; a name that both sides share says nothing."""
        names = {"rails": self._deps.rails.name, "tokens": self._deps.tokens.name}
        sides = [slot for slot in names if slot == provider]
        sides = sides or [slot for slot, name in names.items() if name == provider]
        if len(sides) != 1:
            known = dict.fromkeys((*names, *names.values()))
            raise InvalidInput(f"provider is one of {', '.join(known)}{not_what(provider)}", field="provider")
        return sides[0]


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
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
