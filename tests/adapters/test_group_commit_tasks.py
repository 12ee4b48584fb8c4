"""Tasks that come at the same time share a transaction, and what happens to one happens to no other."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from invoicepay.adapters.group_commit.tasks import TaskGroupCommit
from invoicepay.errors import ConcurrentUpdate, ConfigurationError, StoreUnreachable
from tests.support.sharing import Counter, Door, Thing, raising, until
from tests.support.sharing_tasks import Callers, Gate, run

request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


def test_alone_a_caller_works_in_its_own_task() -> None:
    workers: list[asyncio.Task[Any] | None] = []

    async def story() -> None:
        them = Callers(*[lambda: workers.append(asyncio.current_task())] * 2)

        assert [await them.call("a"), await them.call("b")] == ["A", "B"]
        assert workers == [asyncio.current_task()] * 2
        assert them.counter.batches == [["a"], ["b"]]

    run(story)


def test_who_comes_while_one_is_at_work_shares_the_next_transaction() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        tasks = await them.line_up("a", "b", "c", "d")
        gate.open()

        assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]
        assert them.counter.batches == [["a"], ["b", "c", "d"]]

    run(story)


def test_no_more_than_the_most_share_one() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate, most=2)
        tasks = await them.line_up("a", "b", "c", "d")
        gate.open()

        assert await asyncio.gather(*tasks) == ["A", "B", "C", "D"]
        assert them.counter.batches == [["a"], ["b", "c"], ["d"]]

    run(story)


def test_who_is_answered_and_comes_again_at_once_shares_again() -> None:
    async def story() -> None:
        them = Callers()

        async def several(number: int) -> None:
            for n in range(3):
                await them.call(f"{number}{n}")

        gate = Gate()
        first = asyncio.create_task(them.group_commit("shop", "x", Counter(gate).carry_out))
        await gate.reached.wait()
        tasks = [asyncio.create_task(several(number)) for number in range(3)]
        await asyncio.sleep(0)
        gate.open()
        await asyncio.gather(first, *tasks)

        assert them.counter.batches == [["00", "10", "20"], ["01", "11", "21"], ["02", "12", "22"]]

    run(story)


def test_groups_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        (first,) = await them.line_up("a")

        assert await them.group_commit("bakery", "b", them.counter.carry_out) == "B"
        gate.open()
        assert await first == "A"

    run(story)


def test_an_error_that_stands_for_all_is_an_object_of_its_own_for_each() -> None:
    async def story() -> None:
        gate, trouble = Gate(), StoreUnreachable("no database answers", hint="Start it.", host="db-1")
        them = Callers(gate, raising(trouble))
        tasks = await them.line_up("a", "b", "c")
        gate.open()
        first, *raised = await asyncio.gather(*tasks, return_exceptions=True)

        assert first == "A"
        assert [type(error) for error in raised] == [StoreUnreachable] * 2
        assert all(error.to_problem() == trouble.to_problem() for error in raised)  # type: ignore[union-attr]
        assert len({id(error) for error in (trouble, *raised)}) == 3

    run(story)


def test_a_transaction_that_lost_every_race_lets_each_try_for_itself() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate, raising(ConcurrentUpdate()))
        tasks = await them.line_up("a", "b", "c")
        gate.open()

        assert await asyncio.gather(*tasks) == ["A", "B", "C"]
        assert them.counter.batches == [["a"], ["b", "c"], ["b"], ["c"]]

    run(story)


def test_closing_refuses_who_waits_and_ends_what_is_under_way() -> None:
    async def story() -> None:
        gate, refusal = Gate(), ConfigurationError("this client is closed")
        them = Callers(gate)
        first, *others = await them.line_up("a", "b", "c")
        them.group_commit.close(refusal)
        gate.open()

        assert await first == "A"
        raised = await asyncio.gather(*others, return_exceptions=True)
        assert [type(error) for error in raised] == [ConfigurationError] * 2
        assert len({id(error) for error in (refusal, *raised)}) == 3
        with pytest.raises(ConfigurationError, match="this client is closed"):
            await them.call("d")
        assert them.counter.batches == [["a"]]

    run(story)


def test_a_call_from_within_a_transaction_does_not_wait_for_it() -> None:
    async def story() -> None:
        group_commit, other, inner = TaskGroupCommit(), TaskGroupCommit(), Counter()

        async def carry_out(items: Sequence[str]) -> Sequence[str]:
            async with asyncio.TaskGroup() as tasks:  # also from tasks that it starts
                calls = [
                    tasks.create_task(one("shop", item, inner.carry_out))
                    for one in (group_commit, other)
                    for item in items
                ]
            return [call.result() for call in calls[: len(items)]]

        answers = await asyncio.gather(*[group_commit("shop", item, carry_out) for item in "abc"])
        assert answers == ["A", "B", "C"]
        assert await group_commit("shop", "d", inner.carry_out) == "D"

    run(story)


def test_a_shared_transaction_runs_in_the_context_of_none_of_its_callers() -> None:
    seen: list[str] = []

    async def story() -> None:
        gate = Gate()
        them = Callers(gate, lambda: seen.append(request.get()), lambda: seen.append(request.get()))
        request.set("ours")
        tasks = await them.line_up("a", "b")
        gate.open()
        await asyncio.gather(*tasks)
        await them.call("c")

    run(story)
    assert seen == ["none", "ours"]


def test_loops_in_several_threads_have_lines_of_their_own() -> None:
    group_commit, door = TaskGroupCommit(), Door()

    async def held_up() -> None:
        await asyncio.sleep(0)
        door()

    counters = Counter(held_up), Counter(lambda: asyncio.sleep(0))

    def story(counter: Counter) -> list[str]:
        async def calls() -> list[str]:
            calls = [group_commit("shop", item, counter.carry_out) for item in "abc"]
            return list(await asyncio.gather(*calls))

        return asyncio.run(calls())

    answers: list[list[str]] = []
    held = threading.Thread(target=lambda: answers.append(story(counters[0])))
    held.start()
    until(door.reached.is_set)

    assert story(counters[1]) == ["A", "B", "C"]
    assert answers == []
    door.open()
    held.join()
    assert answers == [["A", "B", "C"]]
    assert [counter.batches for counter in counters] == [[["a"], ["b", "c"]]] * 2


def test_one_loop_after_another_finds_nothing_of_the_earlier_one() -> None:
    them = Callers()
    stuck = asyncio.new_event_loop()
    waiting = stuck.create_task(asyncio.Event().wait())

    async def never(items: Sequence[str]) -> Sequence[str]:
        await waiting
        return items

    held = stuck.create_task(them.group_commit("shop", "a", never))
    stuck.run_until_complete(asyncio.sleep(0))

    assert asyncio.run(them.call("b")) == "B"
    waiting.cancel()
    stuck.run_until_complete(asyncio.wait([held]))
    stuck.close()
    assert held.cancelled()
    assert asyncio.run(them.call("c")) == "C"


def test_nothing_is_kept_of_what_was_carried_out() -> None:
    kept: list[weakref.ref[Any]] = []

    async def story() -> None:
        group_commit, gate = TaskGroupCommit(), Gate()

        async def carry_out(items: Sequence[Thing]) -> Sequence[Thing]:
            answers = [Thing(item.name) for item in items]
            kept.extend(weakref.ref(thing) for thing in (*items, *answers))
            if len(kept) == 2:
                await gate()
            return answers

        async def call(name: str) -> str:
            answer: Thing = await group_commit("shop", Thing(name), carry_out)
            return answer.name

        tasks = [asyncio.create_task(call(name)) for name in "abc"]
        await gate.reached.wait()
        tasks[2].cancel()
        gate.open()
        assert await asyncio.gather(*tasks[:2]) == ["a", "b"]
        await asyncio.wait(tasks)
        kept.append(weakref.ref(group_commit))

    run(story)
    gc.collect()

    assert [thing() for thing in kept] == [None] * 5


def test_many_tasks_get_each_its_own_answers() -> None:
    async def story() -> None:
        them = Callers(most=100)

        async def several(number: int) -> list[str]:
            return [await them.call(f"{number}-{n}x") for n in range(20)]

        answers = await asyncio.gather(*[several(number) for number in range(500)])

        assert answers == [[f"{number}-{n}X" for n in range(20)] for number in range(500)]
        assert sum(len(batch) for batch in them.counter.batches) == 10_000
        assert max(len(batch) for batch in them.counter.batches) <= 100

    run(story)


def test_a_host_may_make_tasks_in_a_way_that_knows_no_context() -> None:
    def made(loop: asyncio.AbstractEventLoop, coroutine: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=loop)

    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        asyncio.get_running_loop().set_task_factory(made)
        tasks = await them.line_up("a", "b")
        gate.open()
        assert await asyncio.gather(*tasks) == ["A", "B"]

    run(story)
