"""Group commit for threads: who finds nobody at work goes alone, else one of those who wait works for all."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import Any, TypeVar
from weakref import WeakSet

from invoicepay.adapters.group_commit.seats import (
    GO_ALONE,
    MOST,
    CarryOut,
    Told,
    by_itself,
    is_inside,
    own,
    together,
    unknown,
)
from invoicepay.adapters.system import blocking_sleep

T = TypeVar("T")


class _Place(Enum):
    """Where a caller is."""

    OUTSIDE = auto()
    WAITING = auto()
    TAKEN = auto()
    AT_WORK = auto()


class _Seat:
    """One caller with its item.

    Attributes:
        line: where it stands, or those who stand there while it is at work.
        bell: held until the caller is told something or called to work; None when it need not wait.
        batch: the seats that it works for, its own first.
        is_begun: their items were handed to `carry_out`.
    """

    __slots__ = ("batch", "bell", "carry_out", "is_begun", "item", "line", "place", "told")

    def __init__(self, item: Any, carry_out: CarryOut) -> None:
        self.item, self.carry_out = item, carry_out
        self.place = _Place.OUTSIDE
        self.line: deque[_Seat]
        self.bell: threading.Lock | None = None
        self.batch: list[_Seat] = []
        self.is_begun = False
        self.told: Told | None = None

    def ring(self) -> None:
        """Let the caller look; ringing twice is ringing once."""
        if self.bell is not None and self.bell.locked():
            self.bell.release()


class ThreadGroupCommit:
    """Lets threads share transactions; it starts none.

    A group has a line while somebody is at work for it: one at a time, because two get in each other's way
    more than they gain. Whoever has worked hands over to one of those who wait, so that nobody works for
    others twice. What breaks a caller off, such as Ctrl-C, undoes its own part alone.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._refusal: Exception | None = None
        self.start_afresh()
        _everyone.add(self)

    def start_afresh(self) -> None:
        """Forget everybody: after a fork the other threads are gone, and one may have held the lock."""
        self._lock = threading.Lock()
        self._lines: dict[str, deque[_Seat]] = {}

    async def __call__(
        self, group: str, item: T, carry_out: Callable[[Sequence[T]], Awaitable[Sequence[Any]]]
    ) -> Any:
        if is_inside():
            return await by_itself(item, carry_out)
        seat = _Seat(item, carry_out)
        try:
            self._come(group, seat)
            if seat.bell is None:
                return await by_itself(item, carry_out)
            seat.bell.acquire()
            if seat.told is None:
                await self._work(seat)
        finally:
            self._leave(group, seat)
        assert seat.told is not None, "whoever was at work tells everybody something"
        return await by_itself(item, carry_out) if seat.told is GO_ALONE else seat.told.given()

    def close(self, refusal: Exception) -> None:
        with self._lock:
            self._refusal = refusal

    def _come(self, group: str, seat: _Seat) -> None:
        with self._lock:
            if self._refusal is not None:
                raise own(self._refusal)
            line = self._lines.get(group)
            if line is None:
                seat.line = self._lines[group] = deque()
                seat.place = _Place.AT_WORK
                return
            seat.bell = threading.Lock()
            seat.bell.acquire()
            line.append(seat)
            seat.line, seat.place = line, _Place.WAITING

    async def _work(self, seat: _Seat) -> None:
        self._take(seat)
        seat.is_begun = True
        answers = await together([one.item for one in seat.batch], seat.carry_out)
        for one, told in zip(seat.batch, answers, strict=True):
            one.told = told
            if one is not seat:
                one.ring()
        seat.batch = []
        await blocking_sleep(0)  # lets go of the interpreter: whom it answered may come again at once

    def _take(self, seat: _Seat) -> None:
        with self._lock:
            line = seat.line
            seat.batch = [seat, *(line.popleft() for _ in range(min(len(line), self._most - 1)))]
            for one in seat.batch[1:]:
                one.place = _Place.TAKEN

    def _leave(self, group: str, seat: _Seat) -> None:
        with self._lock:
            place, seat.place = seat.place, _Place.OUTSIDE
            if place is _Place.WAITING:
                seat.line.remove(seat)
            elif place is _Place.AT_WORK and self._lines.get(group) is seat.line:  # else it was forked off
                self._give_up(seat)
                self._hand_over(group, seat.line)

    def _give_up(self, seat: _Seat) -> None:
        """Those whom it worked for and has not told anything: back to their places, or nobody knows."""
        left, seat.batch = seat.batch[1:], []
        if not seat.is_begun:
            seat.line.extendleft(reversed(left))
        for one in left:
            if not seat.is_begun:
                one.place = _Place.WAITING
                continue
            one.told = one.told or unknown()
            one.ring()

    def _hand_over(self, group: str, line: deque[_Seat]) -> None:
        while line and self._refusal is not None:
            refused = line.popleft()
            refused.place, refused.told = _Place.TAKEN, Told(error=own(self._refusal))
            refused.ring()
        if line:
            following = line.popleft()
            following.place = _Place.AT_WORK
            following.ring()
        else:
            del self._lines[group]


_everyone: WeakSet[ThreadGroupCommit] = WeakSet()


def _start_afresh() -> None:
    for group_commit in _everyone:
        group_commit.start_afresh()


os.register_at_fork(after_in_child=_start_afresh)
