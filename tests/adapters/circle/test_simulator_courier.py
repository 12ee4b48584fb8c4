"""Webhooks travel over HTTP to a host that takes them, is down, or is slow to be right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.courier import Courier
from invoicepay.testing.simulators.faults import Faults
from invoicepay.testing.simulators.server import Served

HOOK = "POST /hooks"


class Host:
    """An endpoint of a host that keeps what it is brought."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.is_open = True
        self.faults = Faults(Starlette(routes=[Route("/hooks", self._take, methods=["HEAD", "POST"])]))

    async def _take(self, request: Request) -> Response:
        if request.method == "POST":
            self.heard.append(await request.body())
        return Response(status_code=200 if self.is_open else 503)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def circle() -> CircleSimulator:
    return CircleSimulator()


@pytest.fixture
def courier(circle: CircleSimulator, host: Host) -> Iterator[Courier]:
    with Served(host.faults) as server:
        circle.subscribe(2, f"{server.url}/hooks")
        courier = Courier(circle)
        yield courier
        courier.close()


def test_an_endpoint_is_asked_first_and_then_brought_the_signed_bytes(host: Host, courier: Courier) -> None:
    (carried,) = courier.carry()

    assert carried.is_taken
    assert host.faults.seen == ("HEAD /hooks", HOOK)
    assert host.heard == [carried.delivery.body]
    assert courier.carry() == []


def test_nothing_is_posted_to_an_endpoint_that_does_not_answer_when_asked(
    host: Host, courier: Courier
) -> None:
    host.is_open = False

    (carried,) = courier.carry()

    assert not carried.is_taken
    assert host.heard == []


def test_what_is_not_taken_comes_again_under_the_same_id_when_its_time_has_come(
    circle: CircleSimulator, host: Host, courier: Courier
) -> None:
    host.faults.fail_before(500, on=HOOK, times=2)
    (first,) = courier.carry()
    at_once = courier.carry()
    circle.advance(1)
    (second,) = courier.carry()
    circle.advance(9)
    too_early = courier.carry()
    circle.advance(1)
    (third,) = courier.carry()

    assert (at_once, too_early) == ([], [])
    assert [one.status for one in (first, second, third)] == [500, 500, 200]
    assert {one.delivery.id for one in (first, second, third)} == {first.delivery.id}


def test_a_lost_answer_means_that_the_host_has_it_twice(
    circle: CircleSimulator, host: Host, courier: Courier
) -> None:
    host.faults.drop_answer(on=HOOK)
    courier.carry()
    circle.advance(1)

    courier.carry()

    assert len(host.heard) == 2
    assert host.heard[0] == host.heard[1]


def test_sns_gives_a_message_up_after_its_last_attempt(circle: CircleSimulator, host: Host) -> None:
    bank = circle.link_bank()
    circle.finish()
    with Served(host.faults) as server:
        circle.subscribe(1, f"{server.url}/hooks")
        circle.deliveries()
        circle.wire_in(bank, 1_000_000)
        courier = Courier(circle)
        host.faults.fail_before(500, on=HOOK, times=100)
        attempts = list[str]()
        for _ in range(6):
            attempts += [one.delivery.id for one in courier.carry()]
            circle.advance(20)
        courier.close()

    lost = courier.given_up[0].id
    assert attempts.count(lost) == 4
    assert host.heard == []
