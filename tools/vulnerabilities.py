"""Asks a database of known vulnerabilities about every pinned package.

It speaks the query interface of osv.dev, which also mirrors offer. Ends with 1 when a package is named there,
and with 2 when the database was not reached: not knowing is not the same as being fine.
Run: python -m tools.vulnerabilities [URL]
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterable
from typing import Any

from tools.lock import Pin, pins

SERVICE = "https://api.osv.dev/v1/querybatch"
SECONDS = 30


class Unreachable(Exception):
    """The database did not answer, or answered something else than asked."""


def known(service: str, packages: Iterable[Pin]) -> dict[str, list[str]]:
    """Ids of known vulnerabilities, by package and version."""
    asked: list[dict[str, Any]] = [
        {"package": {"ecosystem": "PyPI", "name": each.name}, "version": each.version} for each in packages
    ]
    found: dict[str, list[str]] = {}
    while asked:
        answers = _asked(service, asked)
        further = []
        for query, answer in zip(asked, answers, strict=True):
            ids = [each["id"] for each in answer.get("vulns", ())]
            if ids:
                found.setdefault(f"{query['package']['name']}=={query['version']}", []).extend(ids)
            if token := answer.get("next_page_token"):
                further.append({**query, "page_token": token})
        asked = further
    return found


def _asked(service: str, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(service, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            results = json.load(answer)["results"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise Unreachable(f"{service} did not answer: {type(error).__name__}") from error
    if not isinstance(results, list) or len(results) != len(queries):
        raise Unreachable(f"{service} did not answer all of {len(queries)} questions")
    return [result or {} for result in results]


def main(service: str = SERVICE) -> int:
    """Ask, and tell what was found."""
    packages = list(pins())
    try:
        found = known(service, packages)
    except Unreachable as error:
        print(f"not audited: {error}", file=sys.stderr)
        return 2
    for package, ids in sorted(found.items()):
        print(f"{package}: {', '.join(ids)}")
    print(f"{len(packages)} packages asked about, {len(found)} with known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
