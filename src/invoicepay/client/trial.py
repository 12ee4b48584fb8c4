"""What a dry run notes: how each call would end, and what nobody outside was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import wraps
from inspect import getmembers, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from invoicepay.domain.decided import Decided
from invoicepay.errors import InvoicePayError
from invoicepay.ports.screening import Screened, Subject, Verdict

if TYPE_CHECKING:
    from invoicepay.domain.explanation import ExplainedCall, Explanation

Call = Callable[..., Coroutine[Any, Any, Any]]

_CAPITAL = re.compile("(?<!^)(?=[A-Z])")
"""Where a new word of a class's name begins."""


@dataclass(slots=True)
class Trial:
    """What a dry run has noted so far.

    Attributes:
        calls: each command by tenant, operation and key; one that is tried again is noted once.
        told: refusals that are among them; the same error is noted once, however far it travels.
        assumptions: what nobody outside was asked.
    """

    calls: dict[object, ExplainedCall] = field(default_factory=dict[object, "ExplainedCall"])
    told: list[InvoicePayError] = field(default_factory=list[InvoicePayError])
    assumptions: dict[str, None] = field(default_factory=dict[str, None])

    def witness(self, scope: tuple[str, ...], decided: Decided) -> None:
        """Note how a command ended."""
        from invoicepay.domain.explaining import explained

        if decided.refusal is not None:
            self.told.append(decided.refusal)
        place = (*scope, len(self.calls)) if decided.is_replayed else scope
        self.calls[place] = explained(decided)

    def refused(self, name: str, actor: str, error: InvoicePayError) -> None:
        """Note a refusal that came before any command, for example of an amount that is none."""
        from invoicepay.domain.explanation import ExplainedCall, Refusal

        if not any(error is known for known in self.told):
            self.told.append(error)
            self.calls[name, len(self.calls)] = ExplainedCall(
                name=name, actor=actor, refusal=Refusal.of(error)
            )

    def explanation(self) -> Explanation:
        """Everything noted, as a value."""
        from invoicepay.domain.explanation import Explanation

        return Explanation(calls=tuple(self.calls.values()), assumptions=tuple(self.assumptions))

    def watch(self, group: object, actor: str) -> None:
        """Note what the group's calls refuse, also before it becomes a command."""
        place = _CAPITAL.sub("_", type(group).__name__).lower()
        for name, _ in getmembers(type(group), iscoroutinefunction):
            if not name.startswith("_"):
                setattr(group, name, self._watched(f"{place}.{name}", actor, getattr(group, name)))

    def _watched(self, name: str, actor: str, call: Call) -> Call:
        @wraps(call)
        async def watched(*args: Any, **options: Any) -> Any:
            try:
                answer = await call(*args, **options)
            except InvoicePayError as refusal:
                self.refused(name, actor, refusal)
                raise
            for one in answer if isinstance(answer, list) else ():
                if isinstance(one, InvoicePayError):
                    self.refused(name, actor, one)
            return answer

        return watched


@dataclass(frozen=True, slots=True)
class Unasked:
    """Stands for the host's screening: a dry run tells nobody outside of what does not happen."""

    trial: Trial

    async def screen(self, subject: Subject) -> Screened:
        """Let it pass, and say so."""
        who = (
            f"{subject.party_id} → {subject.counterparty_id}" if subject.counterparty_id else subject.party_id
        )
        self.trial.assumptions[f"screening allows the {subject.action} of {subject.amount} ({who})"] = None
        return Screened(verdict=Verdict.ALLOW)
