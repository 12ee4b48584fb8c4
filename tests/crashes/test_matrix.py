"""Some cells here; `python -m tests.crashes` has every boundary of every operation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from invoicepay.adapters.simulated import SimulatedRails
from invoicepay.use_cases.perform import Deps
from tests.crashes.dying import Boundary
from tests.crashes.matrix import AFTER_COMMIT, Matrix, Tally, matrix
from tests.crashes.stories import Story, calls, stories
from tests.crashes.teller import Teller
from tests.walks.walking import operations

STEP = 7
"""Places are taken at this distance, so that neighbours die of different causes."""


@dataclass
class Sample:
    """A cell of every third story, and all boundaries that there are."""

    tally: Tally = field(default_factory=Tally)
    boundaries: dict[str, tuple[Boundary, ...]] = field(default_factory=dict[str, tuple[Boundary, ...]])

    def take(self, on: Matrix, number: int, story: Story) -> None:
        """Look where one can die, and in every third story let a process die.

        Of those every other one has providers that know no keys.
        """
        on.stage.forget_keys(forget=number % 2 == 1)
        boundaries = self.boundaries[story.name] = on.boundaries(story)
        if boundaries and number % 3 == 0:
            told, place = on.told(story), STEP * number % len(boundaries)
            self.tally.add(told.boundaries[place], on.cell(told, place))


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Every story."""
    taken = Sample()
    with matrix() as on:
        for number, story in enumerate(stories()):
            taken.take(on, number, story)
    return taken


@pytest.fixture
def on() -> Iterator[Matrix]:
    """A matrix in memory."""
    with matrix() as made:
        yield made


def test_a_process_that_dies_in_any_story_changes_nothing_of_its_end(sample: Sample) -> None:
    assert sample.tally.faults == []
    assert sample.tally.count > 30


def test_every_operation_can_be_killed_at_its_commit(sample: Sample) -> None:
    killed = {
        operation
        for told in sample.boundaries.values()
        for boundary in told
        for operation in boundary.operations
        if boundary.at == AFTER_COMMIT
    }

    assert operations() - killed == set(), "tell a story of it in tests/crashes/stories.py"


def test_there_is_a_boundary_around_everything_that_leaves_the_process(sample: Sample) -> None:
    met = {boundary.at for told in sample.boundaries.values() for boundary in told}

    assert met >= {"before begin", "after load", "before commit", "after commit"}
    assert met >= {f"{side} {name}" for side in ("before", "after") for name in ORDERED}


ORDERED = (
    *("initiate_deposit", "initiate_withdrawal", "mint", "burn", "transfer", "find"),
    *("a handler", "publishing", "sealing"),
)


def test_calls_that_only_look_open_no_unit(sample: Sample) -> None:
    looks = {story.name for story in calls() if not sample.boundaries[story.name]}

    assert {"invoices.get", "effects.list", "ledger.balances", "audit.verify"} <= looks
    assert "invoices.pay" not in looks


@pytest.mark.parametrize("name", ["invoices.pay", "withdrawals.initiate"])
def test_a_lost_acknowledgement_changes_nothing_of_the_end(on: Matrix, name: str) -> None:
    (story,) = (story for story in stories() if story.name == name)
    told = on.told(story)
    commits = [place for place, boundary in enumerate(told.boundaries) if boundary.at == AFTER_COMMIT]

    assert [on.cell(told, place, lives_on=True) for place in commits] == [[]] * len(commits)


def test_on_sqlite_an_order_whose_sender_died_ends_alike() -> None:
    (story,) = (story for story in stories() if story.name == "deposits.initiate")
    with matrix("sqlite") as on:
        told = on.told(story)
        (sent,) = (n for n, each in enumerate(told.boundaries) if each.at == "after initiate_deposit")

        assert on.cell(told, sent) == []


def test_a_key_made_anew_for_each_attempt_is_found(on: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix is no better than what it finds: with this fault, money moves twice."""
    original = SimulatedRails._order

    def keyless(bank: SimulatedRails, direction: object, order: object, key: str, rails: object) -> object:
        fresh = f"{key}-{len(bank.transfers())}"
        return original(bank, direction, order, fresh, rails)  # type: ignore[arg-type]

    monkeypatch.setattr(SimulatedRails, "_order", keyless)
    (story,) = (story for story in stories() if story.name == "deposits.initiate")
    told = on.told(story)
    (lost,) = (n for n, each in enumerate(told.boundaries) if each.at == "after initiate_deposit")

    monkeypatch.setattr("invoicepay.use_cases.recover._may_go_again", _always)
    faults = on.cell(told, lost)

    assert any("moved twice" in fault for fault in faults), faults


async def _always(_deps: Deps, _effect: object) -> bool:
    return True


def test_a_story_that_is_refused_is_none(on: Matrix) -> None:
    (story,) = (story for story in calls() if story.name == "invoices.delete")

    with pytest.raises(AssertionError, match="is refused"):
        on.told(replace(story, act=lambda teller: teller.call("invoices.get", invoice="inv_none")))


def test_a_refusal_after_a_death_is_left_to_a_person(on: Matrix) -> None:
    """The one end that differs: nobody knows whether what the dead process sent was refused, too."""
    told = on.told(Story("a refused order", _refused))
    place = next(
        n for n, each in enumerate(told.boundaries) if str(each) == "after commit of effects.mark_sent"
    )

    faults = on.cell(told, place)

    doubtful = on.stage.scene.pay.effects.list(status="needs_review")
    assert any("sent before, then refused: closed" in effect.review_reason for effect in doubtful)
    assert not [line for line in faults if ": bank" in line or ": posting" in line or ": balance" in line]


def _refused(teller: Teller) -> None:
    weather = teller.world.stage.scene.rails.weather
    teller.outside("closed", lambda: weather.reject_next("closed"))
    teller.call("deposits.initiate")
    teller.go_on()
