"""What a host writes as `rails=` becomes one bank, or several with their routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from invoicepay.domain.money import currency_of
from invoicepay.domain.policies import Programme
from invoicepay.errors import ConfigurationError, UnknownAsset
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.routes import Rails, RailsChoice, RailsRoutes, RouteKey

HINT = 'Write rails={("USD", "wire"): one_bank, "EUR": other_bank}.'


def banks_from(choice: RailsChoice, make: Callable[[str], RailsProvider]) -> Rails:
    """The bank that was passed or named, or the routes to several.

    Args:
        make: makes the bank of a name; called once for each name.

    Raises:
        ConfigurationError: the routes are none.
    """
    if isinstance(choice, str):
        return make(choice)
    if not isinstance(choice, Mapping):
        return choice
    named = dict[str, RailsProvider]()

    def bank(part: Any) -> RailsProvider:
        if isinstance(part, str):
            named[part] = named.get(part) or make(part)
        return named[part] if isinstance(part, str) else part

    if not choice:
        raise ConfigurationError("rails names no bank", hint=HINT)
    return RailsRoutes({_key(key): [bank(part) for part in _several(value)] for key, value in choice.items()})


def check_routes(routes: RailsRoutes, programme: Programme) -> None:
    """Refuse routes by which an order could go nowhere, or to a bank that nobody can name.

    Raises:
        ConfigurationError: the message says which.
    """
    names = [bank.name for bank in routes.banks]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(
            f"two banks are called {double[0]}",
            hint="A reference names its bank: give each a name of its own.",
        )
    for key, banks in routes.table.items():
        rail = "" if isinstance(key, str) else key[1]
        if rail and rail not in programme.finality:
            known = ", ".join(programme.finality)
            raise ConfigurationError(f"there is no such rail: {rail} (known: {known})", hint=HINT)
        for bank in banks:
            can = bank.capabilities()
            if rail and rail not in can.deposit_rails | can.withdrawal_rails:
                has = ", ".join(sorted(can.deposit_rails | can.withdrawal_rails)) or "none"
                raise ConfigurationError(f"{bank.name} has no rail {rail}, it has {has}", hint=HINT)


def _several(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        if not value:
            raise ConfigurationError("a route leads to no bank", hint=HINT)
        return value
    return (value,)


def _key(key: Any) -> RouteKey:
    """An asset or a currency that exists, alone or with a rail."""
    parts = (key,) if isinstance(key, str) else key
    if not isinstance(parts, tuple) or len(parts) > 2 or not all(isinstance(part, str) for part in parts):
        raise ConfigurationError(f"a route is an asset, or an asset and a rail, not {key!r}", hint=HINT)
    try:
        currency_of(parts[0])
    except UnknownAsset as error:
        raise ConfigurationError(f"a route begins with an asset: {error.message}", hint=HINT) from error
    return parts[0] if len(parts) == 1 else (parts[0], parts[1])
