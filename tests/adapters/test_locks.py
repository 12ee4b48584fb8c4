"""A lock keeps threads apart and no forked child out."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from invoicepay.adapters.circle.ids import Memory
from invoicepay.adapters.locks import Lock


def test_one_thread_is_inside_at_a_time() -> None:
    lock, inside, most = Lock(), 0, 0

    def enter(_: int) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(2_000)))

    assert (inside, most) == (0, 1)


def test_an_error_inside_opens_it() -> None:
    lock = Lock()

    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError

    with lock:
        pass


class _Slow(str):
    """A name whose look-up lasts as long as it is told: the lock of a memory is held meanwhile."""

    asked, go_on = threading.Event(), threading.Event()

    __slots__ = ()

    def __hash__(self) -> int:
        self.asked.set()
        self.go_on.wait(60)
        return 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_is_forked_while_another_thread_is_inside_is_not_kept_out() -> None:
    memory = Memory[str]()
    holder = threading.Thread(target=memory.get, args=(_Slow("name"),))
    holder.start()
    assert _Slow.asked.wait(60)

    child = os.fork()
    if child == 0:
        signal.alarm(30)  # ends a child that waits for ever
        memory.put("name", "value")
        os._exit(0 if memory.get("name") == "value" else 1)
    _, status = os.waitpid(child, 0)
    _Slow.go_on.set()
    holder.join()

    assert os.waitstatus_to_exitcode(status) == 0
