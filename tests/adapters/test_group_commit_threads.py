"""Threads that come at the same time share a transaction, and what happens to one happens to no other."""

from __future__ import annotations

import gc
import os
import signal
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from invoicepay.adapters.group_commit.threads import ThreadGroupCommit
from invoicepay.bridge import run_blocking
from invoicepay.errors import (
    ConcurrentUpdate,
    ConfigurationError,
    OutcomeUnknown,
    StoreBusy,
    StoreUnreachable,
    SuspendedInBlockingHost,
)
from tests.support.sharing import Counter, Door, Thing, nothing, raising, until


class Callers:
    """Threads that call one group."""

    def __init__(self, group_commit: ThreadGroupCommit, counter: Counter, pool: ThreadPoolExecutor) -> None:
        self.group_commit, self.counter, self._pool = group_commit, counter, pool

    def call(self, item: str) -> str:
        """Call from this thread."""
        answer: str = run_blocking(self.group_commit("shop", item, self.counter.carry_out))
        return answer

    def start(self, item: str) -> Future[str]:
        """Call from a thread of its own."""
        return self._pool.submit(self.call, item)

    def line_up(self, *items: str) -> list[Future[str]]:
        """Call from threads that come one after another and wait."""
        started = []
        for item in items:
            before = self.waiting()
            started.append(self.start(item))
            until(lambda before=before: self.waiting() == before + 1)  # type: ignore[misc]
        return started

    def waiting(self) -> int:
        """How many stand in line."""
        return len(self.group_commit._lines.get("shop", ()))


@contextmanager
def callers(*before: Callable[[], Any], most: int = 1_000) -> Iterator[Callers]:
    """Callers of something that does this before its first answers; nothing is left of them afterwards."""
    group_commit = ThreadGroupCommit(most=most)
    with ThreadPoolExecutor(16) as pool:
        yield Callers(group_commit, Counter(*before), pool)
    assert group_commit._lines == {}


def test_alone_a_caller_works_in_its_own_thread_and_starts_none() -> None:
    group_commit, counter = ThreadGroupCommit(), Counter()
    before = set(threading.enumerate())

    answers = [run_blocking(group_commit("shop", item, counter.carry_out)) for item in ("a", "b")]

    assert answers == ["A", "B"]
    assert counter.batches == [["a"], ["b"]]
    assert set(counter.threads) == {threading.current_thread()}
    assert set(threading.enumerate()) <= before  # one of an earlier test may end meanwhile
    assert group_commit._lines == {}


def test_who_comes_while_one_is_at_work_shares_the_next_transaction() -> None:
    door = Door()
    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c", "d")
        door.open()

        assert [one.result() for one in (first, *others)] == ["A", "B", "C", "D"]
        assert them.counter.batches == [["a"], ["b", "c", "d"]]


def test_who_has_worked_is_answered_and_another_one_works_for_the_next() -> None:
    door, next_door = Door(), Door()
    with callers(door, nothing, next_door, most=2) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c", "d", "e")
        door.open()
        next_door.reached.wait()

        assert [first.result(), others[0].result(), others[1].result()] == ["A", "B", "C"]
        next_door.open()
        assert [one.result() for one in others] == ["B", "C", "D", "E"]
        assert them.counter.batches == [["a"], ["b", "c"], ["d", "e"]]
        assert len(set(them.counter.threads)) == 3


def test_groups_do_not_wait_for_each_other() -> None:
    door = Door()
    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()

        assert run_blocking(them.group_commit("bakery", "b", them.counter.carry_out)) == "B"
        door.open()
        assert first.result() == "A"


def test_an_error_that_stands_for_all_is_an_object_of_its_own_for_each() -> None:
    door = Door()
    trouble = StoreUnreachable("no database answers", hint="Start it.", host="db-1")
    with callers(door, raising(trouble)) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c", "d")
        door.open()

        assert first.result() == "A"
        raised = [one.exception() for one in others]
        assert all(type(error) is StoreUnreachable for error in raised)
        assert [error.to_problem() for error in raised] == [trouble.to_problem()] * 3  # type: ignore[union-attr]
        assert len({id(error) for error in (trouble, *raised)}) == 4
        for error in raised:
            ours = "".join(traceback.format_tb(error.__traceback__)) if error else ""
            assert ours.count("in call\n") == 1  # of its own thread, and no other's


