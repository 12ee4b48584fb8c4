"""Defects that are planted into the library one at a time: `python -m tests.simulation.planted` finds each.

They are patches of the tests, never switches of the library. A search that does not find one of them would
not find its likes either, so it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from invoicepay.adapters.memory import repository as memory
from invoicepay.adapters.signatures import STANDARD_V1
from invoicepay.domain import change as changes
from invoicepay.domain import (
    deposit_news,
    deposit_returns,
    holds,
    netting,
    payments,
    postings,
    receiving,
    resending,
    transfers,
    withdrawal_news,
)
from invoicepay.domain.accounts import Code, account
from invoicepay.domain.effects import Effect, EffectKind, InboxStatus
from invoicepay.domain.payments import PaymentCommand
from invoicepay.domain.resending import Resend
from invoicepay.errors import ProviderRejected, ProviderUnknown
from invoicepay.testing.simulation import run
from invoicepay.testing.simulation.chooser import Draw
from invoicepay.testing.simulation.oracle import StandardOracle
from invoicepay.testing.simulation.ports import Mix, Scene
from invoicepay.testing.simulation.reach import Counts
from invoicepay.testing.simulation.workload import StandardWorkload
from invoicepay.use_cases import inbox, observations, outbound, pending, perform, providers, recover
from invoicepay.use_cases.neighbours import Served

Patch = pytest.MonkeyPatch
STEPS = 2_500
"""Of one run; a defect that needs more than one run is looked for under the next seeds."""


@dataclass(frozen=True)
class Defect:
    """One mistake that somebody could make.

    Attributes:
        plant: makes it.
        budget: steps within which it has to be found, over as many seeds as that takes.
        faults: what has to go wrong for it to matter, with per-mille chances; the rest is the swarm's.
        narrows: what has to be so for it to matter, such as a provider that cannot be asked.
    """

    title: str
    plant: Callable[[Patch], None]
    budget: int
    faults: Mapping[str, int] = field(default_factory=dict[str, int])
    narrows: Callable[[Mix], Mix] = lambda mix: mix


DEFECTS: dict[str, Defect] = {}


def defect(
    title: str,
    *,
    budget: int = 50_000,
    faults: Mapping[str, int] | None = None,
    narrows: Callable[[Mix], Mix] = lambda mix: mix,
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Add a defect under the name of the function that plants it."""

    def add(plant: Callable[[Patch], None]) -> Callable[[Patch], None]:
        DEFECTS[plant.__name__] = Defect(title, plant, budget, faults or {}, narrows)
        return plant

    return add


def forgetful(mix: Mix) -> Mix:
    """Providers that move money again when a key comes again, and that can be asked."""
    return replace(
        mix,
        rails=replace(mix.rails, deduplicates=False, finds_by_reference=True),
        tokens=replace(mix.tokens, deduplicates=False, finds_by_reference=True),
    )


def silent(mix: Mix) -> Mix:
    """Providers that cannot be asked by our reference, so that they remember keys and lose no webhook."""
    return replace(
        mix,
        faults={name: rate for name, rate in mix.faults.items() if name != "webhook.lost"},
        rails=replace(mix.rails, deduplicates=True, finds_by_reference=False),
        tokens=replace(mix.tokens, deduplicates=True, finds_by_reference=False),
    )


LOSES = {"call.answer_lost": 150, "call.late": 100}


@defect("a new key for each attempt", faults=LOSES, narrows=silent)
def key_of_the_attempt(patch: Patch) -> None:
    send = providers.send

    async def sent(deps: Any, effect: Effect) -> Any:
        return await send(deps, replace(effect, provider_key=f"{effect.provider_key}/{effect.attempt}"))

    patch.setattr(providers, "send", sent)


@defect("a lost answer counts as a refusal", faults=LOSES)
def timeout_is_failure(patch: Patch) -> None:
    answered = outbound._answered

    def judged(deps: Any, effect: Effect, answer: Any) -> Any:
        lost = isinstance(answer, ProviderUnknown)
        return answered(deps, effect, ProviderRejected("timed out") if lost else answer)

    patch.setattr(outbound, "_answered", judged)


@defect("sent again without asking first", faults=LOSES, narrows=forgetful)
def no_look_before_resend(patch: Patch) -> None:
    async def may_go(_deps: Any, _effect: Effect) -> bool:
        return True

    patch.setattr(recover, "_may_go", may_go)


@defect("the first absence is believed, however early", faults={"call.late": 200}, narrows=forgetful)
def no_grace(patch: Patch) -> None:
    patch.setattr(recover, "_grace", lambda _can: timedelta(0))
    patch.setattr(recover, "may_resend", lambda **_known: Resend.SEND)


