"""Endpoints: where a host wants to be told of events over HTTP, and how these places have answered lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.event_patterns import event_pattern, is_matched
from invoicepay.domain.ids import Prefix
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.needs import Find, find
from invoicepay.errors import InvalidInput

MOST_PATTERNS = 50
MOST_ENABLED = 100
"""Enabled endpoints of one tenant: each pass asks for the deliveries of each."""
OVERLAP = timedelta(hours=24)
"""How long deliveries are signed with the former secret, too, once a new one was made."""
DISABLED_AFTER = timedelta(days=5)
"""How long an endpoint may fail without one success between before nothing is sent there any more."""

WITHHELD_KINDS = frozenset(
    {
        *("effect", "observation", "inbox_message", "provider_switch"),
        "bank_account",
        *("webhook_endpoint", "webhook_delivery"),
    }
)
"""Kinds of entity of which nothing is told outside: work with providers; bank accounts, whose ids are tokens;
and webhooks themselves, for an endpoint that fails would be told of its failures. Handlers of the host are
told of them.
"""


class WebhookEndpointStatus(StrEnum):
    """Told of events, or not until somebody enables it again."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class EndpointCommand(StrEnum):
    """What moves an endpoint."""

    CREATE = "create"
    DISABLE = "disable"
    ENABLE = "enable"


class DisabledBecause(StrEnum):
    """Why nothing is sent to an endpoint; empty while it is enabled."""

    NOT = ""
    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


S, C = WebhookEndpointStatus, EndpointCommand

WEBHOOK_ENDPOINT: Lifecycle[WebhookEndpointStatus, EndpointCommand] = Lifecycle(
    "webhook_endpoint",
    {
        (None, C.CREATE): S.ENABLED,
        (S.ENABLED, C.DISABLE): S.DISABLED,
        (S.DISABLED, C.ENABLE): S.ENABLED,
    },
)
"""An endpoint's states; it is never deleted, for the audit trail tells of what was sent there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpoint(Entity):
    """A URL that is told of events, signed with a secret of its own.

    Attributes:
        events: patterns; an event that meets one of them is sent there.
        because: why it is disabled: by hand, since it answered 410, or after days of failures.
        generation: which of its secrets is in use; secrets are made from it and not kept.
        rotated_at: when that secret came into use; for 24 hours from then the one before signs, too.
        positions: up to where each audit stream was read for it.
        failures: how often in a row it did not answer with 2xx.
        failing_since: the first of them; None since its last success.
        rests_until: before this instant nothing is sent there, for it did not answer.
    """

    KIND: ClassVar[str] = "webhook_endpoint"

    url: str
    events: tuple[str, ...]
    status: WebhookEndpointStatus = WebhookEndpointStatus.ENABLED
    because: DisabledBecause = DisabledBecause.NOT
    generation: int = 1
    rotated_at: datetime | None = None
    positions: dict[str, int] = field(default_factory=dict[str, int])
    failures: int = 0
    failing_since: datetime | None = None
    rests_until: datetime | None = None

    def takes(self, kind: str, name: str) -> bool:
        """Whether it is told of an event."""
        return kind not in WITHHELD_KINDS and is_matched(name, self.events)

    def generations(self, now: datetime) -> tuple[int, ...]:
        """The secrets that sign now, the newest first."""
        is_overlapping = self.rotated_at is not None and now < self.rotated_at + OVERLAP
        return (self.generation, self.generation - 1) if is_overlapping else (self.generation,)

    def may_be_asked(self, now: datetime) -> bool:
        """Whether something may be sent there now."""
        return self.status is S.ENABLED and (self.rests_until is None or self.rests_until <= now)


def event_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """What an endpoint may ask for, each once.

    Raises:
        InvalidInput: none, too many, or one that no event outside can meet.
    """
    if not 1 <= len(patterns) <= MOST_PATTERNS:
        raise InvalidInput(
            f"an endpoint names 1 to {MOST_PATTERNS} events",
            hint='Write events=["invoice.*"].',
            field="events",
        )
    return tuple(dict.fromkeys(event_pattern(each, withheld=WITHHELD_KINDS) for each in patterns))


def enabled_endpoints() -> Find[WebhookEndpoint]:
    """The search for every endpoint that is told of events, oldest first."""
    return find(WebhookEndpoint, status=S.ENABLED, order=("id",), only_read=True)


def create(
    change: Change, url: str, events: tuple[str, ...], positions: Mapping[str, int]
) -> WebhookEndpoint:
    """Tell a URL of events from now on.

    Args:
        url: checked already.
        positions: the ends of all audit streams before this command.

    Raises:
        InvalidInput: the patterns are none, or there are too many endpoints.
    """
    if len(change.find(enabled_endpoints())) >= MOST_ENABLED:
        raise InvalidInput(
            f"a tenant has at most {MOST_ENABLED} enabled endpoints",
            hint="Disable one that is not needed, or let one endpoint of yours pass events on.",
        )
    endpoint = WebhookEndpoint(
        id=change.new_id(Prefix.WEBHOOK_ENDPOINT),
        url=url,
        events=event_patterns(events),
        status=WEBHOOK_ENDPOINT.after(None, C.CREATE),
        positions=dict(positions),
    )
    return change.add(endpoint, "webhook_endpoint.created")


def disable(change: Change, endpoint: WebhookEndpoint, because: DisabledBecause) -> WebhookEndpoint:
    """Send nothing more; what waits for it goes on waiting.

    Raises:
        InvalidTransition: it is disabled already.
    """
    status = WEBHOOK_ENDPOINT.after(endpoint.status, C.DISABLE)
    after = replace(endpoint, status=status, because=because)
    return change.put(after, "webhook_endpoint.disabled")


def enable(change: Change, endpoint: WebhookEndpoint, positions: Mapping[str, int]) -> WebhookEndpoint:
    """Send what waits, and tell it of events from now on; what happened meanwhile can be replayed.

    Raises:
        InvalidTransition: it is enabled.
    """
    status = WEBHOOK_ENDPOINT.after(endpoint.status, C.ENABLE)
    after = replace(
        well_again(endpoint), status=status, because=DisabledBecause.NOT, positions=dict(positions)
    )
    return change.put(after, "webhook_endpoint.enabled")


def rotate(change: Change, endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Let the next secret sign; the one before does so, too, for `OVERLAP`."""
    after = replace(endpoint, generation=endpoint.generation + 1, rotated_at=change.now)
    return change.put(after, "webhook_endpoint.secret_rotated")


def well_again(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The endpoint after a success."""
    return replace(endpoint, failures=0, failing_since=None, rests_until=None)
