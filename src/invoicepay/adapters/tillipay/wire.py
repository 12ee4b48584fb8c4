"""Requests built and answers read as the profile says; pure, and without a spelling of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import SecretStr

from invoicepay.adapters.http import Answer, Request
from invoicepay.adapters.http.messages import plain
from invoicepay.adapters.tillipay.parts import ORDERS, PLACE, Channel, Operation
from invoicepay.adapters.tillipay.pointers import ABSENT, at, first_at
from invoicepay.domain.money import Money, currency_of
from invoicepay.domain.time import from_iso
from invoicepay.errors import InvalidInput, ProviderRejected, WebhookSignatureInvalid
from invoicepay.ports.rails import Direction, RailEvent, RailStatus, RailTransfer

if TYPE_CHECKING:
    from invoicepay.adapters.tillipay.profile import TilliPayProfile

Source = str | SecretStr
Sources = Mapping[str, Source]
"""What requests are filled with; empty texts are left out, secrets are readable only in the request."""

LONGEST_TEXT = 200
CENT = 10_000
"""Micros."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in one of the profile's envelopes."""

    is_success: bool
    code: str
    message: str = field(repr=False)
    content: object = field(repr=False)


def amount_text(amount: Money) -> str:
    """The amount as the gateway takes it.

    Raises:
        ProviderRejected: it has fractions of a cent.
    """
    if amount.micros % CENT:
        raise ProviderRejected("the gateway takes whole cents", amount=str(amount))
    cents, _ = divmod(amount.micros, CENT)
    return f"{cents // 100}.{cents % 100:02}"


def login_request(profile: TilliPayProfile, secrets: Mapping[str, SecretStr], sources: Sources) -> Request:
    """Ask for a channel's token."""
    auth = profile.auth
    headers = [(name, secrets[source]) for name, source in auth.headers.items()]
    return Request(auth.method, _filled(auth.path, sources), operation="login", headers=headers)


def request(
    profile: TilliPayProfile, name: str, channel: Channel, sources: Sources, token: SecretStr
) -> Request:
    """One call of an operation."""
    operation = profile.operations[name]
    is_order = operation.purpose in ORDERS.values()
    body = {**operation.constants, **(channel.constants if is_order else {})}
    body |= {
        spelt: plain(sources[source]) for spelt, source in operation.fields.items() if sources.get(source)
    }
    query = [(spelt, sources[source]) for spelt, source in operation.query.items() if sources.get(source)]
    return Request(
        operation.method,
        _filled(operation.path, sources),
        operation=name,
        headers=[(profile.auth.token_header, token)],
        query=query,
        json=body or None,
    )


def document_of(answer: Answer) -> object:
    """The JSON of an answer; None when it is none."""
    try:
        return answer.json()
    except ValueError:
        return None


def reply_of(profile: TilliPayProfile, answer: Answer) -> Reply | None:
    """The answer in the envelope that it has; None when it has none of them."""
    document = document_of(answer)
    for envelope in profile.envelopes.values():
        verdict = at(document, envelope.success.at)
        if verdict is not ABSENT:
            wanted = envelope.success.equals
            return Reply(
                is_success=type(verdict) is type(wanted) and verdict == wanted,
                code=_text(at(document, envelope.code)),
                message=_text(at(document, envelope.message)),
                content=at(document, envelope.content),
            )
    return None


def token_of(profile: TilliPayProfile, answer: Answer) -> SecretStr | None:
    """The token of a successful login; None when it has none."""
    reply = reply_of(profile, answer)
    if reply is None or not reply.is_success:
        return None
    token = first_at(answer.json(), profile.auth.token)
    return SecretStr(token) if isinstance(token, str) and token else None


def account_token_of(operation: Operation, reply: Reply) -> str:
    """The token of an account that was saved; empty when the answer has none."""
    token = first_at(reply.content, operation.answer.token)
    return token if isinstance(token, str) else ""


