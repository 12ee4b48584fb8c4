"""The page of commands shows what machines really get."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePay
from invoicepay.cli.options import COMMANDS
from tests.cli.books import SECRET, Shell
from tests.cli.test_verify import TAMPERED, changed

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
SHOWN = [json.loads(block) for block in re.findall(r"```text\n(\{.*?)```", PAGE, re.DOTALL)]


def fits(shown: Any, told: Any) -> bool:
    """Whether both have the same names; of a list the first items count, and null fits anything."""
    if isinstance(shown, dict) and isinstance(told, dict):
        return shown.keys() == told.keys() and all(fits(shown[name], told[name]) for name in shown)
    if isinstance(shown, list) and isinstance(told, list):
        return not shown or not told or fits(shown[0], told[0])
    return type(shown) is type(told) or None in (shown, told)


def answers(shell: Shell) -> dict[str, list[dict[str, Any]]]:
    """One answer of each kind that is shown, by command."""
    pay = InvoicePay()
    pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
    today = datetime.now(UTC).date().isoformat()
    (shell.folder / "statement.csv").write_text(f"ref,amount,booked_on\nunheard-of,75.00,{today}\n")
    statement = ("--statement", "statement.csv", "--bank-balance", "275.00 USD")
    store = ("--store", changed(shell, TAMPERED), "--tenant", "north")
    with InvoicePay(shell.url, tenant="north") as client:
        request = client.requests.create("ann", "18.50 USD", note="Dinner").id
    _, code = shell.json("qr", "request", request, *store)
    return {
        "migrate": [shell.json("migrate", "--store", "sqlite:///new.db", "--dry-run")[1]],
        "reconcile": [shell.json("reconcile", *statement, client=lambda: pay)[1]],
        "verify": [
            shell.json("verify", "--store", "sqlite:///nowhere.db")[1],
            shell.json("verify", "--store", shell.url, "--tenant", "south")[1],
        ],
        "sql": [shell.json("sql")[1]],
        "qr": [code, shell.json("qr", "verify", code["payload"], *store)[1]],
        "doctor": [shell.json("doctor")[1]],
    }


def test_every_answer_that_is_shown_has_the_names_of_a_real_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICEPAY_QR_SECRET", SECRET)

    told = answers(shell)

    assert [shown for shown in SHOWN if not any(fits(shown, one) for one in told[shown["command"]])] == []
    assert {shown["command"] for shown in SHOWN} == told.keys()
    assert told.keys() == COMMANDS.keys() - {"demo", "worker"}


def test_every_check_of_the_doctor_is_explained(shell: Shell) -> None:
    pay = InvoicePay()
    pay.on("*")(print)

    _, answer = shell.json("doctor", client=lambda: pay)

    assert [one["name"] for one in answer["checks"] if f"`{one['name']}`" not in PAGE] == []
