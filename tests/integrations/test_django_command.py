"""`manage.py invoicepay` is the command line with the client of the Django project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from invoicepay import InvoicePay

SETTINGS = """
from pathlib import Path

BASE = Path(__file__).parent
SECRET_KEY = "of a test"
INSTALLED_APPS = ["invoicepay.integrations.django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "shop.db"}}
INVOICEPAY_CLIENT = "shop_money:pay"
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_settings")
execute_from_command_line(sys.argv)
"""
MONEY = """
from invoicepay import InvoicePay

pay = InvoicePay("sqlite:///shop.db", dispatch="deferred")
"""
CALLS = """
import io

import django
from django.core.management import CommandError, call_command, execute_from_command_line

django.setup()
said = io.StringIO()
call_command("invoicepay", "worker", "--once", "--json", stdout=said)
assert '"sent": 1' in said.getvalue(), said.getvalue()
try:
    call_command("invoicepay", "worker", "--limit", "0")
except CommandError as refused:
    assert refused.returncode == 2
else:
    raise AssertionError("nonsense was taken")

try:
    execute_from_command_line(["manage.py", "invoicepay", "worker", "--limit", "0"])
except SystemExit as ended:
    assert ended.code == 2

call_command("check")
call_command("makemigrations", check=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Django project in whose books a deposit waits to be sent."""
    for name, text in (("shop_settings", SETTINGS), ("manage", MANAGE), ("shop_money", MONEY)):
        (tmp_path / f"{name}.py").write_text(text)
    with InvoicePay(f"sqlite:///{tmp_path / 'shop.db'}", dispatch="deferred") as pay:
        pay.parties.register("ann")
        pay.deposits.initiate("ann", "50.00 USD")
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its operator would."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("INVOICEPAY_")}
    environment["DJANGO_SETTINGS_MODULE"] = "shop_settings"
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_the_worker_works_with_the_client_of_the_project(project: Path) -> None:
    done = run(project, "manage.py", "invoicepay", "worker", "--once", "--json", "--settings=shop_settings")

    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(line.get("sent", 0) for line in said) == 1


def test_code_calls_it_as_any_other_command_and_django_finds_nothing_to_complain_of(project: Path) -> None:
    (project / "calls.py").write_text(CALLS)

    called = run(project, "calls.py")

    assert called.returncode == 0, called.stderr
    assert "usage: manage.py invoicepay worker" in called.stderr
