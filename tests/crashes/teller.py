"""A host that repeats its calls under the same keys, and an outside that goes on whatever happens to us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from invoicepay import Finalize, InvoicePay
from invoicepay.adapters.simulated.bank import BankCommand
from invoicepay.bridge import run_blocking
from invoicepay.domain.effects import EffectKind, EffectStatus
from invoicepay.domain.events import Event
from invoicepay.errors import InvoicePayError, OutcomeUnknown
from invoicepay.ports.rails import Direction, RailStatus
from tests.crashes.stage import Stage
from tests.input.calls import arguments, methods

T = TypeVar("T")
Outside = Callable[[], Any]
AT_THE_BANK = (EffectKind.DEPOSIT, EffectKind.PAYOUT)
SIGNATURES = dict(methods())


@dataclass
class World:
    """What outlives a process of ours.

    Attributes:
        mail: webhooks that nobody has answered with 2xx yet.
        done: what the outside has done by now; it does each thing once.
        answers: by key, what the host was told; whoever was told once is told the same again.
        old: references of the bank's transfers from before the story.
        seen: events that the host's handler took.
        faults: answers that differ from earlier ones under the same key.
    """

    stage: Stage
    mail: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    done: set[str] = field(default_factory=set[str])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    old: frozenset[str] = frozenset()
    seen: list[Event] = field(default_factory=list[Event])
    faults: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.old = frozenset(transfer.reference for transfer in self.stage.scene.rails.transfers())


@dataclass(frozen=True)
class Teller:
    """The host and the outside, as seen by one process of ours."""

    world: World
    pay: InvoicePay

    def thing(self, name: str) -> str:
        """The id of a thing of the scene."""
        return self.world.stage.scene.things[name]

    def call(self, name: str, *, key: str = "host-1", **other: Any) -> Any:
        """Make a public call; its answer is kept under its key.

        A refusal is an answer, too. Whoever asks again is answered the same.
        """
        asked = arguments(self.world.stage.scene, name) | other
        has_key = "idempotency_key" in SIGNATURES[name].parameters
        if has_key:
            asked["idempotency_key"] = key
        if "items" in asked:
            asked["items"] = [keyed(item, f"{key}-{n}") for n, item in enumerate(asked["items"])]
        target: Any = self.pay
        for part in name.split("."):
            target = getattr(target, part)
        try:
            answer = asked_until_known(partial(target, **asked))
        except InvoicePayError as refusal:
            answer = refusal
        first = self.world.answers.setdefault(f"{name} {key}", answer)
        if (has_key or "items" in asked) and not is_same(first, answer):
            self.world.faults.append(f"{name} was answered {first!r:.200}, then {answer!r:.200}")
        return answer

    def work(self) -> None:
        """Whatever waits is done."""
        asked_until_known(self.pay.run_pending)

    def use(self, use_case: Callable[..., Any], command: object) -> Any:
        """Carry out a command that has no public call of its own."""
        deps = self.pay._pay._core.deps
        return asked_until_known(lambda: run_blocking(use_case(deps, command, "host-1")))

    def outside(self, name: str, act: Outside) -> bool:
        """Something happens outside, once, whoever of us is alive.

        Returns:
            Whether it has happened by now; an act that answers False could not yet.
        """
        if name not in self.world.done and act() is not False:
            self.world.done.add(name)
        return name in self.world.done

    def has_ended(self, cause: str, *states: EffectStatus) -> bool:
        """Whether the oldest intent of the bank's for this came to such an end."""
        ours = [one for one in self.pay.effects.list(cause=cause) if one.kind in AT_THE_BANK]
        return bool(ours) and ours[0].status in states

    def bank(
        self,
        kind: EffectKind,
        status: RailStatus,
        command: BankCommand,
        *,
        only_first: bool = False,
        **stated: Any,
    ) -> None:
        """The bank moves each transfer of a kind that is new since the story began and stands there."""
        rails = self.world.stage.scene.rails
        direction = Direction.WITHDRAWAL if kind is EffectKind.PAYOUT else Direction.DEPOSIT
        new = [transfer for transfer in rails.transfers() if transfer.reference not in self.world.old]
        ours = [transfer for transfer in new if transfer.direction is direction]
        for transfer in ours[:1] if only_first else ours:
            if rails.transfer(transfer.reference).status is status:
                rails.move(transfer.reference, command, **stated)

    def settle(self) -> None:
        """The bank settles whatever is new."""
        for kind in (EffectKind.DEPOSIT, EffectKind.PAYOUT):
            self.bank(kind, RailStatus.PENDING, BankCommand.SETTLE)

    def deliver(self) -> None:
        """Webhooks are carried over; one that was not answered with 2xx comes again."""
        scene, mail = self.world.stage.scene, self.world.mail
        mail += [("rails", delivery) for delivery in scene.rails.drain()]
        mail += [("tokens", delivery) for delivery in scene.tokens.drain()]
        while mail:
            slot, delivery = mail[0]
            receive = partial(self.pay.webhooks.receive, slot)
            asked_until_known(partial(receive, headers=delivery.headers, body=delivery.body))
            mail.pop(0)

    def go_on(self) -> None:
        """We work, the bank settles and tells, and we work on."""
        self.work()
        self.settle()
        self.deliver()
        self.work()


def asked_until_known(call: Callable[[], T]) -> T:
    """What a call gives; where it says that nobody knows whether it was committed, it is made again."""
    try:
        answer = call()
    except OutcomeUnknown:
        return call()
    is_partly_unknown = isinstance(answer, list) and any(isinstance(one, OutcomeUnknown) for one in answer)
    return call() if is_partly_unknown else answer


def keyed(item: Any, key: str) -> Any:
    """An item of a batch under a key of its own."""
    return (
        Finalize(item, idempotency_key=key) if isinstance(item, str) else replace(item, idempotency_key=key)
    )


def is_same(first: Any, again: Any) -> bool:
    """Whether two answers say the same; that the second is a repetition counts for nothing.

    Of a report, that is what was attested: the report itself is made anew.
    """
    if isinstance(first, list):
        return len(first) == len(again) and all(map(is_same, first, again))
    if isinstance(first, InvoicePayError):
        return isinstance(again, InvoicePayError) and first.code == again.code
    return bool(getattr(first, "attestation", first) == getattr(again, "attestation", again))
