"""Did it leave? What an exception of a call means, and what a status means (reliability 1.4)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
import httpx

from invoicepay.adapters.http.messages import Answer
from invoicepay.errors import ProviderError, ProviderUnavailable, ProviderUnknown

NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)

NO_CONNECTION_FREE = (httpx.PoolTimeout, httpcore.PoolTimeout)

REASONS = {
    "ConnectError": "no connection",
    "ConnectTimeout": "no connection in time",
    "NotPublic": "its name leads to an address that is not public",
    "PoolTimeout": "every connection is in use",
    "WriteTimeout": "it stopped reading",
    "WriteError": "the connection broke while sending",
    "ReadTimeout": "it fell silent",
    "ReadError": "the connection broke",
    "RemoteProtocolError": "the connection ended or no HTTP came back",
    "TimeoutError": "the time for the call was over",
    "TooLarge": "its answer is too large",
    "Encoded": "its answer is encoded in a way that was not asked for",
}
"""Our words for what httpx names; its own messages may repeat what was sent or received."""


class TooLarge(Exception):
    """The answer is larger than the limit."""


class Encoded(Exception):
    """The answer is compressed, though we accept plain answers only: a small one could become huge."""


class Progress:
    """Watches one request on its way: whether its first byte may have left.

    Args:
        is_told: the transport is ours and tells; of another only the kind of the exception is known.
    """

    is_told: bool
    has_left: bool

    def __init__(self, *, is_told: bool) -> None:
        self.is_told, self.has_left = is_told, False

    def watch(self, event: str, _info: object) -> None:
        """Take a trace event of httpcore."""
        if event.endswith(".send_request_headers.started"):
            self.has_left = True

    async def watch_awaiting(self, event: str, info: object) -> None:
        """The same in an awaiting host."""
        self.watch(event, info)


@dataclass(frozen=True, slots=True)
class Failure:
    """A call without an answer; a value, since a raised exception would carry the library's frames along.

    Attributes:
        has_left: the provider may have got it.
        is_ours: our own bound ended it; it tells nothing about the provider.
    """

    has_left: bool
    reason: str
    is_ours: bool = False


def failure_of(error: Exception, progress: Progress) -> Failure:
    """What became of a call that ended with an exception; in doubt it has left."""
    has_left = progress.has_left if progress.is_told else not isinstance(error, NEVER_LEFT)
    return Failure(has_left, _reason(error), is_ours=isinstance(error, NO_CONNECTION_FREE))


def _reason(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its TLS certificate is not accepted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection"
        if isinstance(cause, ConnectionRefusedError):
            return "it refuses connections"
        if isinstance(cause, socket.gaierror):
            return "its name is not known"
    name = type(error).__name__
    return REASONS.get(name, f"the call ended with {name}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    for _ in range(8):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__


def judge(answer: Answer, *, is_order: bool) -> None:
    """Raise for statuses that mean the same everywhere; 2xx and the provider's own 4xx are the adapter's.

    Args:
        is_order: it may have moved money; else it was a question.

    Raises:
        ProviderUnavailable: 429, 401 and 403: it was not carried out; any failure of a question.
        ProviderUnknown: 1xx, 3xx (never followed), 408 and 5xx on an order.
    """
    if (kind := trouble(answer.status, is_order=is_order)) is None:
        return
    details: dict[str, Any] = {"status": answer.status, "operation": answer.operation}
    if answer.request_id:
        details["request_id"] = answer.request_id
    if (seconds := retry_after_seconds(answer)) is not None:
        details["retry_after_seconds"] = seconds
    words = "refused our credentials for" if answer.status in (401, 403) else f"answered {answer.status} to"
    raise kind(f"{answer.provider} {words} {answer.operation}", **details)


def trouble(status: int, *, is_order: bool) -> type[ProviderError] | None:
    """The error that a status means in general, or None where the adapter knows better.

    Examples:
        >>> [trouble(503, is_order=is_order).__name__ for is_order in (True, False)]
        ['ProviderUnknown', 'ProviderUnavailable']
    """
    if status in (401, 403, 429):
        return ProviderUnavailable
    if 200 <= status < 300 or (400 <= status < 500 and status != 408):
        return None
    return ProviderUnknown if is_order else ProviderUnavailable


def retry_after_seconds(answer: Answer, *, now: datetime | None = None) -> int | None:
    """What `Retry-After` asks for, as whole seconds from now; None when it is missing or cannot be read.

    Args:
        now: what a date in it is compared with; the answer's own `Date` when left out.
    """
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return int(asked[:6])
    until, since = _instant(asked), now or _instant(answer.headers.get("date", ""))
    if until is None or since is None:
        return None
    return max(0, int((until - since).total_seconds()))


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text[:64])
    except (ValueError, IndexError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