def transfer_of(
    profile: TilliPayProfile,
    operation: Operation,
    reply: Reply,
    *,
    direction: Direction,
    reference: str,
    ordered: Money | None,
    asset: str,
    now: datetime,
) -> RailTransfer:
    """What a successful answer says of a transfer; what cannot be read needs a person.

    Args:
        reference: ours, where the answer has none.
        ordered: the amount where the answer has none; None after a query, whose answer must have it.
        asset: what the currency of this asset is called in our books.
    """
    answer = operation.answer
    found = {name: first_at(reply.content, places) for name, places in answer}
    amount = _money(found["amount"], found["currency"], asset)
    if found["amount"] is ABSENT:
        amount = ordered
    fee = Money.zero(asset) if found["fee"] is ABSENT else _money(found["fee"], found["currency"], asset)
    word = _text(found["status"])
    status = (
        profile.status_map.get(word, RailStatus.NEEDS_REVIEW) if answer.status else profile.outcomes.accepted
    )
    if amount is None or fee is None or fee.asset != amount.asset:
        status, amount, fee = RailStatus.NEEDS_REVIEW, amount or Money.zero(asset), None
    return RailTransfer(
        provider_ref=_text(found["provider_ref"]),
        reference=_text(found["reference"]) or reference,
        direction=direction,
        status=status,
        provider_status=word or reply.code,
        amount=amount,
        fee=fee or Money.zero(amount.asset),
        observed_at=now,
        return_code=_text(found["return_code"]),
        reason=_text(found["reason"]),
    )


def event_of(
    profile: TilliPayProfile, body: bytes, *, id: str, is_vouched: bool, asset: str, received_at: datetime
) -> RailEvent:
    """What a delivery says whose signature was good; a vocabulary that drifted needs a person.

    Args:
        id: the delivery's where its scheme has one.

    Raises:
        WebhookSignatureInvalid: it is no JSON object.
    """
    document, webhook = _object(body), profile.webhook
    word = _text(at(document, webhook.event))
    event = webhook.events.get(word)
    amount = _money(at(document, webhook.amount), at(document, webhook.currency), asset)
    fee = _fee(document, webhook.fee, webhook.currency, asset)
    is_clear = event is not None and amount is not None and fee is not None and fee.asset == amount.asset
    stated = amount or Money.zero(asset)
    transfer = RailTransfer(
        provider_ref=_text(at(document, webhook.provider_ref)),
        reference=_text(at(document, webhook.reference)) if webhook.reference else "",
        direction=event.direction if event else Direction.DEPOSIT,
        status=event.status if event and is_clear else RailStatus.NEEDS_REVIEW,
        provider_status=word,
        amount=stated,
        fee=fee if fee and is_clear else Money.zero(stated.asset),
        observed_at=received_at,
        return_code=_text(at(document, webhook.return_code)) if webhook.return_code else "",
    )
    return RailEvent(
        event_id=id or _event_id(document, webhook.event_id, body),
        occurred_at=_instant(document, webhook.occurred_at) or received_at,
        transfer=transfer,
        body_authenticated=is_vouched,
    )


def shown(document: object, names: Collection[str]) -> object:
    """A document with every value hidden that stands under a name not known to be harmless."""
    if isinstance(document, Mapping):
        return {
            name: shown(value, names) if name in names else "[redacted]" for name, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [shown(value, names) for value in document]
    return document


def _filled(path: str, sources: Sources) -> str:
    return PLACE.sub(lambda place: quote(plain(sources[place[1]]), safe=""), path)


def _text(value: object) -> str:
    """A word or number as bounded text; empty for anything else."""
    is_word = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value)[:LONGEST_TEXT] if is_word else ""


def _money(amount: object, currency: object, asset: str) -> Money | None:
    """An amount as stated, in our name of its currency; None when it cannot be read."""
    named = currency_of(asset) if currency is ABSENT else currency
    if isinstance(amount, bool) or not isinstance(named, str):
        return None
    try:
        return Money(str(amount), asset if named == currency_of(asset) else named)
    except InvalidInput:
        return None


def _fee(document: object, place: str | None, currency: str, asset: str) -> Money | None:
    stated = at(document, place) if place else ABSENT
    return _money("0" if stated is ABSENT else stated, at(document, currency), asset)


def _object(body: bytes) -> dict[str, Any]:
    """The body of a delivery.

    Raises:
        WebhookSignatureInvalid: it is no JSON object.
    """
    document = document_of(Answer(200, {}, body))
    if not isinstance(document, dict):
        raise WebhookSignatureInvalid
    return document


def _event_id(document: object, places: Collection[str], body: bytes) -> str:
    """A name that is the same for each repetition: of the parts, or of the body where one is missing."""
    parts = [_text(at(document, place)) for place in places]
    named = json.dumps(parts).encode() if parts and all(parts) else body
    return hashlib.sha256(named).hexdigest()[:32]


def _instant(document: object, place: str | None) -> datetime | None:
    text = _text(at(document, place)) if place else ""
    try:
        return from_iso(text)
    except InvalidInput:
        return None
