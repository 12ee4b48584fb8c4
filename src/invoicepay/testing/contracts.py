"""What every contract suite shares: both kinds of host, the far side's controls, mutated webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from invoicepay.testing.hosts import AwaitingHost, BlockingHost, Host

Webhook = tuple[dict[str, str], bytes]
"""Headers and raw body of one delivery."""


class FarSide(Protocol):
    """The provider's side of an adapter under test: a simulator, a sandbox, a stub server.

    Call `pytest.skip` in what the far side cannot play.
    """

    def now(self) -> datetime:
        """The instant at which webhooks are signed, UTC."""
        ...

    def movements(self) -> int:
        """How many orders were carried out so far."""
        ...

    def lose_next_answer(self) -> None:
        """Carry the next order out without answering it."""
        ...

    def reject_next(self) -> None:
        """Refuse the next order for good, in the provider's own way."""
        ...

    def be_unreachable(self) -> None:
        """Take no connections."""
        ...

    def webhooks(self) -> list[Webhook]:
        """Take the deliveries sent so far, as a host receives them."""
        ...


class Contract:
    """Runs each test in a blocking and in an awaiting host."""

    signs_time = True
    """Whether the webhooks' signature covers an instant, so that old deliveries can be refused."""

    @pytest.fixture(params=[BlockingHost, AwaitingHost], ids=["blocking", "awaiting"])
    def host(self, request: pytest.FixtureRequest) -> Iterator[Host]:
        """The host that drives the adapter."""
        host: Host = request.param()
        yield host
        host.close()


def mutated(webhook: Webhook) -> Iterator[Webhook]:
    """Copies of a delivery that each differ in one place: body, or one header changed, dropped or doubled."""
    headers, body = webhook
    yield headers, b""
    yield headers, body + b" "
    yield headers, body[:-1]
    yield headers, b"\xff\xfe" + body
    for place in range(0, len(body), max(1, len(body) // 64)):
        yield headers, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    yield {}, body
    for name, value in headers.items():
        yield {other: text for other, text in headers.items() if other != name}, body
        for changed in ("", f"{value}0", value[1:], value[:-1], f" {value}", value.swapcase(), "é\u0661"):
            if changed != value:
                yield {**headers, name: changed}, body
        yield {**headers, name.swapcase(): f"{value}0"}, body


def is_recent(instant: datetime, now: datetime) -> bool:
    """Whether an adapter's instant is aware UTC and about now."""
    return instant.tzinfo is UTC and abs(instant - now) < timedelta(days=1)
