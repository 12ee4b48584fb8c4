"""The simulated gateway: an HTTP server, its webhooks, and the commands that a test or a demo gives it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from invoicepay.adapters.signatures import Secret
from invoicepay.adapters.system import SystemClock
from invoicepay.adapters.tillipay import ChannelCredentials, TilliPayProfile
from invoicepay.ports.rails import RailStatus
from invoicepay.ports.runtime import Clock
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import HANG_UP, Receive, Scope, Send, Served
from invoicepay.testing.simulators.tillipay import magic, spelling
from invoicepay.testing.simulators.tillipay.book import Book, Payment
from invoicepay.testing.simulators.tillipay.calls import Call, Calls, Said

WEBHOOK_SECRET = "a simulated gateway signs with this"  # noqa: S105 - it guards nothing


class TilliPaySimulator:
    """A gateway on a port of this machine, while its block is entered. All of it is assumption.

    The cents of an amount choose what happens to it, see `magic`; payments move as the clock goes on.
    `faults` stands between it and the network.

    Args:
        profile: what it speaks; by default with the withdrawals and status queries that we imagine.
        envelope: which of the profile's shapes its answers have.

    Examples:
        >>> from invoicepay.adapters.tillipay import TilliPay
        >>> with TilliPaySimulator() as gateway:
        ...     rails = TilliPay(
        ...         gateway.profile, gateway.credentials, environment="simulator", base_url=gateway.url
        ...     )
        >>> sorted(rails.capabilities().deposit_rails)
        ['bank_debit', 'bank_debit_by_phone', 'card']
    """

    profile: TilliPayProfile

    def __init__(
        self,
        profile: TilliPayProfile | None = None,
        *,
        clock: Clock | None = None,
        envelope: str = "flat",
        webhook_secret: str = WEBHOOK_SECRET,
    ) -> None:
        self.profile, self._clock = profile or TilliPayProfile.assumed(), clock or SystemClock()
        self._book, self._lock = Book(self._clock), threading.RLock()
        self._calls = Calls(self.profile, self._book, self._clock, self.profile.envelopes[envelope])
        self._signature = self.profile.webhook.signature()
        self._secret = self._signature.secret(webhook_secret)
        self.faults: Faults = Faults(self._app)
        self._served = Served(self.faults)

    def __enter__(self) -> TilliPaySimulator:
        self._served.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._served.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._served.url

    @property
    def credentials(self) -> Mapping[str, ChannelCredentials]:
        """What it knows us by, for every channel."""
        return self._calls.credentials

    @property
    def webhook_secrets(self) -> tuple[Secret, ...]:
        """What its deliveries are signed with."""
        return (self._secret,)

    @property
    def logins(self) -> int:
        """How often somebody got a token."""
        return self._calls.logins

    def account(self, channel: str) -> str:
        """The token of an account that was saved before."""
        with self._lock:
            return self._calls.save_account(channel)

    def accounts(self) -> tuple[str, ...]:
        """The tokens of every saved account."""
        with self._lock:
            return tuple(self._calls.accounts)

    def payments(self) -> tuple[Payment, ...]:
        """Every payment, oldest first, as of now."""
        with self._lock:
            self._book.catch_up()
            return tuple(self._book.payments())

    def move(
        self,
        reference: str,
        status: RailStatus,
        *,
        return_code: str = "",
        cents: int | None = None,
        fee_cents: int = 0,
        word: str = "",
    ) -> None:
        """Move a payment now, past its plan.

        Args:
            cents: what the gateway states from now on, when it is not what was ordered.
            word: said instead of the profile's word, where the vocabulary is to drift.
        """
        stated: dict[str, Any] = {"return_code": return_code, "fee_cents": fee_cents, "word": word}
        if cents is not None:
            stated["cents"] = cents
        with self._lock:
            self._book.move(reference, status, **stated)

    def refuse_next(self, code: str = "422") -> None:
        """Answer the next order with a code that refuses it."""
        with self._lock:
            self._calls.refusals.append(code)

    def end_sessions(self) -> None:
        """Forget every token before its time."""
        with self._lock:
            self._calls.sessions.clear()

    def webhooks(self) -> list[tuple[dict[str, str], bytes]]:
        """Take the deliveries that are due; lost, or doubled and reversed, where the cents say so."""
        with self._lock:
            facts = [f for f in self._book.take_facts() if f.cents % 100 != magic.WEBHOOKS_ARE_LOST]
        if any(fact.cents % 100 == magic.WEBHOOKS_COME_TWICE for fact in facts):
            facts = [*reversed(facts), *reversed(facts)]
        return [self.delivery(fact) for fact in facts]

    def delivery(self, payment: Payment, secret: Secret | None = None) -> tuple[dict[str, str], bytes]:
        """A webhook about a payment, signed by the gateway or by somebody else."""
        body, id = spelling.delivery(self.profile, payment), f"{payment.transaction_id}-{payment.status}"
        headers = self._signature.signed(secret or self._secret, body, id=id, at=self._clock.now(), nonce=id)
        return headers, body

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI."""
        if scope["type"] == "http":
            call = Call(
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"].decode(),
                headers={name.decode().lower(): value.decode() for name, value in scope["headers"]},
                body=await _body(receive),
            )
            with self._lock:
                self._book.catch_up()
                said = self._calls.serve(call)
            await _say(said, scope, receive, send)


async def _body(receive: Receive) -> bytes:
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    return body


async def _say(said: Said, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, or end the connection without a word."""
    if said.document is None:
        scope["extensions"][HANG_UP]()
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    content = json.dumps(said.document).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
