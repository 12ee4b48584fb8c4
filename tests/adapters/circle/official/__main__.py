# ruff: noqa: T201 - a command that prints
"""Circle's official clients, unmodified, against the simulator: `python -m tests.adapters.circle.official`.

Each client gets an environment of its own under the system's temporary folder, because the Python ones pin
versions that contradict each other and share the name of their package. The first run downloads them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoicepay.testing.simulators.circle import CircleSimulator, Keys
from invoicepay.testing.simulators.server import Served
from tests.adapters.circle import specs
from tests.adapters.circle.recorder import Exchange, Recorder

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("INVOICEPAY_CACHE") or tempfile.gettempdir()) / "invoicepay-circle-clients"
RECIPIENT = "0x65bfcf1a6289a0b77b4d3f7d12005a05949fd8c3"
SECRET = "7e" * 32
SPEED = 400
"""Virtual seconds per second: a payout of an hour takes nine seconds, a transfer two."""
LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Client:
    """An official client.

    Attributes:
        packages: what is installed, pinned.
        script: the tour, written in the client's language.
        arguments: what the tour is told, after the simulator's address.
    """

    name: str
    packages: Sequence[str]
    script: str
    arguments: Callable[[CircleSimulator, str], list[str]]
    is_node: bool = False

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return CACHE / self.name

    def install(self) -> list[str]:
        """Install it unless it is there; how to run its tour.

        Raises:
            subprocess.CalledProcessError: the registry was not reached or does not have it.
        """
        stamp = self.folder / "installed.json"
        wanted = json.dumps([sys.version, *self.packages])
        is_there = stamp.exists() and stamp.read_text(encoding="utf-8") == wanted
        if not is_there:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._install()
            stamp.write_text(wanted, encoding="utf-8")
        if self.is_node:
            for name in (self.script, "telling.mjs"):
                shutil.copy(HERE / name, self.folder / name)
            return ["node", str(self.folder / self.script)]
        return [str(self.folder / "bin" / "python"), str(HERE / self.script)]

    def _install(self) -> None:
        if self.is_node:
            self.folder.mkdir(parents=True)
            _run(["npm", "install", "--no-audit", "--no-fund", "--silent", *self.packages], self.folder)
            return
        venv.create(self.folder, with_pip=True)
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--disable-pip-version-check", *self.packages], self.folder)


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=LONGEST_SECONDS)


def _wallets_arguments(circle: CircleSimulator, folder: str) -> list[str]:
    return [circle.keys.wallets, SECRET, folder, circle.world.notification_keys.current]


def _mint_arguments(circle: CircleSimulator, _folder: str) -> list[str]:
    return [circle.keys.mint, RECIPIENT]


CLIENTS = (
    Client(
        "python-wallets",
        ("circle-developer-controlled-wallets==9.6.0",),
        "tour_wallets.py",
        _wallets_arguments,
    ),
    Client("python-mint", ("circle-sdk==0.1.0b14", "setuptools<80"), "tour_mint.py", _mint_arguments),
    Client(
        "node-wallets",
        ("@circle-fin/developer-controlled-wallets@10.6.0",),
        "tour_wallets.mjs",
        _wallets_arguments,
        is_node=True,
    ),
    Client("node-mint", ("@circle-fin/circle-sdk@2.9.0",), "tour_mint.mjs", _mint_arguments, is_node=True),
)


def tour(client: Client) -> tuple[list[dict[str, Any]], list[Exchange]]:
    """What the client's calls came to, and what passed over the wire."""
    command = client.install()
    circle = CircleSimulator(Keys(entity_secret=None), speed=SPEED)
    circle.knobs.approves_recipients = True
    circle.knobs.is_dated = client.name == "python-mint"  # older than the word `running`
    circle.knobs.delays["CONFIRMED"] = 400  # so that there is time to cancel and to accelerate
    recorder = Recorder(circle.app())
    with Served(recorder) as server, tempfile.TemporaryDirectory() as folder:
        asked = [*command, server.url, *client.arguments(circle, folder)]
        ran = subprocess.run(
            asked, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    assert circle.violations() == []
    told = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"call"')]
    if ran.returncode:
        told.append({"call": "the tour", "ok": False, "said": ran.stderr[-600:]})
    return told, recorder.exchanges


def main(names: Sequence[str]) -> int:
    """Tour with every client, or with those named; the number of calls that did not pass."""
    failed = 0
    for client in CLIENTS:
        if names and client.name not in names:
            continue
        if client.is_node and not (shutil.which("npm") and shutil.which("node")):
            print(f"{client.name}: left out, there is no npm here")
            continue
        told, exchanges = tour(client)
        passed = [one for one in told if one["ok"]]
        failed += len(told) - len(passed)
        print(f"{client.name} ({', '.join(client.packages)}): {len(passed)} of {len(told)} calls passed")
        for one in told:
            if not one["ok"]:
                print(f"  {one['call']}: {one['said']}")
        if specs.are_here():
            found = specs.tally(exchanges)
            print(f"  {found}")
            for line in found.wrong:
                print(f"    {line[:1200]}")
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
