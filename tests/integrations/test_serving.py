"""A server that is told to end answers what it is at, ends its worker's turn, and closes the client."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from invoicepay import InvoicePay

HOST = """
import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI

from invoicepay import AsyncInvoicePay, Deposit
from invoicepay.integrations.fastapi import install_error_handlers


@asynccontextmanager
async def lifespan(app):
    async with AsyncInvoicePay("sqlite:///shop.db", dispatch="deferred") as pay:
        app.state.pay = pay
        worker = pay.worker(poll_seconds=0.05)
        working = asyncio.create_task(worker.run_forever(handle_signals=False))
        yield
        worker.stop()
        await working
    print("closed", pay, flush=True)


app = FastAPI(lifespan=lifespan)
install_error_handlers(app)


@app.post("/deposits")
async def deposit() -> Deposit:
    print("asked", flush=True)
    await asyncio.sleep(0.5)  # the signal comes meanwhile
    return await app.state.pay.deposits.initiate("ann", "5.00 USD", idempotency_key="once")
"""


def posted(port: int) -> int:
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/deposits")
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "host.py").write_text(HOST)
    with InvoicePay(f"sqlite:///{tmp_path / 'shop.db'}", dispatch="deferred") as pay:
        pay.parties.register("ann")
    return tmp_path


@contextmanager
def served(shop: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The host behind a real server that takes requests, on the port that it was given."""
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "host:app", "--port", "0", "--log-level", "info"],
        cwd=shop,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with server:
        try:
            running = until(server, "Uvicorn running")
            port = re.search(r"http://127\.0\.0\.1:(\d+)", running)
            assert port is not None, running
            yield server, int(port[1])
        finally:
            server.kill()  # where a test has not ended it


def until(server: subprocess.Popen[str], word: str) -> str:
    """The next line with a word in it."""
    assert server.stdout is not None
    said: list[str] = []
    for line in server.stdout:
        said.append(line)
        if word in line:
            return line
    raise AssertionError("".join(said))


def test_a_killed_host_goes_on_and_one_that_is_told_to_end_answers_first(shop: Path) -> None:
    with served(shop) as (killed, first):
        assert posted(first) == 200
        killed.kill()

    with served(shop) as (server, second), ThreadPoolExecutor() as pool:
        answer = pool.submit(posted, second)  # the same key: the same deposit
        until(server, "asked")
        server.send_signal(signal.SIGTERM)
        assert answer.result() == 200
        out, _ = server.communicate(timeout=30)

    assert "closed <AsyncInvoicePay on sqlite" in out and "Traceback" not in out
    with InvoicePay(f"sqlite:///{shop / 'shop.db'}", dispatch="deferred") as pay:
        (deposit,) = pay.deposits.list()
        # The worker was at it; or the killed one was, whose lease is not over yet.
        assert pay.effects.list(cause=deposit).items[0].status in ("accepted", "unknown", "sending")
