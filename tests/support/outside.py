"""What simulated providers have in mind, kept and put back."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Any

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens

_CHANGES = (dict, list, deque, set, int, str)


def kept(provider: SimulatedRails | SimulatedTokens) -> dict[str, Any]:
    """Everything that a provider remembers, its weather and its webhooks included."""
    parts = {"": provider, "weather": provider.weather, "postbox": provider.postbox}
    return {
        f"{part}.{name}": copy(value)
        for part, owner in parts.items()
        for name, value in vars(owner).items()
        if isinstance(value, _CHANGES)
    }


def put_back(provider: SimulatedRails | SimulatedTokens, memory: dict[str, Any]) -> None:
    """Make a provider remember that and nothing else; many times from one memory."""
    for path, value in memory.items():
        part, _, name = path.partition(".")
        setattr(getattr(provider, part) if part else provider, name, copy(value))
