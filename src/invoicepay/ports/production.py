"""What a part of an installation says against its own use where money is real (S-35)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable


@runtime_checkable
class KnowsProduction(Protocol):
    """A provider, store, clock or screening that knows what it must not be in production; it need not."""

    def production_faults(self) -> Iterable[str]:
        """What is not for production about it and its settings, in a few words each; never a secret."""
        ...


def production_faults(part: object) -> tuple[str, ...]:
    """What a part says against itself; a part that does not know is its host's to judge."""
    return tuple(part.production_faults()) if isinstance(part, KnowsProduction) else ()
