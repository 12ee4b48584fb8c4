"""The local node as a tool: where its program comes from, and what it plays."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from invoicepay.testing.simulators.server import Receive, Scope, Send, Served
from invoicepay.testing.tempo_node import NodeUnavailable, TempoNode, node_binary


@pytest.fixture
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has never had the node."""
    monkeypatch.delenv("INVOICEPAY_TEMPO_NODE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


async def another_file(scope: Scope, receive: Receive, send: Send) -> None:
    """A registry whose package was replaced."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"not what was reviewed"})


async def no_file(scope: Scope, receive: Receive, send: Send) -> None:
    """A registry without the package."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_a_package_that_was_replaced_is_not_installed(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(another_file) as registry:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"{registry.url}/")

        with pytest.raises(RuntimeError, match="is not the file that was reviewed"):
            node_binary()

    assert list(no_cache.rglob("*anvil*")) == []


@pytest.mark.parametrize("registry", ["http://127.0.0.1:1", "file:///etc", "nonsense"])
def test_without_cache_and_registry_it_says_what_to_do(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch, registry: str
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)

    with pytest.raises(NodeUnavailable, match="NPM_CONFIG_REGISTRY"):
        node_binary()


def test_a_registry_without_the_package_is_as_good_as_none(
    no_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(no_file) as registry:
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry.url)

        with pytest.raises(NodeUnavailable, match="404"):
            node_binary()


def test_a_program_that_is_named_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICEPAY_TEMPO_NODE", "/opt/anvil")

    assert node_binary() == Path("/opt/anvil")


def test_a_program_that_is_no_node_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICEPAY_TEMPO_NODE", "/bin/false")

    with pytest.raises(NodeUnavailable, match="does not start here: /bin/false"), TempoNode():
        pass


OWNER = """
import sys, time
from invoicepay.testing.tempo_node import TempoNode
with TempoNode() as node:
    print(node.url, flush=True)
    time.sleep(60)
"""


def test_a_node_does_not_outlive_its_user_who_was_killed(tempo_node: TempoNode) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    url = owner.stdout.readline().strip()
    port = int(url.rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port)).close()

    owner.kill()
    owner.communicate()

    for _ in range(1_000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:  # refused, or reset by a node that is just ending
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")


def test_blocks_come_when_they_are_let(tempo_node: TempoNode) -> None:
    height = int(tempo_node.ask("eth_blockNumber"), 16)

    tempo_node.mine(3)

    assert int(tempo_node.ask("eth_blockNumber"), 16) == height + 3
    with pytest.raises(RuntimeError, match="eth_noSuchMethod"):
        tempo_node.ask("eth_noSuchMethod")
