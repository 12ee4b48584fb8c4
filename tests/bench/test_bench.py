"""The benchmark: what it registers, how it counts, what it shows, and that it ends with an object."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import bench.measures
from bench import records
from bench.__main__ import main
from bench.chart import BARS, drawn
from bench.checks import Books, Left, differences
from bench.cpu import Spent, spent_by
from bench.page import speed_targets
from bench.registry import MEASURES, at_least, at_most
from bench.report import reached, summary, table
from bench.result import Result
from bench.stats import latencies, medians, percentile
from bench.workers import WorkerFailed, side_by_side
from bench.workload import SHARES, Due, all_requests, batches, lanes
from tests.bench import tasks

ROOT = Path(__file__).parents[2]

RATIOS = {
    "pay_many_vs_pgbench",
    "pay_many_100_vs_pgbench",
    "group_commit_vs_pgbench",
    "single_4_processes_vs_pgbench",
    "group_commit_one_caller_p50",
    "hot_vs_spread",
    "grown_vs_empty",
    "sqlite_vs_single_insert",
    "vs_django_hordak",
    "vs_python_accounting",
    "import_vs_sqlalchemy",
}
DUES = [Due(f"inv-{number}", number % 40, 20_000_000) for number in range(2_000)]


def test_the_ratios_that_others_rely_on_are_taken_each_by_one_measure() -> None:
    taken = [ratio for measure in MEASURES.values() for ratio in measure.ratios]

    assert set(taken) >= RATIOS
    assert len(taken) == len(set(taken))


def test_a_measure_says_what_it_shows_and_is_known_by_its_name() -> None:
    assert bench.measures.batches is not None
    assert all(name == measure.name and measure.shows for name, measure in MEASURES.items())


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--runs", "0"], ["--quick", "--record"]])
def test_what_cannot_be_asked_is_refused_before_anything_starts(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)
    assert latencies([0.002, 0.001]) == {"p50_ms": 1.0, "p99_ms": 2.0}


def test_medians_are_taken_figure_by_figure() -> None:
    assert medians([{"a": 1.0, "b": 9.0}, {"a": 2.0, "b": 1.0}, {"a": 9.0}]) == {"a": 2.0, "b": 5.0}


def test_the_same_seed_asks_the_same_and_about_six_in_a_hundred_are_not_plain() -> None:
    asked = all_requests(DUES)

    assert asked == all_requests(DUES)
    assert sum(SHARES.values()) == pytest.approx(100)
    plain = {one.invoice for one in asked if one.payer.startswith("payer") and one.amount is None}
    once = [one.invoice for one in asked]
    odd = sum(1 for due in DUES if once.count(due.invoice_id) > 1 or due.invoice_id not in plain)
    assert 0.04 < odd / len(DUES) < 0.09


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_lane_has_its_payers_for_itself_and_their_stand_ins_too(count: int) -> None:
    owners = {due.invoice_id: due.payer % count for due in DUES}

    split = lanes(all_requests(DUES), count)

    assert [{owners[str(one.invoice)] for one in lane} for lane in split] == [{n} for n in range(count)]


def test_batches_hold_every_payment_once() -> None:
    asked = all_requests(DUES)

    parts = batches(asked, 1_000)

    assert [one for part in parts for one in part] == asked
    assert {len(part) for part in parts[:-1]} == {1_000}


def test_a_difference_to_one_by_one_is_told() -> None:
    right = Left({"inv-1": [("completed",)]}, Books(Counter({("a", 5): 1}), Counter(), Counter()))
    wrong = Left({"inv-1": [("not_found",)]}, Books(Counter({("a", 4): 1}), Counter(), Counter()))

    assert differences(right, right) == []
    assert differences(wrong, right) == [
        "inv-1: answered [('not_found',)], one by one [('completed',)]",
        "balances: ('a', 4) only under load",
        "balances: ('a', 5) only one by one",
    ]


def test_a_target_is_reached_at_its_bound() -> None:
    assert at_least("x", 4).is_reached(4.0) and not at_least("x", 4).is_reached(3.99)
    assert at_most("x", 80).is_reached(80.0) and not at_most("x", 80).is_reached(80.1)
    assert (str(at_least("x", 10_000)), str(at_most("x", 1.1))) == ("≥ 10,000", "≤ 1.1")


def test_the_summary_holds_what_was_measured_and_nothing_else() -> None:
    results = {"pay_many": Result(figures={"pay_many_client_us": 70.0}, ratios={"pay_many_vs_pgbench": 4.5})}

    found = summary(results, {"cores": 2})

    assert found["reached"] == {"pay_many_vs_pgbench": True, "pay_many_client_us": False}
    assert found["violations"] == 0 and found["absent"] == {}


def test_the_table_shows_targets_values_and_what_is_absent() -> None:
    results = {
        "pay_many": Result(figures={"pay_many_client_us": 70.0}),
        "django_hordak": Result(absent=["vs_django_hordak: no network"]),
    }

    lines = [line.split() for line in table(results).splitlines()]

    assert ["pay_many", "pay_many_client_us", "70", "≤", "60", "NOT", "REACHED"] in lines
    assert ["pay_many", "pay_many_vs_pgbench", "–", "≥", "4"] in lines
    assert "vs_django_hordak: no network" in table(results)
    assert "vs_django_hordak" not in reached(results)


def test_the_picture_has_a_bar_for_each_figure_that_was_measured() -> None:
    picture = drawn({"pay_many_per_second": 20_000.0, "sqlite_single_per_second": 500.0})

    assert picture.count("<rect") == 2 and ">20,000<" in picture
    assert len({key for key, _ in BARS}) == len(BARS)


def test_what_is_recorded_again_replaces_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(records, "LATEST", tmp_path / "latest.json")
    monkeypatch.setattr(records, "CHART", tmp_path / "latest.svg")
    records.record({"import": Result(figures={"import_invoicepay_ms": 9.0})}, {"postgresql": "18"})
    records.record({"single": Result(figures={"single_p50_ms": 0.8})}, {"cores": 2})

    records.record({"import": Result(figures={"import_invoicepay_ms": 8.0})}, {"cores": 2})

    assert records.figures_of(records.recorded()["measures"]) == {
        "import_invoicepay_ms": 8.0,
        "single_p50_ms": 0.8,
    }
    assert records.recorded()["machine"] == {"postgresql": "18", "cores": 2}


def test_the_page_names_every_target() -> None:
    shown = speed_targets()

    assert [t.key for m in MEASURES.values() for t in m.targets if f"`{t.key}`" not in shown] == []


def test_workers_start_together_and_what_they_prepare_is_not_counted() -> None:
    load = side_by_side(tasks.counting, [100, 200])

    assert load.results == [100, 200]
    assert load.seconds < tasks.PREPARES_SECONDS


def test_a_worker_that_fails_is_told_with_its_traceback() -> None:
    with pytest.raises(WorkerFailed, match="ValueError: -1"):
        side_by_side(tasks.counting, [1, -1])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells CPU of other processes")
def test_cpu_of_children_that_have_ended_is_not_forgotten() -> None:
    before = spent_by(os.getpid())
    burning = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", burning], check=True)
    after = spent_by(os.getpid())

    assert before is not None and after is not None
    assert (after - before).sessions >= 0.15
    assert after - after == Spent(0.0, 0.0)


@pytest.mark.long
def test_the_command_ends_with_one_object() -> None:
    started = time.monotonic()
    command = [sys.executable, "dev.py", "bench", "--quick", "--only", "import", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    last = json.loads(done.stdout.splitlines()[-1])

    assert last["ratios"].keys() == {"import_vs_sqlalchemy"}
    assert last["violations"] == 0 and last["machine"]["python"]
    assert time.monotonic() - started < 60
