"""Moves of operators in an emergency: a provider is stopped and let go on, an intent is sent once more."""

from __future__ import annotations

from invoicepay.domain.effects import Effect, EffectStatus
from invoicepay.domain.provider_switches import ProviderStatus, ProviderSwitch
from invoicepay.use_cases.providers import names
from invoicepay.use_cases.resend import ResendEffect, resend_effect
from invoicepay.use_cases.stops import ResumeProvider, StopProvider, resume_provider, stop_provider
from tests.walks.draw import Draw
from tests.walks.moves.registry import move, some
from tests.walks.world import World


@move(1)
def provider_is_stopped(world: World, draw: Draw) -> None:
    name = draw.one_of(names(world.deps))
    world.ask(stop_provider, StopProvider(provider=name, reason="red"))


@move(4)
def provider_goes_on(world: World, draw: Draw) -> None:
    switch = some(world, draw, ProviderSwitch, status=ProviderStatus.STOPPED)
    if switch is not None:
        let_go_on(world, switch)


def let_go_on(world: World, switch: ProviderSwitch) -> None:
    """Two operators say that it may be sent to again."""
    command = ResumeProvider(provider=switch.id, reason="green again", approved_by="auditor")
    world.ask(resume_provider, command)


@move(2)
def effect_is_sent_again(world: World, draw: Draw) -> None:
    effect = some(world, draw, Effect, status=EffectStatus.NEEDS_REVIEW)
    if effect is not None:
        command = ResendEffect(effect_id=effect.id, reason="nothing there", approved_by="auditor")
        world.ask(resend_effect, command)
