"""Fixtures every test may ask for."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support import postgres
from tests.support.postgres import PostgresServer

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: tests of Ctrl-C need it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes tells of the machine, which may be busy; what must be quick is timed by tests.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per test process, started when the first test asks for it."""
    with postgres.start() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database for this test alone, as a SQLAlchemy URL."""
    database = postgres_server.clone()
    yield postgres_server.url(database)
    postgres_server.drop(database)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much of the documentation ran, as `tests/docs` counted it."""
    ran: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        ran.update({name: count for name, count in report.user_properties if "tests/docs/" in report.nodeid})
    if ran:
        told = ", ".join(f"{count} {name}" for name, count in sorted(ran.items()))
        terminalreporter.write_line(f"of the documentation ran: {told}")
