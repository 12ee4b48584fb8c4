"""Calls in company: faults and trouble stay with their own call, and who was slower asks again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.change import Snapshot
from invoicepay.domain.needs import Needs, find, need
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.errors import (
    ConcurrentUpdate,
    DuplicateProviderReference,
    InsufficientFunds,
    InvoicePayError,
    OutcomeUnknown,
    StoreUnreachable,
)
from invoicepay.use_cases.perform import (
    Call,
    Deps,
    UseCase,
    answers_of,
    call_of,
    carry_out,
    perform,
    perform_many,
)
from tests.support.desk import Desk
from tests.support.free import free
from tests.support.greetings import (
    GREET,
    Greet,
    calls_of,
    names,
    party_of,
    raising,
    watched,
)


@pytest.mark.parametrize("size", range(1, 8))
def test_a_fault_of_the_program_is_the_answer_of_its_own_call_alone(size: int) -> None:
    for place in range(size):
        desk = Desk()
        wanted = [f"p{n}" for n in range(size)]
        wanted[place] = "broken"

        answers = desk.run(answers_of(desk.deps, calls_of(desk, *wanted)))

        assert [isinstance(answer, KeyError) for answer in answers] == [n == place for n in range(size)]
        assert [a.id for a in answers if isinstance(a, Party)] == names(desk)
        assert names(desk) == [name for name in wanted if name != "broken"]


def test_in_a_batch_of_the_host_a_fault_is_raised_and_the_neighbours_are_done() -> None:
    desk = Desk()

    with pytest.raises(KeyError, match="broken"):
        desk.run(perform_many(desk.deps, calls_of(desk, "ann", "broken", "ben")))

    assert names(desk) == ["ann", "ben"]


TROUBLE: list[Callable[[], InvoicePayError]] = [
    lambda: OutcomeUnknown(retry_same_key="all of them"),
    lambda: StoreUnreachable("no way there", host="db"),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=["unknown", "unreachable"])
def test_trouble_with_the_store_is_told_to_each_call_by_its_own_key(
    trouble: Callable[[], InvoicePayError],
) -> None:
    desk = Desk()
    error = trouble()
    watched(desk).before_apply = raising(error)
    calls = calls_of(desk, "ann", "ben")

    answers = desk.run(answers_of(desk.deps, calls))
    with pytest.raises(type(error)) as raised:
        desk.run(perform_many(desk.deps, calls))

    assert raised.value is error
    assert [type(answer) for answer in answers] == [type(error)] * 2
    assert len({id(one) for one in (error, *answers)}) == 3
    if isinstance(error, OutcomeUnknown):
        assert [answer.details for answer in answers] == [{"retry_same_key": f"key-{n}"} for n in range(2)]
    else:
        assert [answer.to_record() for answer in answers] == [error.to_record()] * 2
    assert names(desk) == []


def contested(desk: Desk, use_case: UseCase[Greet, Any]) -> list[Any]:
    """Three calls, where the store knows the reference of the one in the middle already."""
    repository = watched(desk)

    def refuse(outcomes: Sequence[Any]) -> None:
        if any(row.id == "known" for outcome in outcomes for row in outcome.rows):
            raise DuplicateProviderReference(id="eff_1")

    repository.before_apply = refuse
    calls = [call_of(desk.deps, use_case, Greet(name=name), name) for name in ("ann", "known", "ben")]
    return desk.run(answers_of(desk.deps, calls))


def test_a_reference_that_only_the_store_knows_refuses_its_own_call() -> None:
    desk = Desk()

    ann, refused, ben = contested(desk, GREET)

    assert (ann.id, ben.id, names(desk)) == ("ann", "ben", ["ann", "ben"])
    assert (refused.code, refused.details) == ("duplicate_provider_reference", {"id": "eff_1"})


def test_or_is_commanded_otherwise_once_under_the_same_key() -> None:
    desk = Desk()
    other = replace(GREET, if_known=lambda command: replace(command, name=f"{command.name}-2"))

    ann, instead, ben = contested(desk, other)

    assert [ann.id, instead.id, ben.id] == ["ann", "known-2", "ben"]
    assert instead.idempotency_key == "known"
    again = desk.run(perform(desk.deps, GREET, Greet(name="known"), "known"))
    assert (again.id, again.replayed) == ("known-2", True)


def test_what_is_commanded_otherwise_and_contested_again_is_refused() -> None:
    desk = Desk()

    _, refused, _ = contested(desk, replace(GREET, if_known=lambda command: command))

    assert isinstance(refused, DuplicateProviderReference)


def test_another_fault_is_no_reason_to_command_otherwise() -> None:
    desk = Desk()
    other = replace(GREET, if_known=lambda command: replace(command, name="else"))

    (fault,) = desk.run(answers_of(desk.deps, [call_of(desk.deps, other, Greet(name="broken"), "k")]))

    assert isinstance(fault, KeyError)
    assert names(desk) == []


class Sharing:
    """A group commit that carries every call out together with one of a stranger, or loses sight of both."""

    def __init__(self, stranger: Call[Any, Any], error: Exception | None = None) -> None:
        self._stranger, self._error = stranger, error
        self.groups: list[str] = []

    async def __call__(
        self, group: str, item: Any, carry_out: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
    ) -> Any:
        self.groups.append(group)
        if self._error is not None:
            raise self._error
        _, answer = await carry_out([self._stranger, item])
        return answer

    def close(self, refusal: Exception) -> None:
        """Nobody waits."""


def shared(desk: Desk, error: Exception | None = None) -> tuple[Deps, Sharing]:
    sharing = Sharing(call_of(desk.deps, GREET, Greet(name="eve"), "hers"), error)
    return replace(desk.deps, group_commit=sharing), sharing


def test_calls_of_one_tenant_share_a_commit_and_keep_their_answers_apart() -> None:
    desk = Desk(tenant_id="t-1")
    repository = watched(desk)
    deps, sharing = shared(desk)

    ann = desk.run(carry_out(deps, call_of(deps, GREET, Greet(name="ann"), "k")))

    assert (ann.id, ann.replayed, names(desk)) == ("ann", False, ["ann", "eve"])
    assert sharing.groups == ["t-1"]
    assert len(repository.asked_keys) == 1
    with pytest.raises(InsufficientFunds):
        desk.run(perform(deps, GREET, Greet(name="poor"), "k2"))


def test_who_loses_sight_of_a_shared_commit_is_told_its_own_key_and_no_other() -> None:
    desk = Desk()
    deps, _ = shared(desk, OutcomeUnknown(retry_same_key="hers, k"))

    with pytest.raises(OutcomeUnknown) as unknown:
        desk.run(perform(deps, GREET, Greet(name="ann"), "k"))

    assert unknown.value.details == {"retry_same_key": "k"}
    assert unknown.value.__suppress_context__


# who was slower


def _search(command: Greet, seen: Snapshot) -> Needs:
    """First a row, then what a search finds."""
    first = need((Party, command.name))
    return first | need(finds=[USERS]) if seen.knows(Party, command.name) else first


USERS = find(Party, kind=PartyKind.USER)
LOOK = free("tests.look", Party, _search, party_of)


def test_who_was_slower_asks_at_once_for_all_that_it_had_asked_for_by_name() -> None:
    desk = Desk()
    desk.user("ben")
    repository = watched(desk)
    repository.before_apply = raising(ConcurrentUpdate(), times=1)

    ann = desk.run(perform(desk.deps, LOOK, Greet(name="ann"), "k"))

    first, second, again, *_ = repository.loads
    assert (set(first.rows), first.finds) == ({(Party, "ann")}, frozenset())
    assert second.finds == {USERS}
    assert (set(again.rows), again.finds) == ({(Party, "ann"), (Party, "ben")}, frozenset())
    assert (ann.id, ann.replayed, len(repository.replies)) == ("ann", False, 1)


def test_who_is_slower_every_time_gives_up_and_has_written_nothing() -> None:
    desk = Desk()
    repository = watched(desk)
    repository.before_apply = raising(ConcurrentUpdate())

    with pytest.raises(ConcurrentUpdate):
        desk.run(perform(desk.deps, GREET, Greet(name="ann"), "k"))

    assert (names(desk), repository.replies) == ([], [])
    assert 2 <= len(repository.asked_keys) <= 10


def test_accounts_that_were_to_be_moved_are_asked_for_in_the_next_try() -> None:
    desk = Desk()
    repository = watched(desk)
    repository.before_apply = raising(ConcurrentUpdate(), times=1)

    desk.fund("ann", "5.00 USD")

    first, again = repository.loads[0], repository.loads[1]
    assert {account.party_id for account in again.accounts} == {"ann"}
    assert set(first.accounts) < set(again.accounts)
