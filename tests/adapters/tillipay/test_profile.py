"""The profile: every entry has a fact, changes are grounded, bad data is refused with its place."""

from __future__ import annotations

import ast
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import invoicepay.adapters.tillipay as adapter
from invoicepay.adapters.signatures import SCHEMES
from invoicepay.adapters.tillipay import Grade, TilliPayProfile
from invoicepay.adapters.tillipay.overlay import leaves
from invoicepay.adapters.tillipay.parts import SOURCES, Extractors, Purpose, Webhook
from invoicepay.adapters.tillipay.profile import NO_CLAIM
from invoicepay.errors import ConfigurationError
from invoicepay.ports.rails import Direction, RailStatus

FOLDER = Path(adapter.__file__).parent
KNOWN = tomllib.loads((FOLDER / "known.toml").read_text(encoding="utf-8"))
PROFILES = {"known": TilliPayProfile.known(), "assumed": TilliPayProfile.assumed()}


def grounded(id: str, *covers: str, grade: str = "D") -> dict[str, Any]:
    return {
        "id": id,
        "grade": grade,
        "claim": "so says the guide",
        "covers": list(covers),
        "source": "the guide",
        "date": "2026-12-01",
    }


def problems(document: dict[str, Any]) -> str:
    """What is wrong with a profile."""
    with pytest.raises(ConfigurationError) as refusal:
        TilliPayProfile.from_dict(document)
    return " | ".join(str(problem) for problem in refusal.value.details["problems"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_entry_is_covered_by_a_fact(profile: TilliPayProfile) -> None:
    entries = [path for path, _ in leaves(profile._document) if path.partition(".")[0] not in NO_CLAIM]

    assert len(entries) > 100
    assert all(profile.fact_of(path).source for path in entries)


@pytest.mark.parametrize(
    ("path", "grade"),
    [
        ("operations.ach_payment.fields.firstName", Grade.DOCUMENTED),
        ("operations.card_payment.constants.isSavecard", Grade.DOCUMENTED),
        ("auth.token_header", Grade.DOCUMENTED),
        ("operations.ach_payment.path", Grade.IN_CODE),
        ("auth.path", Grade.IN_CODE),
        ("envelopes.wrapped.success.at", Grade.IN_CODE),
        ("webhook.headers", Grade.DESIGNED),
        ("webhook.events.payment.completed.status", Grade.ASSUMED),
        ("outcomes.accepted", Grade.ASSUMED),
        ("idempotency.deduplicates", Grade.ASSUMED),
        ("auth.token_ttl_seconds", Grade.ASSUMED),
    ],
)
def test_the_fact_that_covers_an_entry_most_closely_gives_its_grade(path: str, grade: Grade) -> None:
    assert PROFILES["known"].fact_of(path).grade is grade


def test_designs_and_assumptions_are_unconfirmed_and_nothing_else() -> None:
    profile = PROFILES["known"]

    open_ones = {fact.grade for fact in profile.unconfirmed()}
    settled = {fact.grade for fact in profile.facts if fact not in profile.unconfirmed()}

    assert (open_ones, settled) == ({Grade.DESIGNED, Grade.ASSUMED}, {Grade.DOCUMENTED, Grade.IN_CODE})


def test_a_profile_is_the_same_from_a_dict_from_toml_and_from_json() -> None:
    text = (FOLDER / "known.toml").read_text(encoding="utf-8")

    made = [
        TilliPayProfile.from_dict(KNOWN),
        TilliPayProfile.from_toml(text),
        TilliPayProfile.from_json(json.dumps(KNOWN, default=str)),
    ]

    assert all(profile == PROFILES["known"] for profile in made)


def test_a_profile_is_frozen_to_its_last_entry() -> None:
    profile: Any = PROFILES["known"]

    for part in (profile, profile.auth):
        with pytest.raises(ValidationError, match="frozen"):
            part.path = "/x"
    for table in (profile.operations, profile.status_map, profile.channels["ica"].constants):
        with pytest.raises(TypeError):
            table["x"] = "y"


BAD: list[tuple[str, object, str]] = [
    ("auth/path", "gps/login", "auth.path: a path starts with /"),
    ("auth/path", "/login/{who}", "auth.path: no request can be filled with who"),
    ("auth/headers", {"bad header": "api_key"}, "auth.headers.bad header.[key]: this is no header name"),
    ("auth/token_ttl_seconds", 0, "auth.token_ttl_seconds: Input should be greater than or equal to 1"),
    ("auth/tokens", "x", "auth.tokens: Extra inputs are not permitted"),
    ("envelopes/flat/code", "statusCode", "envelopes.flat.code: this is no JSON pointer"),
    ("outcomes/accepted", "settled", "outcomes.accepted: Input should be <RailStatus.PENDING: 'pending'>"),
    ("outcomes/refused_http", [200], "outcomes.refused_http.0: Input should be greater than or equal to 400"),
    ("webhook/headers", ["a", "b"], "webhook: body_hmac_sha256_hex has 1 headers, not 2"),
    ("base_urls/live", "https://gateway.example", "base_urls.live.[key]: Input should be 'qa', 'staging'"),
    ("status_map/done", "great", "status_map.done: Input should be 'pending'"),
    ("webhook/scheme", "rot13", "webhook.scheme: Input should be 'standard_v1'"),
    ("amount_format", "float", "amount_format: Input should be 'decimal_string_2dp'"),
    ("operations/ach_payment/channels", ["sepa"], "operations.ach_payment: there is no channel sepa"),
    ("operations/ach_payment/purpose", "find_deposit", "a find_deposit is not told account_token"),
    ("operations/ach_save/purpose", "deposit", "a deposit is not told account.account_number"),
    ("operations/again", KNOWN["operations"]["card_payment"], "card_payment and again both deposit in card"),
    ("channels/cbp/rail", "bank_debit", "channels: two have one rail"),
]


@pytest.mark.parametrize(("path", "value", "told"), BAD, ids=[path for path, _, _ in BAD])
def test_bad_data_is_refused_with_its_place(path: str, value: object, told: str) -> None:
    document = table = json.loads(json.dumps(KNOWN, default=str))
    *above, last = path.split("/")
    for step in above:
        table = table[step]
    table[last] = value

    assert told in problems(document)


def test_an_entry_without_a_fact_and_a_fact_without_an_entry_are_refused() -> None:
    without = {**KNOWN, "facts": [fact for fact in KNOWN["facts"] if fact["id"] != "letters"]}
    beside = {**KNOWN, "facts": [*KNOWN["facts"], grounded("moon", "auth.moon")]}
    twice = {**KNOWN, "facts": [*KNOWN["facts"], KNOWN["facts"][0]]}

    assert "letters.account_type.savings: no fact covers it" in problems(without)
    assert "facts: nothing is at auth.moon" in problems(beside)
    assert "facts: two have one id | facts: two cover one path" in problems(twice)


@pytest.mark.parametrize("missing", sorted(KNOWN))
def test_a_missing_part_is_named(missing: str) -> None:
    document = {name: value for name, value in KNOWN.items() if name != missing}

    assert f"{missing}: Field required" in problems(document)


def test_values_are_not_repeated_in_refusals() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        TilliPayProfile.from_dict({**KNOWN, "auth": {**KNOWN["auth"], "api_key": "k-4711-secret"}})

    assert "k-4711-secret" not in f"{refusal.value} {refusal.value.details}"
    assert refusal.value.__cause__ is refusal.value.__context__ is None or refusal.value.__suppress_context__


@pytest.mark.parametrize("text", ["", "[", "[]", '"x"', "{"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no JSON"):
        TilliPayProfile.from_json(text)


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no TOML"):
        TilliPayProfile.from_toml("= 1")


def test_a_changed_entry_needs_its_fact_stated_anew() -> None:
    change = {"auth": {"token_ttl_seconds": 1800}}

    with pytest.raises(
        ConfigurationError, match=r"auth.token_ttl_seconds: changed, but its fact auth.token_ttl"
    ):
        PROFILES["known"].amended(change)
    amended = PROFILES["known"].amended(
        {**change, "facts": [grounded("auth.token_ttl", "auth.token_ttl_seconds")]}
    )

    assert amended.auth.token_ttl_seconds == 1800
    assert amended.fact_of("auth.token_ttl_seconds").grade is Grade.DOCUMENTED
    assert amended.fact_of("auth.token_ttl_seconds").date == date(2026, 12, 1)
    assert {f.id for f in PROFILES["known"].unconfirmed()} - {f.id for f in amended.unconfirmed()} == {
        "auth.token_ttl"
    }


def test_a_fact_alone_confirms_what_was_right_already() -> None:
    amended = PROFILES["known"].amended({"facts": [grounded("payment.accepted", "outcomes.accepted")]})

    assert "payment.accepted" not in {fact.id for fact in amended.unconfirmed()}


def test_a_new_operation_needs_a_fact() -> None:
    lookup = {
        "purpose": "find_deposit",
        "channels": ["card"],
        "method": "GET",
        "path": "/gps/x/{reference}",
        "answer": {"status": "/status", "amount": "/amount"},
    }

    with pytest.raises(ConfigurationError, match=r"operations.lookup.purpose: no fact covers it"):
        PROFILES["known"].amended({"operations": {"lookup": lookup}})
    amended = PROFILES["known"].amended(
        {"operations": {"lookup": lookup}, "facts": [grounded("lookup", "operations.lookup")]}
    )

    assert amended.operation(Purpose.FIND_DEPOSIT, "card") == "lookup"
    assert amended.operations["lookup"].answer.status == ("/status",)


def test_an_entry_that_is_left_out_takes_its_fact_along() -> None:
    amended = PROFILES["assumed"].amended(
        {"without": ["operations.payout", "operations.payout_status", "webhook.events.payout.failed"]}
    )

    assert amended.operation(Purpose.WITHDRAW, "ica") is None
    assert "payout" not in {fact.id for fact in amended.facts}
    assert "payout.failed" not in amended.webhook.events
    assert "payout.failed" in PROFILES["assumed"].webhook.events


def test_changes_are_read_from_a_file_of_either_kind(tmp_path: Path) -> None:
    change = {"without": ["status_map.voided"]}
    (tmp_path / "guide.json").write_text(json.dumps(change))
    (tmp_path / "guide.toml").write_text('without = ["status_map.voided"]')

    for name in ("guide.json", "guide.toml"):
        assert "voided" not in PROFILES["known"].amended_by(tmp_path / name).status_map
    for name in ("guide.yaml", "missing.toml"):
        with pytest.raises(ConfigurationError):
            PROFILES["known"].amended_by(tmp_path / name)


def test_facts_that_are_no_list_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        PROFILES["known"].amended({"facts": "all of them"})


OURS = (
    SOURCES
    | {source.partition(".")[2] for source in SOURCES}
    | set(Extractors.model_fields)
    | set(Webhook.model_fields)
    | set(Direction)
    | set(RailStatus)
    | set(Purpose)
    | {"account_token", "amount", "currency", "reference", "checking", "savings", "personal", "GET", "POST"}
    | {"DELETE", "card", "bank_debit", "bank", "production", "login", "code", "status"}
    | set(SCHEMES)
)
"""Words of ours that the wire happens to share: rails, kinds of accounts, sources, keys of error details."""


def wire_words(profile: TilliPayProfile) -> set[str]:
    """Every spelling of the gateway: names of fields, headers, paths, codes, constants, words of status."""
    found: set[str] = set()
    for path, value in leaves(profile._document):
        part, _, rest = path.partition(".")
        if part in {*NO_CLAIM, "amount_format", "channels"} and "constants" not in rest:
            continue
        if part == "status_map":
            found.add(rest)
        if any(f".{table}." in path for table in ("fields", "query", "constants", "headers")):
            found.add(path.rpartition(".")[2])
        for text in value if isinstance(value, list) else [value]:
            found |= {text, *text.split("/")} if isinstance(text, str) else set()
    return {word for word in found if len(word) > 2} - OURS


def test_no_spelling_of_the_gateway_stands_in_the_code() -> None:
    words = wire_words(PROFILES["known"]) | wire_words(PROFILES["assumed"])
    used = [
        f"{path.name}:{node.lineno} {node.value}"
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in words
    ]

    assert {"clientRequestId", "gpsToken", "gpsApiToken", "completed", "isSavecard", "achType"} <= words
    assert used == []
