"""`invoicepay worker` brings on what waits in every tenant, tells of it, and ends when asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invoicepay import AsyncInvoicePay, Every, InvoicePay
from invoicepay.cli import main
from invoicepay.cli.loading import AppNotFound, client_at

SHOP = """
from invoicepay import AsyncInvoicePay, Every, InvoicePay

URL = "sqlite:///pay.db"


def blocking():
    return InvoicePay(URL, dispatch="deferred")


def awaiting():
    return AsyncInvoicePay(URL, dispatch="deferred")


"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a host's module and a database in which a deposit waits in each of two tenants."""
    (tmp_path / "shop.py").write_text(SHOP)
    with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}", dispatch="deferred") as pay:
        for tenant in ("north", "south"):
            pay.tenant(tenant).parties.register("ann")
            pay.tenant(tenant).deposits.initiate("ann", "50.00 USD")
    return tmp_path


def started(shop: Path, app: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "invoicepay.cli", "worker", "--app", app, "--json", *options]
    return subprocess.Popen(
        command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )


def ended(worker: subprocess.Popen[str]) -> list[dict[str, Any]]:
    out, _ = worker.communicate(timeout=120)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def until_said(worker: subprocess.Popen[str], word: str) -> dict[str, Any]:
    """The next line of a kind, of a worker that goes on."""
    assert worker.stdout is not None
    for line in worker.stdout:
        said: dict[str, Any] = json.loads(line)
        if said["what"] == word:
            return said
    raise AssertionError(f"the worker ended without {word}: {worker.stderr and worker.stderr.read()}")


@pytest.mark.parametrize("app", ["shop:blocking", "shop:awaiting"])
def test_a_single_run_works_until_nothing_moves_and_ends(shop: Path, app: str) -> None:
    worker = started(shop, app, "--once")

    said = ended(worker)

    assert worker.returncode == 0
    assert (said[0]["what"], said[-1]["what"]) == ("started", "stopped")
    assert sum(line.get("sent", 0) for line in said) == 2
    assert {line["pid"] for line in said} == {worker.pid}


def test_it_bills_where_that_is_asked(shop: Path) -> None:
    with InvoicePay(f"sqlite:///{shop / 'pay.db'}", dispatch="deferred") as pay:
        north = pay.tenant("north")
        north.parties.register("acme", kind="enterprise")
        lines = [("Pro plan", "29.00 USD")]
        north.schedules.create(enterprise="acme", customer="ann", lines=lines, every=Every.month())

        ended(started(shop, "shop:blocking", "--once", "--bill-every", "60"))

        assert [invoice.number for invoice in north.invoices.list()] == ["A-0001"]


@pytest.mark.parametrize("app", ["shop:blocking", "shop:awaiting"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_turn_at_hand(shop: Path, app: str, number: int) -> None:
    worker = started(shop, app, "--interval", "30")
    worked = until_said(worker, "worked")

    worker.send_signal(number)
    said = ended(worker)

    assert worked["sent"] == 2
    assert said[-1]["what"] == "stopped"
    assert worker.returncode == 0


def test_one_tenant_alone_is_served_when_named(shop: Path) -> None:
    worker = started(shop, "shop:blocking", "--once", "--tenant", "north")

    ended(worker)

    with InvoicePay(f"sqlite:///{shop / 'pay.db'}", dispatch="deferred") as pay:
        statuses = {name: next(iter(pay.tenant(name).effects.list())).status for name in ("north", "south")}
    assert statuses == {"north": "accepted", "south": "planned"}


def test_an_idle_worker_says_that_it_lives(shop: Path) -> None:
    ended(started(shop, "shop:blocking", "--once"))
    worker = started(shop, "shop:blocking", "--interval", "0.05", "--heartbeat", "0.1")

    lines = [until_said(worker, "worked") for _ in range(2)]
    worker.send_signal(signal.SIGTERM)
    ended(worker)

    assert [line["sent"] for line in lines] == [0, 0]
    assert lines[1]["passes"] >= 1


def test_a_store_that_is_away_is_told_and_waited_for(shop: Path) -> None:
    (shop / "away.py").write_text(
        'from invoicepay import InvoicePay\npay = InvoicePay("sqlite:////nowhere/pay.db")\n'
    )

    worker = started(shop, "away:pay", "--interval", "0.05")
    first, second = until_said(worker, "trouble"), until_said(worker, "trouble")
    worker.send_signal(signal.SIGTERM)
    ended(worker)

    assert first["error"] == second["error"] == "StoreUnreachable"
    assert worker.returncode == 0


def test_a_single_run_that_met_trouble_says_so_by_its_exit_code(shop: Path) -> None:
    (shop / "away.py").write_text(
        'from invoicepay import InvoicePay\npay = InvoicePay("sqlite:////nowhere/pay.db")\n'
    )

    worker = started(shop, "away:pay", "--once")
    ended(worker)

    assert worker.returncode == 1


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("shop", "write module:name"),
        (":pay", "write module:name"),
        ("nowhere_at_all:pay", "there is no module nowhere_at_all"),
        ("json:pay", "json has no pay"),
        ("json:JSONDecoder", "json:JSONDecoder is no InvoicePay and makes none, but JSONDecoder"),
        ("math:pi", "math:pi is no InvoicePay and makes none, but float"),
    ],
)
def test_what_is_no_client_is_told_in_one_line(
    place: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AppNotFound, match=why):
        client_at(place)

    assert main(["worker", "--app", place]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("name", "kind"), [("InvoicePay", InvoicePay), ("AsyncInvoicePay", AsyncInvoicePay)])
def test_a_client_is_found_or_made(name: str, kind: type) -> None:
    found = client_at(f"invoicepay:{name}")

    assert isinstance(found, kind)


@pytest.mark.parametrize("options", [["--limit", "0"], ["--interval", "0"], ["--heartbeat", "-1"], []])
def test_nonsense_on_the_command_line_is_refused(options: list[str]) -> None:
    app = ["--app", "shop:blocking"] if options else []

    assert main(["worker", *app, *options]) == 2
