"""Which texts of rows, events and answers are sealed, and the place that each is bound to (S-26)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from invoicepay.domain.canonical import canonical
from invoicepay.domain.change import Outcome
from invoicepay.domain.entity import E, Entity
from invoicepay.domain.events import Event, Step
from invoicepay.domain.personal import Edit, any_text, edited, edited_data, json_text, texts_of
from invoicepay.errors import InvariantViolated
from invoicepay.ports.repository import Reply
from invoicepay.ports.sealing import FieldCipher

MARK = "ipf1."
"""What a sealed text begins with: then come the kind of its row, a dot, and what the cipher made."""

Place = tuple[str, str]
"""A row's id and the text's place in it."""


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals and opens the texts of one tenant.

    A text without the mark is taken as it is: it was stored before there was a key.
    """

    cipher: FieldCipher
    tenant_id: str

    def opened(self, row: E) -> E:
        """A stored row as the library knows it."""
        return edited(row, self._opening(row.id, row.KIND))

    def opened_event(self, event: Event) -> Event:
        """A stored event as hosts are told of it."""
        data = edited_data(event.data, lambda id: self._opening(id, event.kind), any_text)
        return replace(event, data=data)

    def opened_reply(self, reply: Reply) -> Reply:
        """A stored answer as it was given."""
        if reply.is_error or MARK not in reply.body:
            return reply
        return replace(reply, body=json_text(edited_data(json.loads(reply.body), self._opening, any_text)))

    def _opening(self, id: str, kind: str = "") -> Edit:
        return lambda place, text: self.open(text, id, place, kind)

    def open(self, text: str, id: str, place: str, kind: str) -> str:
        """A text as it was said.

        Raises:
            InvariantViolated: it was sealed for another place.
        """
        if not text.startswith(MARK):
            return text
        told, _, sealed = text.removeprefix(MARK).partition(".")
        if kind and told != kind:
            raise InvariantViolated(f"a sealed text of a {told} lies in a {kind}", id=id)
        return self.cipher.open(sealed, about=self._about(told, id, place))

    def seal(self, text: str, id: str, place: str, kind: str) -> str:
        """A text as it is stored."""
        return f"{MARK}{kind}.{self.cipher.seal(text, about=self._about(kind, id, place))}"

    def _about(self, kind: str, id: str, place: str) -> str:
        return json.dumps([self.tenant_id, kind, id, place])


@dataclass(slots=True)
class Batch:
    """Seals what one transaction writes; a text that did not change keeps the seal that it has.

    Attributes:
        known: sealed texts by place, each with what it says.
    """

    seals: Seals
    known: dict[Place, tuple[str, str]] = field(default_factory=dict[Place, tuple[str, str]])

    def opened(self, stored: E) -> E:
        """A row that was loaded to be changed, maybe; its seals are remembered."""

        def open(place: str, text: str) -> str:
            says = self.seals.open(text, stored.id, place, stored.KIND)
            if says is not text:
                self.known[stored.id, place] = (says, text)
            return says

        return edited(stored, open)

    def sealed(self, row: E) -> E:
        """A row as it is stored."""
        return edited(row, lambda place, text: self._seal(text, row.id, place, row.KIND))

    def _seal(self, text: str, id: str, place: str, kind: str) -> str:
        said, sealed = self.known.get((id, place), ("", ""))
        if said != text:
            sealed = self.seals.seal(text, id, place, kind)
            self.known[id, place] = (text, sealed)
        return sealed

    def written(
        self, outcomes: Sequence[Outcome[Any]], replies: Sequence[Reply]
    ) -> tuple[list[Outcome[Any]], list[Reply]]:
        """Outcomes and answers as they are stored; what an event tells already stays the same object."""
        bodies: dict[int, str] = {}
        made = [self._outcome(outcome, bodies) for outcome in outcomes]
        kinds = {row.id: row.KIND for outcome in outcomes for row in outcome.rows}
        return made, [self._reply(reply, bodies, kinds) for reply in replies]

    def _outcome(self, outcome: Outcome[Any], bodies: dict[int, str]) -> Outcome[Any]:
        steps = tuple(self._step(step, bodies) for step in outcome.events)
        told = {(type(step.row), step.row.id, step.row.version): step.row for step in steps}
        rows = tuple(told.get((type(row), row.id, row.version)) or self.sealed(row) for row in outcome.rows)
        return replace(outcome, rows=rows, events=steps)

    def _step(self, step: Step, bodies: dict[int, str]) -> Step:
        row: Entity = self.sealed(step.row)
        body = step.body if row is step.row else canonical(row)
        bodies[id(step.body)] = body
        return replace(step, row=row, body=body)

    def _reply(self, reply: Reply, bodies: dict[int, str], kinds: dict[str, str]) -> Reply:
        """An answer that no event tells is sealed by itself: a row of it, or several of them."""
        if id(reply.body) in bodies:
            return replace(reply, body=bodies[id(reply.body)])
        if reply.is_error:
            return reply

        def sealing(row_id: str) -> Edit:
            kind = kinds.get(row_id, "reply")
            return lambda place, text: self._seal(text, row_id, place, kind)

        before = json.loads(reply.body)
        after = edited_data(before, sealing, texts_of)
        return reply if after == before else replace(reply, body=json_text(after))
