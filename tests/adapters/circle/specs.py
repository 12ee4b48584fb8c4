"""Circle's OpenAPI documents with the overlay, and exchanges held against them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.adapters.circle.overlay import DOCUMENTS, NOT_DESCRIBED, PATCHES, Patch
from tests.adapters.circle.recorder import Exchange

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "reference" / "openapi"
"""Where Circle's documents are kept, beside the checkout; they are not ours to ship."""

ABSENT = f"Circle's OpenAPI documents are not at {FOLDER}: nothing to hold the exchanges against"

HOST = "https://api.circle.com"


def are_here() -> bool:
    """Whether the documents can be read on this machine."""
    return all((FOLDER / name).exists() for name in DOCUMENTS)


@dataclass(slots=True)
class Tally:
    """What was held against the documents, and what was wrong.

    Attributes:
        requests, answers: how many agreed.
        by_operation: exchanges per method and path of a document.
        wrong: one line per disagreement.
        not_described: exchanges with endpoints that no document has.
    """

    requests: int = 0
    answers: int = 0
    by_operation: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    not_described: int = 0

    def __str__(self) -> str:
        return (
            f"{self.requests} requests and {self.answers} answers agree with Circle's documents over "
            f"{len(self.by_operation)} operations; {len(self.wrong)} disagree; "
            f"{self.not_described} exchanges with endpoints that no document has"
        )


@dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    paths: Mapping[tuple[str, ...], frozenset[str]]
    openapi: OpenAPI


@cache
def _read(name: str) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load((FOLDER / name).read_text(encoding="utf-8"), loader)
    return document


def patched(name: str, without: Patch | None = None) -> dict[str, Any]:
    """A document with every patch that is meant for it, but one if so wanted."""
    document = copy.deepcopy(_read(name))
    document["servers"] = [{"url": HOST}]
    for patch in PATCHES:
        if name in patch.documents and patch is not without:
            patch.apply(document)
    return document


@cache
def _specs(without: Patch | None = None) -> tuple[_Spec, ...]:
    concerned = without.documents if without is not None else ()
    return tuple(_spec(name, without if name in concerned else None) for name in DOCUMENTS)


@cache
def _spec(name: str, without: Patch | None) -> _Spec:
    document = patched(name, without)
    paths = {tuple(path.split("/")): frozenset(item) for path, item in document["paths"].items()}
    return _Spec(name, paths, OpenAPI.from_dict(document))


def tally(
    exchanges: Iterable[Exchange], *, without: Patch | None = None, holds_refused: bool = False
) -> Tally:
    """Hold each request and each answer against the document that has its path.

    Args:
        without: a patch of the overlay that is not made.
        holds_refused: also requests that were refused with 400 or 401, which others send wrong on purpose.
    """
    found = Tally()
    for exchange in exchanges:
        spec, pattern = _spec_of(exchange, _specs(without))
        if spec is None:
            _count_not_described(found, exchange)
            continue
        found.by_operation[f"{exchange.method} {pattern}"] += 1
        request, answer = _request(exchange), _answer(exchange)
        if holds_refused or exchange.status not in (400, 401):
            wrong = list(spec.openapi.iter_apicall_request_errors(request))
            found.requests += not wrong
            found.wrong += [f"request {exchange}: {_said(error)}" for error in wrong]
        wrong = list(spec.openapi.iter_apicall_response_errors(request, answer))
        found.answers += not wrong
        found.wrong += [f"answer {exchange}: {_said(error)} in {exchange.answer[:300]!r}" for error in wrong]
    return found


def _said(error: Exception) -> str:
    """The error with what is under it: schema errors hide below two layers."""
    inner = [str(one)[:300] for one in getattr(error.__cause__, "schema_errors", ())]
    return f"{error} {error.__cause__ or ''} {inner}"


def _count_not_described(found: Tally, exchange: Exchange) -> None:
    parts = exchange.path.split("/")
    for known in NOT_DESCRIBED:
        method, pattern = known.split(" ")
        if method == exchange.method and _fits(tuple(pattern.split("/")), parts):
            found.not_described += 1
            return
    found.wrong.append(f"request {exchange}: no document has it")


def _spec_of(exchange: Exchange, among: Iterable[_Spec]) -> tuple[_Spec | None, str]:
    """The document that has the path, and the path's pattern there; a literal path wins over a pattern."""
    parts = exchange.path.split("/")
    fits = [
        (sum(part.startswith("{") for part in pattern), spec, "/".join(pattern))
        for spec in among
        for pattern, methods in spec.paths.items()
        if exchange.method.lower() in methods and _fits(pattern, parts)
    ]
    if not fits:
        return None, ""
    _, spec, pattern = min(fits, key=lambda fit: fit[0])
    return spec, pattern


def _fits(pattern: tuple[str, ...], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        said == part or said.startswith("{") for said, part in zip(pattern, parts, strict=True)
    )


def _request(exchange: Exchange) -> MockRequest:
    return MockRequest(
        HOST,
        exchange.method.lower(),
        exchange.path,
        args=dict(parse_qsl(exchange.query)),
        headers=dict(exchange.headers),
        data=exchange.body or None,
        content_type=exchange.headers.get("content-type", "application/json"),
    )


def _answer(exchange: Exchange) -> MockResponse:
    return MockResponse(
        exchange.answer,
        exchange.status,
        headers=dict(exchange.answer_headers),
        content_type=exchange.answer_headers.get("content-type", "application/json").split(";")[0],
    )
