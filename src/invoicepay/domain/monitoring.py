"""Reporting and travel-data rules as data: what a movement of money asks for, told and never posted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from invoicepay.domain.money import Money, currency_of, total
from invoicepay.domain.shown import Shown
from invoicepay.errors import InvalidInput


class Instrument(StrEnum):
    """How value moved; only cash is physical currency."""

    CASH = "cash"
    BANK = "bank"
    CARD = "card"
    TOKEN = "token"  # noqa: S105 - a kind of value, no secret


class Flow(StrEnum):
    """In to us, out of us, or on to another institution."""

    IN = "in"
    OUT = "out"
    TRANSMITTAL = "transmittal"


class Standing(StrEnum):
    """In force as law, proposed as law, or a standard that others set."""

    LAW = "law"
    PROPOSED = "proposed"
    STANDARD = "standard"


class Alert(StrEnum):
    """What a rule asks for."""

    CURRENCY_REPORT = "currency_report"
    TRAVEL_DATA = "travel_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringRule:
    """One threshold, where it comes from and since when it holds.

    Attributes:
        threshold_micros: of `currency`; the rule fires above it, or from it on where `is_inclusive`.
        by_day: sums of one party, one business day and one flow are compared, not single movements.
        needs: the data that must travel with the movement.
        exempt: kinds of movement that another law covers already.
    """

    id: str
    alert: Alert
    standing: Standing
    source: str
    effective_from: date
    currency: str
    threshold_micros: int
    is_inclusive: bool
    flows: frozenset[Flow]
    instruments: frozenset[Instrument]
    by_day: bool = False
    needs: tuple[str, ...] = ()
    exempt: frozenset[str] = frozenset()
    file_within_days: int | None = None
    keep_years: int = 5

    def is_met(self, amount: Money) -> bool:
        """Whether an amount reaches the threshold."""
        over = amount.micros - self.threshold_micros
        return over > 0 or (self.is_inclusive and over == 0)


ANY_INSTRUMENT = frozenset(Instrument)
SENDER_DATA = (
    "sender_name",
    "sender_address",
    "sender_account",
    "sender_institution",
    "amount",
    "execution_date",
    "recipient_institution",
)
RECIPIENT_DATA = ("recipient_name", "recipient_account")

RULES: Sequence[MonitoringRule] = (
    MonitoringRule(
        id="ctr_currency",
        alert=Alert.CURRENCY_REPORT,
        standing=Standing.LAW,
        source="31 CFR 1010.311, 1010.313, 1010.306",
        effective_from=date(2011, 3, 1),
        currency="USD",
        threshold_micros=10_000_000_000,
        is_inclusive=False,
        flows=frozenset({Flow.IN, Flow.OUT}),
        instruments=frozenset({Instrument.CASH}),
        by_day=True,
        file_within_days=15,
    ),
    MonitoringRule(
        id="travel_rule_us",
        alert=Alert.TRAVEL_DATA,
        standing=Standing.LAW,
        source="31 CFR 1010.410(e), (f)",
        effective_from=date(2011, 3, 1),
        currency="USD",
        threshold_micros=3_000_000_000,
        is_inclusive=True,
        flows=frozenset({Flow.TRANSMITTAL}),
        instruments=ANY_INSTRUMENT,
        needs=SENDER_DATA,
        exempt=frozenset({"electronic_fund_transfer_act", "atm", "point_of_sale"}),
    ),
    MonitoringRule(
        id="travel_rule_fatf",
        alert=Alert.TRAVEL_DATA,
        standing=Standing.STANDARD,
        source="FATF Recommendation 16, for virtual assets",
        effective_from=date(2019, 6, 21),
        currency="USD",
        threshold_micros=1_000_000_000,
        is_inclusive=True,
        flows=frozenset({Flow.TRANSMITTAL}),
        instruments=frozenset({Instrument.TOKEN}),
        needs=("sender_name", "sender_account", *RECIPIENT_DATA),
    ),
)
"""Defaults to start from; a programme's counsel decides which hold for it, and in which wording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement of value, as a host knows it.

    Attributes:
        on: the business day.
        exemption: a name out of a rule's `exempt`, where one applies.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # what is not known is refused (S-32)

    id: str
    party_id: str
    flow: Flow
    instrument: Instrument
    amount: Money
    on: date
    exemption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Shown):
    """A rule that was met.

    Attributes:
        movement_ids: what met it, alone or together.
        due_on: until when to file; None where nothing is filed.
    """

    rule: str
    alert: Alert
    party_id: str
    movement_ids: tuple[str, ...]
    amount: Money
    needs: tuple[str, ...]
    source: str
    due_on: date | None = None


