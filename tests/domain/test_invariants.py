"""Each invariant names what breaks it, and right books break none (INV-01 … INV-25)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from invoicepay.domain.accounts import Account, Booked, Code, Entry, Posting, available, credit_reserve, held
from invoicepay.domain.allocations import Allocation
from invoicepay.domain.audit import Head, seal
from invoicepay.domain.books import Books
from invoicepay.domain.credit_notes import CreditNote
from invoicepay.domain.credits import CreditLot, CreditStatus
from invoicepay.domain.deposits import Reserve, ReserveStatus
from invoicepay.domain.entity import EPOCH, Entity
from invoicepay.domain.events import Event
from invoicepay.domain.holds import Hold, HoldPurpose
from invoicepay.domain.invariants import CHECKS, RULES, Violation, check
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.numbering import NumberSeries
from invoicepay.domain.parties import Party, PartyKind
from invoicepay.domain.payments import Payment
from invoicepay.domain.tokens import Mint, MintStatus
from invoicepay.domain.withdrawals import Withdrawal, WithdrawalStatus
from tests.support.shop import Shop, usd

USD = 1_000_000
EMPTY = Books(tenant_id="t")


@pytest.fixture(scope="module")
def books() -> Books:
    """Books with payments, a credit, a credit note, fees and a checkpoint, all of it right."""
    shop = Shop()
    shop.fund("ann", "500.00 USD")
    shop.pay(shop.issue("80.00", tax_rate="0.19"), "100.00")
    shop.pay(shop.issue("60.00"), "20.00")
    shop.note(shop.issue("50.00"), "10.00")
    shop.run(shop.deps.repository.seal("default", shop.clock.now()))
    shop.grant("5.00")
    return shop.books()


def spoiled(books: Books, kind: type[Entity], **changes: Any) -> tuple[Books, Any]:
    """The books with the last row of a kind changed, and that row."""
    *others, last = books.of(kind)
    bad = replace(last, **changes)
    return replace(books, rows={**books.rows, kind: [*others, bad]}), bad


def with_rows(books: Books, *rows: Entity) -> Books:
    added = {type(row): [*books.of(type(row)), *(r for r in rows if type(r) is type(row))] for row in rows}
    return replace(books, rows={**books.rows, **added})


def with_balance(books: Books, account: Account, micros: int) -> Books:
    grown = books.balances.get(account, 0) + micros
    return replace(books, balances={**books.balances, account: grown})


def broken(rule: str, books: Books) -> list[Violation]:
    """What the one check says; the whole run says it too."""
    found = list(CHECKS[rule](books))
    assert {violation.rule for violation in found} <= {rule}
    assert set(found) <= set(check(books))
    return found


def only(rule: str, books: Books) -> Violation:
    (violation,) = broken(rule, books)
    return violation


def test_right_books_break_nothing(books: Books) -> None:
    assert check(books) == ()


def test_every_invariant_has_a_sentence_and_every_check_a_rule() -> None:
    assert list(RULES) == [f"INV-{number:02}" for number in range(1, 26)]
    assert RULES.keys() - CHECKS.keys() == {"INV-07", "INV-23"}
    assert all(sentence.endswith(".") for sentence in RULES.values())
    assert all((each.__doc__ or "").startswith(rule) for rule, each in CHECKS.items())


def test_inv01_an_unbalanced_transaction(books: Books) -> None:
    *others, last = books.ledger
    first, *rest = last.posting.entries
    bad = replace(last.posting, entries=(replace(first, amount=first.amount + 7), *rest))

    found = broken("INV-01", replace(books, ledger=[*others, replace(last, posting=bad)]))

    assert (found[0].subject, found[0].difference_micros) == (bad.id, 7)


def test_inv01_a_transaction_of_one_entry() -> None:
    posting = Posting("P-01", (Entry(available("ann", "USD"), "C", 0),), id="ltx_1")
    booked = Booked(posting=posting, group_id="aud_1", effective_at=EPOCH, recorded_at=EPOCH)

    assert only("INV-01", replace(EMPTY, ledger=[booked])).subject == "ltx_1"


def test_inv01_a_balance_that_its_entries_do_not_explain(books: Books) -> None:
    found = only("INV-01", with_balance(books, available("ann", "USD"), 3))

    assert (found.subject, found.difference_micros) == ("2000/ann/USD", 3)


def test_inv01_a_derived_entry_that_does_not_balance(books: Books) -> None:
    payment = next(event for event in books.events if event.name == "payment.completed")
    data = {**payment.data, "excess": {"amount": "1.00", "asset": "USD"}}
    events = [replace(event, data=data) if event is payment else event for event in books.events]

    assert only("INV-01", replace(books, events=events)).subject == payment.entity_id


def test_inv02_more_tokens_than_backing() -> None:
    balances = {Account(Code.BACKING, "USD"): 400 * USD, available("ann", "USD"): 500 * USD}

    found = only("INV-02", replace(EMPTY, balances=balances))

    assert (found.subject, found.difference_micros) == ("USD", -100 * USD)
    assert found.message == "backing: 400.00 USD, tokens: 500.00 USD"


def test_inv02_custody_backs_a_custodied_asset() -> None:
    balances = {Account(Code.CUSTODY, "USD.circle"): 5, available("ann", "USD.circle"): 5}

    assert broken("INV-02", replace(EMPTY, balances=balances)) == []


def test_inv03_a_negative_liability_but_not_negative_cash() -> None:
    balances = {available("ann", "USD"): -1, Account(Code.OPERATIONAL, "USD"): -1}

    assert only("INV-03", replace(EMPTY, balances=balances)).subject == "2000/USD/ann"


@pytest.mark.parametrize(
    ("operational", "owed", "buffer", "short"),
    [(0, 80, 80, 0), (0, 80, 50, 30), (-80, 80, 0, 80), (-5, 0, 0, 5), (10, 0, 0, 0)],
)
def test_inv04_a_receivable_without_buffer_is_a_deficit(
    operational: int, owed: int, buffer: int, short: int
) -> None:
    balances = {
        Account(Code.OPERATIONAL, "USD"): operational,
        Account(Code.RETURNED_DEPOSIT, "USD", "bob"): owed,
        Account(Code.BUFFER, "USD"): buffer,
    }

    found = broken("INV-04", replace(EMPTY, balances=balances))

    assert [violation.difference_micros for violation in found] == ([-short] if short else [])


def a_reserve(amount: str, status: ReserveStatus = ReserveStatus.CONFIRMED) -> Reserve:
    return Reserve(
        id="rsv_1",
        deposit_id="dep_1",
        party_id="ann",
        asset="USD",
        amount=usd(amount),
        fee=usd("1.00"),
        status=status,
    )


def a_mint(id: str, amount: str, status: MintStatus = MintStatus.COMPLETED) -> Mint:
    return Mint(id=id, party_id="ann", asset="USD", amount=usd(amount), status=status, reserve_id="rsv_1")


def test_inv05_mints_beyond_the_reserve_net_of_its_fee() -> None:
    bad = with_rows(EMPTY, a_reserve("100.00"), a_mint("mnt_1", "60.00"), a_mint("mnt_2", "40.00"))

    found = only("INV-05", bad)

    assert (found.subject, found.difference_micros) == ("rsv_1", USD)


def test_inv05_a_failed_mint_does_not_count() -> None:
    mints = (a_mint("mnt_1", "99.00"), a_mint("mnt_2", "99.00", MintStatus.FAILED))

    assert broken("INV-05", with_rows(EMPTY, a_reserve("100.00"), *mints)) == []


def test_inv05_a_mint_against_money_that_is_not_final() -> None:
    bad = with_rows(EMPTY, a_reserve("100.00", ReserveStatus.PENDING), a_mint("mnt_1", "60.00"))

    assert only("INV-05", bad).subject == "rsv_1"


def test_inv06_tokens_without_a_mint(books: Books) -> None:
    found = only("INV-06", spoiled(books, Mint, amount=usd("499.00"))[0])

    assert (found.subject, found.difference_micros) == ("USD", USD)


def test_inv08_an_invoice_that_does_not_add_up(books: Books) -> None:
    bad, invoice = spoiled(books, Invoice, written_off=usd("1.00"))

    found = only("INV-08", bad)

    assert (found.subject, found.difference_micros) == (invoice.id, -USD)


def test_inv08_paid_while_something_remains(books: Books) -> None:
    bad, invoice = spoiled(books, Invoice, status=InvoiceStatus.PAID)

    assert only("INV-08", bad).subject == invoice.id


def test_inv08_pending_without_a_payment(books: Books) -> None:
    bad, invoice = spoiled(books, Invoice, pending=usd("2.00"))

    found = only("INV-08", bad)

    assert (found.subject, found.difference_micros) == (invoice.id, 2 * USD)


def test_inv09_an_open_invoice_that_the_book_does_not_show(books: Books) -> None:
    found = only("INV-09", spoiled(books, Invoice, remaining=usd("41.00"))[0])

    assert (found.subject, found.difference_micros) == ("acme/ann/USD", -USD)


def test_inv10_a_payment_that_is_not_explained(books: Books) -> None:
    bad, payment = spoiled(books, Payment, refunded=usd("0.01"))

    found = only("INV-10", bad)

    assert (found.subject, found.difference_micros) == (payment.id, -10_000)


def test_inv11_an_allocation_too_few(books: Books) -> None:
    *others, lost = books.of(Allocation)

    found = broken("INV-11", replace(books, rows={**books.rows, Allocation: others}))

    assert {violation.subject for violation in found} == {lost.invoice_id, lost.source_id}
    assert {violation.difference_micros for violation in found} == {lost.amount.micros}


def test_inv12_a_lot_that_does_not_add_up(books: Books) -> None:
    bad, lot = spoiled(books, CreditLot, expired=usd("1.00"))

    found = only("INV-12", bad)

    assert (found.subject, found.difference_micros) == (lot.id, -USD)


def test_inv12_a_used_lot_with_a_rest(books: Books) -> None:
    bad, lot = spoiled(books, CreditLot, status=CreditStatus.APPLIED)

    assert only("INV-12", bad).subject == lot.id


def test_inv13_a_credit_that_the_book_does_not_show(books: Books) -> None:
    found = only("INV-13", spoiled(books, CreditLot, remaining=usd("9.00"))[0])

    assert (found.subject, found.difference_micros) == ("acme/ann/USD", -4 * USD)


def test_inv14_a_fence_that_is_too_low(books: Books) -> None:
    found = only("INV-14", with_balance(books, credit_reserve("acme", "USD"), -1))

    assert (found.subject, found.difference_micros) == ("acme/USD", -1)


def test_inv15_a_wallet_that_the_book_does_not_show(books: Books) -> None:
    found = only("INV-15", with_balance(books, available("acme", "USD"), 5))

    assert (found.subject, found.difference_micros) == ("acme/USD", -5)


def test_inv16_held_tokens_without_a_hold(books: Books) -> None:
    found = only("INV-16", with_balance(books, held("ann", "USD"), 5))

    assert (found.subject, found.difference_micros) == ("ann/USD", 5)


def test_inv16_a_hold_without_tokens(books: Books) -> None:
    purpose = HoldPurpose.AUTHORIZATION
    hold = Hold(
        id="hld_1", owner_id="ann", asset="USD", amount=usd("5.00"), captured=usd("0"), purpose=purpose
    )

    assert only("INV-16", with_rows(books, hold)).difference_micros == -5 * USD


def test_inv17_a_confirmed_reserve_that_nobody_is_owed(books: Books) -> None:
    found = only("INV-17", with_rows(books, a_reserve("100.00")))

    assert (found.subject, found.difference_micros) == ("ann/USD", -99 * USD)


def test_inv18_a_burned_withdrawal_that_nobody_is_owed(books: Books) -> None:
    withdrawal = Withdrawal(
        id="wdr_1",
        party_id="ann",
        asset="USD",
        amount=usd("200.00"),
        fee=usd("1.00"),
        rail="instant",
        account_token="tok",
        status=WithdrawalStatus.BURNED,
    )

    found = only("INV-18", with_rows(books, withdrawal))

    assert (found.subject, found.difference_micros) == ("ann/USD", -199 * USD)


def changed_event(books: Books, name: str, **changes: Any) -> tuple[Books, Event]:
    event = next(event for event in books.events if event.name == name)
    bad = replace(event, **changes)
    return replace(books, events=[bad if each is event else each for each in books.events]), bad


def test_inv19_a_step_that_its_table_does_not_have(books: Books) -> None:
    bad, event = changed_event(books, "invoice.paid", from_status="void")

    found = broken("INV-19", bad)

    assert {violation.subject for violation in found} == {event.entity_id}
    assert any("void → paid is not in its table" in violation.message for violation in found)


def test_inv19_two_steps_with_one_number(books: Books) -> None:
    bad, event = changed_event(books, "invoice.finalized", seq=1)

    assert only("INV-19", bad).subject == event.entity_id


def test_inv19_a_status_without_its_step(books: Books) -> None:
    bad, invoice = spoiled(books, Invoice, status=InvoiceStatus.EXPIRED)

    assert only("INV-19", bad).subject == invoice.id


def test_inv20_one_number_twice(books: Books) -> None:
    first, *_ = books.of(Invoice)
    twin = replace(first, id="inv_twin")
    series = NumberSeries(id="A/acme", enterprise_id="acme", series="A", next_number=5)
    bad = replace(with_rows(books, twin), rows={**with_rows(books, twin).rows, NumberSeries: [series]})

    found = only("INV-20", bad)

    assert found.subject == "inv_twin"
    assert first.id in found.message


def test_inv20_a_gap_in_a_series(books: Books) -> None:
    *others, _ = books.of(CreditNote)

    found = only("INV-20", replace(books, rows={**books.rows, CreditNote: others}))

    assert found.subject == "CN/acme"


def test_inv20_one_key_carried_out_twice(books: Books) -> None:
    *_, last = books.audit

    assert (
        only("INV-20", replace(books, audit=[*books.audit, replace(last, id="aud_twin")])).subject
        == "aud_twin"
    )


def test_inv20_one_transaction_reversed_twice(books: Books) -> None:
    *_, last = books.ledger
    twice = [
        replace(last, posting=replace(last.posting, id=id, reverses=last.posting.id))
        for id in ("ltx_1", "ltx_2")
    ]

    assert only("INV-20", replace(books, ledger=[*books.ledger, *twice])).subject == "ltx_2"


def test_inv21_a_payment_on_another_enterprises_invoice(books: Books) -> None:
    bad, invoice = spoiled(books, Payment, enterprise_id="beta")

    assert invoice.id in only("INV-21", bad).message


def test_inv21_an_allocation_of_something_that_is_not_here(books: Books) -> None:
    *others, _ = books.of(Payment)

    assert only("INV-21", replace(books, rows={**books.rows, Payment: others})).rule == "INV-21"


def test_inv21_an_allocation_in_another_asset(books: Books) -> None:
    bad, allocation = spoiled(books, Allocation, asset="EUR")

    assert only("INV-21", bad).subject == allocation.id


def test_inv25_a_payment_of_an_invoice_that_is_not_here(books: Books) -> None:
    bad, payment = spoiled(books, Payment, invoice_id="inv_elsewhere")

    assert only("INV-25", bad).subject == payment.id


def tampered(books: Books) -> Iterator[tuple[str, Books]]:
    first, second, *rest = books.audit
    *others, last = books.audit
    *booked, newest = books.ledger
    edited = replace(first, body=first.body.replace("ops", "eve"))
    yield "edited", replace(books, audit=[edited, second, *rest])
    yield "reordered", replace(books, audit=[second, first, *rest])
    yield "cut off", replace(books, audit=others)
    yield "without head", replace(books, heads=[])
    yield "other head", replace(books, heads=[Head("main", last.position, "0" * 64)])
    yield "resealed", replace(books, checkpoints=[seal("default", None, [Head("main", 1, "f" * 64)], EPOCH)])
    yield "posting gone", replace(books, ledger=booked)
    moved = tuple(replace(entry, amount=entry.amount * 2) for entry in newest.posting.entries)
    doubled = replace(newest, posting=replace(newest.posting, entries=moved))
    yield "posting changed", replace(books, ledger=[*booked, doubled])
    yield "of another command", replace(books, ledger=[*booked, replace(newest, group_id=first.id)])


def test_inv22_every_kind_of_tampering_shows(books: Books) -> None:
    unnoticed = [name for name, bad in tampered(books) if not broken("INV-22", bad)]

    assert unnoticed == []


def test_a_user_keeps_no_book(books: Books) -> None:
    users = [replace(party, kind=PartyKind.USER) for party in books.of(Party)]

    assert replace(books, rows={**books.rows, Party: users}).journal == ()
