"""Profiles as documents: lays one over another and tells what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]


def leaves(document: Document, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each entry that holds no others, by its path with dots; a list is one entry, an empty table none.

    Examples:
        >>> list(leaves({"auth": {"path": "/login", "codes": [1, 2]}}))
        [('auth.path', '/login'), ('auth.codes', [1, 2])]
    """
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def laid_over(base: Document, upper: Document) -> dict[str, Any]:
    """The base with the upper one's entries, without those that its `without` lists; facts go by their id.

    What a stated fact covers is no longer covered by another; a fact that covers nothing any more goes.
    """
    given = {name: value for name, value in upper.items() if name not in ("without", "facts")}
    merged = _merged({name: value for name, value in base.items() if name != "facts"}, given)
    left_out = _texts(upper.get("without", ()))
    for path in left_out:
        _leave_out(merged, path.split("."))
    stated = upper.get("facts", ())
    if not isinstance(stated, list | tuple):
        return {**merged, "facts": stated}
    tables = [fact for fact in stated if isinstance(fact, Mapping)]
    taken = [path for fact in tables for path in _texts(fact.get("covers"))]
    ids = {fact.get("id") for fact in tables}
    kept = [_narrowed(fact, left_out, taken) for fact in base.get("facts", ()) if fact["id"] not in ids]
    return {**merged, "facts": [*(fact for fact in kept if fact["covers"]), *stated]}


def changes(before: Document, after: Document) -> list[str]:
    """Paths of entries that are new or differ."""
    known = dict(leaves(before))
    return [path for path, value in leaves(after) if path not in known or known[path] != value]


def _merged(base: Document, upper: Document) -> dict[str, Any]:
    merged = dict(base)
    for name, value in upper.items():
        below = merged.get(name)
        is_table = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[name] = _merged(below, value) if is_table else value  # type: ignore[arg-type]
    return merged


def _leave_out(document: dict[str, Any], path: list[str]) -> None:
    """Take an entry out; names may hold dots, so the longest name that fits is tried first."""
    for length in range(len(path), 0, -1):
        name, rest = ".".join(path[:length]), path[length:]
        if name not in document:
            continue
        if not rest:
            del document[name]
        elif isinstance(document[name], Mapping):
            document[name] = dict(document[name])
            _leave_out(document[name], rest)
        return


def _narrowed(fact: Document, left_out: list[str], taken: list[str]) -> dict[str, Any]:
    gone = [c for c in fact["covers"] if any(c == path or c.startswith(f"{path}.") for path in left_out)]
    return {**fact, "covers": [c for c in fact["covers"] if c not in gone and c not in taken]}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []
