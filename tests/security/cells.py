"""Every cell of who may do what: each call in the scene, by each kind of actor, as the rules say it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from invoicepay import InvoicePay, InvoicePayError
from invoicepay.domain.authority import COMMANDS, RULES, Access, Permission
from invoicepay.domain.parties import Actor, Role
from invoicepay.use_cases.perform import DENIALS
from tests.input.calls import CALLS, make
from tests.input.scene import Scene, changed, scene

PEOPLE = ("ann", "bob", "cho", "eve", "acme", "globex", "nobody")
CLERK = "staff:17"
ELSEWHERE = ("tenant", "acting_as", "sim.", "webhooks.")
"""Calls that ask nothing of the books by themselves, or through which the outside speaks."""
MANY = "_many"
"""Batches answer each of their calls by itself."""


@dataclass
class Recorder:
    """An authoriser that keeps what it is asked, and answers what it is told to, but for what it spares."""

    answer: Any = Permission.ALLOW
    spares: tuple[str, ...] = ()
    fails_with: Exception | None = None
    asked: list[Access] = field(default_factory=list[Access])

    def authorize(self, access: Access) -> Permission:
        self.asked.append(access)
        if self.fails_with is not None:
            raise self.fails_with
        answer: Permission = Permission.ALLOW if access.operation in self.spares else self.answer
        return answer


@dataclass
class Ground:
    """A scene with a recorder in it; whatever a call changed is taken back."""

    scene: Scene
    recorder: Recorder
    stored: dict[str, Any]
    known: dict[str, list[Access]] = field(default_factory=dict[str, "list[Access]"])

    @contextmanager
    def fresh(self) -> Iterator[Scene]:
        """The scene as at the beginning, for one call."""
        self.scene.rewind(self.stored)
        self.recorder.answer, self.recorder.fails_with, self.recorder.spares = Permission.ALLOW, None, ()
        self.recorder.asked.clear()
        yield self.scene

    def asked_by(self, call: str) -> list[Access]:
        """What an operator's call asks the authoriser."""
        if call not in self.known:
            with self.fresh() as here:
                make(here, call)
                self.known[call] = list(self.recorder.asked)
        return self.known[call]

    def outcome(self, call: str, pay: InvoicePay) -> Outcome:
        """What a call comes to, and what it leaves."""
        with self.fresh() as here:
            before = here.stored()
            try:
                make(here, call, pay)
            except InvoicePayError as error:
                return Outcome(error, changed(before, here.stored()))
            return Outcome(None, changed(before, here.stored()))


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    error: InvoicePayError | None
    left: list[str]

    @property
    def is_denied(self) -> bool:
        """Whether it was refused for who asked."""
        return isinstance(self.error, DENIALS)


@contextmanager
def ground() -> Iterator[Ground]:
    """One scene in memory for all cells."""
    recorder = Recorder()
    with scene(authorizer=recorder) as made:
        yield Ground(made, recorder, made.stored())


def calls() -> list[str]:
    """Every call that asks for something, one at a time."""
    return [call for call in CALLS if not call.startswith(ELSEWHERE) and not call.endswith(MANY)]


def commands(ground: Ground) -> Iterator[tuple[str, list[Access]]]:
    """The calls that give a command, each with what it asks the authoriser."""
    for call in calls():
        accesses = ground.asked_by(call)
        if any(access.operation in COMMANDS for access in accesses):
            yield call, accesses


def actors(pay: InvoicePay) -> Iterator[tuple[Actor, InvoicePay]]:
    """Every kind of actor: the operator's people, each party, and somebody in the place of each."""
    yield Actor("eva", Role.OPERATOR), pay.acting_as("eva", role="operator")
    for id in PEOPLE:
        yield Actor(id, Role.PARTY), pay.acting_as(id)
        yield Actor(CLERK, Role.PARTY, on_behalf_of=id), pay.acting_as(CLERK, on_behalf_of=id)


def may(actor: Actor, accesses: list[Access]) -> bool:
    """What the rules say about an actor whose call asks this; what takes two people takes the operator's."""
    takes_two = any(access.approved_by for access in accesses)
    is_allowed = all(RULES[access.operation].allows(actor, access.sides) for access in accesses)
    return is_allowed and not (takes_two and actor.role is Role.PARTY)
