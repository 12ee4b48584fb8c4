"""What a host writes as `rails=` and `token=` becomes one provider, or several with their routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from invoicepay.domain.money import currency_of
from invoicepay.domain.policies import Programme
from invoicepay.errors import ConfigurationError, UnknownAsset
from invoicepay.ports.rails import RailsProvider
from invoicepay.ports.routes import (
    Rails,
    RailsChoice,
    RailsRoutes,
    RouteKey,
    TokenChoice,
    TokenRoutes,
    Tokens,
)

RAILS_HINT = 'Write rails={("USD", "wire"): one_bank, "EUR": other_bank}.'
NETWORK_HINT = 'Write token={"USD.tempo": one_network, "USDC": other_network}.'

Make = Callable[[str], Any]
"""Makes the installed provider of a name; called once for each name."""


def banks_from(choice: RailsChoice, make: Make) -> Rails:
    """The bank that was passed or named, or the routes to several.

    Raises:
        ConfigurationError: the routes are none.
    """
    if isinstance(choice, str):
        bank: RailsProvider = make(choice)
        return bank
    if not isinstance(choice, Mapping):
        return choice
    if not choice:
        raise ConfigurationError("rails names no bank", hint=RAILS_HINT)
    found = _Found(make)
    return RailsRoutes(
        {_key(key): [found.provider(part) for part in _several(value)] for key, value in choice.items()}
    )


def networks_from(choice: TokenChoice, make: Make) -> Tokens:
    """The token network that was passed or named, or the routes to several.

    Raises:
        ConfigurationError: the routes are none.
    """
    if isinstance(choice, str):
        tokens: Tokens = make(choice)
        return tokens
    if not isinstance(choice, Mapping):
        return choice
    if not choice:
        raise ConfigurationError("token names no network", hint=NETWORK_HINT)
    found = _Found(make)
    return TokenRoutes({_asset(key, NETWORK_HINT): [found.provider(value)] for key, value in choice.items()})


class _Found:
    """Providers that were passed, and those that were named, each made once."""

    def __init__(self, make: Make) -> None:
        self._make, self._named = make, dict[str, Any]()

    def provider(self, part: Any) -> Any:
        if not isinstance(part, str):
            return part
        if part not in self._named:
            self._named[part] = self._make(part)
        return self._named[part]


def check_routes(side: Rails | Tokens, programme: Programme) -> None:
    """Refuse routes by which an order could go nowhere, or to a provider that nobody can name.

    Raises:
        ConfigurationError: the message says which.
    """
    if not isinstance(side, RailsRoutes | TokenRoutes):
        return
    names = [one.name for one in side.providers]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigurationError(
            f"two providers are called {double[0]}",
            hint="A reference names its provider: give each a name of its own.",
        )
    if isinstance(side, RailsRoutes):
        for key, banks in side.table.items():
            for bank in banks if isinstance(key, tuple) else ():
                _check_rail(key[1], bank, programme)


def _check_rail(rail: str, bank: RailsProvider, programme: Programme) -> None:
    if rail not in programme.finality:
        known = ", ".join(programme.finality)
        raise ConfigurationError(f"there is no such rail: {rail} (known: {known})", hint=RAILS_HINT)
    can = bank.capabilities()
    if rail not in can.deposit_rails | can.withdrawal_rails:
        has = ", ".join(sorted(can.deposit_rails | can.withdrawal_rails)) or "none"
        raise ConfigurationError(f"{bank.name} has no rail {rail}, it has {has}", hint=RAILS_HINT)


def _several(value: Any) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        if not value:
            raise ConfigurationError("a route leads to no bank", hint=RAILS_HINT)
        return value
    return (value,)


def _key(key: Any) -> RouteKey:
    """An asset or a currency, alone or with a rail."""
    if not isinstance(key, tuple):
        return _asset(key, RAILS_HINT)
    if len(key) != 2 or not isinstance(key[1], str):
        raise ConfigurationError(f"a route is an asset, or an asset and a rail, not {key!r}", hint=RAILS_HINT)
    return _asset(key[0], RAILS_HINT), key[1]


def _asset(key: Any, hint: str) -> str:
    try:
        currency_of(key)
    except UnknownAsset as error:
        raise ConfigurationError(f"a route begins with an asset: {error.message}", hint=hint) from error
    asset: str = key
    return asset