def findings(movements: Iterable[Movement], rules: Sequence[MonitoringRule] = RULES) -> tuple[Finding, ...]:
    """Every rule that movements meet, in the order of the rules and then of the movements.

    A rule judges only what happened while it was in force, in its own currency. ACH entries, cards and
    tokens are no currency, however large.

    Raises:
        InvalidInput: two movements have one id.

    Examples:
        >>> cash = Movement(
        ...     id="till-7", party_id="ann", flow=Flow.IN, instrument=Instrument.CASH,
        ...     amount=Money("10000.01", "USD"), on=date(2026, 1, 5),
        ... )
        >>> [finding.rule for finding in findings([cash])]
        ['ctr_currency']
    """
    known = list(movements)
    if len({movement.id for movement in known}) != len(known):
        raise InvalidInput("each movement has an id of its own")
    return tuple(found for rule in rules for found in _met(rule, known))


def _met(rule: MonitoringRule, movements: Iterable[Movement]) -> Iterable[Finding]:
    for together in _groups(rule, [one for one in movements if _is_judged(rule, one)]):
        amount = total((one.amount for one in together), together[0].amount.asset)
        if rule.is_met(amount):
            yield _finding(rule, together, amount)


def _is_judged(rule: MonitoringRule, movement: Movement) -> bool:
    return (
        movement.on >= rule.effective_from
        and movement.flow in rule.flows
        and movement.instrument in rule.instruments
        and movement.exemption not in rule.exempt
        and currency_of(movement.amount.asset) == rule.currency
    )


def _groups(rule: MonitoringRule, movements: Iterable[Movement]) -> list[list[Movement]]:
    """What a rule compares: one movement at a time, or what a party moved one way on one day."""
    groups: dict[tuple[object, ...], list[Movement]] = {}
    for one in movements:
        way = (one.party_id, one.on, one.flow, one.amount.asset)
        groups.setdefault(way if rule.by_day else (one.id,), []).append(one)
    return list(groups.values())


def _finding(rule: MonitoringRule, together: Sequence[Movement], amount: Money) -> Finding:
    days = rule.file_within_days
    last = max(one.on for one in together)
    return Finding(
        rule=rule.id,
        alert=rule.alert,
        party_id=together[0].party_id,
        movement_ids=tuple(one.id for one in together),
        amount=amount,
        needs=rule.needs,
        source=rule.source,
        due_on=None if days is None else date.fromordinal(last.toordinal() + days),
    )


def missing_data(finding: Finding, given: Iterable[str]) -> tuple[str, ...]:
    """The data that a finding asks for and nobody has given yet, by name.

    Examples:
        >>> from invoicepay.domain.monitoring import Alert
        >>> found = Finding(
        ...     rule="travel_rule_us", alert=Alert.TRAVEL_DATA, party_id="ann", movement_ids=("t-1",),
        ...     amount=Money("3000.00", "USD"), needs=("sender_name", "amount"), source="31 CFR 1010.410",
        ... )
        >>> missing_data(found, ["amount"])
        ('sender_name',)
    """
    known = set(given)
    return tuple(name for name in finding.needs if name not in known)
