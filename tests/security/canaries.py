"""Values that must be seen nowhere, in every spelling in which they might be, and where to look for them."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, inspect, text

from invoicepay.errors import InvoicePayError

TESTS = str(Path(__file__).resolve().parents[1])
SHORTEST = 8
"""A shorter value is found by chance."""


def text_canary(name: str) -> str:
    """A secret text of 32 characters that nothing else contains."""
    return f"cnry{hashlib.sha256(name.encode()).hexdigest()[:28]}"


def digits_canary(name: str, length: int = 12) -> str:
    """An account number of that many digits, the last of which makes the Luhn sum of a card right."""
    digits = str(int(hashlib.sha256(name.encode()).hexdigest(), 16))[5 : 4 + length]
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return digits + str(-total % 10)


def routing_canary(name: str) -> str:
    """A routing number whose checksum is right."""
    digits = "0" + str(int(hashlib.sha256(name.encode()).hexdigest(), 16))[3:10]
    weighted = sum(
        int(digit) * weight for digit, weight in zip(digits, (3, 7, 1, 3, 7, 1, 3, 7), strict=True)
    )
    return digits + str(-weighted % 10)


def bytes_canary(name: str) -> bytes:
    """A key of 32 bytes."""
    return hashlib.sha256(b"key " + name.encode()).digest()


class Trap:
    """Knows the canaries, keeps what was seen, and tells which canary was seen where."""

    def __init__(self) -> None:
        self._spellings: dict[str, set[bytes]] = {}
        self._seen: list[tuple[str, bytes]] = []

    def plant(self, name: str, value: str | bytes) -> None:
        """Look for a value from now on, in all of its spellings."""
        raw = value.encode() if isinstance(value, str) else value
        if len(raw) < SHORTEST:
            raise ValueError(f"{name} is too short to be looked for")
        self._spellings[name] = set(_spellings(raw))

    @property
    def planted(self) -> tuple[str, ...]:
        """The names of the canaries."""
        return tuple(self._spellings)

    def see(self, where: str, what: object) -> None:
        """Keep something that somebody might read: a text, bytes, or anything by its repr and str."""
        if isinstance(what, bytes):
            self._seen.append((where, what))
        else:
            both = what if isinstance(what, str) else f"{what!r}\n{what}"
            self._seen.append((where, both.encode("utf-8", "backslashreplace")))

    def see_error(self, where: str, error: BaseException) -> None:
        """Keep all that an error and its traceback tell, with the variables of every frame outside tests."""
        for said in told(error):
            self.see(where, said)

    @property
    def looks(self) -> int:
        """How many things were kept."""
        return len(self._seen)

    def found(self) -> list[str]:
        """Which canary stands where; empty is good."""
        hits: dict[str, None] = {}
        by_place: dict[str, list[bytes]] = {}
        for where, what in self._seen:
            by_place.setdefault(where, []).append(what)
        for where, all_of in by_place.items():
            whole = b"\0".join(all_of)
            for name, spellings in self._spellings.items():
                for spelling in spellings:
                    if (at := whole.find(spelling)) >= 0:
                        around = whole[max(0, at - 60) : at].rpartition(b"\0")[2]
                        hits[f"{name} in {where}, after {around[-60:]!r}"] = None
        return list(hits)

    def forget(self) -> None:
        """Forget what was seen, not what is looked for."""
        self._seen.clear()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keep every log record of every logger, down to DEBUG, as long as the block runs."""
        handler = _Listener(self)
        root, levels = logging.getLogger(), dict[logging.Logger, int]()
        for logger in (root, *_loggers()):
            levels[logger] = logger.level
            logger.setLevel(logging.DEBUG)
        root.addHandler(handler)
        try:
            yield
        finally:
            root.removeHandler(handler)
            for logger, level in levels.items():
                logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    known = logging.getLogger().manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger) and logger.level]


class _Listener(logging.Handler):
    def __init__(self, trap: Trap) -> None:
        super().__init__(logging.NOTSET)
        self._trap = trap

    def emit(self, record: logging.LogRecord) -> None:
        where = f"the log {record.name}"
        self._trap.see(where, record.getMessage())
        self._trap.see(where, repr(record.args))
        if record.exc_info and record.exc_info[1]:
            self._trap.see_error(where, record.exc_info[1])


def told(error: BaseException, holders: tuple[str, ...] = (TESTS,)) -> Iterator[str]:
    """Everything that an error tells: itself, what hangs on it, and all frames with their variables.

    Args:
        holders: parts of the paths of files whose frames may hold secrets.
    """
    for each in _with_causes(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            code = frame.f_code
            if not any(holder in code.co_filename for holder in holders):
                shown = {name: _shown(value) for name, value in frame.f_locals.items()}
                yield f"{code.co_filename} {code.co_name} {shown}"
        yield f"{each!r} {each} {each.args} {getattr(each, '__dict__', {})} {getattr(each, '__notes__', '')}"
        if isinstance(each, InvoicePayError):
            yield json.dumps([each.to_problem(), each.to_record()], default=str)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - an object that is half made may have no repr yet
        return f"<{type(value).__name__} without a repr: {type(error).__name__}>"


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException] = [error]
    for _ in range(50):
        if not waiting:
            return
        one = waiting.pop()
        yield one
        waiting += [each for each in (one.__cause__, one.__context__) if each is not None]


def _spellings(raw: bytes) -> Iterator[bytes]:
    """The value as it is, and as it would look inside a URL, JSON, a repr, hexadecimal or base64."""
    if _is_text(raw):
        yield raw
        yield quote(raw.decode(), safe="").encode()
        yield json.dumps(raw.decode())[1:-1].encode()
        if raw.isdigit():
            yield b" ".join(raw[at : at + 4] for at in range(0, len(raw), 4))
            yield b"-".join(raw[at : at + 4] for at in range(0, len(raw), 4))
            return
    else:
        yield raw
        yield repr(raw)[2:-1].encode()
        yield str(int.from_bytes(raw)).encode()
        yield repr(list(raw))[1:-1].encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):  # base64 depends on what stands before
        encoded = base64.b64encode(b"\0" * shift + raw)
        whole = encoded[(0, 2, 3)[shift] : len(encoded) // 4 * 4 - 4]
        yield whole
        yield whole.replace(b"+", b"-").replace(b"/", b"_")


def _is_text(raw: bytes) -> bool:
    try:
        return raw.decode().isprintable()
    except UnicodeDecodeError:
        return False


def dump(store: str | Engine) -> Iterator[tuple[str, str]]:
    """Every row of every table of a database, as (table, row)."""
    engine = create_engine(store) if isinstance(store, str) else store
    try:
        with engine.connect() as connection:
            for table in inspect(engine).get_table_names():
                for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                    yield table, repr(tuple(row)) + " ".join(_bytes_in(tuple(row)))
    finally:
        engine.dispose()


def _bytes_in(row: tuple[Any, ...]) -> Iterator[str]:
    for value in row:
        if isinstance(value, bytes):
            yield value.decode("utf-8", "backslashreplace")
