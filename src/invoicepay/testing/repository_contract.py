"""What every Repository must do, as tests: subclass `RepositoryContract` and give it your repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from invoicepay.domain.accounts import available, held, posting
from invoicepay.domain.change import Change
from invoicepay.domain.deposits import Deposit
from invoicepay.domain.effects import Effect, Observation
from invoicepay.domain.entity import EPOCH, Entity
from invoicepay.domain.holds import Hold, HoldStatus
from invoicepay.domain.money import COLUMN_MAX, Money
from invoicepay.domain.needs import Find, find, need
from invoicepay.domain.parties import Party, PartyStatus
from invoicepay.errors import ConcurrentUpdate, DuplicateProviderReference
from invoicepay.ports.repository import Repository
from invoicepay.testing.erasure_contract import ErasureContract
from invoicepay.testing.hosts import BlockingHost, Host
from invoicepay.testing.samples import kinds, sample
from invoicepay.testing.store import Store
from invoicepay.testing.trail_contract import ANN, BANK, TrailContract
from invoicepay.testing.transaction_contract import TransactionContract

NAUGHTY = (
    "",
    "'; DROP TABLE invoices; --",
    'a "quoted" \\ backslash',
    "%s %(name)s :name ? {name} ${name}",
    "null",
    "line\nbreak\ttab",
    "Ünïcode, 漢字, עברית, 👩‍👩‍👧, 𝒳",
    "ı İ ſ ß",
    " padded ",
    "x" * 10_000,
)


class RepositoryContract(TrailContract, TransactionContract, ErasureContract):
    """Facts about a repository: rows and units here; ledger and trail, transactions, erasing beside it.

    Examples:
        >>> class TestMine(RepositoryContract):
        ...     @pytest.fixture
        ...     def repository(self) -> Repository:
        ...         return MyRepository()

    An awaiting repository also gives a `host` fixture that returns an `AwaitingHost`.
    """

    @pytest.fixture
    def host(self) -> Iterator[Host]:
        """Runs the coroutines."""
        host = BlockingHost()
        yield host
        host.close()

    @pytest.fixture
    def repository(self) -> Repository:
        """The repository under test, empty."""
        raise NotImplementedError("give a fixture `repository`")

    @pytest.fixture
    def store(self, host: Host, repository: Repository) -> Iterator[Store]:
        """The repository with what drives it."""
        yield Store(host, repository)
        host.run(repository.close())

    def test_every_kind_of_row_comes_back_as_it_was_written(self, store: Store) -> None:
        rows = {kind: [sample(kind, number) for number in (1, 2)] for kind in kinds()}

        store.add(*(row for some in rows.values() for row in some))

        for kind, some in rows.items():
            assert [_plain(row) for row in store.found(find(kind))] == some

    def test_every_kind_of_row_is_changed_in_every_field(self, store: Store) -> None:
        for kind in kinds():
            if kind is Observation:
                continue  # written once: a store may refuse its change
            before = sample(kind, 1)
            after = replace(sample(kind, 4), id=before.id)
            store.add(before)

            store.write(_put(after), needs=need((kind, before.id)))

            (row,) = store.found(find(kind))
            assert _plain(row) == after
            assert row.version == 2

    def test_text_comes_back_letter_by_letter(self, store: Store) -> None:
        rows = [sample(Hold, number, reason=text) for number, text in enumerate(NAUGHTY)]

        store.add(*rows)

        assert [row.reason for row in store.found(find(Hold, order=("id",)))] == list(NAUGHTY)
        for row in rows:
            assert [_plain(hold) for hold in store.found(find(Hold, reason=row.reason))] == [row]

    def test_ids_and_tenants_may_be_any_text(self, store: Store) -> None:
        for text in (text for text in NAUGHTY if 0 < len(text) < 128):
            tenant = store.of_tenant(text)
            tenant.add(sample(Party, 1, id=text))
            tenant.move(BANK, available(text, "USD"), 5)

            assert [party.id for party in tenant.found(find(Party))] == [text]
            assert tenant.balance(available(text, "USD")) == 5
            assert tenant.row((Party, text)) is not None

    def test_numbers_keep_all_their_64_bits(self, store: Store) -> None:
        for number, fence in enumerate((-COLUMN_MAX - 1, -1, 0, COLUMN_MAX)):
            amount = Money.from_micros(max(fence, -COLUMN_MAX), "USD")
            row = sample(Effect, number, fence=fence, amount=amount)
            store.add(row)

            (found,) = store.found(find(Effect, id=row.id))
            assert (found.fence, found.amount) == (fence, amount)

    def test_instants_keep_their_microseconds_and_their_order(self, store: Store) -> None:
        instants = [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
            datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
        ]
        store.add(*(sample(Hold, n, expires_at=instant) for n, instant in enumerate(instants)))

        found = [hold.expires_at for hold in store.found(find(Hold, order=("expires_at",)))]

        assert found == instants
        assert all(instant is not None and instant.tzinfo is UTC for instant in found)
        assert len(store.found(find(Hold, expires_at__gt=instants[2]))) == 2

    def test_what_is_absent_loads_as_none_and_zero(self, store: Store) -> None:
        seen = store.loaded(need((Party, "nobody"), finds=[find(Hold, owner_id="ann")], accounts=[ANN]))

        assert seen.rows == {(Party, "nobody"): None}
        assert seen.balances == {ANN: 0}
        assert seen.finds == {find(Hold, owner_id="ann")}

    def test_a_load_brings_rows_searches_and_balances(self, store: Store) -> None:
        store.add(sample(Party, 1), sample(Hold, 1, owner_id="ann"), sample(Hold, 2, owner_id="bob"))
        store.move(BANK, ANN, 700)

        seen = store.loaded(
            need(
                (Party, "party-0001"),
                finds=[find(Hold, owner_id="ann")],
                accounts=[ANN, BANK, held("ann", "USD")],
            )
        )

        assert {key[1] for key in seen.rows} == {"party-0001", "hold-0001"}
        assert [hold.id for hold in seen.search(find(Hold, owner_id="ann"))] == ["hold-0001"]
        assert seen.balances == {ANN: 700, BANK: 700, held("ann", "USD"): 0}

    def test_a_row_is_marked_as_shared_while_it_is_only_read(self, store: Store) -> None:
        store.add(sample(Party, 1), sample(Party, 2))
        first, second = (Party, "party-0001"), (Party, "party-0002")

        seen = store.loaded(need(first, reads=[first, second, (Party, "nobody")]))

        assert set(seen.rows) == {first, second, (Party, "nobody")}
        assert seen.shared == {second}

    def test_what_a_search_finds_is_marked_as_shared_while_it_is_only_read(self, store: Store) -> None:
        store.add(sample(Hold, 1, owner_id="ann"), sample(Hold, 2, owner_id="ann"))
        wanted = find(Hold, owner_id="ann", only_read=True)

        seen = store.loaded(need((Hold, "hold-0001"), finds=[wanted]))

        assert [hold.id for hold in seen.search(wanted)] == ["hold-0001", "hold-0002"]
        assert seen.shared == {(Hold, "hold-0002")}

    def test_many_rows_and_accounts_load_at_once(self, store: Store) -> None:
        ids = [f"p{number:04}" for number in range(1_200)]
        accounts = [available(id, "USD") for id in ids]
        store.add(*(sample(Party, 1, id=id) for id in ids))
        store.write(
            lambda change: change.post(posting("P-17", *((BANK, account, 1) for account in accounts))),
            needs=need(accounts=[BANK]),
        )

        seen = store.loaded(need(*((Party, id) for id in ids), accounts=accounts))

        assert all(seen.rows[Party, id] for id in ids)
        assert set(seen.balances.values()) == {1}

    def test_a_search_means_the_same_as_in_python(self, store: Store) -> None:
        rows = [sample(Hold, number) for number in range(1, 9)]
        store.add(*rows)
        stored = store.found(find(Hold))

        for wanted in _searches(rows[3]):
            assert store.found(wanted) == wanted.pick(stored), wanted
            seen = store.loaded(need(finds=[wanted]))
            assert seen.search(wanted) == wanted.pick(stored), wanted

    def test_leaving_without_a_commit_forgets_everything(self, store: Store) -> None:
        async def abandon() -> None:
            async with store.repository.unit(store.tenant_id) as unit:
                outcomes, replies = await store.decided(
                    unit, [_everything], need(accounts=[BANK]), keys=["abandoned"]
                )
                await unit.apply(outcomes, replies)

        store.host.run(abandon())

        assert store.found(find(Party)) == ()
        assert store.look(lambda reader: reader.transactions()) == ()
        assert store.look(lambda reader: reader.events()) == ()
        assert store.look(lambda reader: reader.audit_heads()) == ()
        assert store.balance(ANN) == 0
        assert store.replies(("test.write", "abandoned")) == {}

    def test_an_error_inside_a_unit_forgets_everything(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError):
            store.write(
                _everything, lambda change: divmod(change.balance(BANK), 0), needs=need(accounts=[BANK])
            )

        assert store.found(find(Party)) == ()
        assert store.balance(ANN) == 0

    def test_decisions_of_one_unit_see_each_other(self, store: Store) -> None:
        def close(change: Change) -> Party:
            assert change.balance(ANN) == 9
            return change.put(
                replace(change.get(Party, "party-0001"), status=PartyStatus.CLOSED), "party.closed"
            )

        store.write(_everything, close, needs=need((Party, "party-0001"), accounts=[BANK, ANN]))

        (party,) = store.found(find(Party))
        assert (party.status, party.version) == (PartyStatus.CLOSED, 2)
        assert [event.seq for event in store.look(lambda reader: reader.events())] == [1, 2]

    def test_a_row_that_somebody_changed_meanwhile_is_not_overwritten(self, store: Store) -> None:
        store.add(sample(Hold, 1, reason="first"))
        stale = store.loaded(need((Hold, "hold-0001")))
        store.change(sample(Hold, 1), reason="second")

        with pytest.raises(ConcurrentUpdate):
            store.write(
                lambda change: change.put(replace(change.get(Hold, "hold-0001"), reason="lost")), seen=stale
            )

        (hold,) = store.found(find(Hold))
        assert (hold.reason, hold.version) == ("second", 2)

    def test_a_row_that_somebody_added_meanwhile_is_not_added_again(self, store: Store) -> None:
        stale = store.loaded(need((Hold, "hold-0001")))
        store.add(sample(Hold, 1, reason="first"))

        with pytest.raises(ConcurrentUpdate):
            store.write(lambda change: change.add(sample(Hold, 1, reason="second")), seen=stale)

        assert [hold.reason for hold in store.found(find(Hold))] == ["first"]

    def test_a_providers_reference_is_booked_once(self, store: Store) -> None:
        first = sample(Deposit, 1, provider="acme", provider_ref="r-1")
        store.add(first)

        with pytest.raises(DuplicateProviderReference):
            store.add(replace(sample(Deposit, 2), provider="acme", provider_ref="r-1"))
        store.add(sample(Deposit, 3, provider_ref=""), sample(Deposit, 4, provider_ref=""))
        with pytest.raises(DuplicateProviderReference):
            store.change(sample(Deposit, 3), provider="acme", provider_ref="r-1")

        with pytest.raises(DuplicateProviderReference):
            store.add(*(sample(Deposit, n, provider="acme", provider_ref="r-2") for n in (5, 6)))

        assert len(store.found(find(Deposit))) == 3

    def test_what_one_row_gives_up_another_takes_in_the_same_unit(self, store: Store) -> None:
        before = sample(Deposit, 1, provider="acme", provider_ref="r-1")
        store.add(before)

        def hand_over(change: Change) -> Deposit:
            change.put(replace(change.get(Deposit, before.id), provider_ref="r-2"))
            return change.add(sample(Deposit, 2, provider="acme", provider_ref="r-1"))

        store.write(hand_over, needs=need((Deposit, before.id)))

        refs = {row.id: row.provider_ref for row in store.found(find(Deposit, provider="acme"))}
        assert refs == {before.id: "r-2", sample(Deposit, 2).id: "r-1"}
        with pytest.raises(DuplicateProviderReference):
            store.add(sample(Deposit, 3, provider="acme", provider_ref="r-2"))

    def test_a_key_is_answered_once(self, store: Store) -> None:
        store.write(_everything, needs=need(accounts=[BANK]), keys=["k1"])

        with pytest.raises(ConcurrentUpdate):
            store.write(lambda change: change.add(sample(Hold, 1)), keys=["k1"])

        assert store.found(find(Hold)) == ()
        assert store.replies(("test.write", "k1")) == {("test.write", "k1"): store.reply("k1")}

    def test_a_stored_answer_belongs_to_its_operation_and_key(self, store: Store) -> None:
        refusal = store.reply("k2", operation="other.write", is_error=True, body='{"text": "ü"}')

        async def refuse() -> None:
            async with store.repository.unit(store.tenant_id) as unit:
                await unit.apply([], [store.reply("k1"), refusal])
                await unit.commit()

        store.host.run(refuse())

        asked = [("test.write", "k1"), ("other.write", "k2"), ("test.write", "k2"), ("other.write", "k1")]
        assert store.replies(*asked) == {asked[0]: store.reply("k1"), asked[1]: refusal}
        assert store.look(lambda reader: reader.audit_heads()) == ()


def _everything(change: Change) -> Party:
    """A row, an event and a posting."""
    change.post(posting("P-17", (BANK, ANN, 9)))
    return change.add(sample(Party, 1, status=PartyStatus.ACTIVE), "party.registered")


def _put(row: Entity) -> Callable[[Change], Entity]:
    return lambda change: change.put(row, "test.changed")


def _plain(row: Entity) -> Any:
    """The row without what the store's driver gave it."""
    return replace(row, version=0, created_at=EPOCH, updated_at=EPOCH, idempotency_key="", replayed=False)


def _searches(row: Hold) -> Iterator[Find[Any]]:
    """Every test on every kind of value, absent ones too, every order, with and without a limit."""
    values: dict[str, Any] = {
        "reason": row.reason,
        "status": row.status,
        "amount": row.amount,
        "created_at": row.created_at,
        "expires_at": sample(Hold, 3).expires_at,
        "version": row.version,
    }
    for name, value in values.items():
        for test in ("eq", "ne", "le", "lt", "ge", "gt"):
            yield Find(Hold, ((name, test, value),))
        yield Find(Hold, ((name, "in", (value, None)),))
    yield find(Hold, status__in=(HoldStatus.ACTIVE, HoldStatus.EXPIRED), reason__ne="", order=("-amount",))
    yield find(Hold, expires_at=None)
    yield find(Hold, expires_at__ne=None, order=("-expires_at",), limit=2)
    yield find(Hold, status__in=())
    for order in ((), ("expires_at",), ("-expires_at",), ("status", "-amount"), ("-status", "expires_at")):
        for limit in (None, 1, 3, 100):
            yield find(Hold, order=order, limit=limit)
