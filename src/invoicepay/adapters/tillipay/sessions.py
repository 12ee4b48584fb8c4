"""Tokens of the channels: fetched when needed, kept for their time, renewed when refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from invoicepay.adapters.http import Answer, Sender, judge
from invoicepay.adapters.tillipay import wire
from invoicepay.errors import ProviderUnavailable
from invoicepay.ports.runtime import Clock

if TYPE_CHECKING:
    from pydantic import SecretStr

    from invoicepay.adapters.tillipay.credentials import Credentials
    from invoicepay.adapters.tillipay.profile import TilliPayProfile


@dataclass(frozen=True, slots=True)
class _Session:
    token: SecretStr
    ends_at: datetime


class Sessions:
    """Logs in once per channel and token lifetime; two callers at once may both log in, which is harmless."""

    def __init__(
        self, sender: Sender, profile: TilliPayProfile, credentials: Credentials, clock: Clock
    ) -> None:
        self._sender, self._profile, self._credentials, self._clock = sender, profile, credentials, clock
        self._sessions: dict[str, _Session] = {}

    async def token(self, channel: str) -> SecretStr:
        """The channel's token.

        Raises:
            ProviderUnavailable: no answer, or our credentials were refused; nothing else was sent.
        """
        known = self._sessions.get(channel)
        if known is not None and self._clock.now() < known.ends_at:
            return known.token
        asked_at = self._clock.now()
        token = await self._log_in(channel)
        lifetime = timedelta(seconds=self._profile.auth.token_ttl_seconds)
        self._sessions[channel] = _Session(token, asked_at + lifetime)
        return token

    def tokens(self) -> list[SecretStr]:
        """Those in use."""
        return [session.token for session in self._sessions.values()]

    def forget(self, channel: str, token: SecretStr) -> None:
        """Drop a token that was refused, unless another caller has renewed it already."""
        known = self._sessions.get(channel)
        if known is not None and known.token == token:
            del self._sessions[channel]

    def is_refusal(self, answer: Answer) -> bool:
        """Whether the answer says that the token is not good."""
        auth = self._profile.auth
        if answer.status in auth.refused_http:
            return True
        reply = wire.reply_of(self._profile, answer) if answer.is_success else None
        return reply is not None and not reply.is_success and reply.code in auth.refused_codes

    async def _log_in(self, channel: str) -> SecretStr:
        known = self._credentials[channel]
        secrets = {"api_key": known.api_key, "secret_key": known.secret_key}
        request = wire.login_request(self._profile, secrets, {"merchant_id": known.merchant_id})
        answer = await self._sender.ask(request)
        judge(answer, is_order=False)
        token = wire.token_of(self._profile, answer)
        if token is None:
            raise ProviderUnavailable(
                f"the {channel} credentials got no token", operation="login", status=answer.status
            )
        return token
