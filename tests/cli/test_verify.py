"""`invoicepay verify` finds what was changed behind the library's back."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from invoicepay import InvoicePay
from invoicepay.adapters.checkpoint_keys import Ed25519Key
from tests.cli.books import Shell

TAMPERED = "UPDATE ledger_accounts SET balance = balance + 1 WHERE tenant_id = 'south' AND code = 2000"
FORGED = (
    "DROP TRIGGER audit_log_refuse_update",
    "UPDATE audit_log SET body = replace(body, 'ann', 'bob') WHERE tenant_id = 'south' AND position = 2",
)
CUT = (
    "DROP TRIGGER audit_log_refuse_delete",
    "DELETE FROM audit_log WHERE tenant_id = 'south' AND position = "
    "(SELECT MAX(position) FROM audit_log WHERE tenant_id = 'south')",
)


def changed(shell: Shell, *statements: str) -> str:
    url = shell.url
    with closing(sqlite3.connect(shell.folder / "pay.db")) as connection, connection:
        for statement in statements:
            done = connection.execute(statement)
            assert done.rowcount, f"nothing to change: {statement}"
    return url


def test_books_in_order_end_with_0_and_are_left_as_they_are(shell: Shell) -> None:
    def dump() -> list[str]:
        with closing(sqlite3.connect(shell.folder / "pay.db")) as connection:
            return list(connection.iterdump())

    url, before = shell.url, dump()

    code, answer = shell.json("verify", "--store", url)

    assert code == 0
    north, south = answer["tenants"]
    assert (north["tenant"], south["tenant"]) == ("north", "south")
    assert north["records"] > 5
    assert north["faults"] == north["violations"] == []
    (backing,) = north["backing"]
    assert backing["is_backed"] is True
    assert backing["tokens"] == backing["backing"] == {"amount": "50.00", "asset": "USD"}
    assert dump() == before


def test_people_get_a_table(shell: Shell) -> None:
    code, out, err = shell.text("verify", "--store", shell.url)

    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split("  ")[0] == "tenant"
    assert [row.split()[0] for row in rows] == ["north", "south"]
    assert all(row.endswith("ok") and "50.00 USD = 50.00 USD" in row for row in rows)


@pytest.mark.parametrize(
    ("statements", "rule"), [((TAMPERED,), "INV-01"), (FORGED, "INV-22"), (CUT, "INV-22")]
)
def test_what_was_changed_behind_its_back_is_found(
    shell: Shell, statements: tuple[str, ...], rule: str
) -> None:
    url = changed(shell, *statements)

    code, answer = shell.json("verify", "--store", url)

    assert code == 1
    north, south = answer["tenants"]
    assert north["faults"] + north["violations"] == []
    assert rule in [found["rule"] for found in south["violations"]]
    assert bool(south["faults"]) == (rule == "INV-22")


def test_people_are_told_what_to_do(shell: Shell) -> None:
    code, out, err = shell.text("verify", "--store", changed(shell, TAMPERED))

    assert (code, err) == (1, "")
    assert "WRONG" in out
    assert "INV-01" in out
    assert "Stop payouts" in out


def test_a_tenant_alone_is_verified_when_named(shell: Shell) -> None:
    url = changed(shell, TAMPERED)

    assert shell.json("verify", "--store", url, "--tenant", "north")[0] == 0
    assert shell.json("verify", "--store", url, "--tenant", "south")[0] == 1


def test_a_misspelt_tenant_is_no_tenant_in_order(shell: Shell) -> None:
    code, answer = shell.json("verify", "--store", shell.url, "--tenant", "nort")

    assert code == 2
    assert answer["error"]["message"] == "the store has no tenant 'nort'"


def test_an_anchor_shows_that_records_were_cut_off(shell: Shell) -> None:
    key = Ed25519Key(bytes(range(32)))
    with InvoicePay(shell.url, tenant="south", checkpoint_keys=(key,)) as pay:
        anchor = pay.audit.anchor()
        assert anchor is not None
        (shell.folder / "anchor.txt").write_text(anchor.text)
    changed(
        shell,
        "DROP TRIGGER audit_checkpoints_refuse_delete",
        "DELETE FROM audit_checkpoints WHERE tenant_id = 'south'",
    )
    asked = ("verify", "--tenant", "south", "--anchor", "anchor.txt")

    def client() -> InvoicePay:
        return InvoicePay(shell.url, checkpoint_keys=(key,))

    code, answer = shell.json(*asked, client=client)
    without, _ = shell.json(*asked[:3], client=client)

    assert (code, without) == (1, 0)
    assert answer["tenants"][0]["faults"]


def test_an_anchor_that_is_not_there_is_a_mistake_of_the_line(shell: Shell) -> None:
    code, _, err = shell.text("verify", "--store", shell.url, "--tenant", "north", "--anchor", "gone.txt")

    assert code == 2
    assert "gone.txt cannot be read" in err


def test_a_terminal_is_shown_how_far_it_is(template: Path) -> None:
    """Standard error is the terminal; the answer in a pipe stays as it is."""
    program = (
        "import sys, time; from invoicepay.cli import main, progress; progress.SECONDS = 0.001\n"
        f"sys.exit(main(['verify', '--store', 'sqlite:///{template}', '--json']))"
    )
    master, slave = pty.openpty()
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=slave, check=False)
    os.close(slave)
    seen = os.read(master, 65_536).decode()
    os.close(master)

    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 1
    assert "north: audit records: 100% of" in seen or "every invariant" in seen
    assert seen.endswith("\r\x1b[K")
