"""Every call in a dry run: nothing is left, nobody outside is asked, and what is told is what it does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from invoicepay import Event, Explanation
from invoicepay.domain.accounts import Posting
from invoicepay.domain.explaining import posted
from invoicepay.domain.explanation import Posted
from invoicepay.errors import InsideTransaction
from tests.input.calls import CALLS, make
from tests.input.scene import Scene

ASKS_OUTSIDE = {
    *(call for call in CALLS if call.startswith("sim.")),
    *("run_pending", "run_pending_everywhere", "health"),
    *("reserves.reconcile", "tokens.tie_out", "tokens.open_positions", "webhooks.receive"),
    *("audit.anchor", "webhook_endpoints.test"),
}
"""Calls that ask a provider, or act as one: a dry run refuses them before they begin."""


def tried(scene: Scene, call: str) -> tuple[Any, Explanation]:
    """What a call answers in a dry run, and what that tells."""
    with scene.pay.dry_run() as trial:
        answer = make(scene, call, trial)
    return answer, trial.explain()


DONE_INSIDE = [call for call in CALLS if call not in ASKS_OUTSIDE]


@pytest.mark.parametrize("call", DONE_INSIDE)
def test_a_dry_run_leaves_nothing_and_what_it_tells_reads_in_every_form(home: Scene, call: str) -> None:
    before = home.stored()

    _, told = tried(home, call)

    assert home.stored() == before
    assert json.loads(json.dumps(told.to_dict())) == told.to_dict()
    assert str(told)
    assert told._repr_html_().count("<table") == told._repr_html_().count("</table>")


@pytest.mark.parametrize("call", sorted(ASKS_OUTSIDE))
def test_what_asks_outside_is_refused_in_a_dry_run(home: Scene, call: str) -> None:
    before = home.stored()

    with pytest.raises(InsideTransaction):
        tried(home, call)

    assert home.stored() == before


@pytest.mark.parametrize("database", ["sqlite_home", "postgres_home"])
def test_dry_runs_of_all_calls_leave_nothing_in_a_database(
    database: str, request: pytest.FixtureRequest
) -> None:
    scene: Scene = request.getfixturevalue(database)
    before = scene.stored()

    refused = set()
    for call in CALLS:
        try:
            tried(scene, call)
        except InsideTransaction:
            refused.add(call)

    assert scene.stored() == before
    assert refused == ASKS_OUTSIDE


@pytest.mark.parametrize("call", DONE_INSIDE)
def test_a_dry_run_tells_what_the_call_then_does(fresh: Scene, call: str) -> None:
    promised, told = tried(fresh, call)

    known = {row.id for row in written(fresh)}
    real = make(fresh, call)
    new = [row for row in written(fresh) if row.id not in known]

    assert type(real) is type(promised)
    assert getattr(real, "status", None) == getattr(promised, "status", None)
    assert sorted(told.events) == sorted(row.name for row in new if isinstance(row, Event))
    assert list(map(bare, told.postings)) == [bare(posted(row)) for row in new if isinstance(row, Posting)]
    assert told.refusals == ()


def written(scene: Scene) -> list[Event | Posting]:
    """Every event and every posting of every tenant."""
    assert scene.repository is not None
    books = list(scene.repository._tenants.values())
    postings = [booked.posting for tables in books for booked in tables.ledger]
    return [*postings, *(event for tables in books for event in tables.events)]


def bare(posting: Posted) -> Posted:
    """Without the id of what is made anew each time."""
    return replace(posting, about="")
