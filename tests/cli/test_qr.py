"""`invoicepay qr` draws what any reader reads, and verifies what the clients signed."""

from __future__ import annotations

import pytest

from invoicepay import InvoicePay
from tests.cli.books import SECRET, Shell


@pytest.fixture
def signing(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell with the secret of the clients."""
    monkeypatch.setenv("INVOICEPAY_QR_SECRET", SECRET)
    return shell


def a_request(shell: Shell) -> str:
    with InvoicePay(shell.url, tenant="north") as pay:
        return pay.requests.create("ann", "18.50 USD", note="Dinner").id


def test_any_text_is_drawn_without_a_store(shell: Shell) -> None:
    code, out, err = shell.text("qr", "draw", "https://pay.example/#1")

    assert (code, err) == (0, "")
    *drawn, payload = out.splitlines()
    assert payload == "https://pay.example/#1"
    assert len({len(line) for line in drawn}) == 1
    assert set("".join(drawn)) <= set("█▀▄ ")


def test_text_may_come_from_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from io import StringIO

    monkeypatch.setattr("sys.stdin", StringIO("hello\n"))

    assert shell.json("qr", "draw", "-")[1]["payload"] == "hello"


def test_files_are_written_where_they_are_asked_for(shell: Shell) -> None:
    code, answer = shell.json("qr", "draw", "hello", "--svg", "code.svg", "--png", "code.png")

    assert (code, answer["files"]) == (0, ["code.svg", "code.png"])
    assert (shell.folder / "code.svg").read_text() == answer["svg"]
    assert (shell.folder / "code.png").read_bytes().startswith(b"\x89PNG")


def an_invoice(shell: Shell) -> str:
    """Of 20.00 USD, of which 15.00 are open."""
    with InvoicePay(shell.url, tenant="north") as pay:
        return next(iter(pay.invoices.list(customer="ann"))).id


@pytest.mark.parametrize(
    ("action", "payee", "amount"),
    [("invoice", "acme", "15.00"), ("request", "ann", "18.50"), ("payee", "ann", "18.50")],
)
def test_what_was_signed_is_verified(signing: Shell, action: str, payee: str, amount: str) -> None:
    named = {"invoice": an_invoice, "request": a_request}
    what = [named[action](signing)] if action in named else ["ann", "--amount", "18.50 USD"]
    store = ("--store", signing.url, "--tenant", "north")

    _, drawn = signing.json("qr", action, *what, *store)
    code, answer = signing.json("qr", "verify", drawn["payload"], *store)

    assert (code, answer["is_payable"]) == (0, True)
    assert answer["code"]["payee_id"] == payee
    assert answer["code"]["amount"] == {"amount": amount, "asset": "USD"}


def test_a_code_that_was_changed_is_not_payable(signing: Shell) -> None:
    store = ("--store", signing.url, "--tenant", "north")
    _, drawn = signing.json("qr", "request", a_request(signing), *store)

    code, answer = signing.json("qr", "verify", f"{drawn['payload'][:-1]}!", *store)

    assert (code, answer["is_payable"]) == (1, False)
    assert answer["refusal"]["code"] == "qr_signature_invalid"


def test_a_request_that_was_cancelled_is_not_payable(signing: Shell) -> None:
    store = ("--store", signing.url, "--tenant", "north")
    request = a_request(signing)
    _, drawn = signing.json("qr", "request", request, *store)
    with InvoicePay(signing.url, tenant="north") as pay:
        pay.requests.cancel(request)

    code, out, _ = signing.text("qr", "verify", drawn["payload"], *store)

    assert code == 1
    assert out.startswith("Not payable: ")


def test_without_the_clients_secret_nothing_is_signed(shell: Shell) -> None:
    code, out, err = shell.text("qr", "payee", "ann", "--asset", "USD", "--store", shell.url)

    assert (code, out) == (2, "")
    assert "INVOICEPAY_QR_SECRET" in err


def test_an_unknown_request_fails(signing: Shell) -> None:
    code, answer = signing.json("qr", "request", "req_0", "--store", signing.url, "--tenant", "north")

    assert (code, answer["error"]["code"]) == (1, "not_found")


@pytest.mark.parametrize("line", [["draw", "x" * 5_000], ["draw", "x", "--svg", "nowhere/code.svg"]])
def test_what_cannot_be_drawn_is_a_mistake_of_the_line(shell: Shell, line: list[str]) -> None:
    code, out, err = shell.text("qr", *line)

    assert (code, out) == (2, "")
    assert err.count("\n") == 1
