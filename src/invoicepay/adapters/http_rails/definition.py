"""What can be wrong with the definition of a bank, said where the class is written."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from invoicepay.adapters.http.sender import safe_url
from invoicepay.errors import ConfigurationError
from invoicepay.ports.rails import RailStatus

HOOKS: Mapping[str, tuple[str, ...]] = {
    "start_deposit": ("order", "key"),
    "start_withdrawal": ("order", "key"),
    "look_up": ("reference",),
    "stop": ("provider_ref", "key"),
    "cash": ("asset",),
    "read_webhook": ("document",),
}
"""What a bank may define, and with what each is called."""

INSTEAD: Mapping[str, str] = {
    "initiate_deposit": "start_deposit",
    "initiate_withdrawal": "start_withdrawal",
    "get_deposit_status": "look_up",
    "get_withdrawal_status": "look_up",
    "get_status": "look_up",
    "find": "look_up",
    "cancel": "stop",
    "balance": "cash",
    "capabilities": "deposit_rails, withdrawal_rails, deduplicates and the methods that the bank has",
}
"""Calls of the port that the base class answers, and what is written instead."""

RESERVED = ("rails", "tokens")
"""Names of the two sides; a provider called so could not be told from its side."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_ALIKE = 0.8


def check(cls: type[Any], base: type[Any]) -> None:
    """Refuse a class that cannot work, all of it at once.

    Args:
        base: what it derives from; a class without a name is a base of others and need not be complete.

    Raises:
        ConfigurationError: the message lists what is wrong.
    """
    faults = [*_faults_of_names(cls, base), *_faults_of_hooks(cls, base)]
    if cls.name:
        faults += [*_faults_of_values(cls), *_lacking(cls, base)]
    if faults:
        raise ConfigurationError(
            f"{cls.__name__} cannot work: {'; '.join(faults)}",
            hint="Correct the class; HttpRails says what each name means.",
            faults=faults,
        )


def _faults_of_names(cls: type[Any], base: type[Any]) -> Iterator[str]:
    """A call of the port that the base answers, or a name that is nearly one of ours, does nothing."""
    ours = [*HOOKS, *(name for name in base.__annotations__ if not name.startswith("_"))]
    for name in vars(cls):
        if name in INSTEAD:
            yield f"{name} is answered by HttpRails: write {INSTEAD[name]}"
        elif not name.startswith("_") and name not in vars(base):
            close = difflib.get_close_matches(name, ours, n=1, cutoff=_ALIKE)
            yield from (f"{name} means nothing here, and {known} does" for known in close)


def _faults_of_hooks(cls: type[Any], base: type[Any]) -> Iterator[str]:
    for name, given in HOOKS.items():
        hook = getattr(cls, name)
        if hook is getattr(base, name):
            continue
        if inspect.iscoroutinefunction(hook):
            yield f"{name} is async: write it plainly, it runs in a thread where the host awaits"
            continue
        try:
            inspect.signature(hook).bind(None, *given)
        except (TypeError, ValueError):
            yield f"{name} is called as {name}({', '.join(given)})"


def _faults_of_values(cls: type[Any]) -> Iterator[str]:
    if not _NAME.fullmatch(cls.name):
        yield f"name is small letters, digits, - and _, not {cls.name!r}"
    elif cls.name in RESERVED:
        yield f"name is {cls.name}, which is what its side is called"
    if cls.base_url:
        try:
            safe_url(cls.base_url)
        except ConfigurationError as error:
            yield error.message
    if not isinstance(cls.statuses, Mapping) or not cls.statuses:
        yield 'statuses maps each word of the bank to one of ours: {"done": "settled"}'
    else:
        unknown = sorted(
            {str(word) for word in cls.statuses.values()} - {str(status) for status in RailStatus}
        )
        if unknown:
            yield f"statuses has {', '.join(unknown)}; ours are {', '.join(RailStatus)}"
    yield from _faults_of_abilities(cls)


def _faults_of_abilities(cls: type[Any]) -> Iterator[str]:
    for name in ("deposit_rails", "withdrawal_rails"):
        rails = getattr(cls, name)
        is_several = isinstance(rails, Collection) and not isinstance(rails, str)
        if not is_several or not all(isinstance(rail, str) for rail in rails):
            yield f'{name} lists rails: ("instant", "wire")'
    for name in ("absent_grace_seconds", "key_lifetime_seconds"):
        seconds = getattr(cls, name)
        if type(seconds) is not int or seconds < 0:
            yield f"{name} is whole seconds, 0 or more"
    if type(cls.unseen_status) is not int or cls.unseen_status not in (0, *range(400, 500)):
        yield "unseen_status is a 4xx, or 0 where the bank promises none"
    if type(cls.deduplicates) is not bool:
        yield "deduplicates is True or False"


def _lacking(cls: type[Any], base: type[Any]) -> Iterator[str]:
    def has(*names: str) -> bool:
        return any(getattr(cls, name) is not getattr(base, name) for name in names)

    if not has("start_deposit", "start_withdrawal"):
        yield "it moves nothing: write start_deposit or start_withdrawal"
    if not has("look_up", "read_webhook", "parse_webhook"):
        yield "nothing tells how a transfer ends: write look_up or read_webhook"
