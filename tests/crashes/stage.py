"""One scene that many processes die in: it goes back to what it was, with its store and its providers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from invoicepay import InvoicePay
from invoicepay.adapters.sql import connect_store
from invoicepay.adapters.system import SystemIds
from invoicepay.bridge import run_blocking
from invoicepay.domain.events import Event
from tests.crashes.dying import Fate, doomed
from tests.input.scene import Scene, scene
from tests.support import postgres
from tests.support.outside import kept, put_back
from tests.support.rewinding import Rewinder


class Keeper(Protocol):
    """Keeps a store's contents, and puts them back."""

    def keep(self) -> Any:
        """What names these contents from now on."""
        ...

    def go_back(self, kept: Any) -> None:
        """Put them back."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """Copies tables whose rows are frozen."""

    scene: Scene

    def keep(self) -> Any:
        """The tables."""
        return self.scene.stored()

    def go_back(self, kept: Any) -> None:
        """Put them back."""
        self.scene.rewind(kept)


@dataclass(frozen=True, slots=True)
class InAFile:
    """Copies a SQLite file, whoever has it open."""

    path: str

    def keep(self) -> sqlite3.Connection:
        """A copy in memory."""
        saved = sqlite3.connect(":memory:")
        with self._opened() as file:
            file.backup(saved)
        return saved

    def go_back(self, kept: sqlite3.Connection) -> None:
        """Put it back."""
        with self._opened() as file:
            kept.backup(file)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self.path)
        try:
            yield file
        finally:
            file.close()


class OnAServer:
    """Names moments of a PostgreSQL database."""

    def __init__(self, rewinder: Rewinder) -> None:
        self._rewinder, self._count = rewinder, 0

    def keep(self) -> str:
        """A name."""
        self._count += 1
        self._rewinder.keep(f"moment_{self._count}")
        return f"moment_{self._count}"

    def go_back(self, kept: str) -> None:
        """Put it back."""
        self._rewinder.go_back(kept)


@dataclass(frozen=True, slots=True)
class Moment:
    """How everything was: the books, the providers, the time."""

    books: Any
    providers: tuple[dict[str, Any], ...]
    at: datetime


class Stage:
    """A scene and the way back to any of its moments.

    Args:
        url: of the database, or empty in memory.
    """

    def __init__(self, scene: Scene, keeper: Keeper, url: str = "") -> None:
        self.scene, self._keeper, self._url = scene, keeper, url

    @contextmanager
    def process(self, fate: Fate, seen: list[Event]) -> Iterator[InvoicePay]:
        """A process with a client of its own over the same store; it dies when its fate says so."""
        pay = self.scene.pay
        with ExitStack() as stack:
            if self._url:
                repository = connect_store(self._url, SystemIds().new, blocking=True)
                stack.callback(lambda: run_blocking(repository.close()))
                core = pay._pay._core
                core = replace(core, wired=replace(core.wired, repository=repository))
                pay = InvoicePay._around(type(pay._pay)._around(core))
            yield doomed(pay, fate, seen)

    def forget_keys(self, *, forget: bool) -> None:
        """Let both providers carry out every order that reaches them, or know their keys again."""
        rails, tokens = self.scene.rails, self.scene.tokens
        rails._capabilities = replace(rails._capabilities, deduplicates=not forget)
        tokens._capabilities = replace(tokens._capabilities, deduplicates=not forget)

    def moment(self) -> Moment:
        """How everything is."""
        providers = kept(self.scene.rails, self.scene.tokens)
        return Moment(self._keeper.keep(), providers, self.scene.clock.now())

    def go_back(self, moment: Moment) -> None:
        """Make everything what it was."""
        self._keeper.go_back(moment.books)
        put_back(moment.providers, self.scene.rails, self.scene.tokens)
        self.scene.clock.set(moment.at)


STORES = ("memory", "sqlite", "postgres")


@contextmanager
def stage(store: str) -> Iterator[Stage]:
    """A stage in memory, on a SQLite file or on a PostgreSQL server of its own."""
    with ExitStack() as stack:
        if store == "memory":
            made = stack.enter_context(scene())
            yield Stage(made, InMemory(made))
        elif store == "sqlite":
            path = str(Path(stack.enter_context(TemporaryDirectory(prefix="crashes-"))) / "pay.db")
            url = f"sqlite:///{path}"
            yield Stage(stack.enter_context(scene(url, group_commit="off")), InAFile(path), url)
        else:
            server = stack.enter_context(postgres.start())
            made = stack.enter_context(scene(server.url(), group_commit="off"))
            owner = stack.enter_context(server.connect())
            yield Stage(made, OnAServer(Rewinder(owner)), server.url())
