"""Writes a bill of materials of the library as CycloneDX 1.6.

It lists what an installation can bring along: what the library always needs, what its extras need, and in
which version and files it was tested. The same lock gives the same text, so it can be compared and signed.
Run: python -m tools.sbom [FILE]
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tools.lock import LOCK, Pin, normal, pins

NAME = "invoicepay"
FOR_DEVELOPERS = ("test", "docs", "bench", "mutation")
"""Extras that no installation of a host needs."""


def bill() -> dict[str, Any]:
    """The bill: the library, its packages, and which needs which."""
    locked = {pin.name: pin for pin in pins()}
    version = metadata.version(NAME)
    always = closure([NAME], locked, extras=frozenset())
    extras = closure([NAME], locked, extras=frozenset(host_extras()))
    listed = sorted(extras - {NAME})
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, LOCK.read_text(encoding='utf-8'))}",
        "version": 1,
        "metadata": {"component": {**_named("library", NAME, version), "licenses": _licenses(NAME)}},
        "components": [_component(locked[name], is_always=name in always) for name in listed],
        "dependencies": [
            {"ref": _ref(name, locked, version), "dependsOn": _needed(name, locked, version)}
            for name in [NAME, *listed]
        ],
    }


def host_extras() -> list[str]:
    """Extras that a host may choose."""
    offered = metadata.metadata(NAME).get_all("Provides-Extra") or []
    return [extra for extra in offered if extra not in FOR_DEVELOPERS]


def closure(names: Iterable[str], locked: dict[str, Pin], *, extras: frozenset[str]) -> set[str]:
    """The packages named and all that they need, as far as they are pinned and installed here."""
    found, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs(name, extras if name == NAME else frozenset())
            waiting = [each for each in waiting if each in locked or each == NAME]
    return found


def needs(name: str, extras: frozenset[str]) -> Iterator[str]:
    """What an installed package asks for, with these extras of its own."""
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another platform
        return
    for requirement in map(Requirement, asked):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield normal(requirement.name)


def _component(pin: Pin, *, is_always: bool) -> dict[str, Any]:
    """A package with the hash of each file that its version has, one of which was installed."""
    component = _named("library", pin.name, pin.version)
    component["scope"] = "required" if is_always else "optional"
    component["hashes"] = [{"alg": "SHA-256", "content": hash} for hash in pin.hashes]
    licenses = _licenses(pin.name)
    return component | ({"licenses": licenses} if licenses else {})


def _named(kind: str, name: str, version: str) -> dict[str, Any]:
    ref = f"pkg:pypi/{name}@{version}"
    return {"type": kind, "bom-ref": ref, "name": name, "version": version, "purl": ref}


def _licenses(name: str) -> list[dict[str, Any]]:
    """What the installed package says of its licence, where it says so in the standard's words."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    return [{"expression": told["License-Expression"]}] if "License-Expression" in told else []


def _ref(name: str, locked: dict[str, Pin], version: str) -> str:
    return f"pkg:pypi/{name}@{version if name == NAME else locked[name].version}"


def _needed(name: str, locked: dict[str, Pin], version: str) -> list[str]:
    own = frozenset(host_extras()) if name == NAME else frozenset[str]()
    return sorted({_ref(each, locked, version) for each in needs(name, own) if each in locked})


def main(file: str = "") -> int:
    """Write it into a file, or show it."""
    text = json.dumps(bill(), indent=1, ensure_ascii=False)
    if file:
        Path(file).write_text(f"{text}\n", encoding="utf-8")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
