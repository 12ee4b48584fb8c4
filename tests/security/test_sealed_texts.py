"""Texts about people are sealed: unreadable in a dump, bound to their place, open after a rotation (S-26)."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.adapters.sealed import FieldKeys
from invoicepay.adapters.sealed.seals import MARK
from invoicepay.adapters.sql.schema import SEARCHED, TABLE_NAMES
from invoicepay.domain.entity import Entity
from invoicepay.domain.personal import OF_KIND
from invoicepay.domain.writes import UNIQUE
from invoicepay.errors import ConfigurationError, InvariantViolated
from invoicepay.testing.clock import FrozenClock
from tests.input.calls import Role, make, taking
from tests.input.scene import Scene, scene
from tests.security.canaries import Trap, bytes_canary, dump, text_canary
from tests.security.person import ANN, LINES, Life
from tests.support.sql import engine_for, execute

OLD, NEW = bytes_canary("old field key"), bytes_canary("new field key")
KEYS = FieldKeys("old", {"old": OLD})
ROTATED = FieldKeys("new", {"new": NEW, "old": OLD})

NO_WORDS = {"approved_by", "series", "provider", "provider_ref", "return_code", "code", "text"}
"""Texts of calls that are no words about people: ids, names and codes."""
SAID = [
    (call, name) for call, name in taking(Role.TEXT) if name not in NO_WORDS and not call.startswith("sim.")
]
NOT_SEALED = {
    ("reserves.top_up", "reference"),
    ("reserves.sweep_fees", "reference"),
    ("reserves.record_interest", "reference"),
    ("reserves.take_interest", "reference"),
    ("invoices.record_external", "reference"),
    ("bank_accounts.disable", "account_token"),
}
"""Names of bookings and the id of a disabled account: the ledger and the trail know things by them."""


@pytest.fixture(scope="module")
def _sealed_scene() -> Iterator[tuple[Scene, dict[str, Any]]]:
    with scene(cipher=KEYS) as made:
        yield made, made.stored()


@pytest.fixture
def sealed(_sealed_scene: tuple[Scene, dict[str, Any]]) -> Iterator[Scene]:
    made, stored = _sealed_scene
    yield made
    made.rewind(stored)


@pytest.mark.parametrize(("call", "name"), [pair for pair in SAID if pair not in NOT_SEALED])
def test_no_text_of_any_call_lies_open_in_the_store(sealed: Scene, call: str, name: str) -> None:
    word = text_canary(f"{call} {name}")
    make(sealed, call, **{name: word})

    stored = {place: kept for place, kept in sealed.stored().items() if place not in ("bank", "chain")}
    trap = Trap()
    trap.plant(name, word)
    trap.see("the store", repr(stored))

    assert trap.found() == []
    assert MARK in repr(stored)


@pytest.mark.parametrize("call", ["invoices.issue", "invoices.draft", "schedules.create"])
def test_no_line_of_a_document_lies_open_in_the_store(sealed: Scene, call: str) -> None:
    word = text_canary(call)
    made = make(sealed, call, lines=[(word, "10.00 USD"), ("Goods", "1.00 USD")])

    assert made.lines[0].description == word
    assert word not in repr(sealed.stored())


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_dump_of_a_database_has_no_word_about_a_person(
    request: pytest.FixtureRequest, store: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/pay.db" if store == "sqlite" else request.getfixturevalue("postgres_url")
    migrate(url)
    trap, words, clock = Trap(), list[str](), FrozenClock("2026-01-05T09:00:00Z")

    def say(name: str) -> str:
        words.append(text_canary(name))
        trap.plant(name, words[-1])
        return words[-1]

    with trap.listening(), InvoicePay(url, clock=clock, cipher=KEYS) as pay:
        Life(pay, clock, say).live()
        said = repr([list(pay.transfers.list(payer=ANN)), list(pay.invoices.list(customer=ANN))])
    with engine_for(url) as engine:
        for table, row in dump(engine):
            trap.see(f"the table {table}", row)
    for path in tmp_path.rglob("pay.db*"):
        trap.see(f"the file {path.name}", path.read_bytes())
    trap.plant("the key", OLD)

    assert trap.found() == []
    assert sum(word in said for word in words) >= 5  # the library itself reads them


class TestAnInvoice:
    """One sealed row, and what somebody with access to the database may do to it."""

    USUAL: ClassVar[dict[str, Any]] = {"cipher": KEYS, "tenant": "north"}

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/pay.db"

    def made(self, url: str, note: str = "tea with Ann", **options: Any) -> str:
        with InvoicePay(url, **(self.USUAL | options)) as pay:
            pay.parties.register("acme", kind="enterprise")
            pay.parties.register("ann")
            return pay.invoices.draft(
                enterprise="acme",
                customer="ann",
                lines=LINES,
                note=note,
                reference="for Bob",
                idempotency_key="k",
            ).id

    def note(self, url: str, id: str, **options: Any) -> str:
        with InvoicePay(url, **(self.USUAL | options)) as pay:
            return pay.invoices.get(id).note

    def test_its_texts_come_back_also_in_events_and_repeated_answers(self, url: str) -> None:
        id = self.made(url)

        with InvoicePay(url, cipher=KEYS, tenant="north") as pay:
            (event,) = pay.audit.history(id)
            again = pay.invoices.draft(
                enterprise="acme",
                customer="ann",
                lines=LINES,
                note="tea with Ann",
                reference="for Bob",
                idempotency_key="k",
            )

        assert (event.data["note"], event.data["lines"][0]["description"]) == ("tea with Ann", "Seat")
        assert (again.id, again.note, again.replayed) == (id, "tea with Ann", True)
        assert again.lines[0].description == "Seat"

    @pytest.mark.parametrize(
        "swap",
        [
            "UPDATE invoices SET note = reference",
            "UPDATE invoices SET note = (SELECT note FROM invoices o WHERE o.id <> invoices.id)",
            "UPDATE invoices SET tenant_id = 'south'; UPDATE outbox SET tenant_id = 'south'",
            "UPDATE invoices SET note = replace(note, 'ipf1.invoice', 'ipf1.transfer')",
            "UPDATE invoices SET note = substr(note, 1, length(note) - 1)",
            "UPDATE invoices SET note = substr(note, 1, 20)",
            "UPDATE invoices SET note = note || 'A'",
            "UPDATE invoices SET note = 'ipf1.invoice.old.'",
            "UPDATE invoices SET note = 'ipf1.'",
        ],
    )
    def test_a_seal_that_is_moved_or_changed_does_not_open(self, url: str, swap: str) -> None:
        id = self.made(url)
        with InvoicePay(url, cipher=KEYS, tenant="north") as pay:
            pay.invoices.draft(enterprise="acme", customer="ann", lines=LINES, note="another")
        execute(url, *swap.split(";"))
        tenant = "south" if "south" in swap else "north"

        with pytest.raises((InvariantViolated, ConfigurationError)):
            self.note(url, id, tenant=tenant)

    def test_what_an_old_key_sealed_opens_after_a_rotation_and_new_texts_use_the_new_key(
        self, url: str
    ) -> None:
        id = self.made(url)

        assert self.note(url, id, cipher=ROTATED) == "tea with Ann"
        with InvoicePay(url, cipher=ROTATED, tenant="north") as pay:
            pay.invoices.update(id, note="coffee")
        ((note, reference),) = execute(url, "SELECT note, reference FROM invoices")
        assert note.startswith(f"{MARK}invoice.new.")
        assert reference.startswith(f"{MARK}invoice.old.")  # what did not change keeps its seal

    def test_a_key_that_is_gone_is_named_by_its_name_only(self, url: str) -> None:
        id = self.made(url)

        with pytest.raises(ConfigurationError) as refusal:
            self.note(url, id, cipher=FieldKeys("new", {"new": NEW}))

        assert refusal.value.details == {"key": "old"}

    def test_rows_from_before_there_was_a_key_stay_readable(self, url: str) -> None:
        id = self.made(url, cipher=None)

        assert self.note(url, id) == "tea with Ann"

    def test_a_text_that_looks_like_a_seal_is_only_a_text(self, url: str) -> None:
        looks = f"{MARK}invoice.old.AAAA"

        assert self.note(url, self.made(url, note=looks)) == looks

    def test_equal_texts_have_different_seals(self, url: str) -> None:
        self.made(url)
        with InvoicePay(url, cipher=KEYS, tenant="north") as pay:
            pay.invoices.draft(enterprise="acme", customer="ann", lines=LINES, note="tea with Ann")

        notes = [row[0] for row in execute(url, "SELECT note FROM invoices")]

        assert len(set(notes)) == 2

    def test_the_books_are_right_without_the_key(self, url: str) -> None:
        self.made(url)

        with InvoicePay(url, tenant="north") as pay:
            assert pay.invariants.check() == ()
            assert pay.audit.verify()


class TestKeys:
    @pytest.mark.parametrize("show", [repr, str, lambda keys: repr(getattr(keys, "__dict__", ""))])
    def test_keys_show_their_names_and_never_their_secrets(self, show: Any) -> None:
        trap = Trap()
        trap.plant("old", OLD)
        trap.see("keys", show(KEYS))

        assert trap.found() == []

    def test_keys_are_not_pickled(self) -> None:
        with pytest.raises(TypeError):
            pickle.dumps(KEYS)

    @pytest.mark.parametrize(
        ("active", "secrets"),
        [
            ("a", {}),
            ("a", {"b": OLD}),
            ("a", {"a": OLD[:31]}),
            ("a", {"a": OLD.hex()}),
            ("a.b", {"a.b": OLD}),
            ("", {"": OLD}),
            ("a" * 33, {"a" * 33: OLD}),
            ("\u00e4", {"\u00e4": OLD}),
        ],
    )
    def test_weak_or_misnamed_keys_are_refused(self, active: str, secrets: Any) -> None:
        with pytest.raises(ConfigurationError):
            FieldKeys(active, secrets)

    def test_what_is_no_cipher_is_refused_when_the_client_is_made(self) -> None:
        with pytest.raises(ConfigurationError, match="cipher is no FieldCipher"):
            InvoicePay(cipher=OLD)  # type: ignore[arg-type]


def kinds() -> list[type[Entity]]:
    return list(TABLE_NAMES)


WORDS = {
    "note",
    "reason",
    "reference",
    "failure_reason",
    "failure",
    "review_reason",
    "address",
    "body",
    "text",
}
OPEN = {("credit", "reason")}
"""A reason that is a word of ours."""


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.KIND)
def test_every_field_for_words_is_sealed(kind: type[Entity]) -> None:
    sealed = set(OF_KIND[kind].fields) if kind in OF_KIND else set()
    named = {part.name for part in dataclasses.fields(kind)}

    said = {name for name in named & WORDS if (kind.KIND, name) not in OPEN}

    assert said <= sealed <= named


def test_no_sealed_field_is_searched_or_unique() -> None:
    searched = {(kind, name) for kind, some in SEARCHED.items() for names in some for name in names}
    searched |= {(unique.kind, name) for unique in UNIQUE for name in unique.fields}

    assert [
        (kind.KIND, name) for kind, name in searched if name in getattr(OF_KIND.get(kind), "fields", ())
    ] == []
