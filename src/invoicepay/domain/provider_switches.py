"""The emergency switch of a provider: while it is off nothing is sent there, and everything is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.change import Change
from invoicepay.domain.entity import Entity
from invoicepay.domain.lifecycle import Lifecycle
from invoicepay.domain.needs import Needs, need


class ProviderStatus(StrEnum):
    """A provider that was never stopped has no row and is sent to."""

    STOPPED = "stopped"
    RUNNING = "running"


class ProviderCommand(StrEnum):
    """What moves the switch."""

    STOP = "stop"
    RESUME = "resume"


S, C = ProviderStatus, ProviderCommand

PROVIDER_SWITCH: Lifecycle[ProviderStatus, ProviderCommand] = Lifecycle(
    "provider_switch",
    {
        (None, C.STOP): S.STOPPED,
        (S.RUNNING, C.STOP): S.STOPPED,
        (S.STOPPED, C.RESUME): S.RUNNING,
    },
)
"""A switch's states: one operator stops in an emergency, two let it go on (S-36)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSwitch(Entity):
    """A provider that was stopped at least once; its id is the provider's name."""

    KIND: ClassVar[str] = "provider_switch"

    status: ProviderStatus
    reason: str


def switch_needs(provider: str) -> Needs:
    """What `is_stopped` reads; many may read it at once."""
    return need(reads=[(ProviderSwitch, provider)])


def is_stopped(change: Change, provider: str) -> bool:
    """Whether nothing may be sent to a provider now."""
    switch = change.peek(ProviderSwitch, provider)
    return switch is not None and switch.status is S.STOPPED


def stop(change: Change, provider: str, reason: str) -> ProviderSwitch:
    """Send nothing more; a provider that is stopped already keeps its first reason."""
    known = change.peek(ProviderSwitch, provider)
    if known is not None and known.status is S.STOPPED:
        return known
    status = PROVIDER_SWITCH.after(known.status if known else None, C.STOP)
    switch = ProviderSwitch(id=provider, status=status, reason=reason)
    write = change.add if known is None else change.put
    return write(switch, "provider_switch.stopped")


def resume(change: Change, switch: ProviderSwitch, reason: str) -> ProviderSwitch:
    """Send again what waits.

    Raises:
        InvalidTransition: it is not stopped.
    """
    status = PROVIDER_SWITCH.after(switch.status, C.RESUME)
    return change.put(replace(switch, status=status, reason=reason), "provider_switch.resumed")
