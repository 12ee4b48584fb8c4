"""A server that is told to end answers what it is at, ends its worker's turn, and closes the client."""

from __future__ import annotations

import os
import signal
import socket
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


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


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
def served(shop: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The host behind a real server that takes requests."""
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "host:app", "--port", str(port), "--log-level", "info"],
        cwd=shop,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with server:
        try:
            until(server, "Uvicorn running")
            yield server
        finally:
            server.kill()  # where a test has not ended it


def until(server: subprocess.Popen[str], word: str) -> None:
    assert server.stdout is not None
    said: list[str] = []
    for line in server.stdout:
        said.append(line)
        if word in line:
            return
    raise AssertionError("".join(said))


def test_a_killed_host_goes_on_and_one_that_is_told_to_end_answers_first(shop: Path) -> None:
    with served(shop, first := free_port()) as killed:
        assert posted(first) == 200
        killed.kill()

    second = free_port()
    with served(shop, second) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(posted, second)  # the same key: the same deposit
        until(server, "asked")
        server.send_signal(signal.SIGTERM)
        assert answer.result() == 200
        out, _ = server.communicate(timeout=30)

    assert "closed <AsyncInvoicePay on sqlite" in out and "Traceback" not in out
    with InvoicePay(f"sqlite:///{shop / 'shop.db'}", dispatch="deferred") as pay:
        (deposit,) = pay.deposits.list()
        assert pay.effects.list(cause=deposit).items[0].status in (
            "accepted",
            "unknown",
        )  # the worker was at it
