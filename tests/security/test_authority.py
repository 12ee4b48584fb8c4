"""Who may do what is data, asked inside the transaction, and the default is no (S-01)."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import invoicepay.use_cases
from invoicepay.domain.access import authorise, require_authorised
from invoicepay.domain.authority import COMMANDS, LOOKS, RULES, Permission, SecondPerson, Side
from invoicepay.domain.change import Change, Context, Snapshot
from invoicepay.domain.parties import Actor, Role
from invoicepay.domain.policies import Programme
from invoicepay.errors import (
    AuthorizerUnavailable,
    IdentityError,
    InvoicePayError,
    NotAllowed,
    NotFound,
    SecondActorRequired,
)
from invoicepay.testing.clock import FrozenClock
from invoicepay.use_cases.perform import DENIALS, UseCase
from tests.input.calls import CALLS, Id, make
from tests.input.scene import scene
from tests.security.cells import Ground, actors, calls, commands, ground, may

RECORD = ["home.audit"]
"""All that a denied call leaves in memory."""


@pytest.fixture(scope="module")
def cells() -> Iterator[Ground]:
    with ground() as made:
        yield made


def use_cases() -> dict[str, UseCase[Any, Any]]:
    """Every use case of the library by its name."""
    found: dict[str, UseCase[Any, Any]] = {}
    modules = pkgutil.walk_packages(invoicepay.use_cases.__path__, "invoicepay.use_cases.")
    for module in modules:
        for _, value in inspect.getmembers(importlib.import_module(module.name)):
            if isinstance(value, UseCase):
                found[value.name] = value
    return found


def test_every_command_has_a_rule_and_every_rule_a_command() -> None:
    assert use_cases().keys() == COMMANDS.keys()
    assert not COMMANDS.keys() & LOOKS.keys()


def a_change(operation: str, actor: Actor) -> Change:
    now = FrozenClock().now()
    context = Context(
        tenant_id="t",
        actor=actor,
        now=now,
        key="k",
        programme=Programme(),
        new_id=lambda prefix: f"{prefix}_1",
        operation=operation,
    )
    return Change(Snapshot(now), context)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.PARTY])
@pytest.mark.parametrize("operation", [*COMMANDS, "nobody.knows", ""])
def test_a_decision_that_asks_nobody_is_refused(operation: str, role: Role) -> None:
    with pytest.raises(NotAllowed):
        require_authorised(a_change(operation, Actor("eva", role)))


@pytest.mark.parametrize("operation", ["nobody.knows", ""])
@pytest.mark.parametrize("role", Role)
def test_what_has_no_rule_is_refused_to_everybody(operation: str, role: Role) -> None:
    change = a_change(operation, Actor("eva", role))

    with pytest.raises(NotAllowed):
        authorise(change, payer="eva", enterprise="eva")
    with pytest.raises(NotAllowed):
        require_authorised(change)


@pytest.mark.parametrize("operation", COMMANDS)
def test_roles_and_sides_are_as_the_rule_says(operation: str) -> None:
    rule = COMMANDS[operation]

    for role, is_allowed in ((Role.OPERATOR, rule.operator), (Role.SYSTEM, rule.system)):
        assert is_admitted(operation, Actor("eva", role)) is is_allowed
    for side in Side:
        assert is_admitted(operation, Actor("ann", Role.PARTY), side) is (side in rule.sides)
        assert not is_admitted(operation, Actor("bob", Role.PARTY), side)


def is_admitted(operation: str, actor: Actor, side: Side = Side.OWNER) -> bool:
    """Whether an actor may, towards a thing whose only party is ann."""
    try:
        authorise(a_change(operation, actor), **{side.value: "ann"})
    except IdentityError:
        return False
    return True


@pytest.mark.parametrize("operation", [name for name, rule in COMMANDS.items() if rule.second == "always"])
def test_a_rule_that_wants_two_people_does_not_pass_with_one(operation: str) -> None:
    change = a_change(operation, Actor("eva", Role.OPERATOR))
    authorise(change)

    with pytest.raises(SecondActorRequired):
        require_authorised(change)
    change.approve("cfo")
    require_authorised(change)


def test_every_call_answers_every_actor_as_the_rules_say(cells: Ground) -> None:
    wrong, seen = list[str](), 0
    for call, accesses in commands(cells):
        for actor, pay in actors(cells.scene.pay):
            came, seen = cells.outcome(call, pay), seen + 1
            if came.is_denied is may(actor, accesses):
                wrong.append(f"{call} by {actor} ({actor.role}): {came.error!r}")
            elif came.is_denied and came.left != RECORD:
                wrong.append(f"{call} by {actor}: denied, and left {came.left}")
            elif not came.is_denied and came.error is not None:
                wrong.append(f"{call} by {actor}: {came.error!r}")

    assert wrong == []
    assert seen > 900


def test_every_command_is_asked_for_by_a_call_or_by_the_library_itself(cells: Ground) -> None:
    asked = {access.operation for call in calls() for access in cells.asked_by(call)}
    own = {name for name, rule in COMMANDS.items() if rule.system}

    assert COMMANDS.keys() - asked - own == set()


def test_who_may_not_is_told_nothing_of_the_state(cells: Ground) -> None:
    told = list[str]()
    for call, accesses in commands(cells):
        if not may(Actor("nobody", Role.PARTY), accesses):
            told += [f"{call}({thing}): {error!r}" for thing, error in refusals(cells, call) if error]

    assert told == []


def refusals(cells: Ground, call: str) -> Iterator[tuple[str, InvoicePayError | None]]:
    """What a stranger is told of things of the same kind in other states, where it is not that he may not."""
    stranger = cells.scene.pay.acting_as("nobody")
    for name, value in CALLS[call].items():
        if not isinstance(value, Id):
            continue
        prefix = cells.scene.things[value].partition("_")[0]
        for thing, id in cells.scene.things.items():
            if id.partition("_")[0] == prefix and "code" not in thing:
                with cells.fresh() as here, pytest.raises(InvoicePayError) as caught:
                    make(here, call, stranger, **{name: id})
                yield thing, None if isinstance(caught.value, DENIALS) else caught.value


def test_the_host_can_forbid_everything(cells: Ground) -> None:
    done = list[str]()
    for call in calls():
        with cells.fresh() as here:
            before = here.stored()
            cells.recorder.answer = Permission.DENY
            try:
                make(here, call)
            except (*DENIALS, NotFound) as refusal:
                is_hidden = isinstance(refusal, NotFound)
            else:
                done.append(call)
                continue
            after = here.stored()
            left = [name for name in after if after[name] != before[name]]
            if left != ([] if is_hidden else RECORD):
                done.append(f"{call} left {left}")

    assert done == []


@pytest.mark.parametrize("answer", [None, True, 1, "yes", "", object()])
def test_only_a_yes_is_a_yes(cells: Ground, answer: object) -> None:
    with cells.fresh() as here:
        cells.recorder.answer = answer

        with pytest.raises(NotAllowed):
            make(here, "invoices.void")


def test_an_authoriser_that_fails_lets_nothing_through(cells: Ground) -> None:
    for call in ("invoices.pay", "withdrawals.initiate", "transfers.send", "audit.verify", "invoices.list"):
        with cells.fresh() as here:
            before = here.stored()
            cells.recorder.fails_with = ConnectionError("policy service is away")

            with pytest.raises(AuthorizerUnavailable) as caught:
                make(here, call)

            after = here.stored()
            assert caught.value.retryable
            assert [name for name in after if after[name] != before[name]] == RECORD


def test_the_host_cannot_allow_what_the_rules_forbid(cells: Ground) -> None:
    with cells.fresh() as here, pytest.raises(NotAllowed):
        make(here, "wallets.freeze", here.pay.acting_as("ann"))

    assert cells.recorder.asked == []


def test_the_host_is_shown_the_locked_row_and_the_command(cells: Ground) -> None:
    with cells.fresh() as here:
        stored = here.pay.holds.get(here.things["hold"])
        cells.recorder.asked.clear()

        here.pay.acting_as("acme").holds.release(stored, reason="sold out")

    (access,) = cells.recorder.asked
    assert (access.tenant_id, access.operation, access.kind) == ("home", "holds.release", "hold")
    assert access.row == stored
    assert access.sides == {Side.PAYEE: "acme"}
    assert access.command.reason == "sold out"


def test_the_host_can_want_a_second_person(cells: Ground) -> None:
    with cells.fresh() as here:
        cells.recorder.answer = Permission.SECOND_PERSON

        with pytest.raises(SecondActorRequired):
            make(here, "wallets.freeze")
        with pytest.raises(SecondActorRequired):
            make(here, "deposits.confirm", approved_by="host")
        make(here, "deposits.confirm", approved_by="cfo")


def test_the_library_itself_is_not_asked_about(cells: Ground) -> None:
    with cells.fresh() as here:
        cells.recorder.answer, cells.recorder.spares = Permission.DENY, ("run_pending",)

        assert here.pay.run_pending().moved


def test_a_denied_key_may_be_used_once_somebody_may(cells: Ground) -> None:
    with cells.fresh() as here:
        with pytest.raises(IdentityError):
            make(here, "invoices.void", here.pay.acting_as("bob"), idempotency_key="void-1")
        voided = make(here, "invoices.void", idempotency_key="void-1")

        assert (voided.status, voided.replayed) == ("void", False)
        assert here.pay.invariants.check() == ()
        assert here.pay.audit.verify()


def test_a_denied_call_leaves_its_record_and_nothing_else_in_a_database(tmp_path: Path) -> None:
    with scene(f"sqlite:///{tmp_path / 'pay.db'}") as here:
        count = len(here.pay.audit.operations())
        for call in ("invoices.pay", "invoices.void", "wallets.freeze", "withdrawals.cancel", "audit.seal"):
            before = here.stored()

            with pytest.raises(IdentityError):
                make(here, call, here.pay.acting_as("nobody"))

            after = here.stored()
            assert {name for name in after if after[name] != before[name]} == {"audit_log", "audit_streams"}
        assert len(here.pay.audit.operations()) == count + 5
        assert here.pay.invariants.check() == ()


def test_second_people_are_those_of_the_specification() -> None:
    taking = {name: rule.second for name, rule in RULES.items() if rule.second is not SecondPerson.NEVER}

    assert taking == {
        "bank_accounts.enable": SecondPerson.ALWAYS,
        "deposits.confirm": SecondPerson.SOMETIMES,
        "deposits.write_off": SecondPerson.ALWAYS,
        "reserves.top_up": SecondPerson.ALWAYS,
        "tokens.open_positions": SecondPerson.ALWAYS,
        "payments.reverse": SecondPerson.ALWAYS,
        "credits.refund": SecondPerson.SOMETIMES,
        "effects.resolve_review": SecondPerson.ALWAYS,
        "effects.resend": SecondPerson.ALWAYS,
        "effects.resume": SecondPerson.ALWAYS,
        "effects.resume_everywhere": SecondPerson.ALWAYS,
    }
