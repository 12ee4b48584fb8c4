"""The judge of a simulated run: after every commit, after every fact of a provider, and at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from invoicepay.domain.books import Violation
from invoicepay.domain.effects import Effect, EffectStatus, slot_of
from invoicepay.domain.entity import Entity
from invoicepay.domain.events import Step
from invoicepay.errors import MoneyError
from invoicepay.ports.repository import Reply
from invoicepay.testing.simulation.explaining import CONTRADICTION, family, is_explained
from invoicepay.testing.simulation.facts import FactBook
from invoicepay.testing.simulation.faults import FAULTS
from invoicepay.testing.simulation.invariants import Invariants
from invoicepay.testing.simulation.mirror import Mirror, Touched
from invoicepay.testing.simulation.model import SequentialModel
from invoicepay.testing.simulation.ports import (
    Answer,
    Broken,
    Commit,
    Happening,
    Mix,
    ProviderFact,
    Reach,
    Rest,
)
from invoicepay.testing.simulation.resting import everything_at_rest
from invoicepay.testing.simulation.watching import Watch
from invoicepay.use_cases.perform import RECORDED_REFUSALS

S = EffectStatus
OPEN = frozenset({S.PLANNED, S.SENDING, S.UNKNOWN, S.ACCEPTED, S.SETTLED})
"""States in which an intent may still hear news."""
GIVEN_UP = frozenset({S.REJECTED, S.FAILED, S.CANCELLED})
PROVED_BY: Mapping[EffectStatus, tuple[str, ...]] = {
    S.SETTLED: (S.SETTLED, S.FINAL, S.RETURNED),
    S.FINAL: (S.FINAL,),
    S.RETURNED: (S.RETURNED,),
    S.RETURN_REVERSED: (S.RETURN_REVERSED,),
}
"""What a provider must have told before we may believe a status."""
WAITING = frozenset({"effect.waiting", "withdrawal.payout_waiting"})
"""Steps after which an intent waits for something that nobody has promised, such as cash at the bank."""


class StandardOracle:
    """Keeps an account of its own of everything that happened, and compares.

    Attributes:
        invariants: what is checked after each commit, and the mirror that it keeps.
        facts: what providers did.
        troubled: intents that a fault concerned, with the names of the faults.
        reviewed: intents that a person had to look at, with the reason.
    """

    def __init__(self, reach: Reach, platform_id: str = "platform") -> None:
        self.invariants: Invariants = Invariants()
        self.mirror: Mirror = self.invariants.mirror
        self.facts: FactBook = FactBook()
        self.model: SequentialModel = SequentialModel(platform_id)
        self.troubled: dict[str, dict[str, None]] = {}
        self.reviewed: dict[str, str] = {}
        self.replies: dict[str, list[Reply]] = {}
        self._watch = Watch(reach, self.mirror)
        self._reach = reach
        self._open: dict[str, None] = {}
        self._waiting: dict[str, None] = {}
        self._answers: dict[str, str] = {}

    def after_commit(self, commit: Commit) -> list[Broken]:
        """Judge what became durable."""
        touched, wrong = Touched(), list[Broken]()
        for outcome in commit.outcomes:
            overdrawn = self.model.take(outcome, self.mirror)
            wrong += [_overdrawn(party, asset, outcome.command) for party, asset in overdrawn]
            wrong += [_broken(found, outcome.command) for found in self.invariants.command(outcome, touched)]
            for step in outcome.events:
                self._step(step)
        where = ", ".join(dict.fromkeys(outcome.command for outcome in commit.outcomes))
        wrong += [_broken(found, where) for found in self.invariants.commit(touched)]
        unlike = self.model.differences(self.mirror.balances, touched.accounts)
        wrong += [Broken("sequential model", f"{found} (after {where})") for found in unlike]
        for reply in commit.replies:
            self.replies.setdefault(reply.key, []).append(reply)
        for key in touched.rows:
            row = self.mirror.rows[key]
            if isinstance(row, Effect):
                self._keep(row)
                wrong += self._against_the_truth(row, touched.rows[key])
        self._watch.commit(commit, touched)
        return wrong

    def _step(self, step: Step) -> None:
        row = step.row
        if step.name in WAITING:
            waits = [row] if isinstance(row, Effect) else self.mirror.effects_of(row.id)
            self._waiting |= {effect.id: None for effect in waits}
        elif isinstance(row, Effect):
            self._waiting.pop(row.id, None)
            if row.status is S.NEEDS_REVIEW:
                self.reviewed.setdefault(row.id, row.review_reason)

    def _keep(self, effect: Effect) -> None:
        if effect.status in OPEN:
            self._open[effect.id] = None
        else:
            self._open.pop(effect.id, None)

    def _against_the_truth(self, effect: Effect, before: Entity | None) -> Iterator[Broken]:
        """What we believe of an intent is what its provider did, unless a person said so."""
        was = before.status if isinstance(before, Effect) else None
        if effect.status is was or effect.id in self.reviewed:
            return
        told = [movement.told[-1] for movement in self.facts.of(effect.id)]
        if effect.status in GIVEN_UP and any(status not in GIVEN_UP for status in told):
            message = f"{effect.kind} {effect.id} is {effect.status}, its provider has it as {told[-1]}"
            yield Broken("given up while it lives", message)
        needed = PROVED_BY.get(effect.status)
        if needed and not self.facts.told(effect.id, *needed):
            message = f"{effect.kind} {effect.id} is {effect.status}, its provider has {told or 'nothing'}"
            yield Broken("news that nobody told", message)

    def after_fact(self, fact: ProviderFact) -> list[Broken]:
        """Judge what a provider did."""
        if fact.is_contradiction:
            self._trouble(fact.reference, CONTRADICTION)
            return []
        self._watch.fact(fact)
        twice = self.facts.take(fact.reference, fact.transfer)
        wrong = [Broken("two movements", twice)] if twice else []
        effect = self.mirror.get(Effect, fact.reference)
        if effect is not None and not twice:
            wrong += _beside_the_point(effect, fact)
        return wrong

    def happened(self, happening: Happening) -> None:
        """Note what may explain why a person is needed."""
        if happening.kind == "fault" and happening.reference:
            self._trouble(happening.reference, happening.name)
        elif happening.kind == "crash" or happening.name.startswith("database."):
            name = "process.crash" if happening.kind == "crash" else happening.name
            for id in self._watch.claims_of(happening.process):
                self._trouble(id, name)
        self._watch.happened(happening)

    def _trouble(self, reference: str, name: str) -> None:
        self.troubled.setdefault(reference, {})[name] = None

    def answered(self, answer: Answer[Any]) -> list[Broken]:
        """A definite answer is kept under its key, and comes again as it was."""
        stored = self.replies.get(answer.key, [])
        said = _said(answer)
        wrong = list[Broken]()
        if answer.refusal is None and not any(not reply.is_error for reply in stored):
            wrong.append(Broken("acknowledged and not kept", f"{answer.what} ({answer.key})"))
        if answer.refusal is not None and any(not reply.is_error for reply in stored):
            message = f"{answer.what}: told {answer.refusal.code}, kept as done ({answer.key})"
            wrong.append(Broken("refused and done", message))
        is_kept = answer.refusal is None or isinstance(answer.refusal, RECORDED_REFUSALS)
        if isinstance(answer.refusal, MoneyError) and not stored:
            message = f"{answer.what}: {answer.refusal.code} ({answer.key})"
            wrong.append(Broken("refused and not kept", message))
        before = self._answers.get(answer.key)
        if before is not None and is_kept:
            self._reach.seen("refusal replayed" if answer.refusal else "key used again")
            if before != said:
                wrong.append(Broken("two answers to one key", f"{answer.what}: {before}, then {said}"))
        if is_kept:
            self._answers[answer.key] = said
        return wrong

    def unsettled(self) -> list[str]:
        """Intents whose end is not known yet, or whose provider has told something newer."""
        return [self._unsettled(effect) for effect in self._moving()]

    def _unsettled(self, effect: Effect) -> str:
        return f"{effect.kind} {effect.id} is {effect.status}"

    def _moving(self) -> Iterator[Effect]:
        for id in self._open:
            effect = self.mirror.get(Effect, id)
            if effect is not None and id not in self._waiting and self._expects_news(effect):
                yield effect

    def _expects_news(self, effect: Effect) -> bool:
        if effect.status is S.SETTLED:
            return self.facts.told(effect.id, S.FINAL, S.RETURNED) > 0
        return effect.status is not S.FINAL

    async def at_rest(self, rest: Rest) -> list[Broken]:
        """Judge everything, once nothing moves any more."""
        return [
            *self._unexplained(rest.mix),
            *[Broken(*found) async for found in everything_at_rest(self, rest)],
        ]

    def _unexplained(self, mix: Mix) -> Iterator[Broken]:
        """Every review has trouble that leads to it, of that intent or of the same money elsewhere."""
        for id, reason in self.reviewed.items():
            effect = self.mirror.get(Effect, id)
            relatives = family(self.mirror, effect) if effect else ()
            troubles = {name for other in relatives for name in self.troubled.get(other.id, {})}
            can = mix.rails if effect is None or slot_of(effect.kind) == "rails" else mix.tokens
            if not is_explained(reason, troubles, can):
                met = ", ".join(sorted(troubles)) or "nothing"
                yield Broken("review without a cause", f"{id}: {reason}; it met {met}")

    def contested(self) -> set[str]:
        """Causes whose books follow a person, or wait for one."""
        found = set[str]()
        for id in {*self.reviewed, *self._contradicted()}:
            effect = self.mirror.get(Effect, id)
            if effect is not None:
                found.add(effect.cause_id)
        return found

    def _contradicted(self) -> Iterable[str]:
        contradictions = {name for name, fault in FAULTS.items() if fault.contradicts} | {CONTRADICTION}
        return [id for id, names in self.troubled.items() if contradictions & names.keys()]


def _beside_the_point(effect: Effect, fact: ProviderFact) -> Sequence[Broken]:
    """An order carries the frozen amount, and nothing leaves for an intent that was given up."""
    if not fact.is_new:
        return ()
    if fact.transfer.amount != effect.amount:
        message = f"{effect.id} asked for {effect.amount}, its order says {fact.transfer.amount}"
        return (Broken("another amount", message),)
    if effect.last_sent_at is None:
        return (Broken("sent without a mark", f"{effect.id} is {effect.status}, and its order is there"),)
    return ()


def _said(answer: Answer[Any]) -> str:
    """An answer for comparison: the id of what was done, or the refusal's code."""
    if answer.refusal is not None:
        return answer.refusal.code
    result = answer.result
    return f"{result.KIND} {result.id}" if isinstance(result, Entity) else type(result).__name__


def _broken(found: Violation, where: str) -> Broken:
    return Broken(found.rule, f"{found.subject}: {found.message} (after {where})")


def _overdrawn(party: str, asset: str, command: str) -> Broken:
    return Broken("sequential model", f"{command} took more {asset} from {party} than it had")
