"""Tasks that share a transaction may be cancelled, time out or end with their loop: nobody else notices."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from invoicepay.errors import OutcomeUnknown, StoreUnreachable
from tests.support.sharing import raising
from tests.support.sharing_tasks import Callers, Gate, run


def test_cancelled_before_it_was_taken_an_item_is_not_carried_out() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        first, second, third = await them.line_up("a", "b", "c")
        second.cancel()
        gate.open()

        assert [await first, await third] == ["A", "C"]
        assert second.cancelled()
        assert them.counter.batches == [["a"], ["c"]]

    run(story)


def test_when_all_who_waited_are_cancelled_nothing_is_carried_out() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        first, *others = await them.line_up("a", "b", "c")
        for task in others:
            task.cancel()
        gate.open()

        assert await first == "A"
        assert await them.call("d") == "D"
        assert them.counter.batches == [["a"], ["d"]]
        await asyncio.gather(*others, return_exceptions=True)

    run(story)


def test_cancelled_after_it_was_taken_an_item_is_carried_out_to_its_end() -> None:
    ended: list[str] = []

    async def story() -> None:
        gate, next_gate = Gate(), Gate()

        async def to_the_end() -> None:
            await next_gate()
            ended.append("yes")

        them = Callers(gate, to_the_end)
        first, second, third = await them.line_up("a", "b", "c")
        gate.open()
        await next_gate.reached.wait()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert ended == []
        next_gate.open()

        assert [await first, await third] == ["A", "C"]
        assert ended == ["yes"]
        assert them.counter.batches == [["a"], ["b", "c"]]

    run(story)


def test_a_transaction_whose_callers_have_all_gone_ends_all_the_same() -> None:
    ended: list[str] = []

    async def story() -> None:
        gate, next_gate = Gate(), Gate()

        async def to_the_end() -> None:
            await next_gate()
            ended.append("yes")
            raise StoreUnreachable

        them = Callers(gate, to_the_end)
        first, *others = await them.line_up("a", "b", "c")
        gate.open()
        await next_gate.reached.wait()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        gc.collect()  # the group itself holds its task
        next_gate.open()
        assert await first == "A"
        assert await them.call("d") == "D"
        assert ended == ["yes"]

    run(story)


def test_a_lone_caller_that_is_cancelled_is_broken_off_and_the_others_go_on() -> None:
    broken_off: list[str] = []

    async def story() -> None:
        async def until_cancelled() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                broken_off.append("a")
                raise

        them = Callers(until_cancelled)
        first, second = await them.line_up("a", "b")
        first.cancel()

        assert await second == "B"
        assert first.cancelled()
        assert broken_off == ["a"]

    run(story)


def test_a_time_out_ends_the_wait_and_nothing_else() -> None:
    async def story() -> None:
        gate = Gate()
        them = Callers(gate)
        first, second = await them.line_up("a", "b")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await them.call("c")
        gate.open()

        assert [await first, await second] == ["A", "B"]
        assert them.counter.batches == [["a"], ["b"]]

    run(story)


def test_an_answer_that_crosses_a_cancellation_is_not_missed_by_anybody_else() -> None:
    async def story() -> None:
        gate, next_gate = Gate(), Gate()
        them = Callers(gate, next_gate)
        first, second, third = await them.line_up("a", "b", "c")
        first.add_done_callback(lambda _: second.cancel())
        gate.open()
        next_gate.open()

        assert [await first, await third] == ["A", "C"]
        await asyncio.wait([second])

    run(story)


def test_when_the_shared_task_itself_is_cancelled_its_callers_are_told_and_the_rest_goes_on() -> None:
    async def story() -> None:
        gate, next_gate = Gate(), Gate()
        them = Callers(gate, next_gate, most=2)
        first, second, third, fourth = await them.line_up("a", "b", "c", "d")
        gate.open()
        await next_gate.reached.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task(), first, second, third, fourth}:
            task.cancel()

        raised = await asyncio.gather(second, third, return_exceptions=True)
        assert [type(error) for error in raised] == [OutcomeUnknown] * 2
        assert raised[0] is not raised[1]
        assert [await first, await fourth] == ["A", "D"]
        assert them.counter.batches == [["a"], ["b", "c"], ["d"]]

    run(story)


def test_a_loop_that_ends_takes_its_callers_with_it_quietly() -> None:
    complaints: list[dict[str, Any]] = []
    them = Callers()

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        gate, never = Gate(), Gate()
        them.counter._before = [gate, never]
        first, *_ = await them.line_up("a", "b", "c")
        gate.open()
        await never.reached.wait()
        assert await first == "A"

    asyncio.run(story())
    gc.collect()

    assert complaints == []
    assert them.group_commit._tasks == set()
    assert asyncio.run(them.call("d")) == "D"


def test_ctrl_c_inside_a_shared_task_leaves_through_the_loop_and_leaves_nobody_waiting() -> None:
    them = Callers()
    others: list[asyncio.Task[str]] = []
    loop = asyncio.new_event_loop()
    complaints: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def story() -> None:
        gate = Gate()
        them.counter._before = [gate, raising(KeyboardInterrupt())]
        others.extend(await them.line_up("a", "b", "c"))
        gate.open()
        await asyncio.wait(others)

    going = loop.create_task(story())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(going)
    loop.run_until_complete(going)

    kinds = [type(task.exception()) for task in others]
    assert kinds == [type(None), OutcomeUnknown, OutcomeUnknown]
    assert loop.run_until_complete(them.call("d")) == "D"
    loop.close()
    gc.collect()
    assert complaints == []
