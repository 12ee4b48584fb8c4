"""Text at its limits is stored as it is read back, and no longer text is taken (S-20)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay import InvoicePay, migrate
from invoicepay.domain.issuing import NOTE_LENGTH, REFERENCE_LENGTH
from invoicepay.domain.lines import DESCRIPTION_LENGTH
from invoicepay.errors import InvalidInput, InvalidText

WIDE = {"of one byte": "x", "of two bytes": "\u00e9", "of three": "\u6f22", "of four": "\U0001d4b3"}
COMPOSES = "e\u0301"
"""Two characters that are one in the form in which texts are stored."""


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def pay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InvoicePay]:
    store = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/pay.db"}.get(request.param)
    if store is None:
        store = request.getfixturevalue("postgres_url")
        migrate(store)
    with InvoicePay(store) as made:
        made.parties.register("acme", kind="enterprise")
        made.parties.register("ann")
        yield made


@pytest.mark.parametrize("letter", WIDE.values(), ids=WIDE.keys())
def test_the_longest_texts_come_back_whole_however_many_bytes_they_take(pay: InvoicePay, letter: str) -> None:
    said = letter * NOTE_LENGTH, letter * REFERENCE_LENGTH, letter * DESCRIPTION_LENGTH

    draft = pay.invoices.draft(
        enterprise="acme", customer="ann", lines=[(said[2], "1.00 USD")], note=said[0], reference=said[1]
    )

    found = pay.invoices.get(draft.id)
    assert (found.note, found.reference, found.lines[0].description) == said


def test_a_party_may_have_the_longest_and_widest_name(pay: InvoicePay) -> None:
    name = "\U0001d4b3" * 128
    pay.parties.register(name)
    pay.transfers.list(payer=name)

    assert pay.parties.get(name).id == name
    assert pay.wallets.get(name).party_id == name


@pytest.mark.parametrize("letter", WIDE.values(), ids=WIDE.keys())
def test_one_character_more_is_refused(pay: InvoicePay, letter: str) -> None:
    with pytest.raises(InvalidText):
        pay.invoices.draft(
            enterprise="acme", customer="ann", lines=[("Goods", "1.00 USD")], note=letter * (NOTE_LENGTH + 1)
        )
    with pytest.raises(InvalidInput):
        pay.parties.register(letter * 129)


def test_texts_are_stored_in_one_form_and_found_in_it(pay: InvoicePay) -> None:
    draft = pay.invoices.draft(
        enterprise="acme", customer="ann", lines=[(COMPOSES, "1.00 USD")], note=COMPOSES, reference=COMPOSES
    )

    found = pay.invoices.get(draft.id)
    assert {found.note, found.reference, found.lines[0].description} == {"\u00e9"}
    assert found.note == draft.note
