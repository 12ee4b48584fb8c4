"""What the simulator answers, and what the adapter asks, held against Circle's own OpenAPI documents."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import invoicepay.adapters.circle
from invoicepay.testing.simulators.circle import CircleSimulator
from invoicepay.testing.simulators.circle.routes import ENTRIES
from invoicepay.testing.simulators.server import Served
from tests.adapters.circle import specs
from tests.adapters.circle.adapter_tour import AdapterTour
from tests.adapters.circle.caller import calling
from tests.adapters.circle.overlay import NOT_DESCRIBED, PATCHES, Patch
from tests.adapters.circle.recorder import Exchange, Recorder
from tests.adapters.circle.tour import tour

ADAPTER = Path(invoicepay.adapters.circle.__file__).parent

pytestmark = pytest.mark.skipif(not specs.are_here(), reason=specs.ABSENT)


@pytest.fixture(scope="module")
def visited() -> list[Exchange]:
    circle = CircleSimulator()
    recorder = Recorder(circle.app())
    with calling(circle, recorder) as caller:
        tour(caller)
    assert circle.violations() == []
    return recorder.exchanges


def test_every_answer_of_the_simulator_agrees_with_the_documents(
    visited: list[Exchange], capsys: pytest.CaptureFixture[str]
) -> None:
    found = specs.tally(visited)

    with capsys.disabled():
        print(f"\nsimulator: {found}")  # noqa: T201 - the count is part of the claim
    assert found.wrong == []
    assert found.answers > 100


@pytest.fixture(scope="module")
def asked() -> list[Exchange]:
    circle = CircleSimulator()
    recorder = Recorder(circle.app())
    with Served(recorder) as server:
        AdapterTour(server.url, circle).run()
    assert circle.violations() == []
    return recorder.exchanges


def test_every_request_of_the_adapter_agrees_with_the_documents(
    asked: list[Exchange], capsys: pytest.CaptureFixture[str]
) -> None:
    found = specs.tally(asked, holds_refused=True)

    with capsys.disabled():
        print(f"adapter: {found}")  # noqa: T201 - the count is part of the claim
    assert found.wrong == []
    assert found.requests == found.answers == len(asked) - found.not_described


def test_the_adapter_knows_no_path_that_its_tour_leaves_out(asked: list[Exchange]) -> None:
    written = {
        re.sub(r"{[^}]*}?", "*", path)
        for module in ADAPTER.glob("*.py")
        for path in re.findall(r'"(/v[12]/[^"]*)', module.read_text(encoding="utf-8"))
    }

    assert len(written) > 20
    assert {
        path for path in written if not any(fnmatchcase(f"{one.path}/", f"{path}*") for one in asked)
    } == set()


def test_the_tour_visits_every_endpoint_of_the_simulator(visited: list[Exchange]) -> None:
    found = specs.tally(visited)

    missed = (
        {f"{entry.method} {entry.path}" for entry in ENTRIES}
        - found.by_operation.keys()
        - NOT_DESCRIBED.keys()
    )
    assert missed == set()


def test_the_tour_meets_refusals_and_successes(visited: list[Exchange]) -> None:
    assert {200, 201, 204, 400, 401, 404, 409} <= {exchange.status for exchange in visited}


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.apply.__name__.strip("_"))
def test_every_patch_of_the_overlay_is_needed(patch: Patch, visited: list[Exchange]) -> None:
    assert specs.tally(visited, without=patch).wrong != []


@pytest.mark.parametrize(
    ("path", "said", "instead"),
    [
        ("/v1/w3s/transactions/", b'"OUTBOUND"', b'"SIDEWAYS"'),
        ("/v1/w3s/transactions/", b'"blockchain"', b'"network"'),
        ("/v1/businessAccount/payouts", b'"amount": "', b'"amount": 7, "was": "'),
        ("/v1/businessAccount/banks/wires", b'"trackingRef"', b'"tracking"'),
    ],
)
def test_an_answer_in_other_words_would_be_found(
    visited: list[Exchange], path: str, said: bytes, instead: bytes
) -> None:
    right = next(one for one in visited if one.path.startswith(path) and said in one.answer)

    wrong = replace(right, answer=right.answer.replace(said, instead))

    assert (specs.tally([right]).wrong, len(specs.tally([wrong]).wrong)) == ([], 1)
