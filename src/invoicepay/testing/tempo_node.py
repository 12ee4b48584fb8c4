"""A Tempo node on this machine for tests and demos: fetched once, on a free port, ended with its user."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import platform
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

VERSION: Final = "1.7.1"
REGISTRY: Final = "https://registry.npmjs.org"
PACKAGES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("linux", "x86_64"): (
        "linux-amd64",
        "+XmShybEaxfCrr0OUUZwYEy2OnYZt5pHH9TzBtLv3+VrK0O/ANuNSVEahqNhKHlgX7GRJ59383ofNhxkRWIYTg==",
    ),
    ("linux", "aarch64"): (
        "linux-arm64",
        "ykHJmFOGdBR8+9smOKBm9ZZDCCCkLQctiHOAddLvmYx9mPeBDMfq6jP51hKYsO5MG8ClPLSlWe+JpiXPjoXgBQ==",
    ),
    ("darwin", "x86_64"): (
        "darwin-amd64",
        "OgwzwY+FsGrsPyDv4mmbhOwARO8s37YHrm2qaNzgSH4VlKnXgJCrnoT7bpgOhLyBPtxXjBT8L2E3b79deesXRg==",
    ),
    ("darwin", "arm64"): (
        "darwin-arm64",
        "JNeu3+A3f/npXLn8SR8EahVcqE7BpO9VQZMcPvSIy27/RNc1GsoEBvSLR99aSvt8sGKWAgNg/EzrtjAPq6mxcA==",
    ),
    ("win32", "amd64"): (
        "win32-amd64",
        "IeuBcmQ+AQKUxXA77czSVIfpST+KLBdXaL71JlK/h6e0DoP2CYnmVZn8WE/fuQfjAU2zaWw7PDXmq1kedbIUGA==",
    ),
}
"""By system and machine: the package's last word, and the base64 of its SHA-512."""

FUNDED_KEY: Final = "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"
"""Key of an account that every such node funds with 2^64 − 1 units of each stablecoin; known to everybody."""

_LARGEST = 64 << 20
_DOWNLOAD_SECONDS = 120
_STARTS, _LOOKS, _LOOK_SECONDS = 3, 400, 0.05
_READY: Final = {"to": "0x20c0000000000000000000000000000000000000", "data": "0x313ce567"}
"""Asks pathUSD for its decimals: an open port alone does not mean that the chain is there."""


_WATCH: Final = (
    ()
    if sys.platform == "win32"
    else (
        "/bin/sh",
        "-c",
        'exec 3<&0; "$@" & node=$!; (cat; kill -9 $node) <&3 & watch=$!; wait $node; kill $watch',
        "sh",
    )
)
"""Runs a node that ends when our end of its pipe is closed, also by our own sudden death."""


class NodeUnavailable(Exception):
    """No Tempo node can be had here; the text says why and what to do."""


def node_binary() -> Path:
    """The node's program: of `INVOICEPAY_TEMPO_NODE`, of the cache, or fetched into it and checked.

    The registry is npm's, or the one that `NPM_CONFIG_REGISTRY` names; nothing of the package is run to
    install it. The cache is below `XDG_CACHE_HOME`, or `~/.cache`.

    Raises:
        NodeUnavailable: it is not here and cannot be fetched, or there is none for this machine.
    """
    if named := os.environ.get("INVOICEPAY_TEMPO_NODE"):
        return Path(named)
    machine = (sys.platform, platform.machine().lower())
    if machine not in PACKAGES:
        raise NodeUnavailable(f"there is no Tempo node for {' on '.join(machine)}")
    package, digest = PACKAGES[machine]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "invoicepay"
    binary = cache / f"anvil-{VERSION}-{package}{'.exe' if sys.platform == 'win32' else ''}"
    if not binary.exists():
        _install(binary, _fetched(package, digest))
    return binary


