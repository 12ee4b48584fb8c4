"""`invoicepay reconcile` compares the bank, the books and the tokens, and ends with 1 where they differ."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from invoicepay import AsyncInvoicePay, InvoicePay
from tests.cli.books import Shell

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def pay() -> InvoicePay:
    """A client with a bank and a token network that remember what they did, for the simulated ones do."""
    pay = InvoicePay()
    pay.sim.settle(pay.deposits.initiate("ann", "200.00 USD"))
    return pay


def test_books_that_agree_with_the_bank_end_with_0(shell: Shell, pay: InvoicePay) -> None:
    code, answer = shell.json("reconcile", client=lambda: pay)

    assert code == 0
    assert answer["backed"] is answer["is_tied_out"] is True
    assert answer["bank_balance"] == answer["supply"] == {"amount": "200.00", "asset": "USD"}
    assert answer["breaks"] == answer["violations"] == []
    assert answer["attestation"].startswith("att_")


def test_an_awaiting_client_answers_alike(shell: Shell) -> None:
    code, answer = shell.json("reconcile", "--bank-balance", "0.00 USD", client=AsyncInvoicePay)

    assert (code, answer["backed"]) == (0, True)


def test_a_line_that_the_books_do_not_know_ends_with_1(shell: Shell, pay: InvoicePay) -> None:
    lines = f"ref,amount,booked_on\nunheard-of,75.00,{TODAY}\nfee,-1.50 USD,{TODAY}\n"
    (shell.folder / "statement.csv").write_text(lines)
    asked = ("reconcile", "--statement", "statement.csv", "--bank-balance", "273.50 USD")

    code, answer = shell.json(*asked, client=lambda: pay)
    _, out, _ = shell.text(*asked, client=lambda: pay)

    assert code == 1
    kinds = {found["object_id"]: found["kind"] for found in answer["breaks"]}
    assert (kinds["unheard-of"], kinds["fee"]) == ("missing_internal", "missing_internal")
    assert answer["backed"] is False
    assert "NOT in order" in out
    assert "unheard-of" in out


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("ref,amount\nx,1.00\n", "has no column booked_on"),
        (f"ref,amount,booked_on\nx,1.00 XYZQ,{TODAY}\n", "line 2"),
        ("ref,amount,booked_on\nx,1.00,yesterday\n", "line 2"),
        (f"ref,amount,booked_on\nx,1e3,{TODAY}\n", "line 2"),
        (f"ref,amount,booked_on\n{TODAY}\n", "line 2"),
    ],
)
def test_a_statement_that_makes_no_sense_names_its_line(
    shell: Shell, pay: InvoicePay, lines: str, why: str
) -> None:
    (shell.folder / "statement.csv").write_text(lines)

    code, out, err = shell.text("reconcile", "--statement", "statement.csv", client=lambda: pay)

    assert (code, out) == (2, "")
    assert why in err


@pytest.mark.parametrize(
    "options", [["--statement", "gone.csv"], ["--bank-balance", "lots"], ["--tenant", "nobody"]]
)
def test_what_cannot_be_compared_is_a_mistake_of_the_line(
    shell: Shell, pay: InvoicePay, options: list[str]
) -> None:
    code, out, err = shell.text("reconcile", *options, client=lambda: pay)

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
