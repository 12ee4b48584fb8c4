"""All schedules of a pair: each must leave, and answer, what one of the two did before the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from invoicepay import InvoicePay
from invoicepay.adapters.simulated import Delivery
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.domain.entity import Entity
from invoicepay.errors import InvoicePayError
from invoicepay.ports.rails import RailStatus
from tests.crashes.ending import row_text
from tests.crashes.teller import SIGNATURES, keyed
from tests.input.calls import INSTEAD, arguments, looked_up
from tests.interleavings.ground import Ground
from tests.interleavings.pairs import Op, Pair
from tests.interleavings.schedules import Run, carried_out, every

ORDERS = (0, 1), (1, 0)
ONE_AFTER_THE_OTHER = 400
"""More steps than any call takes."""
ON_THE_WAY = ("audit_", "effect", "idempotency_keys", "outbox", "webhook_inbox")
"""Tables that also tell in how many steps the worker came to where it is."""
TURNS_OF_WORK = 3
"""The worker has many transactions: with it, schedules whose turn goes over more often are left out."""


@dataclass(frozen=True, slots=True)
class End:
    """What a schedule left and answered."""

    books: Mapping[str, int]
    answers: tuple[str, str]

    def unlike(self, other: End) -> list[str]:
        """What differs."""
        lines = [
            f"{name}: {mine}, not {its}"
            for name, mine, its in zip(("first", "second"), self.answers, other.answers, strict=True)
            if mine != its
        ]
        every_line = sorted({*self.books, *other.books})
        return lines + [
            f"{self.books.get(line, 0)} instead of {other.books.get(line, 0)} of {line}"
            for line in every_line
            if self.books.get(line, 0) != other.books.get(line, 0)
        ]


@dataclass
class Explored:
    """What came of a pair.

    Attributes:
        serial: whether the two orders leave different things; then something is at stake.
        waits: schedules in which one waited for a lock of the other.
        is_whole: whether all schedules were carried out.
    """

    pair: Pair
    schedules: int = 0
    serial: bool = False
    waits: int = 0
    is_whole: bool = True
    faults: list[str] = field(default_factory=list[str])


def explored(
    ground: Ground, pair: Pair, *, most: int = 100_000, single: bool = False, most_turns: int | None = None
) -> Explored:
    """Carry out every schedule of a pair.

    Args:
        most: stop after so many; then `is_whole` is false.
        single: let every statement travel alone.
        most_turns: only schedules in which the turn goes over at most so often.
    """
    fine = not pair.has_work
    most_turns = most_turns if fine else TURNS_OF_WORK
    for session in ground.table.sessions:
        session.fine, session.single = fine, single
    serial = [_end(ground, pair, _run(ground, pair, order)) for order in _serial_orders()]
    found = Explored(pair, serial=serial[0] != serial[1])
    for run in every(partial(_run, ground, pair), most_turns=most_turns):
        if found.schedules >= most:
            found.is_whole = False
            break
        found.schedules += 1
        found.waits += any(len(ready) == 1 for ready in run.ready[: _both_busy(run)])
        end = _end(ground, pair, run)
        if end not in serial:
            found.faults.append(_told(pair, run, end, serial))
    return found


def _serial_orders() -> tuple[tuple[int, ...], ...]:
    return tuple((first,) * ONE_AFTER_THE_OTHER for first, _ in ORDERS)


def _both_busy(run: Run) -> int:
    """The step after which one of the two was done."""
    last = {choice: place for place, choice in enumerate(run.choices)}
    return min(last.values()) + 1 if len(last) == 2 else 0


def _run(ground: Ground, pair: Pair, wanted: Sequence[int]) -> Run:
    ground.go_back()
    mail = _mail(ground) if pair.resting else []
    for number, before in enumerate(pair.before):
        _act(ground, before, ground.client(0, ids_of=2 + number), f"before-{number}", mail)()
    acts = (
        _act(ground, pair.first, ground.client(0), "first", mail),
        _act(ground, pair.second, ground.client(1), "second", mail),
    )
    return carried_out(ground.table, acts, wanted)


def _mail(ground: Ground) -> list[Delivery]:
    """The bank settles whatever is under way, and tells."""
    rails = ground.scene.rails
    rails.drain()
    for transfer in rails.transfers():
        if transfer.status is RailStatus.PENDING:
            rails.move(transfer.reference, BankCommand.SETTLE)
    return rails.drain()


def _act(ground: Ground, op: Op, pay: InvoicePay, key: str, mail: Sequence[Delivery]) -> Callable[[], Any]:
    """A call that is ready to be made."""
    asked = arguments(ground.scene, op.call)
    for name in op.other:
        asked |= INSTEAD.get((op.call, name), {})
    asked |= {name: looked_up(ground.scene, value) for name, value in op.other.items()}
    if op.call == "webhooks.receive":
        delivery = mail[asked["body"]]
        asked |= {"headers": delivery.headers, "body": delivery.body}
    if "idempotency_key" in SIGNATURES[op.call].parameters:
        asked["idempotency_key"] = key
    if "items" in asked:
        asked["items"] = [keyed(item, f"{key}-{n}") for n, item in enumerate(asked["items"])]
    target: Any = pay
    for part in op.call.split("."):
        target = getattr(target, part)
    return partial(target, **asked)


def _end(ground: Ground, pair: Pair, run: Run) -> End:
    """What there is; where the worker took part, once everything has come to rest."""
    first, second = (ground.plain(_text(answer)) for answer in run.answers)
    if not pair.has_work:
        return End(ground.told(), (first, second))
    ground.client(0, ids_of=8).run_pending(until_quiet=True)
    told = ground.told()
    return End({line: n for line, n in told.items() if not line.startswith(ON_THE_WAY)}, (first, second))


def _text(answer: Any) -> str:
    """An answer without ids, counts and instants.

    Raises:
        AssertionError: it is neither an answer nor a refusal.
    """
    if isinstance(answer, InvoicePayError):
        return f"refused: {answer.code}"
    assert not isinstance(answer, BaseException), repr(answer)
    if isinstance(answer, Entity):
        return row_text(answer)
    if isinstance(answer, list | tuple):
        return "; ".join(map(_text, answer))
    return type(answer).__name__


def _told(pair: Pair, run: Run, end: End, serial: Sequence[End]) -> str:
    nearest = min((end.unlike(other) for other in serial), key=len)
    lines = [f"{pair.name} with schedule {run.text}", *nearest[:6], *run.gates[:40]]
    return "\n    ".join(lines)
