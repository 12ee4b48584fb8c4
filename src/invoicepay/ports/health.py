"""What a provider or a store says of its own condition, for people and for readiness probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from invoicepay.domain.shown import Shown


@dataclass(frozen=True, slots=True)
class Check(Shown):
    """One thing that was looked at.

    Attributes:
        name: short and stable, such as `reachable`, `chain_id`, `fee_wallet`.
        is_ok: whether it is as it must be for money to move.
        detail: what was seen, for a person; never a secret.
    """

    name: str
    is_ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Health(Shown):
    """Everything that was looked at in one place.

    Examples:
        >>> Health("acme", (Check("reachable", True, "12 ms"), Check("funded", False, "3.00 USD left"))).is_ok
        False
    """

    provider: str
    checks: tuple[Check, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every check is."""
        return all(check.is_ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that are not as they must be."""
        return tuple(check for check in self.checks if not check.is_ok)


NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class SystemHealth(Shown):
    """How an installation is: its store and its providers.

    Attributes:
        screening: None where nothing is screened.
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("is_ok", "store", "rails", "token", "screening")

    store: Health
    rails: Health
    token: Health
    screening: Health | None = None

    @property
    def parts(self) -> tuple[Health, ...]:
        """What there is, in the order in which it was asked."""
        there = (self.store, self.rails, self.token)
        return there if self.screening is None else (*there, self.screening)

    @property
    def is_ok(self) -> bool:
        """Whether everything is; what cannot be asked counts as well."""
        return all(part.is_ok for part in self.parts)


@runtime_checkable
class TellsHealth(Protocol):
    """A provider or store that can be asked how it is; it need not be."""

    async def health(self) -> Health:
        """Look at everything that money movements need; moves nothing, and answers within seconds.

        A look that fails is a check that is not ok, so that the others are told all the same.
        """
        ...