def _fetched(package: str, digest: str) -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY", REGISTRY).rstrip("/")
    url = f"{registry}/@foundry-rs/anvil-{package}/-/anvil-{package}-{VERSION}.tgz"
    if not url.startswith(("https://", "http://")):
        raise NodeUnavailable(f"NPM_CONFIG_REGISTRY is no web address: {registry}")
    try:
        with urllib.request.urlopen(url, timeout=_DOWNLOAD_SECONDS) as answer:  # noqa: S310 - checked above
            archive: bytes = answer.read(_LARGEST)
    except (urllib.error.URLError, OSError) as error:
        raise NodeUnavailable(
            f"the Tempo node was not fetched from {registry} ({error}); set NPM_CONFIG_REGISTRY to a mirror, "
            "or INVOICEPAY_TEMPO_NODE to an anvil of version 1.7 or later"
        ) from error
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != digest:
        raise RuntimeError(f"{url} is not the file that was reviewed: its SHA-512 differs")
    return archive


def _install(binary: Path, archive: bytes) -> None:
    """Put the program in place in one step, so that others see all of it or nothing."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as package:
        [member] = [one for one in package.getmembers() if Path(one.name).stem == "anvil" and one.isfile()]
        program = package.extractfile(member)
        assert program is not None
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=binary.parent, delete=False) as file:
            file.write(program.read())
    Path(file.name).chmod(0o755)
    Path(file.name).replace(binary)


class TempoNode:
    """A running node; leaving its `with` block ends it and its chain with it.

    Args:
        blocks_to_finality: how far `finalized` stays behind `latest`: 0, or an even number.

    Examples:
        with TempoNode() as node:
            rpc = TempoRpc(sender_to(node.url))
    """

    def __init__(self, *, blocks_to_finality: int = 0) -> None:
        self._options = ["--network", "tempo", "--hardfork", "t4", "--host", "127.0.0.1", "--silent"]
        self._options += ["--slots-in-an-epoch", str(blocks_to_finality // 2)]
        self._process: subprocess.Popen[bytes] | None = None
        self._http: httpx.Client | None = None
        self.url: str = ""

    def __enter__(self) -> Self:
        binary = node_binary()
        for _ in range(_STARTS):
            if self._started(binary):
                return self
        raise NodeUnavailable(f"the Tempo node does not start here: {binary}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            self._http.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # which ends the node where a shell watches it
            if not _WATCH:
                self._process.kill()
            self._process.wait()

    def ask(self, method: str, *params: object) -> Any:
        """The node's own controls, and any question: the result.

        Raises:
            RuntimeError: the node refused; the text has its words.
        """
        assert self._http is not None, "the node runs inside its `with` block"
        told = self._http.post(
            self.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        ).json()
        if "error" in told:
            raise RuntimeError(f"{method}: {told['error']}")
        return told["result"]

    def mine(self, blocks: int = 1) -> None:
        """Add blocks, with whatever waits in the first of them."""
        self.ask("anvil_mine", hex(blocks))

    def hold_blocks(self) -> None:
        """From now on transactions wait until `mine`."""
        self.ask("evm_setAutomine", False)

    def release_blocks(self) -> None:
        """Mine what waits, and from now on every transaction at once."""
        self.ask("evm_setAutomine", True)
        self.mine()

    def _started(self, binary: Path) -> bool:
        """Whether it came up; another program may have taken the port meanwhile."""
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [*_WATCH, str(binary), *self._options, "--port", str(port)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the reviewed program, our own words
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for its user, who ends it
            )
        except OSError as error:
            raise NodeUnavailable(f"the Tempo node does not start here: {error}") from error
        self._http = httpx.Client(timeout=30, trust_env=False)
        for _ in range(_LOOKS):
            if self._is_ready():
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_LOOK_SECONDS)
                break
        self.__exit__(None, None, None)
        return False

    def _is_ready(self) -> bool:
        try:
            return int(self.ask("eth_call", _READY, "latest"), 16) == 6
        except (httpx.TransportError, RuntimeError, ValueError):
            return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
