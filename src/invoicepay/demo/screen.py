"""How the demo is shown: text for people, one JSON object per line for machines."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from invoicepay.domain.money import Money

if TYPE_CHECKING:
    from invoicepay.demo.story import ChainMove, Look, Verdict

WIDTH = 96
BOLD, DIM, GREEN, RED, CYAN, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[36m", "\x1b[0m"


class Screen(Protocol):
    """What the demo tells."""

    def begin(self, database: Path, tenant: str, steps: int, *, providers: str) -> None:
        """The story starts; `providers` says in a sentence what banks and tokens are."""
        ...

    def working(self, number: int, title: str) -> None:
        """A step is under way."""
        ...

    def step(self, number: int, title: str, said: list[str], look: Look) -> None:
        """A step is done."""
        ...

    def close(self, database: Path, tenant: str, verdict: Verdict) -> None:
        """The story is over."""
        ...

    def end(self, sentence: str) -> None:
        """It was cut short; the sentence says why."""
        ...


class TextScreen:
    """Text, with colour and a progress line where the output is a terminal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._steps = 0

    def begin(self, database: Path, tenant: str, steps: int, *, providers: str) -> None:
        """The story starts."""
        self._steps = steps
        self._line(self._marked("The whole money loop on one ledger", BOLD))
        self._line(f"Database {database}, tenant {tenant}; {providers}.")

    def working(self, number: int, title: str) -> None:
        """A progress line that the finished step overwrites; only on a terminal."""
        if self._is_terminal:
            self._out.write(f"\r[{number}/{self._steps}] {title} …")
            self._out.flush()

    def step(self, number: int, title: str, said: list[str], look: Look) -> None:
        """A step is done."""
        if self._is_terminal:
            self._out.write("\r\x1b[K")
        self._line("")
        self._line(self._marked(f"{number}/{self._steps}  {title}", BOLD))
        for sentence in said:
            self._line(f"  {sentence}")
        for rule, entries in look.postings:
            self._line(self._marked(f"    {rule}  {'; '.join(entries)}", DIM))
        for name, before, after in look.moved:
            self._line(f"    {name:<44}{_text(before):>16} → {_text(after):>16}")
        for (block, hash), moves in groupby(look.chain, key=lambda move: (move.block, move.hash)):
            self._line(self._marked(f"    block {block}, transaction {hash}", CYAN))
            for move in moves:
                self._line(f"      {_moved(move)}")
                self._line(self._marked(f"        memo {move.memo}", DIM))
        self._line(self._backing(look))

    def _backing(self, look: Look) -> str:
        is_even = look.backing == look.tokens
        words = f"  backing {look.backing} {'=' if is_even else '≠'} tokens {look.tokens}"
        return self._marked(words, GREEN if is_even else RED)

    def close(self, database: Path, tenant: str, verdict: Verdict) -> None:
        """The story is over."""
        self._line("")
        found = "; ".join(verdict.violations) or "every invariant holds"
        chain = "unbroken" if verdict.audit_is_whole else "BROKEN"
        self._line(
            self._marked(
                f"Checked: {found}; {verdict.audit_records} audit records, chain {chain}.",
                GREEN if verdict.is_right else RED,
            )
        )
        for books, supply in verdict.supplies:
            words = f"In the books {books}, on the chain at finality {supply}."
            self._line(self._marked(words, GREEN if books == supply else RED))
        self._line(f"Sealed under {verdict.checkpoint[:16]}…")
        self._line(f"The database is {database}. Try next:")
        query = "select number, status, total, remaining from invoices"
        self._line(f'  sqlite3 "{database}" "{query}"')
        if verdict.supplies:
            return  # the chain is gone, and with it whoever could be asked
        client = f"InvoicePay('sqlite:///{database}', tenant='{tenant}')"
        code = f"from invoicepay import InvoicePay; print({client}.reserves.audit().explain())"
        self._line(f'  "{sys.executable}" -c "{code}"')

    def end(self, sentence: str) -> None:
        """It was cut short."""
        if self._is_terminal:
            self._out.write("\r\x1b[K")
        self._line(sentence)

    def _marked(self, text: str, code: str) -> str:
        return f"{code}{text}{PLAIN}" if self._is_terminal else text

    def _line(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


class JsonScreen:
    """One JSON object per line; the last one is the summary."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def begin(self, database: Path, tenant: str, steps: int, *, providers: str) -> None:
        """The story starts."""
        self._write(
            {
                "event": "begin",
                "database": str(database),
                "tenant": tenant,
                "steps": steps,
                "providers": providers,
            }
        )

    def working(self, number: int, title: str) -> None:
        """Nothing: machines wait for the step."""

    def step(self, number: int, title: str, said: list[str], look: Look) -> None:
        """A step is done."""
        self._write(
            {
                "event": "step",
                "number": number,
                "title": title,
                "said": said,
                "moved": [[name, _text(before), _text(after)] for name, before, after in look.moved],
                "postings": [[rule, list(entries)] for rule, entries in look.postings],
                "backing": _text(look.backing),
                "tokens": _text(look.tokens),
                "chain": [{**asdict(move), "amount": _text(move.amount)} for move in look.chain],
            }
        )

    def close(self, database: Path, tenant: str, verdict: Verdict) -> None:
        """The story is over."""
        self._write(
            {
                "event": "end",
                "database": str(database),
                "tenant": tenant,
                "violations": list(verdict.violations),
                "audit_records": verdict.audit_records,
                "audit_is_whole": verdict.audit_is_whole,
                "checkpoint": verdict.checkpoint,
                "supplies": [[_text(books), _text(chain)] for books, chain in verdict.supplies],
            }
        )

    def end(self, sentence: str) -> None:
        """It was cut short."""
        self._write({"event": "stopped", "message": sentence})

    def _write(self, value: dict[str, Any]) -> None:
        self._out.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._out.flush()


def _moved(move: ChainMove) -> str:
    ways = {"mint": f"to {move.target}", "burn": f"by {move.source}"}
    return f"{move.kind} {move.amount} {ways.get(move.kind, f'{move.source} → {move.target}')}"


def _text(amount: Money) -> str:
    return str(amount)
