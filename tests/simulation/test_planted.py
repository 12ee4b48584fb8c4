"""Planted defects are found; all of them with `python -m tests.simulation.planted`."""

from __future__ import annotations

import pytest

from tests.simulation.planted import DEFECTS, hunt

pytestmark = pytest.mark.long

QUICK = (
    "no_floor",
    "minted_to_another",
    "timeout_is_failure",
    "hold_not_captured",
    "no_isolation",
    "unverified_webhook",
)
"""Found within a second or two."""


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_defect_is_found_within_its_budget(name: str) -> None:
    found = hunt(name)

    assert found.is_found, f"{DEFECTS[name].title}: not found in {found.steps} steps"


def test_there_are_twenty_defects_at_least() -> None:
    assert len(DEFECTS) >= 20


def test_every_patch_is_taken_out_again() -> None:
    from invoicepay.use_cases import outbound

    before = outbound._answered
    hunt("timeout_is_failure")

    assert outbound._answered is before
