"""Moves of everything around: time, the worker, banks, issuers, webhooks, weather, repeated calls."""

from __future__ import annotations

from contextlib import suppress

from invoicepay.domain.effects import Effect, EffectKind, EffectStatus
from invoicepay.errors import InvoicePayError, ProviderUnavailable, WebhookSignatureInvalid
from invoicepay.ports.rails import RailStatus
from invoicepay.use_cases import schedules
from invoicepay.use_cases.inbox import receive_webhook
from invoicepay.use_cases.observations import ResolveReview, resolve_review
from invoicepay.use_cases.pending import run_pending
from tests.walks.draw import Draw
from tests.walks.moves.registry import move, part_of, some
from tests.walks.world import World, cents

E = EffectStatus
AT_THE_BANK = (EffectKind.DEPOSIT, EffectKind.PAYOUT)
UNDER_WAY = (E.ACCEPTED,)


@move(10)
def time_passes(world: World, draw: Draw) -> None:
    hours = draw.one_of((0.02, 0.5, 2, 9, 30, 24 * 7))
    world.clock.advance(hours=hours)


@move(30)
def work_is_done(world: World, draw: Draw) -> None:
    limit = draw.one_of((1, 5, 100))
    world.must("run_pending", lambda inside: inside.run(run_pending(inside.deps, limit)))


@move(2)
def schedules_run(world: World, draw: Draw) -> None:
    world.must("schedules.run_due", lambda inside: inside.run(schedules.run_due(inside.deps)))


@move(1)
def heads_are_sealed(world: World, draw: Draw) -> None:
    world.must(
        "seal",
        lambda inside: inside.run(inside.deps.repository.seal(inside.deps.tenant_id, inside.clock.now())),
    )


@move(14)
def bank_settles(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, kind__in=AT_THE_BANK, status__in=UNDER_WAY)
    if effect is None:
        return
    other = part_of(draw, effect.amount) if draw.chance(10) else None
    fee = cents(draw.whole(1, 80), effect.asset) if draw.chance(15) else None
    if draw.chance(80):
        world.do("sim.settle", lambda inside: inside.sim.settle(effect.id, amount=other, fee=fee))
    else:
        world.do("sim.finalize", lambda inside: inside.sim.finalize(effect.id))


@move(4)
def bank_moves_a_part(world: World, draw: Draw) -> None:
    deposits = some(world, draw, Effect, kind=EffectKind.DEPOSIT, status__in=(E.ACCEPTED, E.SETTLED, E.FINAL))
    if deposits is None:
        return
    amount, name = part_of(draw, deposits.amount), f"part-{draw.whole(1, 5)}"
    status = draw.one_of((RailStatus.SETTLED,) * 4 + (RailStatus.RETURNED, RailStatus.RETURN_REVERSED))
    world.do(
        f"sim.part {status}",
        lambda inside: inside.sim.rails.tell_part(deposits.id, status, name, amount, return_code="R06"),
    )


@move(5)
def bank_refuses(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, kind__in=AT_THE_BANK, status__in=UNDER_WAY)
    if effect is None:
        return
    end = draw.one_of(("fail", "reject", "review"))
    world.do(f"sim.{end}", lambda inside: getattr(inside.sim, end)(effect.id))


@move(3)
def bank_returns(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, kind__in=AT_THE_BANK, status__in=(E.SETTLED, E.FINAL))
    if effect is not None:
        code = draw.one_of(("R01", "R01", "R03", "R10", "R16"))
        world.do("sim.return_", lambda inside: inside.sim.return_(effect.id, code))


@move(1)
def return_is_reversed(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, kind__in=AT_THE_BANK, status=E.RETURNED)
    if effect is not None:
        world.do("sim.reverse_return", lambda inside: inside.sim.reverse_return(effect.id))


@move(3)
def issuer_changes_pace(world: World, draw: Draw) -> None:
    if draw.chance(40):
        world.do("sim.hold_tokens", lambda inside: inside.sim.tokens.hold())
    else:
        world.do("sim.release_tokens", lambda inside: inside.sim.tokens.release())


@move(6)
def issuer_settles(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, kind__in=tuple(set(EffectKind) - set(AT_THE_BANK)), status=E.ACCEPTED)
    if effect is None:
        return
    if draw.chance(70):
        world.do("sim.finalize_tokens", lambda inside: inside.sim.finalize_tokens(effect.id))
    else:
        world.do("sim.fail_tokens", lambda inside: inside.sim.fail_tokens(effect.id))


@move(10)
def webhooks_arrive(world: World, draw: Draw) -> None:
    order = draw.one_of(("forwards", "backwards", "twice", "lost"))

    async def receive(inside: World) -> int:
        queued = list(inside.sim.webhooks())
        if order == "backwards":
            queued.reverse()
        for slot, delivery in [] if order == "lost" else queued * (2 if order == "twice" else 1):
            with suppress(WebhookSignatureInvalid):  # too old by now, which the sender learns
                await receive_webhook(inside.deps, slot, delivery.body, delivery.headers)
        return len(queued)

    world.must("webhooks", lambda inside: inside.run(receive(inside)))


@move(3)
def weather_turns(world: World, draw: Draw) -> None:
    side = draw.one_of(("rails", "tokens"))
    change = draw.one_of(("lose_next_answer", "lose_next_request", "be_unreachable", "reject_next"))

    def act(inside: World) -> None:
        weather = getattr(inside.sim, side).weather
        getattr(weather, change)(*(["bad day"] if change == "reject_next" else []))

    world.do(f"weather.{change}", act)


@move(4)
def weather_clears(world: World, draw: Draw) -> None:
    def act(inside: World) -> None:
        inside.sim.rails.weather.be_reachable()
        inside.sim.tokens.weather.be_reachable()

    world.do("weather.be_reachable", act)


@move(2)
def review_is_resolved(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, status=E.NEEDS_REVIEW)
    if effect is None:
        return
    status = draw.one_of((E.ACCEPTED, E.SETTLED, E.FINAL, E.FAILED, E.REJECTED, E.RETURNED))
    command = ResolveReview(effect_id=effect.id, status=status, approved_by="auditor", reason="looked at")
    world.ask(resolve_review, command)


@move(6)
def a_call_is_repeated(world: World, draw: Draw) -> None:
    """INV-23: the same key and command change nothing and answer alike, or ask to be tried again."""
    if not world.asked:
        return
    asked = draw.one_of(world.asked[-60:])
    before = (world.balances(), world.trail_length())
    try:
        answer = world.run(asked.call(world.as_(asked.actor), asked.command, asked.key))
        refusal = ""
        assert getattr(answer, "replayed", True), f"{asked.command} was carried out twice"
    except ProviderUnavailable:
        refusal = asked.refusal
    except InvoicePayError as error:
        refusal = error.code
    assert refusal == asked.refusal, f"{asked.command}: first {asked.refusal or 'done'}, then {refusal}"
    assert before == (world.balances(), world.trail_length()), f"{asked.command} changed something again"
