"""SQLite files that cannot be used: each says what to do next, and the books are right afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from invoicepay import InvoicePay, migrate
from invoicepay.errors import (
    ConfigurationError,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnreachable,
)
from tests.stores.trouble import (
    FACES,
    Business,
    integrity,
    ordinary_user,
    own_folder,
    send,
    trouble,
)

ROOT = Path(__file__).parents[2]
HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
SPEND_UNTIL_IT_FAILS = """
import resource, sys
from invoicepay import InvoicePay, InvoicePayError
from tests.stores.trouble import send
with InvoicePay(sys.argv[1]) as pay:
    pay.wallets.get("bob")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    try:
        for number in range(1_000):
            send(pay, f"order-{number}")
    except InvoicePayError as error:
        print(number, error.code, error.hint)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of an ordinary user."""
    with own_folder() as made:
        yield made


@pytest.fixture
def business(folder: Path) -> Business:
    """A business in a file of an ordinary user."""
    made = Business(f"sqlite:///{folder / 'pay.db'}")
    with ordinary_user():
        made.open()
    return made


@pytest.mark.parametrize("face", FACES)
def test_a_file_that_may_not_be_written(business: Business, folder: Path, face: str) -> None:
    (folder / "pay.db").chmod(0o444)

    with ordinary_user():
        with trouble(StoreReadOnly, names="the right to write"):
            Business(business.url, face).send()
        assert business.received() == "0.00 USD"

    (folder / "pay.db").chmod(0o644)
    business.send()
    assert business.received() == "1.00 USD"


def test_a_folder_that_may_not_be_written(business: Business, folder: Path) -> None:
    folder.chmod(0o555)

    with ordinary_user():
        with trouble(StoreReadOnly, names="its folder"):
            business.send()
        with trouble(StoreUnreachable, names="its folder"):
            Business(f"sqlite:///{folder / 'new.db'}").open()

    folder.chmod(0o755)
    assert integrity(folder / "pay.db") == "ok"
    assert business.received() == "0.00 USD"


@pytest.mark.parametrize("mode", [0o000, 0o200])
def test_a_file_that_may_not_be_read(business: Business, folder: Path, mode: int) -> None:
    (folder / "pay.db").chmod(mode)

    with ordinary_user(), trouble(StoreUnreachable, names="check that its folder exists"):
        business.send()


def test_a_folder_that_may_not_be_entered(business: Business, folder: Path) -> None:
    folder.chmod(0o000)

    with ordinary_user(), trouble(StoreUnreachable, names="folder"):
        business.send()


@pytest.mark.parametrize("face", FACES)
def test_a_folder_that_is_not_there(tmp_path: Path, face: str) -> None:
    with trouble(StoreUnreachable, names="check that its folder exists"):
        Business(f"sqlite:///{tmp_path / 'nowhere' / 'pay.db'}", face).send()


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with trouble(StoreUnreachable, names="the file cannot be opened"):
        Business(f"sqlite:///{tmp_path}").send()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("content", [b"hello", b"x" * 5_000, b"SQLite format 3\x00" + b"\xff" * 5_000])
def test_a_file_that_is_no_database(tmp_path: Path, face: str, content: bytes) -> None:
    file = tmp_path / "pay.db"
    file.write_bytes(content)

    with trouble(StoreError, names="restore a backup"):
        Business(f"sqlite:///{file}", face).send()

    assert file.read_bytes() == content


def test_a_file_that_lost_its_end(tmp_path: Path) -> None:
    business = Business(f"sqlite:///{tmp_path / 'pay.db'}")
    business.open()
    content = (tmp_path / "pay.db").read_bytes()
    (tmp_path / "pay.db").write_bytes(content[: len(content) // 2])

    with trouble(StoreError, names="restore a backup"):
        business.send()


def test_a_database_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE invoices (id)")

    with trouble(ConfigurationError, names="table_prefix"):
        migrate(f"sqlite:///{file}")

    assert integrity(file) == "ok"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process holds the write lock meanwhile."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield


def test_a_file_that_another_process_writes(tmp_path: Path) -> None:
    business = Business(f"sqlite:///{tmp_path / 'pay.db'}")
    business.open()

    with locked(tmp_path / "pay.db"):
        started = time.monotonic()
        with trouble(StoreBusy, names="same key") as caught:
            business.send()
        waited = time.monotonic() - started
        assert business.received() == "0.00 USD"

    assert caught.value.retryable
    assert 4 < waited < 25  # once for five seconds, and not at each of six tries
    business.send()
    assert business.received() == "1.00 USD"
    assert integrity(tmp_path / "pay.db") == "ok"


def test_a_hosts_impatient_engine_is_told_at_once(tmp_path: Path) -> None:
    business = Business(f"sqlite:///{tmp_path / 'pay.db'}")
    business.open()
    engine = create_engine(business.url, connect_args={"timeout": 0.01})

    with InvoicePay(engine) as pay, locked(tmp_path / "pay.db"), trouble(StoreBusy, names="same key"):
        send(pay)

    engine.dispose()


@pytest.mark.parametrize("pages", [1, 4, 16])
def test_a_full_disk(tmp_path: Path, pages: int) -> None:
    business = Business(f"sqlite:///{tmp_path / 'pay.db'}")
    business.open()
    engine = create_engine(business.url, pool_size=1, max_overflow=0)
    with engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={used + pages}")

    with InvoicePay(engine) as pay, trouble(StoreFull, names="free space"):
        sent = 0
        for sent in range(1_000):
            send(pay, f"order-{sent}")
    engine.dispose()

    assert integrity(tmp_path / "pay.db") == "ok"
    assert business.received() == f"{sent}.00 USD"
    business.send(f"order-{sent}")
    assert business.received() == f"{sent + 1}.00 USD"


@pytest.mark.parametrize("limit", [4_096, 300_000])
def test_a_quota_that_is_used_up_in_the_middle_of_a_commit(tmp_path: Path, limit: int) -> None:
    business = Business(f"sqlite:///{tmp_path / 'pay.db'}")
    business.open()

    said = subprocess.run(
        [sys.executable, "-c", SPEND_UNTIL_IT_FAILS, business.url, str(limit)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    number, code, hint = said.stdout.split(maxsplit=2)
    assert code in ("outcome_unknown", "store_full", "store_error")
    assert "same key" in hint or "disk" in hint
    assert said.stderr == ""
    assert integrity(tmp_path / "pay.db") == "ok"
    business.send(f"order-{number}")
    assert business.received() == f"{int(number) + 1}.00 USD"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of three megabytes, which only root may mount; elsewhere the tests above speak for it."""
    folder = Path(tempfile.mkdtemp(prefix="invoicepay-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount a small disk")
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    finally:
        folder.rmdir()


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    business = Business(f"sqlite:///{small_disk / 'pay.db'}")
    business.open()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 200_000))

    with InvoicePay(business.url) as pay, trouble(StoreFull, names="free space"):
        for number in range(1_000):
            send(pay, f"order-{number}")

    filler.unlink()
    assert integrity(small_disk / "pay.db") == "ok"
    business.send(f"order-{number}")
    assert business.received() == f"{number + 1}.00 USD"
