"""Django's own test runner, in a project: the tables come with a migration, and each test leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILES = {
    "settings.py": """
from pathlib import Path

HERE = Path(__file__).parent
SECRET_KEY = "of a test"
USE_TZ = True
INSTALLED_APPS = ["shop", "invoicepay.integrations.django"]
SQLITE = "django.db.backends.sqlite3"
DATABASES = {"default": {"ENGINE": SQLITE, "NAME": HERE / "shop.db", "TEST": {"NAME": HERE / "test.db"}}}
""",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
from django.db import migrations

from invoicepay import migrations as books
from invoicepay.integrations.django import sqlalchemy_connection


def forwards(apps, schema_editor):
    with sqlalchemy_connection(schema_editor.connection.alias) as connection:
        books.upgrade(connection)


class Migration(migrations.Migration):
    operations = [migrations.RunPython(forwards)]
""",
    "shop/money.py": """
from functools import cache

from invoicepay import InvoicePay
from invoicepay.integrations.django import database_url


@cache
def pay():
    return InvoicePay(database_url(), dispatch="deferred")
""",
    "shop/tests.py": """
from django.test import TestCase

from invoicepay.integrations.django import atomic
from shop.money import pay


class Checkout(TestCase):
    @classmethod
    def setUpTestData(cls):
        with atomic(pay()) as tx:
            tx.parties.register("acme", kind="enterprise")
            tx.parties.register("ann")

    def first_number(self):
        with atomic(pay()) as tx:
            return tx.invoices.issue(enterprise="acme", customer="ann", lines=[("Seat", "9.00 USD")]).number

    def test_an_invoice_is_the_first_one(self):
        self.assertEqual(self.first_number(), "A-0001")

    def test_an_invoice_is_the_first_one_again(self):
        self.assertEqual(self.first_number(), "A-0001")
        self.assertIn("test.db", repr(pay()))

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        pay().close()
""",
}


def test_djangos_tests_take_back_what_they_did_through_atomic(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "test"],
        cwd=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Ran 2 tests" in done.stderr
    assert not (tmp_path / "shop.db").exists()
