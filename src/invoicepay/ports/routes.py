"""Several providers on one side of a client: which bank serves an asset over a rail, who issues an asset."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Self, TypeAlias, TypeVar

from invoicepay.domain.effects import EffectKind
from invoicepay.domain.money import currency_of
from invoicepay.ports.production import production_faults
from invoicepay.ports.rails import Direction, RailsProvider
from invoicepay.ports.tokens import TokenProvider

P = TypeVar("P", RailsProvider, TokenProvider)

RouteKey: TypeAlias = str | tuple[str, str]
"""An asset or a currency, alone or with a rail: `"EUR"`, `("USD", "wire")`."""


class Routes(Generic[P]):
    """Providers of one side by what they serve; no provider itself, for every question is one provider's.

    Attributes:
        table: providers by key, in the order in which they are preferred.
        providers: each once.
    """

    def __init__(self, table: Mapping[RouteKey, Sequence[P]]) -> None:
        self.table: dict[RouteKey, tuple[P, ...]] = {key: tuple(several) for key, several in table.items()}
        each = (one for several in self.table.values() for one in several)
        self.providers: tuple[P, ...] = tuple({id(one): one for one in each}.values())

    def named(self, name: str) -> P | None:
        """The provider of that name."""
        return next((one for one in self.providers if one.name == name), None)

    def production_faults(self) -> tuple[str, ...]:
        """What every provider says against itself."""
        return tuple(fault for one in self.providers for fault in production_faults(one))

    def each(self, change: Callable[[P], P]) -> Self:
        """The same routes to providers that were changed, each once."""
        changed = {id(one): change(one) for one in self.providers}
        return type(self)({key: [changed[id(one)] for one in several] for key, several in self.table.items()})

    def __str__(self) -> str:
        """For people: who serves what."""
        return ", ".join(
            f"{one.name} for {key if isinstance(key, str) else ' over '.join(key)}"
            for key, several in self.table.items()
            for one in several
        )


class RailsRoutes(Routes[RailsProvider]):
    """Banks by what they serve.

    An order goes by the most particular key that names a bank which has the rail that way: asset and rail,
    currency and rail, asset, currency. So one bank may collect and another pay out.

    Examples:
        >>> from invoicepay.adapters.simulated import SimulatedRails
        >>> from invoicepay.adapters.system import SystemClock
        >>> ours, wires = (SimulatedRails(SystemClock(), name=name) for name in ("ours", "wires"))
        >>> routes = RailsRoutes({"USD": (ours,), ("USD", "wire"): (wires,)})
        >>> routes.bank_for(Direction.DEPOSIT, "USD.tempo", "wire").name
        'wires'
        >>> print(routes)
        ours for USD, wires for USD over wire
    """

    def bank_for(self, direction: Direction, asset: str, rail: str) -> RailsProvider | None:
        """The bank that an order goes to; None where no bank has that rail for that asset."""
        currency = currency_of(asset)
        for key in ((asset, rail), (currency, rail), asset, currency):
            for bank in self.table.get(key, ()):
                if rail in _rails(bank, direction):
                    return bank
        return None

    def provider_for(self, kind: str, asset: str, rail: str) -> RailsProvider | None:
        """The bank that does this kind of work."""
        return self.bank_for(_WAYS[kind], asset, rail)

    def banks_of(self, asset: str) -> tuple[RailsProvider, ...]:
        """Every bank that may hold cash behind an asset."""
        keys = {asset, currency_of(asset)}
        found = [
            bank
            for key, banks in self.table.items()
            for bank in banks
            if (key if isinstance(key, str) else key[0]) in keys
        ]
        return tuple(bank for bank in self.providers if bank in found)


class TokenRoutes(Routes[TokenProvider]):
    """Token networks by the asset that they issue; an asset that is not named goes by its currency."""

    def issuer_for(self, asset: str) -> TokenProvider | None:
        """Who issues an asset; None where nobody does."""
        several = self.table.get(asset) or self.table.get(currency_of(asset)) or (None,)
        return several[0]

    def provider_for(self, _kind: str, asset: str, _rail: str) -> TokenProvider | None:
        """The network that does this kind of work."""
        return self.issuer_for(asset)


_WAYS: Mapping[str, Direction] = {
    EffectKind.DEPOSIT: Direction.DEPOSIT,
    EffectKind.PAYOUT: Direction.WITHDRAWAL,
}

_Banks: TypeAlias = RailsProvider | str | Sequence[RailsProvider | str]
RailsChoice: TypeAlias = RailsProvider | str | Mapping[Any, _Banks]
"""What a host may write as `rails=`: a bank, the name of an installed one, or banks by `RouteKey`.

The keys are not typed: those of a mapping are invariant, and a literal with both kinds would be refused.
"""

TokenChoice: TypeAlias = TokenProvider | str | Mapping[str, TokenProvider | str]
"""What a host may write as `token=`: a network, the name of an installed one, or networks by asset."""

Rails: TypeAlias = RailsProvider | RailsRoutes
"""What a client has on the bank side."""

Tokens: TypeAlias = TokenProvider | TokenRoutes
"""What a client has on the token side."""


def _rails(bank: RailsProvider, direction: Direction) -> frozenset[str]:
    can = bank.capabilities()
    return can.deposit_rails if direction is Direction.DEPOSIT else can.withdrawal_rails
