"""Payment codes: issued, scanned, and verified again before anything is paid (spec 4.6)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from invoicepay.domain.money import Money
from invoicepay.domain.policies import Programme
from invoicepay.domain.qr_payload import SCHEME, QrKeys, QrKind
from invoicepay.domain.requests import PaymentRequest, RequestStatus, TransferStatus, Uses
from invoicepay.errors import (
    AmountPrecision,
    InvalidInput,
    InvalidTime,
    InvalidTransition,
    InvoiceAlreadyPaid,
    NotAllowed,
    NotFound,
    NotThePayer,
    QrExpired,
    QrSignatureInvalid,
    RequestAlreadyResolved,
    RequestExpired,
    UnknownAsset,
)
from invoicepay.use_cases import invoices
from invoicepay.use_cases.parties import CloseParty, close_party
from invoicepay.use_cases.requests import (
    CancelRequest,
    approve_scanned,
    cancel_request,
    execute_due,
    invoice_code,
    payee_code,
    request_code,
    scan,
    send_scanned,
)
from tests.support.friends import Friends
from tests.support.till import usd


@pytest.fixture
def friends() -> Friends:
    return Friends()


def code_of(friends: Friends, request: PaymentRequest) -> str:
    return friends.run(request_code(friends.acting_as("ann"), request.id))


class TestRequestCode:
    def test_scanning_shows_what_would_be_paid(self, friends: Friends) -> None:
        request = friends.ask("18.50", note="Dinner")

        seen = friends.run(scan(friends.acting_as("ben"), code_of(friends, request)))

        assert (seen.kind, seen.id, seen.payee_id) == (QrKind.REQUEST, request.id, "ann")
        assert (seen.amount, seen.note, seen.is_editable) == (usd("18.50"), "Dinner", False)

    def test_one_request_has_one_code(self, friends: Friends) -> None:
        request = friends.ask()

        assert code_of(friends, request) == code_of(friends, request)

    def test_figures_come_from_the_store_not_from_the_code(self, friends: Friends) -> None:
        request = friends.ask("30.00", amount_editable=True)
        code = code_of(friends, request)
        friends.approve(request, "10.00")

        seen = friends.run(scan(friends.deps, code))

        assert (seen.amount, seen.is_editable) == (usd("20.00"), True)

    def test_an_open_amount_is_left_to_the_payer(self, friends: Friends) -> None:
        request = friends.ask(None, payer="", minimum=usd("1.00"), maximum=usd("9.00"))

        seen = friends.run(scan(friends.deps, code_of(friends, request)))

        assert (seen.amount, seen.minimum, seen.maximum) == (None, usd("1.00"), usd("9.00"))
        assert seen.is_editable

    def test_the_scheme_before_it_does_not_matter(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask())

        assert friends.run(scan(friends.deps, SCHEME + code)) == friends.run(scan(friends.deps, code))

    def test_nobody_else_sees_what_a_named_payer_is_asked_for(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask())

        with pytest.raises(NotThePayer):
            friends.run(scan(friends.acting_as("cal"), code))

    def test_a_code_of_another_tenant_is_not_ours(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask())

        with pytest.raises(QrSignatureInvalid):
            friends.run(scan(replace(friends.deps, tenant_id="other"), code))

    def test_a_code_of_another_key_is_not_ours(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask())
        keys = QrKeys(active="k1", secrets={"k1": b"1" * 32})

        with pytest.raises(QrSignatureInvalid):
            friends.run(scan(replace(friends.deps, qr_keys=keys), code))

    def test_a_code_is_too_old_from_the_instant_of_its_expiry(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        code = code_of(friends, request)
        friends.clock.advance(hours=1)

        with pytest.raises(QrExpired):
            friends.run(scan(friends.deps, code))

    def test_a_code_of_what_has_ended_is_refused(self, friends: Friends) -> None:
        request = friends.ask()
        code = code_of(friends, request)
        friends.run(cancel_request(friends.deps, CancelRequest(request_id=request.id)))

        with pytest.raises(RequestAlreadyResolved):
            friends.run(scan(friends.deps, code))
        with pytest.raises(RequestAlreadyResolved):
            code_of(friends, request)

    def test_only_the_requester_gets_the_code(self, friends: Friends) -> None:
        request = friends.ask()

        with pytest.raises(NotAllowed):
            friends.run(request_code(friends.acting_as("ben"), request.id))

    def test_a_bill_has_a_code_for_each_part_and_none_for_the_whole(self, friends: Friends) -> None:
        bill = friends.split("20.00", "ben", "cal")

        assert len({code_of(friends, part) for part in bill.children}) == 2
        with pytest.raises(InvalidInput, match="was split"):
            code_of(friends, bill.parent)

    def test_one_payment_of_a_multi_use_request_has_no_code_of_its_own(self, friends: Friends) -> None:
        ticket = friends.ask("12.00", payer="", uses=Uses.MANY)
        later = friends.clock.now() + timedelta(hours=1)
        part = friends.approve(ticket, by="cal", pay_at=later)
        friends.send("cal", "ben", "490.00")
        friends.clock.advance(hours=1)
        friends.run(execute_due(friends.deps))

        assert friends.request(part.id).status is RequestStatus.PENDING
        with pytest.raises(InvalidInput, match="no code of its own"):
            code_of(friends, part)


class TestApproveScanned:
    def test_the_payer_pays_by_the_code(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask("18.50"))

        paid = friends.run(approve_scanned(friends.acting_as("ben"), code))

        assert (paid.status, friends.available("ben")) == (RequestStatus.PAID, usd("481.50"))

    def test_a_changed_code_pays_nothing(self, friends: Friends) -> None:
        code = code_of(friends, friends.ask("18.50"))
        changed = code[:-1] + ("A" if code[-1] != "A" else "B")

        with pytest.raises(QrSignatureInvalid):
            friends.run(approve_scanned(friends.acting_as("ben"), changed))

    def test_a_code_that_grew_old_since_the_scan_pays_nothing(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        code = code_of(friends, request)
        friends.run(scan(friends.acting_as("ben"), code))
        friends.clock.advance(hours=1)

        with pytest.raises(RequestExpired):
            friends.run(approve_scanned(friends.acting_as("ben"), code))

    def test_a_repeated_key_answers_alike_after_the_code_grew_old(self, friends: Friends) -> None:
        request = friends.ask(expires_at=friends.clock.now() + timedelta(hours=1))
        code = code_of(friends, request)
        paid = friends.run(approve_scanned(friends.acting_as("ben"), code, key="scan-1"))
        friends.clock.advance(hours=1)

        again = friends.run(approve_scanned(friends.acting_as("ben"), code, key="scan-1"))

        assert (again, again.replayed) == (paid, True)

    def test_a_multi_use_code_is_paid_by_many(self, friends: Friends) -> None:
        ticket = friends.ask("12.00", payer="", uses=Uses.MANY)
        code = code_of(friends, ticket)

        for payer in ("ben", "cal"):
            friends.run(approve_scanned(friends.acting_as(payer), code))

        assert friends.request(ticket.id).paid == usd("24.00")

    def test_a_payees_code_is_no_request(self, friends: Friends) -> None:
        code = friends.run(payee_code(friends.deps, "ann", asset="USD"))

        with pytest.raises(InvalidInput, match="static_payee"):
            friends.run(approve_scanned(friends.acting_as("ben"), code))


class TestInvoiceCode:
    def test_scanning_shows_what_is_open_now(self, friends: Friends) -> None:
        invoice = friends.issue("100.00")
        code = friends.run(invoice_code(friends.acting_as("acme"), invoice.id))
        friends.pay(invoice, "30.00")

        seen = friends.run(scan(friends.acting_as("ben"), code))

        assert (seen.kind, seen.id, seen.payee_id) == (QrKind.INVOICE, invoice.id, "acme")
        assert seen.amount == usd("70.00")

    def test_a_paid_invoice_takes_no_scan_and_has_no_code(self, friends: Friends) -> None:
        invoice = friends.issue("100.00")
        code = friends.run(invoice_code(friends.deps, invoice.id))
        friends.pay(invoice)

        with pytest.raises(InvoiceAlreadyPaid):
            friends.run(scan(friends.deps, code))
        with pytest.raises(InvoiceAlreadyPaid):
            friends.run(invoice_code(friends.deps, invoice.id))

    def test_a_draft_has_no_code(self, friends: Friends) -> None:
        issued = friends.issue("100.00")
        terms = invoices.InvoiceTerms(enterprise_id="acme", customer_id="ann", lines=issued.lines)
        draft = friends.run(invoices.create_draft(friends.deps, terms))

        with pytest.raises(InvalidTransition):
            friends.run(invoice_code(friends.deps, draft.id))

    @pytest.mark.parametrize("side", ["acme", "ann"])
    def test_both_sides_get_the_code(self, friends: Friends, side: str) -> None:
        invoice = friends.issue("100.00")

        assert friends.run(invoice_code(friends.acting_as(side), invoice.id))

    def test_strangers_do_not(self, friends: Friends) -> None:
        invoice = friends.issue("100.00")

        with pytest.raises(NotAllowed):
            friends.run(invoice_code(friends.acting_as("ben"), invoice.id))

    def test_it_is_not_approved_as_a_request(self, friends: Friends) -> None:
        code = friends.run(invoice_code(friends.deps, friends.issue("100.00").id))

        with pytest.raises(InvalidInput, match="invoice"):
            friends.run(approve_scanned(friends.acting_as("ben"), code))
        with pytest.raises(InvalidInput, match="invoice"):
            friends.run(send_scanned(friends.acting_as("ben"), code, payer_id="ben"))


class TestPayeeCode:
    def test_a_static_code_leaves_the_amount_to_the_payer(self, friends: Friends) -> None:
        code = friends.run(payee_code(friends.acting_as("ann"), "ann", asset="USD"))

        seen = friends.run(scan(friends.deps, code))
        sent = friends.run(send_scanned(friends.acting_as("ben"), code, payer_id="ben", amount=usd("3.00")))

        assert (seen.kind, seen.amount, seen.is_editable) == (QrKind.STATIC_PAYEE, None, True)
        assert (sent.status, friends.available("ann")) == (TransferStatus.COMPLETED, usd("503.00"))

    def test_a_static_amount_is_what_is_sent(self, friends: Friends) -> None:
        code = friends.run(payee_code(friends.deps, "ann", asset="USD", amount=usd("2.50")))

        seen = friends.run(scan(friends.deps, code))
        friends.run(send_scanned(friends.acting_as("ben"), code, payer_id="ben"))

        assert (seen.kind, seen.amount) == (QrKind.STATIC_AMOUNT, usd("2.50"))
        assert friends.available("ann") == usd("502.50")

    @pytest.mark.parametrize("chosen", [usd("2.49"), Money("2.50", "EUR")])
    def test_another_amount_than_the_static_one_is_refused(self, friends: Friends, chosen: Money) -> None:
        code = friends.run(payee_code(friends.deps, "ann", asset="USD", amount=usd("2.50")))

        with pytest.raises(InvalidInput, match=r"asks for 2\.50 USD"):
            friends.run(send_scanned(friends.deps, code, payer_id="ben", amount=chosen))

    def test_a_static_code_without_a_chosen_amount_sends_nothing(self, friends: Friends) -> None:
        code = friends.run(payee_code(friends.deps, "ann", asset="USD"))

        with pytest.raises(InvalidInput, match="choose one"):
            friends.run(send_scanned(friends.deps, code, payer_id="ben"))

    def test_an_expired_payee_code_sends_nothing(self, friends: Friends) -> None:
        soon = friends.clock.now() + timedelta(hours=1)
        code = friends.run(payee_code(friends.deps, "ann", asset="USD", amount=usd("2"), expires_at=soon))
        friends.clock.advance(hours=1)

        with pytest.raises(QrExpired):
            friends.run(send_scanned(friends.deps, code, payer_id="ben"))

    def test_a_code_names_somebody_who_can_be_paid(self, friends: Friends) -> None:
        friends.user("dora")
        code = friends.run(payee_code(friends.deps, "dora", asset="USD"))
        friends.run(close_party(friends.deps, CloseParty(party_id="dora")))

        with pytest.raises(NotFound):
            friends.run(payee_code(friends.deps, "nobody", asset="USD"))
        with pytest.raises(NotFound):
            friends.run(scan(friends.deps, code))

    def test_where_unknown_people_are_registered_a_code_may_come_first(self) -> None:
        friends = Friends(Programme(unknown_parties="register"))
        code = friends.run(payee_code(friends.deps, "dora", asset="USD", amount=usd("2.00")))

        friends.run(send_scanned(friends.acting_as("ben"), code, payer_id="ben"))

        assert friends.available("dora") == usd("2.00")

    def test_nobody_makes_a_code_for_another(self, friends: Friends) -> None:
        with pytest.raises(NotAllowed):
            friends.run(payee_code(friends.acting_as("ben"), "ann", asset="USD"))

    def test_what_cannot_be_paid_has_no_code(self, friends: Friends) -> None:
        with pytest.raises(UnknownAsset):
            friends.run(payee_code(friends.deps, "ann", asset="XYZ"))
        with pytest.raises(AmountPrecision):
            friends.run(payee_code(friends.deps, "ann", asset="USD", amount=usd("0.001")))
        with pytest.raises(InvalidTime):
            friends.run(payee_code(friends.deps, "ann", asset="USD", expires_at=friends.clock.now()))