@defect("a key is sent again however old it is", budget=200_000, narrows=lambda mix: silent(_short(mix)))
def stale_key(patch: Patch) -> None:
    patch.setattr(recover, "is_key_alive", lambda *_known: True)
    patch.setattr(resending, "MOST_SENDS", 1_000)


def _short(mix: Mix) -> Mix:
    return replace(
        mix,
        rails=replace(mix.rails, key_lifetime_seconds=60),
        tokens=replace(mix.tokens, key_lifetime_seconds=60),
        faults={**mix.faults, "provider.key_forgotten": 1_000, "call.outage": 60, "call.answer_lost": 200},
    )


@defect(
    "whoever lost a claim sends all the same", budget=200_000, faults={"process.pause": 20}, narrows=forgetful
)
def lost_claim_sends(patch: Patch) -> None:
    def decide(command: Any, change: Any) -> bool:
        effect = change.get(Effect, command.effect.id)
        change.put(replace(effect, attempt=effect.attempt + 1, last_sent_at=change.now))
        return True

    patch.setattr(outbound, "MARK", replace(outbound.MARK, decide=decide))
    patch.setattr(outbound, "_is_late", lambda *_known: False)


@defect(
    "a worker that lost its claim writes all the same",
    budget=200_000,
    faults={"process.pause": 20, "call.slow": 100, "call.refused": 150},
    narrows=forgetful,
)
def unfenced_write(patch: Patch) -> None:
    def postponed(command: Any, change: Any) -> bool:
        effect = change.get(Effect, command.effect_id)
        decided: bool = outbound.decide_postpone(replace(command, fence=effect.fence), change)
        return decided

    def recorded(command: Any, change: Any) -> Any:
        effect = change.get(Effect, command.effect.id)
        return observations.decide_record(replace(command, fence=effect.fence), change)

    patch.setattr(outbound, "POSTPONE", replace(outbound.POSTPONE, decide=postponed))
    patch.setattr(observations, "RECORD", replace(observations.RECORD, decide=recorded))


@defect("a return is passed over while the money has not come", faults={"provider.returns_unsettled": 200})
def return_ignored_before_settle(patch: Patch) -> None:
    returned = deposit_news._returned

    def passed_over(change: Any, deposit: Any, seen: Any) -> None:
        if deposit.has_arrived:
            returned(change, deposit, seen)

    patch.setattr(deposit_news, "_returned", passed_over)


@defect("a payout that comes back is booked without its having left", faults={"provider.returns": 200})
def skipped_fact(patch: Patch) -> None:
    patch.setattr(withdrawal_news, "_paid", lambda _change, withdrawal: withdrawal)


@defect("money is received again with each of its news")
def double_fold(patch: Patch) -> None:
    def arrived(change: Any, deposit: Any, seen: Any) -> Any:
        wanted = min(seen.amount, deposit.requested)
        known = deposit_news._accepted_if_new(change, deposit, seen)
        posting = postings.deposit_received(deposit.party_id, deposit.asset, wanted.micros, memo=deposit.id)
        if deposit.has_arrived:
            change.post(posting)
            return deposit
        return receiving.received(change, known, wanted, seen.fee)

    patch.setattr(deposit_news, "_arrived", arrived)


@defect(
    "a mint is sent without a look at its reserve",
    budget=200_000,
    faults={"provider.returns": 600, "call.refused": 300},
    narrows=lambda mix: replace(mix, settle_seconds=(1, 10), worker_seconds=5),
)
def mint_without_guards(patch: Patch) -> None:
    patch.setattr(outbound, "barrier", lambda _change, _effect: "")


@defect("a hold is released while nobody knows whether its tokens moved", faults=LOSES)
def hold_released_on_unknown(patch: Patch) -> None:
    from invoicepay.use_cases.payments import onchain

    def lost(change: Any, payment: Any) -> None:
        onchain._ended(change, payment, PaymentCommand.FAIL, "no answer")

    patch.setattr(onchain, "_lost", lost)


@defect("nobody polls", faults={"webhook.lost": 1_000})
def no_poller(patch: Patch) -> None:
    async def asked(*_arguments: Any, **_more: Any) -> Served:
        return Served()

    patch.setattr(pending, "poll_due", asked)


@defect("a webhook is called applied before it is, and nobody polls")
def acknowledged_before_applied(patch: Patch) -> None:
    async def call(_deps: Any, news: Any, _effect: Any) -> Any:
        return inbox._aside(news.message, InboxStatus.APPLIED, "")

    patch.setattr(inbox, "_call", call)
    no_poller(patch)


@defect("answers are not kept under their keys", budget=10_000)
def forgotten_answers(patch: Patch) -> None:
    apply = memory.MemoryUnit.apply

    async def applied(self: Any, outcomes: Sequence[Any], _replies: Sequence[Any]) -> None:
        await apply(self, outcomes, ())

    patch.setattr(memory.MemoryUnit, "apply", applied)


