"""`manage.py invoicepay` is the command line with the client of the Django project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from invoicepay import InvoicePay

SETTINGS = """
from pathlib import Path

SECRET_KEY = "of a test"
USE_TZ = True
INSTALLED_APPS = ["invoicepay.integrations.django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "shop.db"}}
INVOICEPAY_CLIENT = "shop_money:pay"
"""
MONEY = """
from invoicepay import InvoicePay


def pay():
    return InvoicePay("sqlite:///shop.db", dispatch="deferred")
"""
# What an operator and what code does; in one process, for starting Django takes its time.
MANAGE = """
import io

from django.core.management import CommandError, call_command, execute_from_command_line


def exit_code(*line):
    try:
        execute_from_command_line(["manage.py", "invoicepay", *line])
    except SystemExit as ended:
        return ended.code


assert exit_code("worker", "--once", "--json", "--settings=shop_settings") == 0
assert exit_code("worker", "--limit", "0") == 2

said = io.StringIO()
call_command("invoicepay", "worker", "--once", "--json", stdout=said)
assert '"stopped"' in said.getvalue(), said.getvalue()
try:
    call_command("invoicepay", "worker", "--limit", "0")
except CommandError as refused:
    assert refused.returncode == 2
else:
    raise AssertionError("nonsense was taken")

call_command("check", stdout=io.StringIO())
call_command("makemigrations", check=True, stdout=io.StringIO())
"""


def test_every_command_runs_with_the_client_of_the_project_and_ends_as_it_does_elsewhere(
    tmp_path: Path,
) -> None:
    for name, text in (("shop_settings", SETTINGS), ("manage", MANAGE), ("shop_money", MONEY)):
        (tmp_path / f"{name}.py").write_text(text)
    with InvoicePay(f"sqlite:///{tmp_path / 'shop.db'}", dispatch="deferred") as pay:
        pay.parties.register("ann")
        pay.deposits.initiate("ann", "50.00 USD")

    environment = {name: text for name, text in os.environ.items() if not name.startswith("INVOICEPAY_")}
    managed = subprocess.run(
        [sys.executable, "-W", "error", "manage.py"],
        cwd=tmp_path,
        env=environment | {"DJANGO_SETTINGS_MODULE": "shop_settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert managed.returncode == 0, managed.stderr
    assert sum(json.loads(line).get("sent", 0) for line in managed.stdout.splitlines()) == 1
    assert "usage: manage.py invoicepay worker" in managed.stderr
