"""What `doctor` sees without a store: Python, libraries, the names of settings."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from invoicepay.cli.findings import FAIL, OK, WARN, Finding, failed
from invoicepay.errors import ConfigurationError
from invoicepay.settings import PREFIX, settings_from

OLDEST_SQLITE = (3, 40, 0)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*?(?:;\s*(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
EXTRAS = ("postgres", "async", "png", "dataframe", "fastapi", "django", "tempo", "circle", "crypto")
"""Those of use to a host; the others serve work on the library itself."""


def findings() -> Iterator[Finding]:
    """Each look."""
    yield _python()
    yield _sqlite()
    yield from _libraries()
    yield _settings()


def _python() -> Finding:
    detail = f"Python {'.'.join(map(str, sys.version_info[:3]))} on {sys.platform}"
    return Finding("python", OK, f"{detail}, invoicepay {version('invoicepay')}")


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        step = "Use a Python with a newer SQLite, or PostgreSQL."
        return Finding("sqlite", WARN, f"SQLite {sqlite3.sqlite_version} is older than 3.40", step)
    return Finding("sqlite", OK, f"SQLite {sqlite3.sqlite_version}")


def _libraries() -> Iterator[Finding]:
    needed = needed_packages()
    missing = [name for name in needed[""] if not _has(name)]
    if missing:
        step = f"Run: pip install {' '.join(missing)}"
        yield Finding("libraries", FAIL, f"not installed: {', '.join(missing)}", step)
    else:
        yield Finding("libraries", OK, f"all {len(needed[''])} are installed")
    there = [extra for extra in EXTRAS if all(map(_has, needed.get(extra, [])))]
    absent = [extra for extra in EXTRAS if extra not in there]
    detail = f"installed: {', '.join(there) or 'none'}; not installed: {', '.join(absent) or 'none'}"
    yield Finding("extras", OK, detail)


def needed_packages() -> dict[str, list[str]]:
    """The packages of each extra; those that are always needed under the empty name."""
    found: dict[str, list[str]] = {"": []}
    for line in requires("invoicepay") or ():
        match = _REQUIREMENT.fullmatch(line)
        if match and match[1] != "invoicepay":
            extra = _EXTRA.search(match[2] or "")
            found.setdefault(extra[1] if extra else "", []).append(match[1])
    return found


def _has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _settings() -> Finding:
    """Names alone: what they are set to may be secret."""
    names = sorted(name for name in os.environ if name.startswith(PREFIX))
    try:
        settings_from(os.environ)
    except ConfigurationError as error:
        return failed("settings", error)
    return Finding("settings", OK, f"set: {', '.join(names) or 'none'}")
