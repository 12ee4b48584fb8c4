"""Credit notes: net and tax of what is taken off, by line or cumulatively."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicepay.domain.credit_notes import (
    CREDIT_NOTE,
    CreditedLine,
    CreditNote,
    CreditNoteCommand,
    CreditNoteStatus,
    Reduction,
    reduced_by_line,
    reduced_pro_rata,
    with_credit,
    without_credit,
)
from invoicepay.domain.invoices import Invoice, InvoiceStatus
from invoicepay.domain.lines import Line
from invoicepay.domain.money import Money, total
from invoicepay.errors import CreditNoteExceedsInvoice, InvalidLine, InvalidTransition
from tests.support.invoices import an_invoice, usd

NINETY = Line.of("Advice", "75.63 USD", tax_rate="0.19")


def a_note(invoice: Invoice, reduction: Reduction, *lines: CreditedLine) -> CreditNote:
    nothing = Money.zero(invoice.asset)
    return CreditNote(
        id="cn_1",
        invoice_id=invoice.id,
        enterprise_id=invoice.enterprise_id,
        customer_id=invoice.customer_id,
        asset=invoice.asset,
        number="CN-0001",
        amount=reduction.amount,
        net=reduction.net,
        tax=reduction.tax,
        pre=reduction.amount,
        post=nothing,
        paid_out=nothing,
        recredited=nothing,
        lines=lines,
    )


def credited(invoice: Invoice, reduction: Reduction) -> Invoice:
    return replace(
        invoice,
        credited_pre=invoice.credited_pre + reduction.amount,
        remaining=invoice.remaining - reduction.amount,
    )


@pytest.mark.parametrize(
    ("state", "command"),
    [pair for pair in product([None, *CreditNoteStatus], CreditNoteCommand) if pair not in CREDIT_NOTE.table],
    ids=str,
)
def test_every_transition_not_in_the_table_is_refused(
    state: CreditNoteStatus | None, command: CreditNoteCommand
) -> None:
    with pytest.raises(InvalidTransition):
        CREDIT_NOTE.after(state, command)


class TestProRata:
    def test_a_part_has_its_share_of_the_tax(self) -> None:
        reduction = reduced_pro_rata(an_invoice(InvoiceStatus.OPEN, NINETY), [], usd("30.00"))

        assert (reduction.net, reduction.tax) == (usd("25.21"), usd("4.79"))

    def test_full_credit_in_steps_returns_exactly_the_invoiced_tax(self) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, NINETY)
        notes: list[CreditNote] = []
        for amount in ("33.33", "33.33", "23.34"):
            reduction = reduced_pro_rata(invoice, notes, usd(amount))
            invoice, notes = credited(invoice, reduction), [*notes, a_note(invoice, reduction)]

        assert total((note.tax for note in notes), "USD") == usd("14.37")
        assert total((note.net for note in notes), "USD") == usd("75.63")

    @given(
        st.lists(st.integers(1, 4_000), min_size=1, max_size=12), st.sampled_from(["0", "0.07", "0.19", "1"])
    )
    def test_neither_net_nor_tax_ever_goes_the_wrong_way(self, cents: list[int], rate: str) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, Line.of("Advice", "75.63 USD", tax_rate=rate))
        notes: list[CreditNote] = []
        for wanted in cents:
            amount = min(Money.from_micros(wanted * 10_000, "USD"), invoice.remaining)
            if not amount:
                break
            reduction = reduced_pro_rata(invoice, notes, amount)
            invoice, notes = credited(invoice, reduction), [*notes, a_note(invoice, reduction)]

            assert reduction.amount == amount
            assert reduction.net.micros >= 0 and reduction.tax.micros >= 0
        if not invoice.remaining:
            assert total((note.tax for note in notes), "USD") == invoice.tax

    def test_after_a_line_without_tax_the_rest_still_returns_all_of_it(self) -> None:
        invoice = an_invoice(
            InvoiceStatus.OPEN, NINETY, Line.of("Stamp", "10.00 USD", tax_rate=0, tax_category="Z")
        )
        stamp = CreditedLine(position=2, quantity=Decimal(1))
        by_line = reduced_by_line(invoice, [], [stamp])

        rest = reduced_pro_rata(credited(invoice, by_line), [a_note(invoice, by_line, stamp)], usd("90.00"))

        assert (by_line.tax, rest.tax) == (usd("0"), usd("14.37"))


class TestByLine:
    THREE = Line.of("Licence", "0.35 USD", quantity=3, tax_rate="0.19")

    def test_a_named_line_has_its_own_tax(self) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, NINETY, Line.of("Book", "10.00 USD", tax_rate="0.07"))

        reduction = reduced_by_line(invoice, [], [CreditedLine(position=2, quantity=Decimal(1))])

        assert (reduction.net, reduction.tax) == (usd("10.00"), usd("0.70"))

    def test_crediting_all_of_a_line_in_steps_returns_its_tax_exactly(self) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, self.THREE)
        one = CreditedLine(position=1, quantity=Decimal(1))
        notes: list[CreditNote] = []
        for _ in range(3):
            reduction = reduced_by_line(invoice, notes, [one])
            invoice, notes = credited(invoice, reduction), [*notes, a_note(invoice, reduction, one)]

        assert [str(note.tax) for note in notes] == ["0.07 USD", "0.06 USD", "0.07 USD"]
        assert invoice.remaining == usd("0")

    def test_more_of_a_line_than_was_invoiced_is_refused(self) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, self.THREE)
        two = CreditedLine(position=1, quantity=Decimal(2))
        note = a_note(invoice, reduced_by_line(invoice, [], [two]), two)

        with pytest.raises(CreditNoteExceedsInvoice):
            reduced_by_line(invoice, [note], [two])

    def test_lines_after_an_amount_never_return_more_than_was_left(self) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, NINETY)
        note = a_note(invoice, reduced_pro_rata(invoice, [], usd("1.00")))

        with pytest.raises(CreditNoteExceedsInvoice):
            reduced_by_line(invoice, [note], [CreditedLine(position=1, quantity=Decimal(1))])

    def test_a_discount_is_credited_with_its_own_sign(self) -> None:
        invoice = an_invoice(
            InvoiceStatus.OPEN, Line.of("Work", "10.00 USD"), Line.of("Discount", "4.00 USD", quantity=-1)
        )
        both = [CreditedLine(position=at, quantity=Decimal(1)) for at in (1, 2)]

        assert reduced_by_line(invoice, [], both).amount == usd("6.00")
        with pytest.raises(InvalidLine):
            reduced_by_line(invoice, [], both[1:])

    @pytest.mark.parametrize(
        ("position", "quantity"),
        [(0, "1"), (2, "1"), (-1, "1"), (1, "0"), (1, "-1"), (1, "NaN"), (1, "Infinity")],
    )
    def test_only_lines_of_the_invoice_are_credited(self, position: int, quantity: str) -> None:
        invoice = an_invoice(InvoiceStatus.OPEN, self.THREE)

        with pytest.raises(InvalidLine):
            reduced_by_line(invoice, [], [CreditedLine(position=position, quantity=Decimal(quantity))])


class TestOnTheInvoice:
    def test_p21_what_is_open_is_reduced(self) -> None:
        after = with_credit(an_invoice(), usd("30.00"), usd("0"))

        assert (after.status, after.remaining, after.credited_pre) == (
            InvoiceStatus.OPEN,
            usd("70.00"),
            usd("30.00"),
        )

    def test_a_credit_of_all_that_is_open_pays_the_invoice(self) -> None:
        after = with_credit(an_invoice(), usd("100.00"), usd("0"))

        assert after.status is InvoiceStatus.PAID

    def test_p27_the_paid_part_comes_off_what_was_applied(self) -> None:
        part = an_invoice(InvoiceStatus.PARTIALLY_PAID, applied=usd("40.00"), remaining=usd("60.00"))

        after = with_credit(part, usd("60.00"), usd("10.00"))

        assert (after.status, after.applied, after.credited_post) == (
            InvoiceStatus.PAID,
            usd("30.00"),
            usd("10.00"),
        )

    @pytest.mark.parametrize("pre", ["30.00", "60.00"])
    def test_taking_a_credit_back_restores_the_invoice(self, pre: str) -> None:
        part = an_invoice(InvoiceStatus.PARTIALLY_PAID, applied=usd("40.00"), remaining=usd("60.00"))

        back = without_credit(with_credit(part, usd(pre), usd("0")), usd(pre), usd("0"))

        assert back == part

    def test_an_uncollectible_invoice_takes_no_credit_note(self) -> None:
        with pytest.raises(InvalidTransition):
            with_credit(an_invoice(InvoiceStatus.UNCOLLECTIBLE), usd("1.00"), usd("0"))
