"""Books that commands are tried on: a SQLite file in which two tenants have money and invoices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePay
from invoicepay.cli import main

TENANTS = ("north", "south")
SECRET = "a secret of thirty-two characters"


def keep_books(file: Path) -> None:
    """Two tenants that took a deposit, and an invoice of which a part was paid."""
    with InvoicePay(f"sqlite:///{file}") as pay:
        for tenant in map(pay.tenant, TENANTS):
            tenant.parties.register("acme", kind="enterprise")
            tenant.parties.register("ann")
            tenant.sim.settle(tenant.deposits.initiate("ann", "50.00 USD"))
            invoice = tenant.invoices.issue(enterprise="acme", customer="ann", lines=[("Tea", "20.00 USD")])
            tenant.invoices.pay(invoice, payer="ann", amount="5.00 USD")


class Shell:
    """Runs commands in this process, in a folder of the test's own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], template: Path) -> None:
        self.folder, self._capsys, self._template = folder, capsys, template

    @property
    def url(self) -> str:
        """The books, copied on first use."""
        file = self.folder / "pay.db"
        if not file.exists():
            shutil.copy(self._template, file)
        return "sqlite:///pay.db"

    def text(self, *arguments: str, **given: Any) -> tuple[int, str, str]:
        """The exit code, what was said and what was complained."""
        self._capsys.readouterr()
        code = main([*arguments], **given)
        out, err = self._capsys.readouterr()
        return code, out, err

    def json(self, *arguments: str, **given: Any) -> tuple[int, dict[str, Any]]:
        """The exit code, and the one object that was said."""
        code, out, err = self.text(*arguments, "--json", **given)
        assert err == ""
        answer: dict[str, Any] = json.loads(out)
        assert (answer["command"], answer["ok"]) == (arguments[0], code == 0)
        return code, answer


def process(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoicepay.cli", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        **options,
    )
