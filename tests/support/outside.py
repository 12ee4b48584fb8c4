"""What simulated providers have in mind, kept and put back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import copy
from typing import Any

from invoicepay.adapters.simulated import SimulatedRails, SimulatedTokens

_CHANGES = (dict, list, deque, set, int, str)


Outside = SimulatedRails | SimulatedTokens
Memory = dict[str, Any]


def kept(*providers: Outside) -> tuple[Memory, ...]:
    """Everything that providers remember, their weather and their webhooks included."""
    return tuple(_kept(provider) for provider in providers)


def put_back(memories: Sequence[Memory], *providers: Outside) -> None:
    """Make providers remember that and nothing else; many times from one memory."""
    for provider, memory in zip(providers, memories, strict=True):
        _put_back(provider, memory)


def _kept(provider: Outside) -> Memory:
    parts = {"": provider, "weather": provider.weather, "postbox": provider.postbox}
    return {
        f"{part}.{name}": copy(value)
        for part, owner in parts.items()
        for name, value in vars(owner).items()
        if isinstance(value, _CHANGES)
    }


def _put_back(provider: Outside, memory: Memory) -> None:
    for path, value in memory.items():
        part, _, name = path.partition(".")
        setattr(getattr(provider, part) if part else provider, name, copy(value))
