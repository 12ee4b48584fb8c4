"""What a simulated gateway does with each call: logins, saved accounts, orders and questions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import SecretStr

from invoicepay.adapters.tillipay import ChannelCredentials, TilliPayProfile
from invoicepay.adapters.tillipay.parts import DIRECTIONS, ORDERS, PLACE, Envelope, Operation, Purpose
from invoicepay.ports.runtime import Clock
from invoicepay.testing.simulators.tillipay import magic, spelling
from invoicepay.testing.simulators.tillipay.book import Book


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; names of headers in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What a call is answered with; without a document the connection ends instead."""

    status: int
    document: dict[str, Any] | None = None


class Calls:
    """Serves calls in a profile's spelling. Not safe for several threads: its owner locks."""

    logins: int

    def __init__(self, profile: TilliPayProfile, book: Book, clock: Clock, envelope: Envelope) -> None:
        self._profile, self._book, self._clock, self._envelope = profile, book, clock, envelope
        self.credentials: dict[str, ChannelCredentials] = {
            channel: _credentials(channel) for channel in profile.channels
        }
        self.sessions: dict[str, tuple[str, datetime]] = {}
        self.accounts: dict[str, str] = {}
        self.refusals: list[str] = []
        self.logins = self._saves = 0

    def save_account(self, channel: str) -> str:
        """A token for an account of the channel."""
        self._saves += 1
        token = f"saved-{channel}-{self._saves}"
        self.accounts[token] = channel
        return token

    def serve(self, call: Call) -> Said:
        """The answer to a call."""
        auth = self._profile.auth
        if call.method == auth.method and (found := _matched(auth.path, call.path)) is not None:
            return self._login(found.get("merchant_id", ""), call)
        for operation in self._profile.operations.values():
            found = _matched(operation.path, call.path) if call.method == operation.method else None
            if found is not None:
                return self._authorised(operation, {**found, **_given(operation, call)}, call)
        return self._no("404", "there is no such call", status=404)

    def _login(self, merchant_id: str, call: Call) -> Said:
        for channel, known in self.credentials.items():
            secrets = {"api_key": known.api_key, "secret_key": known.secret_key}
            spelt = {name.lower(): secrets[source] for name, source in self._profile.auth.headers.items()}
            is_known = all(call.headers.get(name) == s.get_secret_value() for name, s in spelt.items())
            if known.merchant_id == merchant_id and is_known:
                return self._session(channel)
        return self._no("401", "unknown merchant or keys", status=401)

    def _session(self, channel: str) -> Said:
        self.logins += 1
        token, lifetime = f"gps-token-{self.logins:04d}", self._profile.auth.token_ttl_seconds
        self.sessions[token] = (channel, self._clock.now() + timedelta(seconds=lifetime))
        said = self._yes({})
        assert said.document is not None
        start = f"{self._envelope.content}/"
        place = next(place for place in self._profile.auth.token if place.startswith(start))
        spelling.put(said.document, place, token)
        return said

    def _authorised(self, operation: Operation, given: Mapping[str, str], call: Call) -> Said:
        token = call.headers.get(self._profile.auth.token_header.lower(), "")
        channel, ends_at = self.sessions.get(token, ("", self._clock.now()))
        if ends_at <= self._clock.now():
            return self._no("401", "the token is not good", status=401)
        merchant_id = self.credentials[channel].merchant_id
        if channel not in operation.channels or given.get("merchant_id") != merchant_id:
            return self._no("400", "merchant, channel and token do not go together")
        if operation.purpose is Purpose.SAVE_ACCOUNT:
            return self._saved(operation, channel)
        if operation.purpose is Purpose.FORGET_ACCOUNT:
            return self._forgotten(given)
        if operation.purpose in ORDERS.values():
            return self._ordered(operation, channel, given)
        return self._found(operation, channel, given)

    def _saved(self, operation: Operation, channel: str) -> Said:
        content: dict[str, Any] = {}
        spelling.put(content, operation.answer.token[0], self.save_account(channel))
        return self._yes(content)

    def _forgotten(self, given: Mapping[str, str]) -> Said:
        is_known = self.accounts.pop(given.get("account_token", ""), None)
        return self._yes({}) if is_known else self._no("404", "no such account")

    def _ordered(self, operation: Operation, channel: str, given: Mapping[str, str]) -> Said:
        cents, reference = spelling.cents(given.get("amount")), given.get("reference")
        if not cents or not reference or self.accounts.get(given.get("account_token", "")) != channel:
            return self._no("400", "amount, reference or account cannot be read")
        constants = self._profile.channels[channel].constants
        if any(given.get(name) != value for name, value in constants.items()):
            return self._no("400", "the kind of payment is not that of the channel")
        if self.refusals:
            return self._no(self.refusals.pop(), "refused")
        if cents % 100 == magic.NEVER_ARRIVED:
            return Said(0)
        known = self._book.of(reference) if self._profile.idempotency.deduplicates else None
        payment = known or self._book.accept(
            DIRECTIONS[operation.purpose],
            reference=reference,
            channel=channel,
            cents=cents,
            currency=given.get("currency", ""),
        )
        if known is None and cents % 100 == magic.ANSWER_IS_LOST:
            return Said(0)
        return self._yes(spelling.answer(self._profile, operation.answer, payment))

    def _found(self, operation: Operation, channel: str, given: Mapping[str, str]) -> Said:
        payment = self._book.of(given.get("reference", ""))
        wanted = (channel, DIRECTIONS[operation.purpose])
        if payment is None or (payment.channel, payment.direction) != wanted:
            return self._no("404", "no such payment")
        return self._yes(spelling.answer(self._profile, operation.answer, payment))

    def _yes(self, content: dict[str, Any]) -> Said:
        return Said(200, spelling.success(self._envelope, content))

    def _no(self, code: str, message: str, *, status: int = 200) -> Said:
        return Said(status, spelling.failure(self._envelope, code, message))


def _credentials(channel: str) -> ChannelCredentials:
    return ChannelCredentials(
        merchant_id=f"merchant-{channel}",
        api_key=SecretStr(f"simulated-api-key-of-{channel}"),
        secret_key=SecretStr(f"simulated-secret-key-of-{channel}"),
    )


def _matched(template: str, path: str) -> dict[str, str] | None:
    """What a path says at the places of a template; None when it is another path."""
    names, literal = PLACE.findall(template), PLACE.split(template)[::2]
    found = re.fullmatch("([^/]+)".join(re.escape(part) for part in literal), path)
    return dict(zip(names, map(unquote, found.groups()), strict=True)) if found else None


def _given(operation: Operation, call: Call) -> dict[str, str]:
    """What a request is filled with, by our names; constants by the gateway's."""
    asked, sent = dict(parse_qsl(call.query)), json.loads(call.body) if call.body else {}
    named = {source: asked[spelt] for spelt, source in operation.query.items() if spelt in asked}
    named |= {source: sent[spelt] for spelt, source in operation.fields.items() if spelt in sent}
    return {**sent, **named}