def test_an_error_that_cannot_be_copied_still_reaches_everybody() -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("odd")

    door = Door()
    with callers(door, raising(Odd(1, 2))) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c")
        door.open()

        assert [type(one.exception()) for one in (first, *others)] == [type(None), Odd, Odd]


def test_a_transaction_that_lost_every_race_lets_each_try_for_itself() -> None:
    door = Door()
    with callers(door, raising(ConcurrentUpdate())) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c")
        door.open()

        assert [one.result() for one in (first, *others)] == ["A", "B", "C"]
        assert them.counter.batches[:2] == [["a"], ["b", "c"]]
        assert sorted(them.counter.batches[2:]) == [["b"], ["c"]]


def test_alone_its_own_error_is_raised_as_it_is() -> None:
    trouble = StoreBusy()
    with callers(raising(trouble)) as them:
        with pytest.raises(StoreBusy) as caught:
            them.call("a")

        assert caught.value is trouble


def test_ctrl_c_in_a_lone_caller_leaves_those_who_wait_to_the_next() -> None:
    door = Door()

    def interrupted() -> None:
        door()
        raise KeyboardInterrupt

    with callers(interrupted) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c")
        door.open()

        assert type(first.exception()) is KeyboardInterrupt
        assert [one.result() for one in others] == ["B", "C"]
        assert them.counter.batches == [["a"], ["b", "c"]]


def test_ctrl_c_in_who_works_for_others_leaves_their_outcome_unknown_and_nobody_waiting() -> None:
    door, broken = Door(), Door()

    def interrupted() -> None:
        broken()
        raise KeyboardInterrupt

    with callers(door, interrupted, most=3) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c", "d", "e")
        door.open()
        broken.reached.wait()
        broken.open()

        assert first.result() == "A"
        kinds = [type(one.exception()) for one in others]
        assert kinds == [KeyboardInterrupt, OutcomeUnknown, OutcomeUnknown, type(None)]
        assert others[1].exception() is not others[2].exception()
        assert them.counter.batches == [["a"], ["b", "c", "d"], ["e"]]


def test_ctrl_c_before_a_transaction_has_begun_loses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    take = ThreadGroupCommit._take
    interrupts = [KeyboardInterrupt()]

    def interrupted(self: ThreadGroupCommit, seat: Any) -> None:
        take(self, seat)
        if interrupts:
            raise interrupts.pop()

    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c", "d")
        monkeypatch.setattr(ThreadGroupCommit, "_take", interrupted)
        door.open()

        assert first.result() == "A"
        assert type(others[0].exception()) is KeyboardInterrupt
        assert [one.result() for one in others[1:]] == ["C", "D"]
        assert them.counter.batches == [["a"], ["c", "d"]]


