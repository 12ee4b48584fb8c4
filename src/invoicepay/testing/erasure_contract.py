"""What every Repository must do when somebody is erased: the texts go, everything else stays (S-27)."""

from __future__ import annotations

import json
from typing import Any

from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Change
from invoicepay.domain.effects import Effect
from invoicepay.domain.entity import Entity
from invoicepay.domain.needs import Needs, find
from invoicepay.domain.personal import ERASED, OF_KIND, Texts, erased
from invoicepay.testing.samples import sample
from invoicepay.testing.store import Store

GONE, OTHER = "ann", "bob"


class ErasureContract:
    """Facts about erasing; part of `RepositoryContract`."""

    def test_an_erasure_empties_every_text_in_rows_and_in_what_their_events_tell(self, store: Store) -> None:
        hers, others = _rows_about(GONE, 1), _rows_about(OTHER, 3)
        store.add(*hers, *others, event="sample.added")

        store.write(_erase)

        for row in hers:
            (found,) = store.found(find(type(row), id=row.id))
            assert _texts(found) == _texts(erased(row))
            assert found.version == 1
            assert _told(store, row) == _texts(erased(row))
        for row in others:
            (found,) = store.found(find(type(row), id=row.id))
            assert _texts(found) == _texts(row) == _told(store, row)

    def test_an_erasure_empties_answers_that_no_event_tells(self, store: Store) -> None:
        hers, others = _rows_about(GONE, 1), _rows_about(OTHER, 3)
        store.add(*hers, *others)
        answer = {"done": [json.loads(canonical(row)) for row in (hers[0], others[0])]}
        store.host.run(_answer(store, "k", json.dumps(answer, sort_keys=True, separators=(",", ":"))))

        store.write(_erase)

        body = json.loads(store.replies(("test.write", "k"))["test.write", "k"].body)
        assert [row["note"] for row in body["done"]] == ["", _texts(others[0])["note"]]
        assert [row["id"] for row in body["done"]] == [hers[0].id, others[0].id]

    def test_an_erasure_touches_no_other_tenant(self, store: Store) -> None:
        (hers, *_) = _rows_about(GONE, 1)
        other = store.of_tenant("other")
        other.add(hers, event="sample.added")
        store.add(hers)

        store.write(_erase)

        (found,) = other.found(find(type(hers), id=hers.id))
        assert _texts(found) == _texts(hers) == _told(other, hers)


def _erase(change: Change) -> None:
    change.erase(GONE)


def _rows_about(party_id: str, number: int) -> list[Entity]:
    """A row of every kind that holds texts; one that names nobody names the row before it."""
    rows: list[Entity] = []
    for texts in ERASED:
        named = dict.fromkeys(texts.sides, party_id)
        if texts.via:
            named[texts.via] = rows[-1].id
        rows.append(sample(texts.kind, number, **named, **_given(texts, party_id, number)))
    return rows


def _given(texts: Texts, party_id: str, number: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if texts.prefix:
        given["id"] = f"{texts.prefix}_{number:026}"
    if texts.kind is Effect:
        given["request"] = {"rail": "ach", "party_id": party_id, "account_token": f"token-{number}"}
    return given


def _texts(row: Entity) -> dict[str, Any]:
    """A row's texts as JSON, by field."""
    data = json.loads(canonical(row))
    return {name: data[name] for name in OF_KIND[type(row)].fields}


def _told(store: Store, row: Entity) -> dict[str, Any]:
    """The same of the row's only event."""
    (event,) = (
        event
        for event in store.look(lambda reader: reader.events(entity_id=row.id))
        if event.kind == row.KIND
    )
    return {name: event.data[name] for name in OF_KIND[type(row)].fields}


async def _answer(store: Store, key: str, body: str) -> None:
    """Keep an answer of that text."""
    async with store.repository.unit(store.tenant_id) as unit:
        outcomes, _ = await store.decided(unit, [lambda _: None], Needs())
        await unit.apply(outcomes, [store.reply(key, body=body)])
        await unit.commit()
