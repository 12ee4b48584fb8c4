"""Somebody who takes webhooks: a real server on this machine, and a way out that only remembers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from invoicepay.domain.webhook_deliveries import WebhookAnswer
from invoicepay.ports.webhook_sender import OutgoingWebhook


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> Any:
        """The body, once the reference implementation of Standard Webhooks has verified it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass(slots=True)
class Receiver:
    """A server that keeps what it is sent.

    Attributes:
        status: what it answers from now on; a function is asked with the request.
    """

    url: str = ""
    status: int | Callable[[Received], int] = 204
    answer_headers: dict[str, str] = field(default_factory=dict[str, str])
    answer_body: bytes = b""
    received: list[Received] = field(default_factory=list[Received])

    @property
    def names(self) -> list[str]:
        """The types of the messages, in order."""
        return [json.loads(each.body)["type"] for each in self.received]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A server on a free port."""
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            here.received.append(got)
            self.send_response(here.status if isinstance(here.status, int) else here.status(got))
            for name, value in here.answer_headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(here.answer_body)))
            self.end_headers()
            self.wfile.write(here.answer_body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here.url = f"http://127.0.0.1:{server.server_port}/hooks"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()


class Postbox:
    """A way out that keeps messages by URL and answers what it is told to."""

    def __init__(self) -> None:
        self.sent: list[OutgoingWebhook] = []
        self.answers: dict[str, WebhookAnswer] = {}
        self.meanwhile: Callable[[OutgoingWebhook], None] = lambda message: None

    def checked_url(self, url: str) -> str:
        """Everything may be told."""
        return url

    async def post(self, message: OutgoingWebhook) -> WebhookAnswer:
        """Keep it, and answer."""
        self.sent.append(message)
        self.meanwhile(message)
        return self.answers.get(message.url, WebhookAnswer(status=204))

    async def close(self) -> None:
        """Nothing was opened."""

    def names(self, url: str) -> list[str]:
        """The types of the messages to a URL, in order."""
        return [json.loads(each.body)["type"] for each in self.sent if each.url == url]


REFUSED = WebhookAnswer(status=400, error="answered 400")
BROKEN = WebhookAnswer(status=503, error="answered 503")
SILENT = WebhookAnswer(error="it fell silent")
GONE = WebhookAnswer(status=410, error="answered 410")
