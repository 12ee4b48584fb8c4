"""The one way to a provider over HTTP: bounded in time and size, repeated only where that is safe."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from invoicepay.adapters import hosts
from invoicepay.adapters.http.breaker import Breaker
from invoicepay.adapters.http.classify import Failure, retry_after_seconds
from invoicepay.adapters.http.connections import Connections
from invoicepay.adapters.http.messages import Answer, Limits, Request
from invoicepay.adapters.http.redaction import Redactor
from invoicepay.adapters.http.retry import repeating
from invoicepay.adapters.system import Sleep, elapsed_seconds
from invoicepay.errors import ConfigurationError, ProviderUnavailable, ProviderUnknown

if TYPE_CHECKING:
    from invoicepay.adapters.http.messages import Secret

log: logging.Logger = logging.getLogger("invoicepay.http")

LIMITS = Limits()
LOCKED_OUT = (401, 403)
REFUSED_CREDENTIALS = 3
"""What 401 and 403 weigh: by default the second in a row opens the breaker; one may be a stale token."""

_end: ContextVar[float] = ContextVar("invoicepay_http_end", default=float("inf"))


@contextmanager
def together(seconds: float) -> Iterator[None]:
    """Let all calls in here end within so many seconds, as one call does: a login and the order after it.

    Where the time is over before a call begins, nothing is sent: it is `ProviderUnavailable`.
    """
    before = _end.set(min(_end.get(), elapsed_seconds() + seconds))
    try:
        yield
    finally:
        _end.reset(before)


class Sender:
    """Sends the requests of one provider, in blocking and in awaiting hosts.

    Answers are not judged, whatever their status; `judge` knows what most of them mean. Redirects are never
    followed, proxies and credentials of the environment are never read, compressed answers are refused.

    Args:
        provider: its name, in errors and logs.
        base_url: `https://…`; plain http only to this machine.
        secrets: what `scrub` takes out of texts; those inside requests are shown nowhere anyway.
        is_locked_out: whether a 401 or 403 is about our credentials, where the provider also refuses single
            orders by these; what is not tells nothing about other calls.
        tls: certificates to trust, and our own where the provider wants one.
        transport: of httpx, instead of sockets in a blocking host.
        async_transport: the same in an awaiting host.
        clock: for tests; seconds of a clock that nobody sets.
        sleep: for tests; how to wait.

    Raises:
        ConfigurationError: the base URL is not https.
    """

    provider: str

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        limits: Limits = LIMITS,
        secrets: Iterable[Secret] = (),
        is_locked_out: Callable[[Answer], bool] = lambda _: True,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        async_transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = elapsed_seconds,
        sleep: Sleep = hosts.sleep,
    ) -> None:
        self.provider, self._limits = provider, limits
        self._base_url, self._tls = safe_url(base_url), tls
        self._connections = Connections(limits, tls=tls, transport=transport, async_transport=async_transport)
        self._breaker = Breaker(clock, failures=limits.failures, rest_seconds=limits.rest_seconds)
        self._redactor = Redactor(secrets)
        self._is_locked_out, self._clock, self._sleep = is_locked_out, clock, sleep

    def production_faults(self) -> tuple[str, ...]:
        """Plain http, though only to this machine, and certificates that nobody checks."""
        is_plain = urlsplit(self._base_url).scheme != "https"
        tls = self._tls
        is_open = tls is not None and (tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname)
        return (
            *((f"{self.provider} is asked over plain http",) if is_plain else ()),
            *((f"{self.provider}'s certificate is not checked",) if is_open else ()),
        )

    async def ask(self, request: Request) -> Answer:
        """Put a question, which is safe to repeat: after any failure, and after 429, 502, 503 and 504.

        Returns:
            The last answer, whatever its status.

        Raises:
            ProviderUnavailable: no answer; details have `retry_after_seconds` when the provider rests.
        """
        return await self._within_time(request, is_order=False)

    async def order(self, request: Request) -> Answer:
        """Send what may move money: begun again only when it surely did not leave.

        Returns:
            The answer, whatever its status.

        Raises:
            ProviderUnavailable: it did not leave; send it again with the same key.
            ProviderUnknown: it may have arrived; look it up.
        """
        return await self._within_time(request, is_order=True)

    def scrub(self, text: str) -> str:
        """A provider's text without our secrets and without account and card numbers."""
        return self._redactor.scrub(text)

    def learn(self, secret: Secret) -> None:
        """Scrub one more secret from now on, such as a session token."""
        self._redactor.learn(secret)

    def close(self) -> None:
        """End the connections made in a blocking host; a later call opens new ones."""
        self._connections.close()

    async def aclose(self) -> None:
        """End the connections, in an awaiting host those of the running loop; a later call opens new ones."""
        await self._connections.aclose()

    def __repr__(self) -> str:
        return f"<Sender to {self.provider}>"

    async def _within_time(self, request: Request, *, is_order: bool) -> Answer:
        safe_url(request.path if "://" in request.path else self._base_url)
        ends_at = self._clock() + min(self._limits.total_seconds, _end.get() - elapsed_seconds())

        async def once() -> Answer:
            return await self._once(request, ends_at, is_order=is_order)

        return await repeating(
            once,
            tries=self._limits.tries,
            ends_at=ends_at,
            clock=self._clock,
            sleep=self._sleep,
            is_order=is_order,
        )

    async def _once(self, request: Request, ends_at: float, *, is_order: bool) -> Answer:
        """One try, whose outcome the breaker learns."""
        self._admit(request.operation)
        started = self._clock()
        if ends_at <= started:
            raise ProviderUnavailable(
                f"no time was left to call {self.provider}", operation=request.operation
            )
        answer, failure = await self._connections.exchange(self._base_url, request, ends_at - started)
        spent = round((self._clock() - started) * 1000)
        if answer is None:
            assert failure is not None
            log.debug("%s %s: %s after %d ms", self.provider, request.operation, failure.reason, spent)
            if not failure.is_ours:
                self._count_failure(request.operation)
            raise self._error(request, failure, is_order=is_order)
        answer = replace(answer, provider=self.provider, operation=request.operation)
        log.debug(
            "%s %s: %d, %d bytes in %d ms",
            self.provider,
            request.operation,
            answer.status,
            len(answer.body),
            spent,
        )
        self._count(answer)
        return answer

    def _admit(self, operation: str) -> None:
        """Raises ProviderUnavailable while the operation rests."""
        if seconds := self._breaker.wait_seconds(operation):
            raise ProviderUnavailable(
                f"{self.provider} is left alone after failures: {operation} rests for {seconds} s",
                operation=operation,
                retry_after_seconds=seconds,
            )

    def _error(
        self, request: Request, failure: Failure, *, is_order: bool
    ) -> ProviderUnavailable | ProviderUnknown:
        if failure.has_left and is_order:
            return ProviderUnknown(
                f"{self.provider} may have got {request.operation}: {failure.reason}",
                operation=request.operation,
            )
        return ProviderUnavailable(
            f"{self.provider} did not answer {request.operation}: {failure.reason}",
            operation=request.operation,
        )

    def _count(self, answer: Answer) -> None:
        """What an answer says about the provider's condition."""
        operation, asked = answer.operation, retry_after_seconds(answer)
        if answer.status in LOCKED_OUT and self._is_locked_out(answer):
            log.warning("%s refused our credentials for %s (%d)", self.provider, operation, answer.status)
            self._count_failure(operation, weight=REFUSED_CREDENTIALS)
        elif answer.status in (429, 503) and asked is not None:
            self._breaker.rest(operation, asked)
        elif answer.status >= 500:
            self._count_failure(operation)
        else:
            self._breaker.succeeded(operation)

    def _count_failure(self, operation: str, *, weight: int = 1) -> None:
        if self._breaker.failed(operation, weight=weight):
            log.warning(
                "%s: %s rests for %d s after failures", self.provider, operation, self._limits.rest_seconds
            )


def safe_url(url: str) -> str:
    """The URL, if it is https or leads to this machine; without user and password in it.

    Raises:
        ConfigurationError: it is not; the message names the host only.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if "@" in parts.netloc:
        raise ConfigurationError(f"a URL of {host} holds a login: pass it as a header")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))):
        raise ConfigurationError(
            f"a provider is reached by https, not {parts.scheme or 'no scheme'} ({host})"
        )
    return url


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
