"""Transfers with django-hordak; run by the Python of its own environment.

python with_hordak.py FOLDER_OF_THE_SERVER DATABASE PROCESSES SECONDS
"""

import json
import multiprocessing
import sys
import time
from typing import Any

import django
from django.conf import settings


def configure(folder: str, database: str) -> None:
    """A Django project with nothing but its ledger."""
    connection = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": folder,
        "NAME": database,
        "USER": "postgres",
        "CONN_MAX_AGE": None,
    }
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={"default": connection},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DEFAULT_CURRENCY="USD",
        CURRENCIES=["USD"],
        USE_TZ=True,
    )
    django.setup()


def work(folder: str, database: str, number: int, seconds: float, barrier: Any, told: Any) -> None:
    """Transfers between two accounts of this process until the time is over."""
    configure(folder, database)
    from hordak.models import Account, AccountType
    from moneyed import Money

    first, second = (
        Account.objects.create(name=f"{name} {number}", type=AccountType.asset, currencies=["USD"])
        for name in ("first", "second")
    )
    barrier.wait()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        first.transfer_to(second, Money("12.50", "USD"), description=f"payment {done}")
        done += 1
    told.put(done / (time.perf_counter() - began))


def main(folder: str, database: str, processes: int, seconds: float) -> None:
    """Migrate, transfer side by side, print how many a second."""
    configure(folder, database)
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    connections.close_all()
    spawning = multiprocessing.get_context("spawn")
    barrier, told = spawning.Barrier(processes), spawning.SimpleQueue()
    workers = [
        spawning.Process(target=work, args=(folder, database, number, seconds, barrier, told))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit(1)
    print(json.dumps({"per_second": sum(told.get() for _ in workers)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
