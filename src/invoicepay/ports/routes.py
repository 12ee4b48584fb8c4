"""Several banks behind one client: which of them serves an asset over a rail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from invoicepay.domain.effects import EffectKind
from invoicepay.domain.money import currency_of
from invoicepay.ports.production import production_faults
from invoicepay.ports.rails import Direction, RailsProvider

RouteKey: TypeAlias = str | tuple[str, str]
"""An asset or a currency, alone or with a rail: `"EUR"`, `("USD", "wire")`."""


class RailsRoutes:
    """Banks by what they serve; not a bank itself, for every question is one bank's.

    An order goes by the most particular key that names a bank which has the rail that way: asset and rail,
    currency and rail, asset, currency. So one bank may collect and another pay out.

    Attributes:
        table: banks by key, in the order in which they are preferred.
        banks: each once.

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

    def __init__(self, table: Mapping[RouteKey, Sequence[RailsProvider]]) -> None:
        self.table = {key: tuple(banks) for key, banks in table.items()}
        each = (bank for banks in self.table.values() for bank in banks)
        self.banks: tuple[RailsProvider, ...] = tuple({id(bank): bank for bank in each}.values())

    def named(self, name: str) -> RailsProvider | None:
        """The bank of that name."""
        return next((bank for bank in self.banks if bank.name == name), None)

    def bank_for(self, direction: Direction, asset: str, rail: str) -> RailsProvider | None:
        """The bank that an order goes to; None where no bank has that rail for that asset."""
        currency = currency_of(asset)
        for key in ((asset, rail), (currency, rail), asset, currency):
            for bank in self.table.get(key, ()):
                if rail in _rails(bank, direction):
                    return bank
        return None

    def name_for(self, kind: str, asset: str, rail: str) -> str | None:
        """The name of the bank that does such work; empty for work that is no bank's."""
        if kind not in _WAYS:
            return ""
        bank = self.bank_for(_WAYS[kind], asset, rail)
        return None if bank is None else bank.name

    def banks_of(self, asset: str) -> tuple[RailsProvider, ...]:
        """Every bank that may hold cash behind an asset."""
        keys = {asset, currency_of(asset)}
        found = [
            bank
            for key, banks in self.table.items()
            for bank in banks
            if (key if isinstance(key, str) else key[0]) in keys
        ]
        return tuple(bank for bank in self.banks if bank in found)

    def production_faults(self) -> tuple[str, ...]:
        """What every bank says against itself."""
        return tuple(fault for bank in self.banks for fault in production_faults(bank))

    def each(self, change: Callable[[RailsProvider], RailsProvider]) -> RailsRoutes:
        """The same routes to banks that were changed, each once."""
        changed = {id(bank): change(bank) for bank in self.banks}
        return RailsRoutes(
            {key: tuple(changed[id(bank)] for bank in banks) for key, banks in self.table.items()}
        )

    def __str__(self) -> str:
        """For people: who serves what."""
        return ", ".join(
            f"{bank.name} for {key if isinstance(key, str) else ' over '.join(key)}"
            for key, banks in self.table.items()
            for bank in banks
        )


_WAYS: Mapping[str, Direction] = {
    EffectKind.DEPOSIT: Direction.DEPOSIT,
    EffectKind.PAYOUT: Direction.WITHDRAWAL,
}

_Banks: TypeAlias = RailsProvider | str | Sequence[RailsProvider | str]
RailsChoice: TypeAlias = RailsProvider | str | Mapping[Any, _Banks]
"""What a host may write as `rails=`: a bank, the name of an installed one, or banks by `RouteKey`.

The keys are not typed: those of a mapping are invariant, and a literal with both kinds would be refused.
"""

Rails: TypeAlias = RailsProvider | RailsRoutes
"""What a client has on the bank side."""


def _rails(bank: RailsProvider, direction: Direction) -> frozenset[str]:
    can = bank.capabilities()
    return can.deposit_rails if direction is Direction.DEPOSIT else can.withdrawal_rails
