"""One call after another: log in, send, renew a refused token once, and tell what an answer means."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from invoicepay.adapters.http import Answer, Redactor, Request, Sender, judge, retry_after_seconds, together
from invoicepay.adapters.tillipay import wire
from invoicepay.adapters.tillipay.parts import Purpose
from invoicepay.adapters.tillipay.sessions import Sessions
from invoicepay.errors import ProviderError, ProviderRejected, ProviderUnavailable, ProviderUnknown
from invoicepay.ports.runtime import Clock

if TYPE_CHECKING:
    from pydantic import SecretStr

    from invoicepay.adapters.tillipay.credentials import Credentials
    from invoicepay.adapters.tillipay.profile import TilliPayProfile

log: logging.Logger = logging.getLogger("invoicepay.tillipay")

LONGEST_SECONDS = 25
"""A login and a call, and both again; less than the 30 that a worker allows for one order."""


class Exchange:
    """Carries operations of the profile over a sender."""

    def __init__(
        self, sender: Sender, profile: TilliPayProfile, credentials: Credentials, clock: Clock
    ) -> None:
        self._sender, self._profile, self._credentials = sender, profile, credentials
        self._sessions = Sessions(sender, profile, credentials, clock)

    async def log_in(self, channel: str) -> None:
        """Get the channel's token, if there is none yet.

        Raises:
            ProviderUnavailable: there is none to be had.
        """
        await self._sessions.token(channel)

    async def order(self, name: str, channel: str, sources: wire.Sources) -> wire.Reply:
        """Carry out what may not happen twice.

        Raises:
            ProviderRejected: refused for good.
            ProviderUnavailable: it was surely not done.
            ProviderUnknown: anything else than a clear success.
        """
        answer = await self._sent(name, channel, sources, is_order=True)
        reply = wire.reply_of(self._profile, answer)
        if answer.is_success and reply is not None and reply.is_success:
            return reply
        kind = self._refusal(answer, reply)
        if kind is None:
            judge(answer, is_order=True)
        raise self._error(kind or ProviderUnknown, answer, reply, sources)

    async def ask(self, name: str, channel: str, sources: wire.Sources) -> wire.Reply | None:
        """Put a question; None when the gateway says that there is nothing.

        Raises:
            ProviderUnavailable: anything else than an answer.
        """
        answer = await self._sent(name, channel, sources, is_order=False)
        reply = wire.reply_of(self._profile, answer)
        if answer.is_success and reply is not None and reply.is_success:
            return reply
        is_refusal = answer.is_success or answer.status in self._profile.outcomes.refused_http
        if reply is not None and is_refusal and reply.code in self._profile.outcomes.absent_codes:
            return None
        raise self._error(ProviderUnavailable, answer, reply, sources)

    def account_token(self, name: str, reply: wire.Reply) -> str:
        """The token in the answer to a saved account.

        Raises:
            ProviderUnknown: it has none.
        """
        if token := wire.account_token_of(self._profile.operations[name], reply):
            return token
        raise ProviderUnknown(f"{self._profile.name} answered no token to {name}", operation=name)

    async def _sent(self, name: str, channel: str, sources: wire.Sources, *, is_order: bool) -> Answer:
        """The answer; a token that was refused is renewed and the call made once more."""
        with together(LONGEST_SECONDS):
            token = await self._sessions.token(channel)
            answer = await self._sent_with(token, name, channel, sources, is_order=is_order)
            if self._sessions.is_refusal(answer):
                self._sessions.forget(channel, token)
                renewed = await self._sessions.token(channel)
                answer = await self._sent_with(renewed, name, channel, sources, is_order=is_order)
            return answer

    async def _sent_with(
        self, token: SecretStr, name: str, channel: str, sources: wire.Sources, *, is_order: bool
    ) -> Answer:
        request = self._request(name, channel, sources, token)
        answer = await (self._sender.order(request) if is_order else self._sender.ask(request))
        if log.isEnabledFor(logging.DEBUG):
            sent = self._shown(name, request.json, sources)
            got = self._shown(name, wire.document_of(answer), sources)
            log.debug("%s: sent %s, got %d %s", name, sent, answer.status, got)
        return answer

    def _request(self, name: str, channel: str, sources: wire.Sources, token: SecretStr) -> Request:
        filled = {**sources, "merchant_id": self._credentials[channel].merchant_id}
        return wire.request(self._profile, name, self._profile.channels[channel], filled, token)

    def _refusal(self, answer: Answer, reply: wire.Reply | None) -> type[ProviderError] | None:
        """What a failure means by the profile; None where it does not say."""
        outcomes = self._profile.outcomes
        if self._sessions.is_refusal(answer) or answer.status in outcomes.not_processed_http:
            return ProviderUnavailable
        if reply is None:
            return None  # not in the gateway's own words: it may come from anything in between
        is_listed = answer.is_success and reply.code in outcomes.refused_codes
        return ProviderRejected if is_listed or answer.status in outcomes.refused_http else None

    def _is_private(self, name: str) -> bool:
        """Whether an operation carries account numbers, so that even the gateway's words may repeat them."""
        return self._profile.operations[name].purpose is Purpose.SAVE_ACCOUNT

    def _shown(self, name: str, document: object, sources: wire.Sources) -> str:
        """A document for the log."""
        if self._is_private(name):
            return "[redacted]"
        return self._harmless(str(wire.shown(document, self._profile.logging.shown)), sources)

    def _harmless(self, text: str, sources: wire.Sources) -> str:
        """A text without keys, tokens, long numbers, and what was sent as a secret."""
        secrets = [value for value in sources.values() if not isinstance(value, str)]
        return Redactor([*self._sessions.tokens(), *secrets]).scrub(self._sender.scrub(text))

    def _error(
        self, kind: type[ProviderError], answer: Answer, reply: wire.Reply | None, sources: wire.Sources
    ) -> ProviderError:
        """What went wrong, with the gateway's own words as far as they are harmless."""
        details: dict[str, Any] = {"operation": answer.operation, "status": answer.status}
        said = "nothing that the profile describes"
        if reply:
            details["code"] = self._harmless(reply.code, sources)
            is_private = self._is_private(answer.operation)
            said = (
                f"code {details['code']}{'' if is_private else f': {self._harmless(reply.message, sources)}'}"
            )
        if answer.request_id:
            details["request_id"] = answer.request_id
        if (seconds := retry_after_seconds(answer)) is not None:
            details["retry_after_seconds"] = seconds
        return kind(f"{self._profile.name} answered {answer.status} to {answer.operation}, {said}", **details)
