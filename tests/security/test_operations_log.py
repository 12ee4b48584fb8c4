"""The log of operations: who, what and why of every review, override and denial, once each (S-36)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from invoicepay.domain.authority import COMMANDS, SecondPerson
from invoicepay.errors import ConfigurationError, NotAllowed, NotThePayer
from invoicepay.settings import Settings
from tests.input.calls import CALLS, make
from tests.input.scene import Scene, scene
from tests.security.cells import Ground, commands, ground
from tests.support.postgres import PostgresServer

NOTED = {name for name, rule in COMMANDS.items() if rule.is_noted or rule.second is not SecondPerson.NEVER}
WITHOUT_WORDS = {
    *("parties.close", "parties.erase", "reserves.top_up", "tokens.open_positions"),
    *(f"webhook_endpoints.{name}" for name in ("create", "update", "enable", "rotate_secret")),
}
"""Commands that take no reason: their record says what and who, and who approved."""


@pytest.fixture(scope="module")
def cells() -> Iterator[Ground]:
    with ground() as made:
        yield made


def noted_calls(cells: Ground) -> dict[str, str]:
    """The calls that give a command of the log, with its name."""
    return {
        call: access.operation
        for call, accesses in commands(cells)
        for access in accesses
        if access.operation in NOTED and access.command is not None
    }


def test_each_decision_of_the_operators_people_is_one_record_with_actor_and_reason(cells: Ground) -> None:
    for call, operation in noted_calls(cells).items():
        with cells.fresh() as here:
            before = len(here.pay.audit.operations())

            make(here, call, here.pay.acting_as("eva", role="operator", request_id="req-7"))

            (entry,) = here.pay.audit.operations(after_position=before)
        assert (entry.actor, entry.action, entry.denied) == ("eva", operation, "")
        assert entry.reason == CALLS[call].get("reason", ""), call
        assert (entry.request_id, entry.is_as_said) == ("req-7", True)


def test_every_such_command_takes_a_reason_but_those_named_here(cells: Ground) -> None:
    silent = {operation for call, operation in noted_calls(cells).items() if not CALLS[call].get("reason")}

    assert silent - {"credits.refund"} == WITHOUT_WORDS & silent
    assert len(noted_calls(cells)) > 15


def test_what_the_library_does_by_itself_is_not_in_the_log(cells: Ground) -> None:
    with cells.fresh() as here:
        before = here.pay.audit.operations()

        here.clock.advance(days=10)
        here.pay.run_pending()

        assert here.pay.audit.operations() == before


def test_denied_calls_and_looks_are_told_with_their_code(cells: Ground) -> None:
    with cells.fresh() as here:
        before, bob = len(here.pay.audit.operations()), here.pay.acting_as("bob")
        with pytest.raises(NotThePayer):
            make(here, "invoices.pay", bob)
        with pytest.raises(NotAllowed):
            bob.ledger.balances(party="ann")

        paying, looking = here.pay.audit.operations(after_position=before)
    assert (paying.actor, paying.action, paying.denied) == ("bob", "invoices.pay", "not_the_payer")
    assert paying.reason == "bob is not ann"
    assert (looking.actor, looking.action, looking.denied) == ("bob", "ledger.balances", "not_allowed")


def test_everyday_commands_stay_out_of_the_log(cells: Ground) -> None:
    with cells.fresh() as here:
        before = here.pay.audit.operations()

        make(here, "invoices.issue")
        make(here, "invoices.pay")

        assert here.pay.audit.operations() == before


def test_the_log_is_read_page_by_page_and_is_part_of_the_chained_trail(cells: Ground) -> None:
    with cells.fresh() as here:
        for _ in range(3):
            with pytest.raises(NotThePayer):
                make(here, "invoices.pay", here.pay.acting_as("bob"))
        everything = here.pay.audit.operations()
        pages = [here.pay.audit.operations(after_position=at, limit=1) for at in range(len(everything))]

        assert tuple(page[0] for page in pages) == everything
        assert here.pay.audit.verify()
        assert here.pay.audit.seal() is not None


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
) -> Iterator[Scene]:
    """The scene in a database."""
    if request.param == "sqlite":
        with scene(f"sqlite:///{tmp_path_factory.mktemp('log') / 'pay.db'}") as made:
            yield made
        return
    database = postgres_server.clone()
    with scene(postgres_server.url(database)) as made:
        yield made
    postgres_server.drop(database)


def test_a_database_keeps_the_log_beside_each_writers_own_stream(stored: Scene) -> None:
    here = stored
    before = len(here.pay.audit.operations())
    here.pay.wallets.freeze("globex", "USD", reason="court order 7/26")
    with pytest.raises(NotThePayer):
        make(here, "invoices.pay", here.pay.acting_as("bob"))

    frozen, denied = here.pay.audit.operations(after_position=before)
    assert (frozen.actor, frozen.reason) == ("host", "court order 7/26")
    assert denied.denied == "not_the_payer"
    assert here.pay.audit.verify()
    assert here.pay.invariants.check() == ()


def test_denials_and_payments_at_once_break_no_chain(stored: Scene) -> None:
    before, bob = len(stored.pay.audit.operations()), stored.pay.acting_as("bob")

    def one(number: int) -> bool:
        if number % 2:
            stored.pay.transfers.send("ann", "bob", "0.01 USD")
            return False
        with pytest.raises(NotThePayer):
            bob.transfers.send("ann", "bob", "0.01 USD")
        return True

    with ThreadPoolExecutor(8) as threads:
        denied = sum(threads.map(one, range(60)))

    assert len(stored.pay.audit.operations(after_position=before)) == denied == 30
    assert stored.pay.audit.verify()
    assert stored.pay.invariants.check() == ()


def test_no_writer_takes_the_log_for_its_own_stream() -> None:
    with pytest.raises(ConfigurationError, match="operations"):
        Settings(audit_stream="operations")