@defect("a refusal that depended on state is not kept", budget=300_000)
def forgotten_refusals(patch: Patch) -> None:
    patch.setattr(perform, "RECORDED_REFUSALS", ())


@defect("what is spendable is not looked at", budget=20_000)
def no_floor(patch: Patch) -> None:
    patch.setattr(changes, "has_floor", lambda _account: False)
    patch.setattr(memory, "has_floor", lambda _account: False)


@defect("transactions see what others have not finished, and versions are not compared", budget=200_000)
def no_isolation(patch: Patch) -> None:
    from invoicepay.testing.simulation import store

    async def enter(_self: Any, around: Any) -> Any:
        return around.world.scheduler.current

    patch.setattr(store.Door, "enter", enter)
    apply = memory.MemoryUnit.apply

    async def applied(self: Any, outcomes: Sequence[Any], replies: Sequence[Any]) -> None:
        self._versions = {key: self._tables.rows(key[0])[key[1]].version for key in self._versions}
        await apply(self, outcomes, replies)

    patch.setattr(memory.MemoryUnit, "apply", applied)


@defect("an overpayment is not fenced")
def no_fence(patch: Patch) -> None:
    settled = postings.payment_settled

    def unfenced(*arguments: Any, **more: Any) -> Any:
        return settled(*arguments, **{**more, "ring_fenced": False})

    patch.setattr(postings, "payment_settled", unfenced)


@defect("a refund changes the invoice and moves nothing")
def refund_without_tokens(patch: Patch) -> None:
    from invoicepay.use_cases.invoices import closing, credit_notes

    for module in (payments, closing, credit_notes):
        if hasattr(module, "pay_back"):
            patch.setattr(module, "pay_back", lambda *_arguments, **_more: None)


@defect("a burn leaves its hold as it was")
def hold_not_captured(patch: Patch) -> None:
    patch.setattr(holds, "capture", lambda *_arguments, **_more: None)


@defect("a payout that came back is owed to nobody", faults={"provider.returns": 300})
def return_not_owed(patch: Patch) -> None:
    returned = postings.payout_returned

    def misplaced(party_id: str, asset: str, amount: int, *, memo: str) -> Any:
        posting = returned(party_id, asset, amount, memo=memo)
        suspense = account(Code.SUSPENSE, asset)
        return replace(posting, entries=(posting.entries[0], replace(posting.entries[1], account=suspense)))

    patch.setattr(postings, "payout_returned", misplaced)


@defect(
    "what a returned deposit leaves owing is forgotten",
    budget=100_000,
    faults={"provider.returns": 600},
    narrows=lambda mix: replace(mix, settle_seconds=(1, 60), worker_seconds=5),
)
def receivable_forgotten(patch: Patch) -> None:
    claw_back = deposit_returns._claw_back

    def forgot(change: Any, deposit: Any, amount: Any) -> Any:
        return replace(claw_back(change, deposit, amount), recoverable=deposit.recoverable)

    patch.setattr(deposit_returns, "_claw_back", forgot)


@defect("tokens of a mint go to whoever", budget=20_000)
def minted_to_another(patch: Patch) -> None:
    minted = postings.minted

    def astray(*arguments: Any, **more: Any) -> Any:
        posting = minted(*arguments, **more)
        made = tuple(_to_the_platform(entry) for entry in posting.entries)
        return replace(posting, entries=made)

    patch.setattr(postings, "minted", astray)


def _to_the_platform(entry: Any) -> Any:
    is_wallet = entry.account.code in (Code.AVAILABLE, Code.FROZEN)
    return replace(entry, account=replace(entry.account, party_id="platform")) if is_wallet else entry


@defect("a transfer is done and not booked", budget=20_000)
def transfer_not_booked(patch: Patch) -> None:
    patch.setattr(transfers, "postings", _Backwards())


class _Backwards:
    """Books the transfer the other way round, so that nothing is left of it in the end."""

    def __getattr__(self, name: str) -> Any:
        made = getattr(postings, name)
        if name != "transferred":
            return made

        def both(payer: str, payee: str, *rest: Any, **more: Any) -> Any:
            posting = made(payer, payee, *rest, **more)
            return replace(posting, entries=(posting.entries[0], replace(posting.entries[0], side="C")))

        return both


@defect("positions on the chain are not followed", budget=200_000)
def positions_not_followed(patch: Patch) -> None:
    for module in (netting, observations, outbound):
        patch.setattr(module, "follow_chain", lambda *_arguments: None)


@defect("a failed mint is tried again although the first may have happened", budget=300_000, faults=LOSES)
def retry_of_what_is_open(patch: Patch) -> None:
    unanswered = providers.unanswered

    def given_up(effect: Effect) -> Any:
        is_mint = effect.kind is EffectKind.MINT
        return providers.refused(effect, "no answer") if is_mint else unanswered(effect)

    patch.setattr(providers, "unanswered", given_up)


