"""A call under its key: what is decided with, what is stored of it, and what a repetition says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, cast

import pytest

from invoicepay.domain.audit import OPERATIONS, AuditRecord
from invoicepay.domain.authority import RULES, Access, Permission, Rule
from invoicepay.domain.change import Change, Context
from invoicepay.domain.parties import Actor, Party, Role
from invoicepay.domain.policies import Programme
from invoicepay.errors import (
    IdempotencyConflict,
    InsufficientFunds,
    InvalidKey,
)
from invoicepay.use_cases.perform import (
    UseCase,
    call_of,
    fingerprint,
    own_call,
    perform,
    perform_many,
)
from tests.support.desk import Desk
from tests.support.free import free
from tests.support.greetings import (
    GREET,
    NAME,
    PAIR,
    PARTIES,
    Greet,
    Pair,
    calls_of,
    names,
    needs_of,
    party_of,
    watched,
)

# the digest of what is asked


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


ESCAPED = r'[1,"tests.hello","ops","operator",{"name":"\u00e9","note":"x"}]'
FINGERPRINTS: list[tuple[Greet, Actor, str]] = [
    (Greet(name="ann"), Actor("ops"), '[1,"tests.hello","ops","operator",{"name":"ann"}]'),
    (Greet(name="ann"), Actor("ann", Role.PARTY), '[1,"tests.hello","ann","party",{"name":"ann"}]'),
    (Greet(name="é", note="x"), Actor("ops"), ESCAPED),
    (Greet(name="ann", nonce="n"), Actor("ops"), '[1,"tests.hello","ops","operator",{"name":"ann"}]'),
    (Greet(name="ann"), Actor("ops", request_id="r"), '[1,"tests.hello","ops","operator",{"name":"ann"}]'),
    (
        Greet(name="ann"),
        Actor("eva", Role.PARTY, on_behalf_of="ann"),
        '[1,"tests.hello","eva","party","ann",{"name":"ann"}]',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "actor", "text"), FINGERPRINTS, ids=range(len(FINGERPRINTS)))
def test_the_digest_of_a_call_is_of_operation_actor_and_what_is_no_default(
    command: Greet, actor: Actor, text: str
) -> None:
    desk = Desk(actor=actor)

    assert fingerprint("tests.hello", command, actor) == digest(text)
    assert call_of(desk.deps, GREET, command, "k").fingerprint == digest(text)
    assert own_call(desk.deps, GREET, command).fingerprint == digest(text)


def test_a_call_has_the_hosts_key_or_one_that_nobody_can_have_used() -> None:
    desk = Desk()
    repository = watched(desk)
    given, own = (call_of(desk.deps, GREET, Greet(name="ann"), key) for key in ("order-7", None))

    assert (given.scope, given.is_new) == (("tests.hello", "order-7"), False)
    assert (own.key.startswith("key_"), own.is_new) == (True, True)
    assert own.key != own_call(desk.deps, GREET, Greet(name="ann")).key
    desk.run(perform_many(desk.deps, [own, given]))
    assert repository.asked_keys == [[("tests.hello", "order-7")]]
    assert {reply.key for reply in repository.replies} == {own.key, "order-7"}


def test_where_the_programme_requires_keys_a_call_without_one_is_refused() -> None:
    desk = Desk(Programme(require_idempotency_keys=True))

    with pytest.raises(InvalidKey) as refused:
        call_of(desk.deps, GREET, Greet(name="ann"), None)

    assert refused.value.message == "this programme requires an idempotency key on every call"
    assert own_call(desk.deps, GREET, Greet(name="ann")).is_new


# what is stored, and what a repetition says


def test_what_is_stored_of_a_call_is_its_scope_digest_outcome_and_instant() -> None:
    desk = Desk()
    repository = watched(desk)
    done, refused = calls_of(desk, "ann", "poor")

    ann, _ = desk.run(perform_many(desk.deps, [done, refused]))

    first, second = repository.replies
    assert [(one.operation, one.key, one.fingerprint, one.is_error) for one in repository.replies] == [
        ("tests.hello", "key-0", done.fingerprint, False),
        ("tests.hello", "key-1", refused.fingerprint, True),
    ]
    assert first.recorded_at == second.recorded_at == desk.clock.now() == ann.created_at
    assert first.body.startswith('{"') and '"id":"ann"' in first.body
    assert '"code":"insufficient_funds"' in second.body


@pytest.mark.parametrize("use_case", [GREET, PAIR, PARTIES, NAME], ids=lambda one: one.name)
def test_a_repetition_gives_the_same_result_with_every_row_marked(use_case: UseCase[Greet, Any]) -> None:
    desk = Desk()
    first, again = (desk.run(perform(desk.deps, use_case, Greet(name="ann"), "k")) for _ in range(2))

    assert again == first
    assert type(again) is type(first)
    assert [row.replayed for row in rows_in(first)] == [False] * len(rows_in(first))
    assert [row.replayed for row in rows_in(again)] == [True] * len(rows_in(first))


def rows_in(result: Any) -> list[Party]:
    if isinstance(result, Pair):
        return [result.first, *result.others]
    return [result] if isinstance(result, Party) else [row for row in result if isinstance(row, Party)]


def test_a_refusal_that_depended_on_state_is_repeated_word_for_word() -> None:
    desk = Desk()
    repository = watched(desk)
    told = []
    for _ in range(2):
        with pytest.raises(InsufficientFunds) as refused:
            desk.run(perform(desk.deps, GREET, Greet(name="poor"), "k"))
        told.append(refused.value.to_record())

    assert told[0] == told[1]
    assert told[0]["details"] == {"available": "0.00 USD"}
    assert len(repository.replies) == 1


def test_a_key_of_another_content_is_a_conflict_that_names_both() -> None:
    desk = Desk()
    desk.run(perform(desk.deps, GREET, Greet(name="ann"), "k"))

    with pytest.raises(IdempotencyConflict) as refused:
        desk.run(perform(desk.deps, GREET, Greet(name="ben"), "k"))

    assert refused.value.details == {"operation": "tests.hello", "key": "k"}
    assert names(desk) == ["ann"]
    assert desk.run(perform(desk.deps, PAIR, Greet(name="ben"), "k")).first.id == "ben"


# what surrounds a decision


def test_a_decision_sees_who_asks_what_when_and_under_which_key() -> None:
    seen: list[Context] = []

    def decide(command: Greet, change: Change) -> Party:
        seen.append(change.context)
        return party_of(command, change)

    desk = Desk(tenant_id="t-1", authorizer=Host())
    use_case, command = free("tests.seen", Party, needs_of, decide), Greet(name="ann")

    desk.run(perform(desk.deps, use_case, command, "k"))

    (context,) = seen
    assert (context.tenant_id, context.actor, context.key) == ("t-1", desk.deps.actor, "k")
    assert (context.operation, context.command, context.now) == ("tests.seen", command, desk.clock.now())
    assert context.programme is desk.deps.programme
    assert (context.new_id("inv")[:4], len(context.nonce())) == ("inv_", 32)


class Host:
    """A host that lets only Ann be greeted."""

    def authorize(self, access: Access) -> Permission:
        """Its say, by the command itself."""
        return Permission.ALLOW if access.command.name == "ann" else Permission.DENY


def test_who_may_not_leaves_a_record_and_a_key_that_may_be_used_again() -> None:
    desk = Desk(authorizer=Host())
    repository = watched(desk)
    call, _ = calls_of(desk, "ben", "ann")

    (denial,) = desk.run(perform_many(desk.deps, [call]))

    record = trail(desk)[-1]
    assert (denial.code, names(desk), repository.replies) == ("not_allowed", [], [])
    assert (record.actor, record.action, record.denied) == ("ops", "tests.hello", "not_allowed")
    assert record.reason == denial.message == "ops may not: tests.hello"
    desk.deps = replace(desk.deps, authorizer=None)
    assert desk.run(perform_many(desk.deps, [call]))[0].id == "ben"


def test_a_decision_that_asked_nobody_is_denied() -> None:
    def decide(command: Greet, change: Change) -> Party:
        return party_of(command, change)

    use_case = UseCase("tests.hello", Party, needs_of, decide)
    desk = Desk()

    (denial,) = desk.run(perform_many(desk.deps, [call_of(desk.deps, use_case, Greet(name="ann"), "k")]))

    assert (denial.code, names(desk)) == ("not_allowed", [])


def test_what_the_rule_says_is_noted_is_in_the_log_of_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    use_case = free("tests.noted", Party, needs_of, party_of)
    rules = cast("dict[str, Rule]", RULES)
    monkeypatch.setitem(rules, "tests.noted", replace(rules["tests.noted"], is_noted=True))

    desk.run(perform(desk.deps, use_case, Greet(name="ann")))
    desk.run(perform(desk.deps, GREET, Greet(name="ben")))

    noted = {record.action: record.stream == OPERATIONS for record in trail(desk)}
    assert noted == {"tests.noted": True, "tests.hello": False}


def trail(desk: Desk) -> list[AuditRecord]:
    """Every audit record, stream by stream."""

    async def read() -> list[AuditRecord]:
        async with desk.deps.repository.reader(desk.deps.tenant_id) as reader:
            streams = [head.stream for head in await reader.audit_heads()]
            return [record for name in streams for record in await reader.audit_records(stream=name)]

    return desk.run(read())
