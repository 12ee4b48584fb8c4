"""What runs a host's jobs calls two functions; however often and from wherever, each thing is done once."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler
from celery import Celery
from celery.schedules import crontab

from invoicepay import Every, InvoicePay, migrate

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_SECONDS = 20


@pytest.fixture
def pay(tmp_path: Path) -> Iterator[InvoicePay]:
    """A client with something to send, and something to bill."""
    with InvoicePay(f"sqlite:///{tmp_path / 'pay.db'}", dispatch="deferred") as pay:
        pay.parties.register("acme", kind="enterprise")
        pay.parties.register("ann")
        pay.deposits.initiate("ann", "50.00 USD")
        lines = [("Pro plan", "29.00 USD")]
        pay.schedules.create(enterprise="acme", customer="ann", lines=lines, every=Every.month())
        yield pay


def is_all_done_once(pay: InvoicePay) -> bool:
    sent = [effect.status for effect in pay.effects.list()]
    billed = [invoice.number for invoice in pay.invoices.list()]
    return sent == ["accepted"] and billed == ["A-0001"] and pay.invariants.check() == ()


def test_apscheduler_runs_both_in_its_threads(pay: InvoicePay) -> None:
    rounds = threading.Semaphore(0)
    failed: list[Any] = []
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_listener(lambda event: rounds.release(), EVENT_JOB_EXECUTED)
    scheduler.add_listener(failed.append, EVENT_JOB_ERROR)
    now = datetime.now(UTC)
    for job in (pay.run_pending, pay.schedules.run_due):
        scheduler.add_job(job, "interval", seconds=0.1, next_run_time=now, coalesce=True)

    scheduler.start()
    assert all(rounds.acquire(timeout=PATIENCE_SECONDS) for _ in range(6))
    scheduler.shutdown()

    assert failed == []
    assert is_all_done_once(pay)


def test_celery_runs_both_and_keeps_their_results(pay: InvoicePay) -> None:
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf.task_always_eager = app.conf.task_store_eager_result = True
    app.conf.result_backend = "cache+memory://"
    app.conf.beat_schedule = {
        "work": {"task": "work", "schedule": 5.0},
        "bill": {"task": "bill", "schedule": crontab(minute="5")},
    }

    def work() -> dict[str, Any]:
        return pay.run_pending(limit=100).to_dict()

    def bill() -> list[str]:
        return [invoice.number for invoice in pay.schedules.run_due()]

    app.task(name="work")(work)
    app.task(name="bill")(bill)
    tasks = [app.tasks[entry["task"]] for entry in app.conf.beat_schedule.values()]
    first = [task.delay().get() for task in tasks]
    again = [task.delay().get() for task in tasks]

    assert (first[0]["sent"], first[1]) == (1, ["A-0001"])
    assert (again[0]["sent"], again[1]) == (0, [])
    assert is_all_done_once(pay)


def test_workers_at_the_same_time_share_the_work(pay: InvoicePay) -> None:
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(job) for _ in range(8) for job in (pay.run_pending, pay.schedules.run_due)]

    assert [run.exception() for run in runs] == [None] * 16
    assert is_all_done_once(pay)


def test_procrastinate_runs_both_from_a_queue_beside_the_books(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(postgres_url)
    monkeypatch.setenv("INVOICEPAY_STORE", postgres_url)

    runpy.run_path(str(EXAMPLES / "procrastinate_jobs.py"), run_name="__main__")

    assert "A-0001" in capsys.readouterr().out
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        jobs = set(connection.execute("SELECT task_name, status FROM procrastinate_jobs").fetchall())
    assert jobs >= {("pay:bill", "succeeded"), ("pay:work", "succeeded")}
    assert {status for _, status in jobs} <= {"succeeded", "todo"}  # the minute's own, put there at the end
    with InvoicePay(postgres_url) as pay:
        assert is_all_done_once(pay)
