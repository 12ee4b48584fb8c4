"""What all commands share: one object for machines, exit codes, streams that may go away, no secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay
from invoicepay.cli.options import COMMANDS, parser
from tests.cli.books import Shell, process

LOOKS = ("verify", "doctor")


def test_every_command_takes_json() -> None:
    for name in COMMANDS:
        positional = ["draw", "hello"] if name == "qr" else []

        assert parser("invoicepay").parse_args([name, *positional, "--json"]).json is True


def test_the_version_is_that_of_the_package(shell: Shell) -> None:
    from importlib.metadata import version

    assert shell.text("--version") == (0, f"invoicepay {version('invoicepay')}\n", "")


@pytest.mark.parametrize("line", [[], ["fly"], ["verify", "--fly"], ["migrate", "--to", "0"], ["qr", "draw"]])
def test_a_line_that_cannot_be_understood_ends_with_2(shell: Shell, line: list[str]) -> None:
    code, out, err = shell.text(*line)

    assert (code, out) == (2, "")
    assert err.startswith("usage: invoicepay")


@pytest.mark.parametrize("command", ["migrate", "verify", "worker", "reconcile"])
def test_a_command_without_a_store_names_the_ways_to_say_one(shell: Shell, command: str) -> None:
    code, out, err = shell.text(command)

    assert (code, out) == (2, "")
    assert all(way in err for way in ("--app module:name", "--store URL", "INVOICEPAY_STORE"))
    assert err.count("\n") == 1


def test_a_refusal_is_an_object_for_machines(shell: Shell) -> None:
    code, answer = shell.json("verify", "--store", "sqlite:///nowhere.db")

    assert code == 1
    assert answer["error"]["code"] == "store_behind"
    assert "invoicepay migrate" in answer["error"]["hint"]


@pytest.mark.parametrize("command", LOOKS)
def test_a_command_that_looks_makes_no_file_and_no_tables(shell: Shell, command: str) -> None:
    (shell.folder / "other.db").touch()

    codes = [shell.text(command, "--store", f"sqlite:///{name}.db")[0] for name in ("nowhere", "other")]

    assert codes == [1, 1]
    assert [(file.name, file.stat().st_size) for file in shell.folder.iterdir()] == [("other.db", 0)]


@pytest.mark.parametrize("command", LOOKS)
def test_a_command_that_looks_makes_no_tables_for_a_client(shell: Shell, command: str) -> None:
    code, answer = shell.json(command, client=lambda: InvoicePay("sqlite:///new.db"))

    assert (code, answer["ok"]) == (1, False)
    assert "invoicepay migrate" in str(answer)
    assert shell.json("migrate", "--store", "sqlite:///new.db", "--dry-run")[1]["from"] == 0


@pytest.mark.parametrize("command", ["worker", "reconcile"])
def test_a_command_that_asks_a_bank_refuses_a_simulated_one(shell: Shell, command: str) -> None:
    code, out, err = shell.text(command, "--store", shell.url)

    assert (code, out) == (2, "")
    assert "simulated" in err
    assert "--app" in err


def test_the_environment_names_the_store(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICEPAY_STORE", shell.url)

    _, answer = shell.json("verify")

    assert [one["tenant"] for one in answer["tenants"]] == ["north", "south"]


def test_what_is_not_fit_for_production_may_look_all_the_same(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICEPAY_ENVIRONMENT", "production")

    assert shell.json("verify", "--store", shell.url)[0] == 0


@pytest.mark.parametrize("face", [InvoicePay, AsyncInvoicePay])
def test_a_client_that_is_handed_in_is_used(
    shell: Shell, face: type[InvoicePay] | type[AsyncInvoicePay]
) -> None:
    code, answer = shell.json("verify", client=lambda: face(shell.url))

    assert code == 0
    assert len(answer["tenants"]) == 2


def test_a_blocking_client_that_is_handed_in_is_left_open(shell: Shell) -> None:
    with InvoicePay(shell.url) as client:
        shell.json("verify", client=lambda: client)

        assert client.tenant("north").invoices.list(customer="ann").items


@pytest.mark.parametrize("command", LOOKS)
@pytest.mark.parametrize(
    "url", ["postgresql://shop:{}@127.0.0.1:9/shop", "mysql://shop:{}@db/shop", "sqlite://{}"]
)
def test_no_password_is_printed(shell: Shell, command: str, url: str) -> None:
    secret = "hunter2hunter2"

    code, out, err = shell.text(command, "--store", url.format(secret))

    assert code in (1, 2)
    assert secret not in out + err


@pytest.mark.parametrize("command", [*LOOKS, "migrate", "qr"])
def test_no_setting_but_its_name_is_printed(
    shell: Shell, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a secret of thirty-two characters"
    monkeypatch.setenv("INVOICEPAY_QR_SECRET", secret)
    arguments = ["payee", "ann", "--asset", "USD", "--tenant", "north"] if command == "qr" else []

    code, out, err = shell.text(command, *arguments, "--store", shell.url)

    assert (code, err) == (0, "")
    assert secret not in out


@pytest.mark.parametrize("arguments", [["sql"], ["sql", "--json"]])
def test_a_reader_that_goes_away_ends_a_command_quietly(tmp_path: Path, arguments: list[str]) -> None:
    ended = process(tmp_path, *arguments)
    assert ended.stdout is not None
    assert ended.stderr is not None

    ended.stdout.close()

    assert ended.wait(timeout=120) == 141
    assert ended.stderr.read() == ""
    ended.stderr.close()


def test_ctrl_c_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import os, signal\n\n\ndef pay():\n    os.kill(os.getpid(), signal.SIGINT)\n"
    )

    ended = process(tmp_path, "verify", "--app", "slow:pay")
    out, err = ended.communicate(timeout=120)

    assert (ended.returncode, out, err) == (130, "", "invoicepay: stopped by you.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_an_output_that_is_full_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "invoicepay.cli", "sql"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "invoicepay: the output cannot be written (No space left on device).\n"


def test_a_worker_whose_reader_goes_away_ends(tmp_path: Path, template: Path) -> None:
    (tmp_path / "shop.py").write_text(
        f"from invoicepay import InvoicePay\npay = InvoicePay({f'sqlite:///{template}'!r})\n"
    )

    ended = process(tmp_path, "worker", "--app", "shop:pay", "--interval", "0.05", "--heartbeat", "0.05")
    assert ended.stdout is not None
    assert ended.stderr is not None
    assert ended.stdout.readline()
    ended.stdout.close()

    assert ended.wait(timeout=120) == 141
    assert ended.stderr.read() == ""
    ended.stderr.close()


def test_the_demo_is_a_command(tmp_path: Path) -> None:
    ended = process(tmp_path, "demo", "--json", "--db", "nowhere/story.db")
    out, err = ended.communicate(timeout=120)

    assert (ended.returncode, err) == (1, "")
    assert str(tmp_path / "nowhere" / "story.db") in json.loads(out)["message"]


def test_the_demo_refuses_a_file_that_is_none(shell: Shell) -> None:
    code, out, err = shell.text("demo", "--db", "")

    assert (code, out) == (2, "")
    assert err.startswith("usage: invoicepay demo")
