"""Carries waiting webhooks to their endpoints over HTTP, and again when they are not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from invoicepay.testing.simulators.circle.notifications import Delivery

if TYPE_CHECKING:
    from invoicepay.testing.simulators.circle.simulator import CircleSimulator

RETRIES: dict[int, tuple[int, ...]] = {
    2: (1, 10, 30, 60, 900, 3600),
    1: (20, 20, 20),
}
"""Virtual seconds before each further attempt, by version; then the delivery is given up, as SNS does."""
PATIENCE_SECONDS = 5.0
TAKEN = range(200, 300)


@dataclass(frozen=True, slots=True)
class Carried:
    """One attempt: what was brought, and the status that the endpoint answered; 0 when it did not answer."""

    delivery: Delivery
    status: int

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has it."""
        return self.status in TAKEN


class Courier:
    """Brings what waits in a simulator's postbox.

    An endpoint is asked by HEAD before the first delivery; while it does not answer 200, nothing is posted.
    What is not taken is brought again when virtual time has come to it, and given up after the last attempt.
    """

    def __init__(self, circle: CircleSimulator) -> None:
        self._circle = circle
        self._http = httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)
        self._attempts: dict[tuple[int, str], int] = {}
        self._checked: set[str] = set()
        self.given_up: list[Delivery] = []

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def carry(self) -> list[Carried]:
        """Bring everything that waits now, once; later attempts wait for virtual time."""
        return [self._brought(delivery) for delivery in self._circle.deliveries()]

    def _brought(self, delivery: Delivery) -> Carried:
        carried = Carried(delivery, self._status(delivery))
        if not carried.is_taken:
            self._again(delivery)
        return carried

    def _status(self, delivery: Delivery) -> int:
        try:
            if delivery.endpoint not in self._checked:
                if self._http.head(delivery.endpoint).status_code != 200:
                    return 0
                self._checked.add(delivery.endpoint)
            post = self._http.post(delivery.endpoint, content=delivery.body, headers=delivery.headers)
            return post.status_code
        except httpx.TransportError:
            return 0

    def _again(self, delivery: Delivery) -> None:
        name = (delivery.version, delivery.id)
        attempt = self._attempts[name] = self._attempts.get(name, 0) + 1
        waits = RETRIES[delivery.version]
        if attempt > len(waits):
            self.given_up.append(delivery)
            return
        world = self._circle.world
        with world.lock:
            world.clock.after(waits[attempt - 1], lambda: world.postbox.put_back([delivery]))
