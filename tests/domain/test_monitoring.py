"""Reporting rules: which movements meet them, to the cent and to the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from invoicepay.domain.money import Money
from invoicepay.domain.monitoring import (
    RULES,
    Finding,
    Flow,
    Instrument,
    Movement,
    Standing,
    findings,
    missing_data,
)
from invoicepay.errors import InvalidInput

DAY = date(2026, 1, 5)


def moved(
    amount: str, flow: Flow = Flow.IN, instrument: Instrument = Instrument.CASH, **changes: object
) -> Movement:
    movement = Movement(
        id="m1", party_id="ann", flow=flow, instrument=instrument, amount=Money.of(amount), on=DAY
    )
    return replace(movement, **changes)  # type: ignore[arg-type]


def rules_of(*movements: Movement) -> list[str]:
    return [found.rule for found in findings(movements)]


@pytest.mark.parametrize(
    ("movement", "rules"),
    [
        (moved("50000.00 USD", instrument=Instrument.BANK), []),
        (moved("50000.00 USD", instrument=Instrument.TOKEN), []),
        (moved("50000.00 USD", instrument=Instrument.CARD), []),
        (moved("10000.00 USD"), []),
        (moved("10000.01 USD"), ["ctr_currency"]),
        (moved("10000.01 USD", flow=Flow.OUT), ["ctr_currency"]),
        (moved("10000.01 EUR"), []),
        (moved("10000.01 USD", on=date(2011, 2, 28)), []),
    ],
)
def test_only_cash_above_ten_thousand_is_reported(movement: Movement, rules: list[str]) -> None:
    assert rules_of(movement) == rules


def test_cash_of_one_party_one_day_and_one_direction_adds_up() -> None:
    parts = [moved("6000.00 USD", id=f"m{number}") for number in (1, 2)]

    (found,) = findings(parts)

    assert (found.amount, found.movement_ids) == (Money.of("12000.00 USD"), ("m1", "m2"))
    assert found.due_on == date(2026, 1, 20)
    assert rules_of(parts[0], replace(parts[1], party_id="bob")) == []
    assert rules_of(parts[0], replace(parts[1], on=date(2026, 1, 6))) == []
    assert rules_of(parts[0], replace(parts[1], flow=Flow.OUT)) == []


@pytest.mark.parametrize(
    ("amount", "exemption", "rules"),
    [
        ("2999.99 USD", "", []),
        ("3000.00 USD", "", ["travel_rule_us"]),
        ("3000.00 USD", "electronic_fund_transfer_act", []),
    ],
)
def test_travel_data_is_needed_from_three_thousand_on(amount: str, exemption: str, rules: list[str]) -> None:
    sent = moved(amount, Flow.TRANSMITTAL, Instrument.BANK, exemption=exemption)

    assert rules_of(sent) == rules


def test_tokens_to_another_institution_also_meet_the_standard() -> None:
    sent = moved("1000.00 USD.tempo", Flow.TRANSMITTAL, Instrument.TOKEN)

    (found,) = findings([sent])

    assert (found.rule, missing_data(found, ["sender_name", "recipient_name"])) == (
        "travel_rule_fatf",
        ("sender_account", "recipient_account"),
    )
    assert rules_of(replace(sent, amount=Money.of("999.999999 USD.tempo"))) == []


def test_every_rule_names_its_source_its_standing_and_its_first_day() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.source and rule.effective_from <= DAY and rule.keep_years >= 5 for rule in RULES)
    assert {rule.standing for rule in RULES} == {Standing.LAW, Standing.STANDARD}


def test_a_programme_brings_its_own_rules() -> None:
    strict = [replace(rule, threshold_micros=0) for rule in RULES if rule.id == "ctr_currency"]

    assert [found.rule for found in findings([moved("0.01 USD")], strict)] == ["ctr_currency"]
    assert findings([moved("10000.01 USD")], []) == ()


def test_a_movement_is_judged_once() -> None:
    with pytest.raises(InvalidInput):
        findings([moved("1.00 USD"), moved("2.00 USD")])


def test_a_finding_is_written_as_data() -> None:
    (found,) = findings([moved("10000.01 USD")])

    assert isinstance(found, Finding)
    assert found.to_dict()["due_on"] == "2026-01-20"
