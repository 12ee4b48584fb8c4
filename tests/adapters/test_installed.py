"""Banks and token networks that other packages bring, found by the name under which they are installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from invoicepay import InvoicePay, Settings, SystemHealth
from invoicepay.adapters.installed import Installed, installed
from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.adapters.system import SystemClock
from invoicepay.errors import ConfigurationError

Install = Callable[..., None]

BANK = """
from invoicepay.adapters.http_rails import HttpRails
from invoicepay.adapters.simulated import SimulatedTokens
from invoicepay.adapters.system import SystemClock
from invoicepay.ports.health import Health


class Bank(HttpRails):
    name, base_url = "brought", "https://api.brought.example"
    statuses = {"done": "settled"}

    def start_deposit(self, order, key):
        raise NotImplementedError

    def look_up(self, reference):
        raise NotImplementedError

    async def health(self):
        return Health(f"{self.name} at {self.base_url}", ())


def tokens(environ):
    return SimulatedTokens(SystemClock(), name=environ["TOKENS_NAME"])


def broken(environ):
    raise RuntimeError(environ["BROUGHT_KEY"])


def nothing(environ):
    return object()
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lay a distribution with its entry points where Python looks for packages."""

    def lay(
        package: str, *points: str, module: str = "", source: str = BANK, group: str = "invoicepay.rails"
    ) -> None:
        place = tmp_path / package
        info = place / f"{package}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *points, ""]))
        (place / f"{module or package}.py").write_text(source)
        monkeypatch.syspath_prepend(str(place))

    yield lay
    for name in ("brought_bank", "other_bank", "broken_bank"):
        sys.modules.pop(name, None)


def wired(pay: InvoicePay) -> SystemHealth:
    """What the providers of a client say who they are."""
    with pay:
        return pay.health()


def test_what_is_installed_is_listed_and_not_imported(install: Install) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")

    assert installed() == (Installed("brought", "brought_bank", "1.2", "brought_bank:Bank.from_env"),)
    assert "brought_bank" not in sys.modules


def test_a_bank_is_used_by_its_name(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")
    monkeypatch.setenv("BROUGHT_BASE_URL", "https://sandbox.brought.example")

    assert wired(InvoicePay(rails="brought")).rails.provider == "brought at https://sandbox.brought.example"


def test_the_environment_names_a_bank(install: Install) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")
    environ = {
        "INVOICEPAY_STORE": "memory://",
        "INVOICEPAY_RAILS": "brought",
        "BROUGHT_BASE_URL": "https://b.example",
    }

    assert wired(InvoicePay.from_env(environ)).rails.provider == "brought at https://b.example"
    by_settings = InvoicePay.from_settings(Settings(rails="brought"))
    assert wired(by_settings).rails.provider == "brought at https://api.brought.example"


def test_a_bank_that_is_passed_comes_before_one_that_is_named() -> None:
    bank = SimulatedRails(SystemClock(), name="passed")

    assert wired(InvoicePay.from_settings(Settings(rails="nobody"), rails=bank)).rails.provider == "passed"


def test_a_bank_that_is_named_for_two_routes_is_made_once(install: Install) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")

    assert (
        wired(InvoicePay(rails={"USD": "brought", "EUR": ["brought"]})).rails.provider.count("brought at")
        == 1
    )


def test_a_token_network_is_used_by_its_name(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("brought_bank", "net = brought_bank:tokens", group="invoicepay.tokens")
    monkeypatch.setenv("TOKENS_NAME", "brought-tokens")

    assert wired(InvoicePay(token="net")).token.provider == "brought-tokens"


def test_a_name_that_nobody_brings_is_refused_with_those_there_are(install: Install) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")

    with pytest.raises(
        ConfigurationError, match=r"brings brough to invoicepay\.rails; there is brought \(brought_bank\)"
    ):
        InvoicePay(rails="brough")
    with pytest.raises(
        ConfigurationError, match=r"brings brought to invoicepay\.tokens; there is none at all"
    ):
        InvoicePay(token="brought")


def test_a_name_that_two_packages_bring_is_refused(install: Install) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")
    install("other_bank", "brought = other_bank:Bank.from_env")

    with pytest.raises(ConfigurationError, match=r"brought is brought to .* by brought_bank and other_bank"):
        InvoicePay(rails="brought")


def test_the_same_installation_seen_twice_is_one(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")
    (tmp_path / "again").symlink_to(tmp_path / "brought_bank")
    monkeypatch.syspath_prepend(str(tmp_path / "again"))

    InvoicePay(rails="brought").close()


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("broken = nowhere_at_all:Bank", "nowhere_at_all:Bank ended with ModuleNotFoundError"),
        ("broken = brought_bank:Missing", "brought_bank:Missing ended with AttributeError"),
        ("broken = brought_bank:broken", "brought_bank:broken ended with RuntimeError"),
        ("broken = brought_bank:nothing", "rails is no RailsProvider: object lacks"),
    ],
)
def test_what_cannot_be_made_is_told_with_its_package_and_without_a_secret(
    install: Install, monkeypatch: pytest.MonkeyPatch, point: str, said: str
) -> None:
    install("brought_bank", point)
    monkeypatch.setenv("BROUGHT_KEY", "a-very-secret-key")

    with pytest.raises(ConfigurationError, match=said) as refusal:
        InvoicePay(rails="broken")

    assert "secret" not in f"{refusal.value} {refusal.value.details}"


def test_a_bank_that_refuses_its_settings_says_why(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("brought_bank", "brought = brought_bank:Bank.from_env")
    monkeypatch.setenv("BROUGHT_BASE_URL", "http://elsewhere.example")

    with pytest.raises(
        ConfigurationError, match=r"brought \(brought_bank\) refuses its settings: a provider is reached by"
    ):
        InvoicePay(rails="brought")


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "invoicepay-brought"
version = "3.1"

[project.entry-points."invoicepay.rails"]
brought = "brought_bank:Bank.from_env"

[tool.hatch.build.targets.wheel]
include = ["brought_bank.py"]
"""


def test_a_package_that_pip_installs_brings_its_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, place = tmp_path / "project", tmp_path / "site"
    project.mkdir()
    (project / "pyproject.toml").write_text(PYPROJECT)
    (project / "brought_bank.py").write_text(BANK)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(place), str(project)], check=True)
    environ = {"PYTHONPATH": str(place), "INVOICEPAY_STORE": "memory://", "INVOICEPAY_RAILS": "brought"}

    program = "from invoicepay import InvoicePay; print(InvoicePay.from_env().health().rails.provider)"
    told = subprocess.run(
        [sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True
    )

    assert told.stdout == "brought at https://api.brought.example\n"
