"""Decisions come from one seed, have names of their own, and are calm where nothing is listed."""

import pytest

from invoicepay.testing.simulation.chooser import Chooser, Draw, Scope, Weights

NAMES = ("ann", "bob")


def decided(chooser: Chooser) -> list[object]:
    found: list[object] = []
    for name in NAMES:
        draw = Draw(chooser, Scope(name))
        found += [draw.whole(3, 90), draw.one_of("abcdef"), draw.chance(500), draw.some("xyz")]
        found += [draw.weighted([("rare", 1), ("usual", 9)]), draw.scope("inner").whole(0, 9)]
    return found


def test_a_seed_always_decides_alike_and_another_one_differently() -> None:
    assert decided(Chooser(7)) == decided(Chooser(7)) != decided(Chooser(8))


def test_taking_decisions_down_changes_none() -> None:
    assert decided(Chooser(7, records=True)) == decided(Chooser(7))


def test_what_was_taken_down_decides_alike_again_whatever_the_seed() -> None:
    first = Chooser(7, records=True)
    wanted = decided(first)
    again = Chooser(99, first.taken, records=True)
    assert decided(again) == wanted
    assert again.taken == first.taken


def test_without_a_list_of_decisions_everything_is_calm() -> None:
    assert decided(Chooser(7, {})) == [3, "a", False, (), "rare", 0] * 2


def test_leaving_a_decision_out_moves_no_other() -> None:
    first = Chooser(7, records=True)
    wanted = decided(first)
    kept = {key: value for key, value in first.taken.items() if not key.startswith("ann")}
    assert decided(Chooser(7, kept))[6:] == wanted[6:]


def test_a_command_goes_unless_a_replay_leaves_it_out() -> None:
    assert Chooser(7).goes("ann#1")
    assert Chooser(7, {"ann#1": 1}).goes("ann#1")
    assert not Chooser(7, {"ann#1": 1}).goes("ann#2")


@pytest.mark.parametrize(
    ("fraction", "number"), [(0.0, 4), (0.099, 4), (0.1, 9), (0.299, 9), (0.3, 0), (0.99, 0)]
)
def test_weights_give_each_number_its_share_and_the_rest_to_calm(fraction: float, number: int) -> None:
    assert Weights({4: 100, 6: 0, 9: 200}).at(fraction) == number
