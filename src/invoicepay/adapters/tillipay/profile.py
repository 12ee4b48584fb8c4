"""The TilliPay profile: every wire fact as data, each with how well it is known (ADR 0031)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, PrivateAttr, ValidationError, model_validator

from invoicepay.adapters.tillipay.overlay import Document, changes, laid_over, leaves
from invoicepay.adapters.tillipay.parts import (
    CONFIRMED,
    AccountLetters,
    Auth,
    Channel,
    Envelope,
    Environment,
    Fact,
    Idempotency,
    Logging,
    Operation,
    Outcomes,
    Part,
    Purpose,
    Statuses,
    Webhook,
    frozen,
)
from invoicepay.errors import ConfigurationError

NO_CLAIM = ("name", "logging", "facts")
"""Entries that say nothing about the gateway, and need no fact."""

Named: AfterValidator = AfterValidator(frozen)


class TilliPayProfile(Part):
    """What the adapter knows of the gateway; nothing of it is written in code.

    Attributes:
        name: the provider's name in our records.
        base_urls: by environment; the production one is told at onboarding.

    Examples:
        >>> profile = TilliPayProfile.known()
        >>> profile.operations["ach_payment"].path
        '/gps/ach/payments'
        >>> "payment.accepted" in {fact.id for fact in profile.unconfirmed()}
        True
    """

    name: str
    amount_format: Literal["decimal_string_2dp"]
    base_urls: Annotated[Mapping[Environment, str], Named]
    auth: Auth
    envelopes: Annotated[Mapping[str, Envelope], Named]
    channels: Annotated[Mapping[str, Channel], Named]
    operations: Annotated[Mapping[str, Operation], Named]
    letters: AccountLetters
    outcomes: Outcomes
    idempotency: Idempotency
    status_map: Statuses
    webhook: Webhook
    logging: Logging
    facts: tuple[Fact, ...]

    _document: Document = PrivateAttr(default_factory=dict)

    @classmethod
    @cache
    def known(cls) -> TilliPayProfile:
        """What is publicly known; without withdrawals and without a way to ask for a status."""
        return cls.from_toml(_shipped("known.toml"))

    @classmethod
    @cache
    def assumed(cls) -> TilliPayProfile:
        """The known profile with withdrawals and status queries as we imagine them: for the simulator."""
        return cls.known().amended(tomllib.loads(_shipped("assumed.toml")))

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read a profile.

        Raises:
            ConfigurationError: an entry is missing, unknown or of the wrong kind, or no fact covers it; the
                details list every problem by its place. Values are not repeated.
        """
        try:
            profile = cls.model_validate(document)
        except ValidationError as error:
            found = error.errors(include_input=False, include_context=False, include_url=False)
            problems = [problem for one in found for problem in _problems(one["loc"], one["msg"])]
            raise _refusal(problems) from None
        profile._document = json.loads(json.dumps(document, default=str))
        return profile

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a profile written as TOML.

        Raises:
            ConfigurationError: see `from_dict`; or the text is no TOML.
        """
        return cls.from_dict(_toml(text))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a profile written as JSON.

        Raises:
            ConfigurationError: see `from_dict`; or the text is no JSON object.
        """
        return cls.from_dict(_json(text))

    def amended(self, document: Mapping[str, Any]) -> TilliPayProfile:
        """This profile with some entries changed, as the holder of a newer guide does it.

        Args:
            document: only what differs, in the same places; its `facts` replace those of the same id, and
                `without` lists the places of entries to leave out.

        Raises:
            ConfigurationError: see `from_dict`; or an entry changed without a fact of the document that says
                where the new value is known from.
        """
        merged = laid_over(self._document, document)
        profile = TilliPayProfile.from_dict(merged)
        stated = {
            fact["id"] for fact in document.get("facts", ()) if isinstance(fact, Mapping) and "id" in fact
        }
        unstated = [
            f"{path}: changed, but its fact {fact.id} was not stated anew"
            for path in changes(self._document, merged)
            if not _is_no_claim(path) and (fact := profile.fact_of(path)).id not in stated
        ]
        if unstated:
            raise _refusal(unstated)
        return profile

    def amended_by(self, file: str | Path) -> TilliPayProfile:
        """This profile with the changes of a `.toml` or `.json` file.

        Raises:
            ConfigurationError: see `amended`; or the file cannot be read.
        """
        path = Path(file)
        readers = {".toml": _toml, ".json": _json}
        if path.suffix not in readers:
            raise ConfigurationError(f"a profile is a .toml or .json file, not {path.name}")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the profile {path.name} cannot be read") from error
        return self.amended(readers[path.suffix](text))

    def unconfirmed(self) -> tuple[Fact, ...]:
        """Facts that nobody saw working: designs and assumptions."""
        return tuple(fact for fact in self.facts if fact.grade not in CONFIRMED)

    def fact_of(self, path: str) -> Fact:
        """The fact that covers an entry most closely.

        Raises:
            ConfigurationError: none does.
        """
        found = [(len(c), fact) for fact in self.facts for c in fact.covers if _is_below(path, c)]
        if not found:
            raise ConfigurationError(f"no fact covers {path}")
        return max(found, key=lambda pair: pair[0])[1]

    def operation(self, purpose: Purpose, channel: str) -> str | None:
        """The name of what serves the purpose in a channel; None means unsupported."""
        named = self.operations.items()
        return next((name for name, o in named if o.purpose is purpose and channel in o.channels), None)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = [*self._unknown_channels(), *self._ambiguities(), *self._fact_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unknown_channels(self) -> Iterator[str]:
        for name, operation in self.operations.items():
            for channel in set(operation.channels) - self.channels.keys():
                yield f"operations.{name}: there is no channel {channel}"

    def _ambiguities(self) -> Iterator[str]:
        for purpose in Purpose:
            for channel in self.channels:
                known = self.operations.items()
                serving = [name for name, o in known if o.purpose is purpose and channel in o.channels]
                if len(serving) > 1:
                    yield f"operations: {' and '.join(serving)} both {purpose} in {channel}"
        rails = [channel.rail for channel in self.channels.values()]
        if len(set(rails)) != len(rails):
            yield "channels: two have one rail"

    def _fact_problems(self) -> Iterator[str]:
        ids = [fact.id for fact in self.facts]
        if len(set(ids)) != len(ids):
            yield "facts: two have one id"
        covers = [cover for fact in self.facts for cover in fact.covers]
        if len(set(covers)) != len(covers):
            yield "facts: two cover one path"
        entries = [path for path, _ in leaves(_as_document(self)) if not _is_no_claim(path)]
        yield from (f"{e}: no fact covers it" for e in entries if not any(_is_below(e, c) for c in covers))
        yield from (f"facts: nothing is at {c}" for c in covers if not any(_is_below(e, c) for e in entries))


def _is_below(path: str, cover: str) -> bool:
    return path == cover or path.startswith(f"{cover}.")


def _is_no_claim(path: str) -> bool:
    return any(_is_below(path, place) for place in NO_CLAIM)


def _as_document(part: Part) -> dict[str, Any]:
    """The tables of a part as plain mappings, so that its entries can be named."""
    return {name: _tables(value) for name, value in part}


def _tables(value: object) -> object:
    if isinstance(value, Part):
        return _as_document(value)
    return {name: _tables(below) for name, below in value.items()} if isinstance(value, Mapping) else value


def _shipped(name: str) -> str:
    return files("invoicepay.adapters.tillipay").joinpath(name).read_text(encoding="utf-8")


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the profile is no TOML: {error}") from None


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        raise ConfigurationError("the profile is no JSON") from None
    if not isinstance(document, dict):
        raise ConfigurationError("the profile is no JSON object")
    return document


def _problems(place: tuple[int | str, ...], message: str) -> list[str]:
    """Where and what; problems of the whole profile name their places themselves."""
    said = message.removeprefix("Value error, ")
    return [f"{'.'.join(map(str, place))}: {said}"] if place else said.split("; ")


def _refusal(problems: list[str]) -> ConfigurationError:
    shown = "; ".join(problems[:3]) + ("; …" if len(problems) > 3 else "")
    return ConfigurationError(f"the profile is not valid: {shown}", problems=problems)
