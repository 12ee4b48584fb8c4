"""What a bank's own code reads out of a delivery whose signature is good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from invoicepay.adapters.http_rails.attempts import reason
from invoicepay.adapters.signatures import Proof
from invoicepay.domain.strict_json import strict_json
from invoicepay.errors import ProviderUnavailable
from invoicepay.ports.rails import RailEvent


def read_delivery(
    name: str, proof: Proof, body: bytes, read: Callable[[Any], Iterable[RailEvent]]
) -> tuple[RailEvent, ...]:
    """The events of a delivery, each under a name that its signature vouches for.

    Raises:
        ProviderUnavailable: it is from the bank and cannot be read; once it can, it is delivered again.
    """
    try:
        events = tuple(read(strict_json(body)))
        places = [""] if len(events) == 1 else [f"/{place}" for place in range(len(events))]
        return tuple(_vouched(event, proof, place) for event, place in zip(events, places, strict=True))
    except ProviderUnavailable:
        raise
    except Exception as error:
        raise ProviderUnavailable(f"{name} delivered what is not read: {reason(error)}") from error


def _vouched(event: RailEvent, proof: Proof, place: str) -> RailEvent:
    """The event under a name that the signature vouches for: the delivery's, where the body is not signed."""
    delivered = f"{proof.id}{place}" if proof.id else ""
    id = (event.event_id if proof.body_authenticated else "") or delivered
    if not id:
        raise ValueError("an event has a name at its bank")
    return replace(event, event_id=id, body_authenticated=proof.body_authenticated)
