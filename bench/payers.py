"""Workers that pay: many per call, one after the other, by threads, by tasks, and as payments arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from bench import workload
from bench.checks import Answer, answer, pay_one
from bench.clients import awaiting, blocking
from bench.loads import Lane, Paid
from invoicepay import AsyncInvoicePay, InvoicePay, InvoicePayError, Pay

T = TypeVar("T")
R = TypeVar("R")
Outcome = Any
Timed = tuple[Answer, float]


def in_batches(lane: Lane) -> Iterator[Any]:
    """Many per call."""
    with blocking(lane.url, stream=lane.name) as pay:
        if lane.warm:
            pay.invoices.pay_many(lane.warm)
        yield
        batches = workload.batches(lane.asked, lane.together)
        timed = [_timed(lambda batch: _answers(pay.invoices.pay_many(batch)), batch) for batch in batches]
        yield
        yield _paid([(one, seconds) for answers, seconds in timed for one in answers])


def one_after_the_other(lane: Lane) -> Iterator[Any]:
    """One caller of the ordinary call."""
    with blocking(lane.url, stream=lane.name, group_commit=lane.group_commit) as pay:
        for one in lane.warm:
            pay_one(pay, one)
        yield
        timed = [_timed(lambda one: answer(pay_one(pay, one)), one) for one in lane.asked]
        yield
        yield _paid(timed)


def by_threads(lane: Lane) -> Iterator[Any]:
    """So many threads that share one client."""
    with (
        blocking(lane.url, stream=lane.name) as pay,
        ThreadPoolExecutor(max_workers=lane.together) as pool,
    ):
        list(pool.map(lambda one: pay_one(pay, one), lane.warm))
        yield
        timed: list[Any] = [None] * len(lane.asked)
        turn = count()
        for caller in [pool.submit(_calling, pay, lane.asked, turn, timed) for _ in range(lane.together)]:
            caller.result()
        yield
        yield _paid(timed)


def _calling(pay: InvoicePay, asked: Sequence[Pay], turn: Iterator[int], timed: list[Any]) -> None:
    """One thread: whatever payment is next, until there is none."""
    while (number := next(turn)) < len(asked):
        timed[number] = _timed(lambda one: answer(pay_one(pay, one)), asked[number])


def by_tasks(lane: Lane) -> Iterator[Any]:
    """So many tasks that share one client."""
    with awaiting(lane.url, stream=lane.name) as (pay, loop):
        loop.run(_all(pay, lane.warm, lane.together))
        yield
        timed = loop.run(_all(pay, lane.asked, lane.together))
        yield
        yield _paid(timed)


async def _all(pay: AsyncInvoicePay, asked: Sequence[Pay], callers: int) -> list[Timed]:
    timed: list[Any] = [None] * len(asked)
    turn = count()

    async def calling() -> None:
        while (number := next(turn)) < len(asked):
            began = time.perf_counter()
            timed[number] = await _awaited(pay, asked[number]), time.perf_counter() - began

    await asyncio.gather(*(calling() for _ in range(callers)))
    return timed


def as_they_arrive(lane: Lane) -> Iterator[Any]:
    """Payments come at their rate, whether or not earlier ones are done; timed from when each was to come."""
    with awaiting(lane.url, stream=lane.name) as (pay, loop):
        loop.run(_all(pay, lane.warm, len(lane.warm)))
        yield
        timed = loop.run(_arriving(pay, lane.asked, lane.rate))
        yield
        yield _paid(timed)


async def _arriving(pay: AsyncInvoicePay, asked: Sequence[Pay], rate: float) -> list[Timed]:
    began = time.perf_counter()

    async def come(one: Pay, due: float) -> Timed:
        return await _awaited(pay, one), time.perf_counter() - due

    coming = []
    for number, one in enumerate(asked):
        due = began + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        coming.append(asyncio.create_task(come(one, due)))
    return await asyncio.gather(*coming)


async def _awaited(pay: AsyncInvoicePay, one: Pay) -> Answer:
    try:
        paid = await pay.invoices.pay(
            one.invoice, payer=one.payer, amount=one.amount, idempotency_key=one.idempotency_key
        )
    except InvoicePayError as refusal:
        return answer(refusal)
    return answer(paid)


def _answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    """What is kept of outcomes; a host lets go of them, too."""
    return [answer(one) for one in outcomes]


def _timed(call: Callable[[T], R], asked: T) -> tuple[R, float]:
    began = time.perf_counter()
    return call(asked), time.perf_counter() - began


def _paid(timed: Sequence[Timed]) -> Paid:
    return Paid(answers=[one for one, _ in timed], seconds=[seconds for _, seconds in timed])
