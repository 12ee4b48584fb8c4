"""What is installed is what was pinned, and importing the library touches nothing (S-33)."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tools import sbom, vulnerabilities
from tools.lock import Pin, normal, pins

ROOT = Path(__file__).parents[2]
DEV: dict[str, Any] = runpy.run_path(str(ROOT / "dev.py"))
LOCKED = {pin.name: pin for pin in pins()}

IMPORT_ALL = """
import sys
def refuse(event, arguments):
    is_write = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if is_write or event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork")):
        raise RuntimeError(f"{event} {arguments}")
sys.dont_write_bytecode = True
sys.addaudithook(refuse)
from importlib import import_module
from pkgutil import walk_packages
import invoicepay
names = [module.name for module in walk_packages(invoicepay.__path__, "invoicepay.")]
for name in names:
    if not name.endswith("__main__"):
        import_module(name)
print(len(names))
"""


def test_importing_any_module_opens_no_socket_writes_no_file_and_starts_no_process() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 200


def test_the_lock_holds_every_pin_with_hashes_and_no_other_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line.split("==") for line in lines if not line.startswith("#")]
    constraints = {normal(name): version for name, version in pinned}
    elsewhere = {name for name, pin in LOCKED.items() if re.search("win32|emscripten", pin.marker)}

    assert {name: LOCKED[name].version for name in constraints if name in LOCKED} == constraints
    assert LOCKED.keys() - constraints.keys() <= elsewhere
    assert all(pin.hashes for pin in LOCKED.values())


def test_this_environment_is_the_locked_one() -> None:
    """Whatever else is installed here, no package that is locked has another version."""
    installed = {normal(each.metadata["Name"]): each.version for each in metadata.distributions()}

    other = {
        name for name, version in installed.items() if name in LOCKED and version != LOCKED[name].version
    }
    assert other == set()


def test_the_tests_are_set_up_by_hash_and_the_checkout_asks_no_index() -> None:
    locked, checkout = DEV["installs"]("test")

    assert locked == ["--require-hashes", "-r", "requirements.lock"]
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(checkout)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package of one module, as an index would hand it out."""
    made = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("tiny.py", "HONEST = True\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return made


def installed(wheel: Path) -> subprocess.CompletedProcess[str]:
    """Install from the wheel's folder the way the tests' environment is installed."""
    locked, _ = DEV["installs"]("test")
    offline = ["--no-index", "--find-links", str(wheel.parent), "--target", str(wheel.parent / "site")]
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--quiet", *locked, *offline]
    return subprocess.run(command, cwd=wheel.parent, capture_output=True, text=True, check=False)


def test_a_tampered_wheel_is_refused(wheel: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (wheel.parent / "requirements.lock").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    assert installed(wheel).returncode == 0
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("evil.py", "HONEST = False\n")

    again = installed(wheel)

    assert again.returncode != 0
    assert "do not match the hashes" in " ".join(again.stderr.lower().split())


def test_a_package_without_a_hash_is_refused(wheel: Path) -> None:
    (wheel.parent / "requirements.lock").write_text("tiny==1.0\n")

    assert "hash" in installed(wheel).stderr.lower()
    assert not (wheel.parent / "site").exists()


def test_two_builds_of_one_checkout_are_the_same_file(tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        folder = tmp_path / str(number)
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
        (made,) = folder.glob("*.whl")
        digests.add(hashlib.sha256(made.read_bytes()).hexdigest())

    assert len(digests) == 1


def test_the_bill_of_materials_names_all_that_a_host_installs_and_nothing_of_the_tests() -> None:
    bill = sbom.bill()
    components = bill["components"]
    required, optional = (
        {each["name"] for each in components if each["scope"] == scope} for scope in ("required", "optional")
    )
    refs = {each["bom-ref"] for each in [*components, bill["metadata"]["component"]]}

    assert bill == sbom.bill(), "it is the same each time"
    assert {"sqlalchemy", "httpx", "pydantic"} <= required
    assert {"psycopg", "coincurve", "cryptography"} <= optional
    assert not {"pytest", "mypy", "mkdocs", "hatchling"} & (required | optional)
    assert {ref for each in bill["dependencies"] for ref in [each["ref"], *each["dependsOn"]]} == refs
    assert all(each["hashes"] for each in components)


Answer = Callable[[list[dict[str, Any]]], Any]


@pytest.fixture
def service() -> Iterator[tuple[str, list[Answer]]]:
    """A database of vulnerabilities that answers what a test tells it to, one answer for each call."""
    answers: list[Answer] = []

    class Database(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = json.dumps(answers.pop(0)(asked)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Database)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/querybatch", answers
    server.shutdown()
    server.server_close()


def named(bad: str, *ids: str) -> Answer:
    def answer(asked: list[dict[str, Any]]) -> Any:
        told = [{"id": id} for id in ids]
        return {"results": [{"vulns": told} if one["package"]["name"] == bad else {} for one in asked]}

    return answer


def test_every_pinned_package_is_asked_about(
    service: tuple[str, list[Answer]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, answers = service
    answers.append(named("nobody"))

    assert vulnerabilities.main(url) == 0
    assert f"{len(LOCKED)} packages asked about, 0 with known" in capsys.readouterr().out


def test_a_known_vulnerability_fails_the_audit_and_is_named(
    service: tuple[str, list[Answer]], capsys: pytest.CaptureFixture[str]
) -> None:
    url, answers = service
    answers.append(named("httpx", "GHSA-1", "PYSEC-2"))

    assert vulnerabilities.main(url) == 1
    assert f"httpx=={LOCKED['httpx'].version}: GHSA-1, PYSEC-2" in capsys.readouterr().out


def test_long_answers_are_read_to_their_end(service: tuple[str, list[Answer]]) -> None:
    url, answers = service
    answers.append(lambda asked: {"results": [{"vulns": [{"id": "A"}], "next_page_token": "more"}]})
    answers.append(lambda asked: {"results": [{"vulns": [{"id": asked[0]["page_token"]}]}]})

    assert vulnerabilities.known(url, [Pin("tiny", "1.0", "", ())]) == {"tiny==1.0": ["A", "more"]}


@pytest.mark.parametrize("answer", [{}, [], {"results": []}, {"results": 5}, "down"])
def test_an_audit_that_was_not_answered_is_no_good_news(
    service: tuple[str, list[Answer]], answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    url, answers = service
    answers.append(lambda asked: answer)

    assert vulnerabilities.main(url) == 2
    assert "not audited" in capsys.readouterr().err


def test_an_audit_without_a_network_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert vulnerabilities.main("http://127.0.0.1:9/v1/querybatch") == 2
    assert "not audited" in capsys.readouterr().err
