"""Work side by side in processes of its own: all prepare first, then start together and are measured."""

from __future__ import annotations

import gc
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.cpu import Spent

Task = Callable[[Any], Iterator[Any]]
"""A generator: it prepares up to its first yield, works up to the second, and yields the result third."""

PATIENCE_SECONDS = 30


class WorkerFailed(Exception):
    """A worker ended with an error; the text is its traceback."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process did between start and end."""

    result: Any
    began: float
    ended: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What all processes did together.

    Attributes:
        seconds: from the first start to the last end.
        client_seconds: CPU of the processes.
        server: CPU of the database meanwhile, where it can be told.
    """

    results: list[Any]
    seconds: float
    client_seconds: float
    server: Spent | None = None

    def micros(self, count: int) -> dict[str, float]:
        """CPU for each of `count` pieces of work, in microseconds."""
        parts = {"client_us": self.client_seconds}
        if self.server is not None:
            parts |= {"server_us": self.server.sessions, "background_us": self.server.others}
        return {name: seconds / count * 1e6 for name, seconds in parts.items()}


def side_by_side(task: Task, parts: Sequence[Any], meter: Callable[[], Spent | None] = lambda: None) -> Load:
    """Run the task once for each part, each in a process of its own.

    Raises:
        WorkerFailed: in preparation or at work.
    """
    clean = multiprocessing.get_context("forkserver")
    clean.set_forkserver_preload(["bench.ready"])
    pipes = [clean.Pipe() for _ in parts]
    processes = [
        clean.Process(target=_serve, args=(task, part, theirs), daemon=True)
        for part, (_, theirs) in zip(parts, pipes, strict=True)
    ]
    try:
        for process, (_, theirs) in zip(processes, pipes, strict=True):
            process.start()
            theirs.close()
        return _load([ours for ours, _ in pipes], meter)
    finally:
        for process, (ours, _) in zip(processes, pipes, strict=True):
            ours.close()
            process.join(PATIENCE_SECONDS)
            if process.is_alive():
                process.terminate()


def _settle_down() -> None:
    """What is there to stay is not looked through at every collection again, as servers do it."""
    gc.collect()
    gc.freeze()


def _load(pipes: Sequence[Connection], meter: Callable[[], Spent | None]) -> Load:
    for pipe in pipes:
        _heard(pipe)
    before = meter()
    for pipe in pipes:
        pipe.send("start")
    shares: list[Share] = [_heard(pipe) for pipe in pipes]
    after = meter()
    return Load(
        results=[share.result for share in shares],
        seconds=max(share.ended for share in shares) - min(share.began for share in shares),
        client_seconds=sum(share.cpu_seconds for share in shares),
        server=after - before if after and before else None,
    )


def _heard(pipe: Connection) -> Any:
    try:
        said = pipe.recv()
    except EOFError:
        raise WorkerFailed("a worker ended without a word") from None
    if isinstance(said, WorkerFailed):
        raise said
    return said


def _serve(task: Task, part: Any, pipe: Connection) -> None:
    """A worker's life: it keeps its connections until its CPU time was read."""
    try:
        steps = task(part)
        next(steps)
        _settle_down()
        pipe.send("ready")
        pipe.recv()
        began, used = time.monotonic(), time.process_time()
        next(steps)
        ended, spent = time.monotonic(), time.process_time() - used
        pipe.send(Share(next(steps), began, ended, spent))
    except (EOFError, KeyboardInterrupt):
        return
    except Exception:  # noqa: BLE001 - told to the parent, whatever it is
        pipe.send(WorkerFailed(traceback.format_exc()))
        return
    try:
        pipe.recv()
    except EOFError:
        for _ in steps:
            pass
