"""Ten thousand mutated deliveries of each of Circle's schemes are refused, every one with the one error."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

import pytest

from invoicepay.adapters.circle.webhooks_v1 import Certificates, verified
from invoicepay.bridge import run_blocking
from invoicepay.errors import WebhookSignatureInvalid
from invoicepay.testing.contracts import Webhook
from tests.adapters.circle import sns
from tests.adapters.circle.test_webhooks_v2 import PUBLISHED, PUBLISHED_BODY, knowing

DELIVERIES = 10_000
LETTERS = "".join(map(chr, range(0x20, 0x7F)))

Read = Callable[[Webhook], object]


def changed_bytes(raw: bytes, chance: random.Random) -> bytes:
    """Bytes that differ in one place: flipped, put in, left out, doubled, swapped or cut off."""
    at, other = chance.randrange(len(raw)), bytes([chance.randrange(256)])
    ways = [
        raw[:at] + bytes([raw[at] ^ (1 << chance.randrange(8))]) + raw[at + 1 :],
        raw[:at] + other + raw[at:],
        raw[:at] + raw[at + 1 :],
        raw[:at] + raw[at : at + 9] + raw[at:],
        raw[:at],
        raw[at:] + raw[:at],
    ]
    return chance.choice([way for way in ways if way != raw])


def changed_text(text: str, chance: random.Random) -> str:
    """Text that differs in one place, also beyond ASCII."""
    at, letter = chance.randrange(len(text) or 1), chance.choice([*LETTERS, "é", "\u0661", "\n"])
    ways: list[str] = [
        text[:at] + letter + text[at + 1 :],
        text[:at] + letter + text[at:],
        text[:at] + text[at + 1 :],
        text[:at],
        f" {text}",
        text.swapcase(),
        text + text,
        "",
    ]
    return chance.choice([way for way in ways if way != text])


def changed_headers(headers: dict[str, str], chance: random.Random) -> dict[str, str]:
    """Headers of which one is changed, left out, or there twice."""
    name = chance.choice(list(headers))
    rest = {other: value for other, value in headers.items() if other != name}
    ways = [
        {**rest, name: changed_text(headers[name], chance)},
        rest,
        {**headers, name.swapcase(): changed_text(headers[name], chance)},
    ]
    return chance.choice(ways)


def mutations(original: Webhook, chance: random.Random) -> Iterator[Webhook]:
    """So many copies, each with another body or other headers."""
    headers, body = original
    for number in range(DELIVERIES):
        if number % 2:
            yield headers, changed_bytes(body, chance)
        else:
            yield changed_headers(headers, chance), body


def sns_mutations(version: str, chance: random.Random) -> Iterator[Webhook]:
    """SNS signs values and not bytes: so values change, and the JSON around them stays as it is."""
    told = sns.signed({**sns.message(), "Subject": "Payout"}, version=version)
    for _ in range(DELIVERIES):
        name = chance.choice(list(told))
        rest = {other: value for other, value in told.items() if other != name}
        changed = {**rest, name: changed_text(told[name], chance)}
        yield {}, json.dumps(chance.choice([changed, changed, rest])).encode()


def refused(mutated: Iterator[Webhook], read: Read) -> int:
    """How many deliveries were refused with the one error; any other end of reading is raised."""
    count = 0
    for delivery in mutated:
        with pytest.raises(WebhookSignatureInvalid):
            read(delivery)
        count += 1
    return count


def test_circle_deliveries() -> None:
    keys = knowing()
    keys.verified(PUBLISHED_BODY, PUBLISHED)

    mutated = mutations((PUBLISHED, PUBLISHED_BODY), random.Random(2))

    assert refused(mutated, lambda told: keys.verified(told[1], told[0])) == DELIVERIES


@pytest.mark.parametrize("version", ["1", "2"])
def test_mint_notifications(version: str) -> None:
    async def fetch(url: str) -> bytes:
        return sns.certificate()

    certificates = Certificates(fetch)
    run_blocking(certificates.prepare(sns.CERTIFICATE, sns.NOON))

    def read(told: Webhook) -> object:
        return verified(certificates, (sns.TOPIC,), told[1], sns.NOON)

    assert read(({}, sns.body(sns.message(), version=version)))
    assert refused(sns_mutations(version, random.Random(int(version))), read) == DELIVERIES


def test_a_flipped_byte_around_the_values_changes_nothing_that_is_read() -> None:
    async def fetch(url: str) -> bytes:
        return sns.certificate()

    certificates, chance, body = Certificates(fetch), random.Random(4), sns.body(sns.message())
    run_blocking(certificates.prepare(sns.CERTIFICATE, sns.NOON))
    original = verified(certificates, (sns.TOPIC,), body, sns.NOON)

    for _ in range(2_000):
        try:
            seen = verified(certificates, (sns.TOPIC,), changed_bytes(body, chance), sns.NOON)
        except WebhookSignatureInvalid:
            continue
        assert seen == original