@contextmanager
def pressed(press: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Another thread interrupts this one, which ends in `KeyboardInterrupt`.

    A signal that comes just before a lock is waited for does not end that wait. So others, which do nothing,
    follow it until it was heard.
    """
    assert threading.current_thread() is threading.main_thread()
    main, heard = threading.get_ident(), threading.Event()

    def ctrl_c() -> None:
        signal.pthread_kill(main, signal.SIGINT)
        while not heard.wait(0.05):
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    pressing = threading.Thread(target=press, args=(ctrl_c,))
    pressing.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        heard.set()
        pressing.join()
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.skipif(os.name == "nt", reason="signals reach a thread by its id")
def test_ctrl_c_while_waiting_gives_the_place_up() -> None:
    door = Door()

    def press(ctrl_c: Callable[[], None]) -> None:
        until(lambda: them.waiting() == 1)
        ctrl_c()

    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()
        with pressed(press):
            them.call("b")
        (last,) = them.line_up("c")
        door.open()

        assert [first.result(), last.result()] == ["A", "C"]
        assert them.counter.batches == [["a"], ["c"]]


@pytest.mark.skipif(os.name == "nt", reason="signals reach a thread by its id")
def test_ctrl_c_after_an_item_was_taken_does_not_stop_it() -> None:
    door, next_door = Door(), Door()

    def press(ctrl_c: Callable[[], None]) -> None:
        until(lambda: them.waiting() == 2)
        door.open()
        next_door.reached.wait()
        ctrl_c()

    with callers(door, next_door) as them:
        first = them.start("a")
        door.reached.wait()
        (second,) = them.line_up("b")
        with pressed(press):
            them.call("c")
        next_door.open()

        assert [first.result(), second.result()] == ["A", "B"]
        assert them.counter.batches == [["a"], ["b", "c"]]


def test_an_awaiting_store_in_a_blocking_host_is_told_to_everybody() -> None:
    door = Door()
    with callers(door, lambda: Suspending()) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c")
        door.open()

        kinds = [type(one.exception()) for one in (first, *others)]
        assert kinds == [type(None), SuspendedInBlockingHost, OutcomeUnknown]


class Suspending:
    """An awaitable that really waits."""

    def __await__(self) -> Iterator[None]:
        yield


def test_closing_refuses_who_waits_and_ends_what_is_under_way() -> None:
    door = Door()
    refusal = ConfigurationError("this client is closed")
    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b", "c")
        them.group_commit.close(refusal)
        door.open()

        assert first.result() == "A"
        raised = [one.exception() for one in others]
        assert [type(error) for error in raised] == [ConfigurationError] * 2
        assert len({id(error) for error in (refusal, *raised)}) == 3
        with pytest.raises(ConfigurationError, match="this client is closed"):
            them.call("d")
        assert them.counter.batches == [["a"]]


def test_a_call_from_within_a_transaction_does_not_wait_for_it() -> None:
    group_commit, other, inner = ThreadGroupCommit(), ThreadGroupCommit(), Counter()

    async def carry_out(items: Sequence[str]) -> Sequence[str]:
        return [
            await group_commit("shop", item, inner.carry_out) + await other("shop", item, inner.carry_out)
            for item in items
        ]

    assert run_blocking(group_commit("shop", "a", carry_out)) == "AA"
    assert run_blocking(group_commit("shop", "b", carry_out)) == "BB"
    assert inner.batches == [["a"], ["a"], ["b"], ["b"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_inherits_neither_a_lock_nor_a_line() -> None:
    door = Door()
    with callers(door) as them:
        first = them.start("a")
        door.reached.wait()
        others = them.line_up("b")
        with them.group_commit._lock:  # as if another thread held it
            child = os.fork()
            if not child:
                signal.alarm(60)
                os._exit(0 if them.call("c") == "C" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        door.open()

        assert [one.result() for one in (first, *others)] == ["A", "B"]
        assert them.counter.batches == [["a"], ["b"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_within_a_transaction_ends_it_for_itself() -> None:
    group_commit = ThreadGroupCommit()
    children: list[int] = []

    async def carry_out(items: Sequence[str]) -> Sequence[str]:
        children.append(os.fork())
        return [item.upper() for item in items]

    answer = run_blocking(group_commit("shop", "a", carry_out))
    if not children[0]:
        os._exit(0 if answer == "A" and not group_commit._lines else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert answer == "A"


def test_nothing_is_kept_of_what_was_carried_out() -> None:
    group_commit, door = ThreadGroupCommit(), Door()
    kept: list[weakref.ref[Thing]] = []

    async def carry_out(items: Sequence[Thing]) -> Sequence[Thing]:
        answers = [Thing(item.name) for item in items]
        kept.extend(weakref.ref(thing) for thing in (*items, *answers))
        if len(kept) == 2:
            door()
        return answers

    def call(name: str) -> str:
        answer: Thing = run_blocking(group_commit("shop", Thing(name), carry_out))
        return answer.name

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(call, "a")]
        door.reached.wait()
        calls += [pool.submit(call, name) for name in "bc"]
        until(lambda: len(group_commit._lines["shop"]) == 2)
        door.open()
        assert sorted(one.result() for one in calls) == ["a", "b", "c"]
    gc.collect()

    assert [thing() for thing in kept] == [None] * 6


def test_a_group_commit_goes_with_its_client() -> None:
    group_commit = ThreadGroupCommit()
    run_blocking(group_commit("shop", "a", Counter().carry_out))
    gone = weakref.ref(group_commit)
    del group_commit
    gc.collect()

    assert gone() is None


def test_many_threads_get_each_its_own_answers() -> None:
    with callers(most=10) as them:

        def several(number: int) -> list[str]:
            return [them.call(f"{number}-{n}x") for n in range(50)]

        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(several, range(64)))

        assert answers == [[f"{number}-{n}X" for n in range(50)] for number in range(64)]
        assert sorted(item for batch in them.counter.batches for item in batch) == sorted(
            f"{number}-{n}x" for number in range(64) for n in range(50)
        )
        assert max(len(batch) for batch in them.counter.batches) <= 10
