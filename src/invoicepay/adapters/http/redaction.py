"""Keeps secrets and account numbers out of texts, and the HTTP libraries' logs quiet during our calls."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from invoicepay.adapters.http.messages import plain

if TYPE_CHECKING:
    from invoicepay.adapters.http.messages import Secret

REDACTED = "[redacted]"
SHORTEST = 4
"""A shorter secret is no secret: replacing it would only spell it out."""

LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)

_IBAN = r"[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?"
_DIGITS = r"\d{8,34}|\d(?:[ -]?\d){8,33}"
_NUMBERS = re.compile(rf"(?<![A-Za-z0-9])(?:{_IBAN}|{_DIGITS})(?![A-Za-z0-9])")
LONGEST_TEXT = 2_000
"""Texts are cut before they are searched for numbers, so that a long one takes no time."""

_our_call: ContextVar[bool] = ContextVar("invoicepay_http_call", default=False)


class Redactor:
    """Knows the secrets of one provider; `scrub` takes them out of a text.

    Examples:
        >>> redactor = Redactor(["k-123456"])
        >>> redactor.scrub("key k-123456 may not debit 4111 1111 1111 1111 of order 4711")
        'key [redacted] may not debit [redacted] of order 4711'
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: Secret) -> None:
        """Take out one more from now on, such as a token that the provider has just given."""
        if len(text := plain(secret)) >= SHORTEST:
            self._secrets.add(text)

    def scrub(self, text: str) -> str:
        """The text without secrets, and without IBANs and digits in a row: 8, or 9 with gaps (S-17)."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return _NUMBERS.sub(REDACTED, text[:LONGEST_TEXT])

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._secrets)} secrets>"


def hush() -> None:
    """Let the libraries' loggers drop what is said inside `quiet_libraries`; once is as good as often."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_is_not_ours)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what httpx and httpcore log of a call of ours: URLs and headers, secrets among them (S-16).

    Other calls of the process are logged as ever. `invoicepay.http` says what became of ours.
    """
    ours = _our_call.set(True)
    try:
        yield
    finally:
        _our_call.reset(ours)


def _is_not_ours(_record: logging.LogRecord) -> bool:
    return not _our_call.get()
