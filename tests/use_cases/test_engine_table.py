"""Each rule of the engine names tests that exist."""

from __future__ import annotations

import pytest

from tests.security.test_table import defined_in
from tests.use_cases.engine_table import CLASSES, REDUCER, RESENDING, TIME, TURN

RULES = {**TURN, **CLASSES, **RESENDING, **TIME, **REDUCER}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_tests_that_exist(rule: str) -> None:
    named = RULES[rule]

    assert named, "nothing shows it"
    assert [test for test in named if test not in defined_in(test.partition("::")[0])] == []


def test_no_two_rules_are_called_alike() -> None:
    assert len(RULES) == sum(len(part) for part in (TURN, CLASSES, RESENDING, TIME, REDUCER))
