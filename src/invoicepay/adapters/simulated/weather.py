"""What goes wrong between us and a simulated provider: lost answers, silence, refusals; and its webhooks."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from invoicepay.adapters.signatures import STANDARD_V1, Secret
from invoicepay.domain.canonical import canonical
from invoicepay.domain.codec import from_dict
from invoicepay.errors import (
    InvalidInput,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    WebhookSignatureInvalid,
)
from invoicepay.ports.health import Check
from invoicepay.ports.runtime import Clock

T = TypeVar("T")


class Weather:
    """Faults ordered for the next calls; each is used up by one call."""

    def __init__(self) -> None:
        self._rejections: deque[str] = deque()
        self._lost_answers = 0
        self._lost_requests = 0
        self._is_unreachable = False

    def lose_next_answer(self) -> None:
        """Carry the next order out, but answer nothing."""
        self._lost_answers += 1

    def lose_next_request(self) -> None:
        """Let the next order vanish on its way; the sender cannot tell that from a lost answer."""
        self._lost_requests += 1

    def reject_next(self, reason: str) -> None:
        """Refuse the next order for good."""
        self._rejections.append(reason)

    def be_unreachable(self) -> None:
        """Take no connection until `be_reachable`."""
        self._is_unreachable = True

    def be_reachable(self) -> None:
        """Take connections again."""
        self._is_unreachable = False

    def seen(self) -> Check:
        """Whether connections are taken, for a look at the provider's health."""
        return Check("reachable", not self._is_unreachable, "simulated")

    def question(self) -> None:
        """What a question meets on its way."""
        if self._is_unreachable:
            raise ProviderUnavailable("the simulated provider is unreachable")

    @contextmanager
    def order(self) -> Iterator[None]:
        """What an order meets on its way, there and back."""
        self.question()
        if self._rejections:
            raise ProviderRejected(self._rejections.popleft())
        if self._lost_requests:
            self._lost_requests -= 1
            raise ProviderUnknown("the simulated provider did not answer")
        yield
        if self._lost_answers:
            self._lost_answers -= 1
            raise ProviderUnknown("the simulated provider did not answer")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook on its way: headers and raw body, as a host receives them."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """The body of a simulated webhook: who sent it, and the event as JSON."""

    sender: str
    event: dict[str, Any]


class Postbox:
    """Signed webhooks of one provider, queued until somebody carries them over."""

    def __init__(self, sender: str, key: bytes, clock: Clock, wire: type[Any]) -> None:
        self._sender, self._secret, self._clock, self._wire = sender, Secret(key), clock, wire
        self._queue: list[Delivery] = []
        self._copies = 1

    def send(self, event: Any) -> None:
        """Queue the event."""
        self._queue.extend([self.delivery(event)] * self._copies)

    def delivery(self, event: Any, key: bytes | None = None) -> Delivery:
        """The event, signed with the provider's key or another one."""
        body = canonical({"sender": self._sender, "event": event}).encode()
        secret = self._secret if key is None else Secret(key)
        return Delivery(STANDARD_V1.signed(secret, body, id=event.event_id, at=self._clock.now()), body)

    def duplicate(self, copies: int) -> None:
        """Send each webhook that often from now on; 0 sends none."""
        self._copies = copies

    def drain(self, reorder: Callable[[list[Delivery]], list[Delivery]]) -> list[Delivery]:
        """Take what is queued."""
        queued, self._queue = self._queue, []
        return reorder(queued)

    def read(self, body: bytes, headers: dict[str, str], received_at: datetime) -> Any:
        """The event of a delivery whose signature is ours.

        Raises:
            WebhookSignatureInvalid: not from this provider, replayed or mangled.
        """
        id = STANDARD_V1.verified([self._secret], body, headers, received_at=received_at).id
        try:
            wire = from_dict(Envelope, json.loads(body))
            event = from_dict(self._wire, wire.event)
        except (InvalidInput, ValueError, RecursionError) as error:
            raise WebhookSignatureInvalid from error
        if wire.sender != self._sender or event.event_id != id:
            raise WebhookSignatureInvalid
        return event
