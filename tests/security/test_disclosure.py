"""Hundreds of calls, good and bad: no secret and no word about a person is told (S-16)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from invoicepay import InvoicePayError
from invoicepay.adapters.sealed import FieldKeys
from tests.input.calls import CALLS, Role, make, parameters, taking
from tests.input.scene import Scene, scene
from tests.security.canaries import Trap, bytes_canary, dump, text_canary
from tests.security.test_echoes import said
from tests.security.test_sealed_texts import NOT_SEALED, SAID

WORD = text_canary("a word about a person")
SECRETS = {"payment codes": bytes_canary("payment codes"), "field key": bytes_canary("the field key")}
WRONG: dict[Role, tuple[Any, ...]] = {
    Role.AMOUNT: ("-1.00 USD", 1.5),
    Role.OBJECT: (42,),
    Role.INSTANT: ("tomorrow",),
    Role.DATE: ("tomorrow",),
    Role.WHOLE: (2**70,),
    Role.FLAG: ("yes",),
    Role.MANY: (42,),
}
WORDY = (Role.TEXT, Role.WORD, Role.ASSET, Role.CURSOR, Role.KEY, Role.THING, Role.PARTY)


@dataclass
class Run:
    """What was tried, and where two kinds of canaries were looked for.

    Attributes:
        secrets: looked for everywhere, in every variable of every frame too.
        words: looked for in logs, in what errors say and in the database.
    """

    scene: Scene
    secrets: Trap = field(default_factory=Trap)
    words: Trap = field(default_factory=Trap)
    tried: int = 0
    failed: int = 0
    spoken: int = 0

    def attempt(self, call: str, **other: Any) -> None:
        """Make a call; what it raises is kept."""
        self.tried += 1
        try:
            self.secrets.see(f"the result of {call}", make(self.scene, call, **other))
        except (InvoicePayError, TypeError, ValueError, OverflowError) as error:
            self.failed += 1
            self.secrets.see_error(f"an error of {call}", error)
            for text in said(error):
                self.words.see(f"an error of {call}", text)

    def word(self) -> str:
        """Another word about a person; all begin alike, and that is looked for."""
        self.spoken += 1
        return f"{WORD}{self.spoken:06}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Every call as it should be made, then with each argument spoiled; the database is looked at last."""
    folder: Path = tmp_path_factory.mktemp("disclosure")
    store = f"sqlite:///{folder}/pay.db"
    keys = FieldKeys("k1", {"k1": SECRETS["field key"]})
    with scene(store, cipher=keys, qr_secret=SECRETS["payment codes"]) as made:
        run = Run(made)
        for name, secret in SECRETS.items():
            run.secrets.plant(name, secret)
        run.words.plant("a word", WORD)
        with run.secrets.listening(), run.words.listening():
            _make_all(run)
            _spoil_all(run)
        run.secrets.see("a client", made.pay)
        run.secrets.see("health", made.pay.health())
    for table, row in dump(store):
        run.secrets.see(f"the table {table}", row)
        run.words.see(f"the table {table}", row)
    for path in folder.rglob("pay.db*"):
        run.secrets.see(f"the file {path.name}", path.read_bytes())
        run.words.see(f"the file {path.name}", path.read_bytes())
    return run


def _make_all(run: Run) -> None:
    """With a word of its own for each text about people."""
    spoken: dict[str, dict[str, str]] = {}
    for call, name in SAID:
        if (call, name) not in NOT_SEALED:
            spoken.setdefault(call, {})[name] = run.word()
    for call in CALLS:
        run.attempt(call, **spoken.get(call, {}))


def _spoil_all(run: Run) -> None:
    for call, name, role in parameters():
        if role in WORDY:
            word = run.word()
            for value in (f"{word}\x00", f"{word}{'x' * 11_000}"):
                run.attempt(call, **{name: value})
        for value in WRONG.get(role, ()):
            run.attempt(call, **{name: value})


def test_no_secret_is_told_anywhere(run: Run) -> None:
    assert run.secrets.found() == []
    assert run.tried >= 1_000
    assert run.failed >= 500


def test_no_word_about_a_person_is_told_in_logs_errors_or_the_database(run: Run) -> None:
    assert run.words.found() == []
    assert run.spoken >= len(taking(*WORDY))
