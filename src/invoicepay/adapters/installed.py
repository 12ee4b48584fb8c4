"""Providers that other packages bring: found by the name under which they are installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from invoicepay.errors import ConfigurationError, InvoicePayError

RAILS = "invoicepay.rails"
TOKENS = "invoicepay.tokens"
"""Groups of entry points; what one names is called with the environment and makes a provider."""


@dataclass(frozen=True, slots=True, order=True)
class Installed:
    """A provider that a package brings.

    Attributes:
        name: what `rails=` or `token=` may be.
        package, version: who brings it.
        made_by: what is called with the environment, as `module:function`.
    """

    name: str
    package: str
    version: str
    made_by: str


def installed(group: str = RAILS) -> tuple[Installed, ...]:
    """Everything that is installed on one side, by name; nothing of it is imported.

    Args:
        group: `invoicepay.rails` or `invoicepay.tokens`.
    """
    return tuple(sorted(_described(point) for point in entry_points(group=group)))


def made(group: str, name: str, environ: Mapping[str, str]) -> Any:
    """The provider of that name, as the environment describes it.

    Raises:
        ConfigurationError: none or several are called so, or what is installed makes none.
    """
    points = {(point.value, _package(point)): point for point in entry_points(group=group, name=name)}
    if len(points) != 1:
        raise _none(group, name) if not points else _several(group, name, list(points.values()))
    (point,) = points.values()
    try:
        return point.load()(environ)
    except InvoicePayError as error:
        raise ConfigurationError(
            f"{name} ({_package(point)}) refuses its settings: {error.message}"
        ) from error
    except Exception as error:
        raise ConfigurationError(
            f"{name} ({_package(point)}) cannot be made: {point.value} ended with {type(error).__name__}",
            hint="The error that it ended with is the cause of this one; ask who brings the package.",
        ) from error


def _none(group: str, name: str) -> ConfigurationError:
    known = ", ".join(f"{one.name} ({one.package})" for one in installed(group)) or "none at all"
    return ConfigurationError(
        f"no installed package brings {name} to {group}; there is {known}",
        hint=f"Install the package that brings it, or pass an object instead of the name {name!r}.",
    )


def _several(group: str, name: str, points: list[EntryPoint]) -> ConfigurationError:
    packages = " and ".join(sorted(_package(point) for point in points))
    return ConfigurationError(
        f"{name} is brought to {group} by {packages}", hint="Uninstall all but one, or pass an object."
    )


def _described(point: EntryPoint) -> Installed:
    version = point.dist.version if point.dist else ""
    return Installed(point.name, _package(point), version, point.value)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
