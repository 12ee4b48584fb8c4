"""The security table S-01 … S-36: each control in a sentence, and the tests that show it.

A test is named by its node id without parameters, with its class where it has one.
`docs/explanation/threat-model.md` shows this table; `test_table.py` holds both to the tests that exist.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One control and what shows it.

    Attributes:
        control: what the library does, in the reader's words.
        tests: node ids, without parameters.
        not_ours: what only the host or its deployment can do, where the row has such a part.
    """

    control: str
    tests: tuple[str, ...] = ()
    not_ours: str = ""


TABLE: dict[str, Row] = {
    "S-01": Row("Who may do what is data: role, command, ownership and state; the default is no."),
    "S-02": Row("A tenant sees, changes and refers to its own rows only; a foreign id is a missing one."),
    "S-03": Row("Adjustments, write-offs, manual confirmations and emergency resends take two people."),
    "S-04": Row(
        "Amounts come as whole micros, plain decimal text or short Decimals; all else is refused fast."
    ),
    "S-05": Row("No Decimal is made an integer, rounded or formatted before its size is known."),
    "S-06": Row("Amounts in JSON are text or integers, never JSON floats; a doubled key is refused."),
    "S-07": Row("No sum wraps or turns into a float: 64-bit columns with checks, wide sums, strict tables."),
    "S-08": Row("JSON from outside is measured as bytes before anything is built from it."),
    "S-09": Row("A webhook is verified over its raw bytes by one verifier, with one error for every fault."),
    "S-10": Row("A webhook's id counts once for ever, bound to its provider and environment."),
    "S-11": Row(
        "A certificate is fetched from the provider's own hosts only; no subscription is confirmed unasked."
    ),
    "S-12": Row("A webhook never moves an amount by itself: what it says is compared with what was asked."),
    "S-13": Row(
        "A URL of a customer is resolved once, every address checked, and that address connected to."
    ),
    "S-14": Row(
        "Payment links and QR codes carry a MAC over their kind, tenant, payee, asset, amount and expiry."
    ),
    "S-15": Row("EIP-681 texts have whole amounts, a chain and a checksummed address, or are refused."),
    "S-16": Row("No secret is shown in a repr, an error, a log, an audit record or a stored row."),
    "S-17": Row("Errors do not echo what was sent: no input, no SQL parameter, no provider's body."),
    "S-18": Row("Names, memos and provider texts cannot forge a log line."),
    "S-19": Row("SQL has bound parameters only; sorting, filters and cursors are chosen from our own words."),
    "S-20": Row("Text is normal, bounded in characters and bytes, and stored as it is read back."),
    "S-21": Row("Patterns are linear and read bounded text whole."),
    "S-22": Row("Exported CSV follows RFC 4180, and no text cell can be a spreadsheet formula."),
    "S-23": Row("MACs, tokens and link codes are compared in constant time; unknown and wrong look alike."),
    "S-24": Row("Public ids and links hold at least 128 random bits, and scanning can be limited."),
    "S-25": Row("A chain's key signs only what its policy allows, is held by a signer, and can be replaced."),
    "S-26": Row("Personal fields can be encrypted, each bound to its tenant, table, row and column."),
    "S-27": Row("A person's data can be erased without touching ledger and audit trail."),
    "S-28": Row("Entries, audit records and observations are append-only in the database itself."),
    "S-29": Row("The audit trail is chained, its checkpoints signed with another key and anchored outside."),
    "S-30": Row("When screening, authoriser, limits or signer cannot answer, nothing is sent."),
    "S-31": Row("Pages, statements and queues are bounded, and no tenant holds up another's work."),
    "S-32": Row("Nothing is unpickled or evaluated; unknown fields are refused in every command."),
    "S-33": Row("Packages are pinned with hashes and audited; importing the library does no I/O."),
    "S-34": Row("Every instant is aware UTC, and a provider's clock orders no money."),
    "S-35": Row(
        "In production, test keys, http, unverified webhooks, memory stores and simulators are refused."
    ),
    "S-36": Row(
        "Each review decision, denied call, key use and emergency switch is one record with actor and reason."
    ),
}
"""Every row of the security table; the builders of a control add the tests that show it."""
