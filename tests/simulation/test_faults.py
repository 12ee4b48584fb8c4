"""Each fault alone, at a place that is chosen: money moves once, and everybody learns what became of it."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from invoicepay.testing.simulation import Run, run
from invoicepay.testing.simulation.faults import FAULTS, NUMBERS
from invoicepay.testing.simulation.odds import CRASH, ORDER
from tests.simulation.small import Small

pytestmark = pytest.mark.long

COMMAND = {"ann#1": 1}
STEPS = 200


def played(small: Small, decisions: Mapping[str, int] | None = None) -> Run:
    """A run in which ann deposits, and nothing but this is decided otherwise than calmly."""
    return run(small.stage, 0, STEPS, decisions={**COMMAND, **(decisions or {})})


def is_whole(small: Small, found: Run) -> bool:
    """Whether the ten dollars came once, all the way."""
    assert found.broken == ()
    return (small.available, small.supply, len(small.orders)) == ("10.00 USD", "10.00 USD", 1)


def test_without_decisions_everything_is_calm() -> None:
    small = Small()
    assert is_whole(small, played(small))
    assert small.faults() == []
    assert [answer.tries for answer in small.answers] == [1]


@pytest.mark.parametrize("at", range(1, 5))
def test_a_command_that_dies_anywhere_is_done_once_when_it_is_asked_for_again(at: int) -> None:
    small = Small()
    found = played(small, {f"ann#1/delay{at}": CRASH})
    assert small.faults() == ["process.crash"]
    assert [answer.tries > 1 for answer in small.answers] == [True]
    assert is_whole(small, found)


def turns(at: int) -> dict[str, int]:
    """A crash at one of the places that the worker comes to, whichever turn that is in."""
    return {f"p1.worker#{turn}/delay{at}": CRASH for turn in range(1, 9)}


@pytest.mark.parametrize("at", range(1, 13, 2))
def test_a_worker_that_dies_anywhere_again_and_again_moves_money_once(at: int) -> None:
    small = Small()
    assert is_whole(small, played(small, turns(at)))


@pytest.mark.parametrize(
    ("fault", "is_durable"), [("database.ack_lost", True), ("database.nack_lost", False)]
)
def test_a_commit_without_a_word_is_told_to_the_judge_only_where_it_is_durable(
    fault: str, is_durable: bool
) -> None:
    small = Small()
    found = played(small, {"ann#1/commit1": NUMBERS[fault]})
    assert small.faults() == [fault]
    assert [answer.tries for answer in small.answers] == [2]
    begun = [commit for commit in small.commits if commit.task == "ann#1"]
    assert len(begun) == 1
    assert (small.answers[0].at - begun[0].at > timedelta(seconds=1)) is is_durable
    assert is_whole(small, found)


@pytest.mark.parametrize("fault", [*ORDER])
def test_an_order_that_meets_trouble_on_its_way_is_carried_out_once(fault: str) -> None:
    small = Small()
    orders = {f"p1.worker#{turn}/order1": NUMBERS[fault] for turn in range(1, 6)}
    found = played(small, orders)
    assert fault in small.faults()
    if FAULTS[fault].contradicts:
        assert found.broken[0].name == "never comes to rest"
        assert len(small.commits) > 0
    else:
        assert is_whole(small, found)


@pytest.mark.parametrize(
    "fault", ["database.busy", "database.conflict", "database.conflict_at_commit", "database.dropped"]
)
def test_trouble_with_the_database_costs_another_try_and_nothing_else(fault: str) -> None:
    small = Small()
    what = {"database.busy": "begin1", "database.dropped": "begin1", "database.conflict": "load1"}
    place = what.get(fault, "commit1")
    found = run(small.stage, 0, STEPS, decisions={**COMMAND, f"ann#1/{place}": NUMBERS[fault]})
    assert small.faults() == [fault]
    assert is_whole(small, found)


@pytest.mark.parametrize("fault", ["webhook.lost", "webhook.late", "webhook.reordered", "webhook.early"])
def test_webhooks_only_make_it_faster(fault: str) -> None:
    small = Small()

    class Everywhere(dict[str, int]):
        """The same about every letter, whatever it is called."""

        def get(self, key: str, default: int = 0) -> int:  # type: ignore[override]
            return NUMBERS[fault] if key.endswith("/letter1") else super().get(key, default)

    found = run(small.stage, 0, STEPS, decisions=Everywhere(COMMAND))
    assert small.faults().count(fault) >= 2
    assert is_whole(small, found)


def test_a_provider_that_is_called_inside_a_transaction_is_a_violation() -> None:
    small = Small()

    async def ann(hand: object) -> None:
        async def asks(pay: object) -> None:
            deps = pay._core.wired  # type: ignore[attr-defined]
            async with deps.repository.reader("default"):
                await deps.rails.balance("USD")

        await hand.ask(asks)  # type: ignore[attr-defined]

    small.ann = ann  # type: ignore[method-assign]
    found = run(small.stage, 0, STEPS)
    assert [broken.name for broken in found.broken] == ["called inside a transaction"]


def test_what_never_comes_to_rest_is_a_violation() -> None:
    small = Small()
    small.unsettled = lambda: ("something",)  # type: ignore[method-assign]
    found = run(small.stage, 0, 10)
    assert [broken.name for broken in found.broken] == ["never comes to rest"]
    assert "something" in found.broken[0].detail
