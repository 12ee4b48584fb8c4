"""Endpoints that fail at random, workers that die at random: in the end everything was told."""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random

import pytest

from invoicepay.domain.events import Event
from invoicepay.domain.webhook_deliveries import WebhookAnswer, WebhookDeliveryStatus
from invoicepay.domain.webhook_endpoints import WebhookEndpointStatus
from invoicepay.ports.webhook_sender import OutgoingWebhook
from invoicepay.use_cases import webhook_endpoints as endpoints
from tests.support.mortal import Crash, Fate, mortal
from tests.support.receiver import BROKEN, REFUSED, SILENT
from tests.use_cases.test_webhooks_out import BOOKS, SHOP, Outlet

STEPS = 60
ANSWERS = (WebhookAnswer(status=204),) * 4 + (REFUSED, BROKEN, SILENT)


class Storm(Outlet):
    """An outlet in bad weather.

    Attributes:
        taken: ids of the events that were answered with 2xx, by URL.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = Random(seed)
        self.taken: dict[str, set[str]] = {SHOP: set(), BOOKS: set()}
        self.is_fair = False
        self.fate = Fate()
        self.box.meanwhile = self._answer
        self.made = [self.endpoint(url, "invoice.*", "payment.*") for url in self.taken]

    def _answer(self, message: OutgoingWebhook) -> None:
        """Choose an answer; the process may die before or after the endpoint has it."""
        self.fate.boundary()
        answer = ANSWERS[0] if self.is_fair else self.random.choice(ANSWERS)
        self.box.answers[message.url] = answer
        if answer.is_taken:
            self.taken[message.url].add(message.id)
        self.fate.boundary()

    def step(self) -> None:
        """Something happens, or a worker works and perhaps dies."""
        what = self.random.randrange(6)
        if what == 0:
            self.issue("1.00")
        elif what == 1:
            self.pay(self.issue("2.00"))
        elif what == 2:
            self.clock.advance(minutes=self.random.choice((1, 3, 40)))
        else:
            dies_at = self.random.choice((None, self.random.randrange(12)))
            self.fate = Fate(dies_at)
            with suppress(Crash):
                self.work(mortal(self.deps, self.fate))
            self.fate = Fate()

    def come_to_rest(self) -> None:
        """Everybody is well again, and disabled endpoints are enabled."""
        self.is_fair = True
        for endpoint in self.made:
            if self.now(endpoint).status is WebhookEndpointStatus.DISABLED:
                command = endpoints.EnableEndpoint(endpoint_id=endpoint.id)
                self.run(endpoints.enable_endpoint(self.deps, command))
        for _ in range(20):
            self.clock.advance(hours=25)
            self.work()

    def owed(self) -> set[str]:
        """Ids of the events that match."""

        async def read() -> tuple[Event, ...]:
            async with self.deps.repository.reader("default") as reader:
                return await reader.events(limit=10_000)

        return {event.id for event in self.run(read()) if event.kind in ("invoice", "payment")}


@pytest.mark.parametrize("seed", range(8))
def test_everything_is_told_whatever_happens_on_the_way(seed: int) -> None:
    storm = Storm(seed)
    for _ in range(STEPS):
        storm.step()

    storm.come_to_rest()

    assert storm.taken == {SHOP: storm.owed(), BOOKS: storm.owed()}
    ended = [row.status for row in storm.deliveries()]
    assert ended == [WebhookDeliveryStatus.DELIVERED] * (2 * len(storm.owed()))
    assert storm.sound()


@pytest.mark.parametrize("seed", range(2))
def test_each_repetition_carries_the_same_message(seed: int) -> None:
    storm = Storm(seed)
    for _ in range(STEPS):
        storm.step()
    storm.come_to_rest()

    bodies: dict[tuple[str, str], set[bytes]] = {}
    for message in storm.box.sent:
        bodies.setdefault((message.url, message.id), set()).add(message.body)
    assert {len(seen) for seen in bodies.values()} == {1}
    assert len(storm.box.sent) > len(bodies)
    assert all(json.loads(message.body)["type"] for message in storm.box.sent)
