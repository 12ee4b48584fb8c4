"""A pytest plugin that makes every secret a canary and looks for all of them over whatever tests run.

Every value that is ever wrapped as a pydantic secret is planted: keys, tokens, account numbers. All loggers
are heard down to DEBUG; every exception that `pytest.raises` catches is told with the variables of its
frames, and every file under a test's `tmp_path` is read when it ends, SQLite databases among them.

    python -m pytest -p tests.security.everywhere tests/adapters tests/contracts
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import _pytest.raises
import pydantic.types
import pytest

from tests.security.canaries import Trap, told

SHORTEST = 12
"""Shorter ones are words of tests, such as `k` or `secret`."""
VARIED = 8
"""Fewer different characters or bytes, as in 32 zeros, are found where nothing is secret."""
HOLDERS = ("/tests/", "/invoicepay/testing/", "/invoicepay/demo/", "/_pytest/", "/pluggy/")
"""Whose frames may hold secrets: they play the far side, or the host."""


class Everywhere:
    """What was planted, seen and found in this process."""

    def __init__(self) -> None:
        self.planted: set[str | bytes] = set()
        self.trap = Trap()
        self.looks = 0
        self.elsewhere = 0
        self.hits: dict[str, None] = {}

    def plant(self, value: object) -> None:
        """Look for a secret from now on."""
        if isinstance(value, str | bytes) and _is_telling(value) and value not in self.planted:
            self.planted.add(value)
            self.trap.plant(f"secret {len(self.planted)}", value)

    def see_error(self, error: BaseException) -> None:
        """Keep all that an exception tells."""
        for text in told(error, HOLDERS):
            self.trap.see("an error", text)

    def end(self, test: str) -> None:
        """Look through what one test told, and forget it."""
        self.looks += self.trap.looks
        for hit in self.trap.found():
            self.hits[f"{test}: {hit}"] = None
        self.trap.forget()


def _is_telling(value: str | bytes) -> bool:
    """Whether it is found only where it was told; a card number of few digits is, too."""
    is_number = isinstance(value, str) and value.isdigit() and len(set(value)) > 1
    return len(value) >= SHORTEST and (is_number or len(set(value)) >= VARIED)


everywhere = Everywhere()


def _recording(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, secret_value: Any) -> None:
        everywhere.plant(secret_value)
        original(self, secret_value)

    return init


def _looking(original: Callable[..., bool]) -> Callable[..., bool]:
    def leave(self: Any, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is not None:
            everywhere.see_error(error)
        return original(self, kind, error, trace)

    return leave


class Listener(logging.Handler):
    """Keeps what every logger says."""

    def emit(self, record: logging.LogRecord) -> None:
        everywhere.trap.see(f"the log {record.name}", record.getMessage())
        if record.exc_info and record.exc_info[1]:
            everywhere.see_error(record.exc_info[1])


def pytest_configure() -> None:
    base: Any = pydantic.types._SecretBase
    base.__init__ = _recording(base.__init__)
    raises: Any = _pytest.raises.RaisesExc
    raises.__exit__ = _looking(raises.__exit__)
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    root.addHandler(Listener())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    try:
        return (yield)
    finally:
        for path in sorted(folder.rglob("*")) if isinstance(folder, Path) and folder.exists() else ():
            if path.is_file():
                everywhere.trap.see(f"the file {path.name}", path.read_bytes())
        everywhere.end(item.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of a parallel run found."""
    planted, looks, hits = getattr(node, "workeroutput", {}).get("canaries", (0, 0, []))
    everywhere.elsewhere += planted
    everywhere.looks += looks
    everywhere.hits |= dict.fromkeys(hits)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.section("canaries")
    planted = len(everywhere.planted) + everywhere.elsewhere
    terminalreporter.line(
        f"{planted} secrets were looked for in {everywhere.looks} places: {len(everywhere.hits)} hits"
    )
    for hit in everywhere.hits:
        terminalreporter.line(hit)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["canaries"] = (len(everywhere.planted), everywhere.looks, list(everywhere.hits))
    elif everywhere.hits and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
