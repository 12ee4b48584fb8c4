"""Processes that die at a step of an operation, and what is durable then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from invoicepay.domain.accounts import Account
from invoicepay.domain.effects import Effect, InboxMessage, InboxStatus
from tests.crashes.dying import Fate
from tests.crashes.matrix import AFTER_COMMIT, Matrix, Told
from tests.crashes.stories import stories
from tests.input.scene import HOME


@dataclass
class Durable:
    """What a dead process left.

    Attributes:
        rules: what was posted, in order.
        moved: how far each account is from where it was, by its code; control accounts, too.
        effects: the intents of the story by kind and status.
        orders: how many of them a provider has.
        waiting: webhooks that are kept and not applied.
        untold: events that no handler has taken.
        answered: whether the key of the call is taken.
    """

    rules: list[str] = field(default_factory=list[str])
    moved: dict[int, str] = field(default_factory=dict[int, str])
    effects: list[str] = field(default_factory=list[str])
    orders: int = 0
    waiting: int = 0
    untold: int = 0
    answered: bool = False


def told(on: Matrix, name: str) -> Told:
    """A story of the crash matrix."""
    (story,) = (story for story in stories() if story.name == name)
    return on.told(story)


def new_effects(on: Matrix, story: Told) -> list[Effect]:
    """Intents that came into being since the story began; read past the repository, which may be in use."""
    assert on.stage.scene.repository is not None
    rows = on.stage.scene.repository._tenants[HOME].rows(Effect)
    return [effect for id, effect in rows.items() if id not in story.start.books.ids]


class Watchful(Fate):
    """Lives, and notes the boundaries at which something is so."""

    def __init__(self, at: str, is_so: Callable[[], bool]) -> None:
        super().__init__()
        self._at, self._is_so = at, is_so
        self.found: list[int] = []

    def meet(self, at: str, operations: list[str] | None = None) -> None:
        """Note it."""
        super().meet(at, operations)
        if at == self._at and self._is_so():
            self.found.append(len(self.passed) - 1)


def first_place(on: Matrix, story: Told, at: str, is_so: Callable[[], bool] = lambda: True) -> int:
    """The first boundary of a kind at which something is so."""
    fate = Watchful(at, is_so)
    on.watched(story, fate)
    assert fate.found, f"{story.story.name} never comes to that"
    return fate.found[0]


def durable(on: Matrix, story: Told) -> Durable:
    """What there is now that was not there when the story began."""
    scene, before = on.stage.scene, story.start.books
    assert scene.repository is not None
    tables = scene.repository._tenants[HOME]
    kept: dict[str, tuple[Account, int]] = {
        account.id: (account, n) for account, n in tables.balances.items()
    }
    moved: dict[int, int] = {}
    for id, (account, micros) in kept.items():
        code = int(account.code)
        moved[code] = moved.get(code, 0) + micros - before.balances.get(id, 0)
    references = [transfer.reference for transfer in scene.rails.transfers()]
    references += [transfer.reference for transfer in scene.tokens.transfers()]
    ours = new_effects(on, story)
    return Durable(
        rules=[b.posting.rule for b in tables.ledger if b.posting.id not in before.ledger],
        moved={code: str(Decimal(n) / 1_000_000) for code, n in sorted(moved.items()) if n},
        effects=[f"{effect.kind} {effect.status}" for effect in ours],
        orders=sum(reference in {effect.id for effect in ours} for reference in references),
        waiting=sum(m.status is InboxStatus.RECEIVED for m in tables.rows(InboxMessage).values()),
        untold=len(tables.unpublished),
        answered=any(key == "host-1" for _, key in tables.replies),
    )


__all__ = ["AFTER_COMMIT", "Durable", "durable", "first_place", "new_effects", "told"]
