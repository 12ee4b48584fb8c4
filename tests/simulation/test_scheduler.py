"""Tasks run one at a time in virtual time; a process that ends takes everything in it along."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from invoicepay.testing.simulation.chooser import Scope
from invoicepay.testing.simulation.ports import Died, GaveUp
from invoicepay.testing.simulation.scheduler import Crash, Life, Scheduler, suspended


def to_the_end(scheduler: Scheduler) -> None:
    while scheduler.step():
        pass


def started(scheduler: Scheduler, running: Coroutine[Any, Any, Any], life: Life | None = None) -> Any:
    return scheduler.start(running, Scope("task"), life)


def waits(log: list[str], name: str, *ticks: int) -> Callable[[], Coroutine[Any, Any, str]]:
    async def running() -> str:
        for each in ticks:
            await suspended(each)
            log.append(f"{name} {each}")
        return name

    return running


def test_who_is_due_first_runs_first() -> None:
    scheduler, log = Scheduler(), list[str]()
    started(scheduler, waits(log, "slow", 30, 30)())
    started(scheduler, waits(log, "fast", 20, 20)())
    to_the_end(scheduler)
    assert log == ["fast 20", "slow 30", "fast 20", "slow 30"]
    assert scheduler.now == 60


def test_who_waits_for_a_task_gets_its_result_or_its_error() -> None:
    scheduler, found = Scheduler(), list[object]()

    async def fails() -> None:
        await suspended(5)
        raise ValueError("no")

    async def waiting() -> None:
        found.append(await scheduler.join(started(scheduler, waits([], "child", 10)())))
        with pytest.raises(ValueError, match="no"):
            await scheduler.join(started(scheduler, fails()))
        found.append("caught")

    started(scheduler, waiting())
    to_the_end(scheduler)
    assert found == ["child", "caught"]


def test_who_gives_up_waiting_leaves_the_task_to_go_on() -> None:
    scheduler, log = Scheduler(), list[str]()

    async def waiting() -> None:
        with pytest.raises(GaveUp):
            await scheduler.join(started(scheduler, waits(log, "child", 100)()), 10)
        log.append(f"gave up at {scheduler.now}")

    started(scheduler, waiting())
    to_the_end(scheduler)
    assert log == ["gave up at 10", "child 100"]


def test_an_error_that_nobody_waits_for_is_raised() -> None:
    scheduler = Scheduler()

    async def fails() -> None:
        raise ValueError("unheard")

    started(scheduler, fails())
    with pytest.raises(ValueError, match="unheard"):
        to_the_end(scheduler)


def test_the_end_of_a_process_reaches_all_its_tasks_and_whoever_waits_for_them() -> None:
    scheduler, life, log = Scheduler(), Life("p1"), list[str]()

    async def outside() -> None:
        with pytest.raises(Died):
            await scheduler.join(started(scheduler, waits(log, "inside", 50)(), life))
        log.append("told")

    started(scheduler, outside())
    scheduler.step()
    scheduler.step()
    scheduler.kill(life)
    to_the_end(scheduler)
    assert log == ["told"]


def test_cleaning_up_after_its_end_a_process_reaches_nothing_outside() -> None:
    scheduler, life, reached = Scheduler(), Life("p1"), list[str]()

    async def port(name: str) -> None:
        life.check()
        reached.append(name)
        await suspended(1)

    async def tidy() -> None:
        try:
            await port("work")
            await suspended(50)
        except Exception:  # noqa: BLE001 - the end of a process is no error that could be handled
            await port("handler")
        finally:
            await port("cleanup")

    started(scheduler, tidy(), life)
    scheduler.step()
    scheduler.step()
    scheduler.kill(life)
    assert reached == ["work"]
    assert not issubclass(Crash, Exception)


def test_who_is_woken_goes_on_once() -> None:
    scheduler, log = Scheduler(), list[str]()
    task = started(scheduler, waits(log, "sleeper", 1_000, 10)())
    scheduler.step()
    scheduler.wake(task, 5)
    to_the_end(scheduler)
    assert log == ["sleeper 1000", "sleeper 10"]
    assert scheduler.now == 15


def test_equal_orders_have_equal_traces_and_other_ones_do_not() -> None:
    def trace(*ticks: int) -> str:
        scheduler = Scheduler()
        for each in ticks:
            scheduler.start(waits([], "x", each)(), Scope(f"t{each}"))
        to_the_end(scheduler)
        return scheduler.trace

    assert trace(1, 2) == trace(1, 2) != trace(2, 1)
