"""Ids that name nothing here: unknown, another tenant's, of another kind, or no id at all (S-02, S-20)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event

from invoicepay import InvoicePayError
from invoicepay.domain.codec import to_dict
from invoicepay.errors import IdentityError, InvalidIdentifier, InvalidInput, NotFound, QrSignatureInvalid
from tests.input.calls import CALLS, Id, Role, make, methods, taking
from tests.input.refusals import NOTED, refused, slips, told
from tests.input.scene import STRANGER, Scene, changed

SIGNATURES = dict(methods())
THINGS = [pair for pair in taking(Role.THING) if pair[0].partition(".")[0] != "sim"]
NEW = ("parties.register", "tenant", "acting_as")
"""Calls that name somebody who need not be known."""
PARTIES = [
    (call, name) for call, name in taking(Role.PARTY, Role.MANY) if call not in NEW and name != "invoices"
]
NAMING = THINGS + PARTIES
NAMES = ("tenant_id = ?", "(tenant_id, ", '("tenant_id", ')
"""How a statement names the tenant: in its condition, or first among the columns that it fills."""

NEEDED = [
    (call, name)
    for call, name in taking(Role.THING, Role.PARTY)
    if SIGNATURES[call].parameters[name].default is inspect.Parameter.empty
]

NO_IDS: dict[str, Any] = {
    "a NUL": "ann\x00",
    "a lone surrogate": "\ud800nn",
    "an escape": "\x1b[2Jann",
    "a direction override": "ann\u202e",
    "a line end": "ann\n",
    "a line separator": "ann\u2028bob",
    "300 characters": "a" * 300,
    "a million characters": "a" * 1_000_000,
    "an int": 42,
    "a float": 1.5,
    "a bool": True,
    "bytes": b"ann",
    "a list": ["ann"],
    "a set": {"ann"},
    "a dict": {"id": "ann"},
    "an object": object(),
}

LOOKS = (
    "list",
    "mints",
    "switches",
    "reserves.unmatched",
    "burns",
    "balances",
    "transactions",
    "trail",
    "history",
)
"""Searches: what is not there is not found, without an error."""


def is_search(call: str) -> bool:
    return call.endswith(LOOKS)


def missing_like(id: str) -> str:
    """A well-formed id of the same kind that names nothing."""
    return f"{id[:-6]}zzzzzz"


def one_for(call: str, name: str, id: str) -> Any:
    """The id as the parameter takes it."""
    return [id] if name in ("invoices", "payers") else id


def answer(scene: Scene, call: str, name: str, id: str) -> tuple[Any, ...]:
    """What a call answers, with the id taken out."""
    before = scene.stored()
    try:
        value = make(scene, call, **{name: one_for(call, name, id)})
    except InvoicePayError as error:
        told(error)
        left = changed(before, scene.stored())
        assert left in ([], *(NOTED if isinstance(error, IdentityError) else ())), left  # noqa: PT017
        shown: dict[str, Any] = error.to_problem()
        return type(error), repr(shown).replace(id, "<id>"), error.hint
    assert changed(before, scene.stored()) == []
    shown = to_dict(value) if hasattr(value, "__dataclass_fields__") else value
    return ("answered", repr(shown).replace(id, "<id>"))


@pytest.mark.parametrize(("call", "name"), THINGS)
def test_another_tenants_thing_is_answered_like_a_missing_one(home: Scene, call: str, name: str) -> None:
    value = CALLS[call][name]
    ours = value if isinstance(value, Id) else Id("open_invoice")

    foreign = answer(home, call, name, home.away[ours])

    assert foreign == answer(home, call, name, missing_like(home.away[ours]))
    assert foreign[0] == "answered" if is_search(call) else foreign[0] is NotFound


@pytest.mark.parametrize(("call", "name"), PARTIES)
def test_another_tenants_party_is_answered_like_a_missing_one(home: Scene, call: str, name: str) -> None:
    foreign = answer(home, call, name, STRANGER)

    assert foreign == answer(home, call, name, "nobody")
    assert (foreign[0] == "answered") is is_search(call)


def test_the_other_tenants_things_are_still_its_own(home: Scene) -> None:
    away = home.pay.tenant("away")

    assert away.invoices.get(home.away["open_invoice"]).id == home.away["open_invoice"]
    assert away.parties.get(STRANGER).id == STRANGER
    assert STRANGER not in {party.id for party in home.pay.parties.list(limit=200)}


@pytest.mark.parametrize(("call", "name"), THINGS)
def test_an_id_of_another_kind_names_nothing(home: Scene, call: str, name: str) -> None:
    other = home.things["hold" if name != "hold" else "transfer"]

    found = answer(home, call, name, other)

    assert found[0] == "answered" if is_search(call) else found[0] is NotFound


@pytest.mark.parametrize(("call", "name"), taking(Role.THING, Role.PARTY))
def test_what_is_no_id_is_refused(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, NO_IDS, InvalidIdentifier) == {}


@pytest.mark.parametrize(("call", "name"), taking(Role.MANY))
def test_what_is_no_list_of_ids_is_refused(home: Scene, call: str, name: str) -> None:
    lists = {form: [value] for form, value in NO_IDS.items()}
    no_lists: dict[str, Any] = {
        "a text": "ann",
        "nothing": None,
        "an int": 3,
        "a mapping": {"ann": 1},
        "an empty list": [],
    }

    assert slips(home, call, name, lists | no_lists, InvalidInput) == {}


@pytest.mark.parametrize(("call", "name"), NEEDED)
def test_an_id_that_is_needed_is_not_empty(home: Scene, call: str, name: str) -> None:
    assert slips(home, call, name, {"empty": "", "None": None}, InvalidIdentifier, NotFound) == {}


@pytest.mark.parametrize("text", ["payee_code", "request_code"])
@pytest.mark.parametrize("call", ["requests.scan", "requests.approve_scanned", "transfers.send_scanned"])
def test_another_tenants_code_is_answered_like_a_forged_one(home: Scene, call: str, text: str) -> None:
    with refused(home, QrSignatureInvalid) as foreign:
        make(home, call, text=home.away[text])
    with refused(home, QrSignatureInvalid) as forged:
        make(home, call, text=home.things[text][:-4] + "AAAA")

    assert foreign.value.to_problem() == forged.value.to_problem()


@pytest.mark.parametrize("store", ["sqlite_home", "postgres_home"])
@pytest.mark.parametrize(("call", "name"), NAMING[::2])
def test_no_store_is_asked_for_what_it_cannot_hold(
    request: pytest.FixtureRequest, store: str, call: str, name: str
) -> None:
    scene: Scene = request.getfixturevalue(store)
    hostile = {form: one_for(call, name, value) for form, value in NO_IDS.items()}

    assert slips(scene, call, name, hostile, InvalidInput) == {}


@contextmanager
def spied() -> Iterator[list[str]]:
    """Every statement that any database is sent meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("call", "name"), NAMING)
def test_every_statement_names_the_tenant(sqlite_home: Scene, call: str, name: str) -> None:
    with spied() as statements, suppress(InvoicePayError):
        make(sqlite_home, call, **{name: one_for(call, name, "inv_01ke6p4ym0e01r1dzzzzzzzzzz")})

    touching = [one for one in statements if not one.startswith(("BEGIN", "PRAGMA", "ROLLBACK", "COMMIT"))]
    assert [one for one in touching if not any(name in one for name in NAMES)] == []