@defect("events are marked as told before anybody is told", faults={"process.crash": 15})
def told_before_telling(patch: Patch) -> None:
    from invoicepay.use_cases import outbox

    deliver = outbox._deliver_page

    async def marked_first(deps: Any, handlers: Any, page: Any, held_back: Any, turn: Any) -> Any:
        await deps.repository.mark_published(deps.tenant_id, [event.id for event in page], deps.clock.now())
        await deps.repository.seal(deps.tenant_id, deps.clock.now())  # whatever comes between may be the end
        return await deliver(deps, handlers, page, held_back, turn)

    patch.setattr(outbox, "_deliver_page", marked_first)


@defect("the signature of a webhook is not looked at", budget=50_000, faults={"webhook.forged": 300})
def unverified_webhook(patch: Patch) -> None:
    from invoicepay.adapters.simulated import weather

    class Anybody:
        def __init__(self, headers: Mapping[str, str]) -> None:
            self.id = next(value for name, value in headers.items() if name.lower().endswith("-id"))

    class Believer:
        def verified(self, _secrets: Any, _body: bytes, headers: Mapping[str, str], **_more: Any) -> Anybody:
            return Anybody(headers)

        def signed(self, *arguments: Any, **more: Any) -> Any:
            return signs(*arguments, **more)

    signs = STANDARD_V1.signed
    patch.setattr(weather, "STANDARD_V1", Believer())


@defect("a request is made anew for each attempt", faults=LOSES)
def request_rebuilt(patch: Patch) -> None:
    def decide(command: Any, change: Any) -> bool:
        decided = outbound.decide_mark(command, change)
        effect = change.get(Effect, command.effect.id)
        if decided and effect.attempt > 1:
            change.put(replace(effect, request={**effect.request, "memo": f"again {effect.attempt}"}))
        return decided

    patch.setattr(outbound, "MARK", replace(outbound.MARK, decide=decide))


@dataclass(frozen=True)
class Hunt:
    """How a defect was found, or that it was not.

    Attributes:
        by: the name of what it broke; empty when it was not found.
        steps: how many steps that took, over so many seeds.
    """

    defect: str
    by: str
    detail: str
    steps: int
    seeds: int
    seconds: float
    budget: int

    @property
    def is_found(self) -> bool:
        """Whether it was found within its budget."""
        return bool(self.by)


def hunt(name: str) -> Hunt:
    """Plant a defect and simulate until something is broken or the budget is used up."""
    planted, begun, steps = DEFECTS[name], time.monotonic(), 0
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch)
        for seed in count(1):
            found = run(lambda: _scene(planted), seed, STEPS)
            steps += found.steps
            if found.broken or steps >= planted.budget:
                first = found.broken[0] if found.broken else None
                by, detail = (first.name, first.detail) if first else ("", "")
                seconds = time.monotonic() - begun
                return Hunt(name, by, detail, steps, seed, seconds, planted.budget)
    raise AssertionError("there is always another seed")


class _Town(StandardWorkload):
    """The standard town under the conditions of a defect."""

    def __init__(self, oracle: StandardOracle, planted: Defect) -> None:
        super().__init__(oracle)
        self._planted = planted

    def mix(self, draw: Draw) -> Mix:
        """The standard mix, narrowed."""
        mix = self._planted.narrows(super().mix(draw))
        return replace(mix, faults={**mix.faults, **self._planted.faults})


def _scene(planted: Defect) -> Scene:
    reach = Counts()
    oracle = StandardOracle(reach)
    return Scene(_Town(oracle, planted), oracle, reach)


def main() -> int:
    """Hunt each defect; the answer is 1 when one was not found."""
    asked = _asked()
    hunts = list[Hunt]()
    for name in asked.only or DEFECTS:
        hunts.append(hunt(name))
        if not asked.json:
            _say(_line(hunts[-1]))
    missed = [each.defect for each in hunts if not each.is_found]
    if asked.json:
        _say(json.dumps({"planted": len(hunts), "missed": missed, "hunts": [vars(each) for each in hunts]}))
    else:
        _say(f"{len(hunts) - len(missed)} of {len(hunts)} planted defects found")
    return 1 if missed else 0


def _line(each: Hunt) -> str:
    title = DEFECTS[each.defect].title
    if not each.is_found:
        return f"  NOT FOUND in {each.steps:,} steps: {title}"
    effort = f"{each.steps:,} of {each.budget:,} steps, {each.seconds:.1f} s"
    return f"  {title}: {effort}: {each.by}: {each.detail}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=sorted(DEFECTS), help="some of them")
    parser.add_argument("--json", action="store_true", help="one object at the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
