"""Receipts with python-accounting; run by the Python of its own environment.

python with_python_accounting.py FOLDER_OF_THE_SERVER DATABASE PROCESSES SECONDS
"""

import json
import multiprocessing
import sys
import time
from datetime import datetime
from typing import Any

from python_accounting.database.session import get_session
from python_accounting.models import Account, Base, Currency, Entity, LineItem
from python_accounting.transactions import ClientReceipt
from sqlalchemy import Engine, create_engine


def connect(folder: str, database: str) -> Engine:
    """An engine as its documentation makes one."""
    return create_engine(f"postgresql+psycopg://postgres@/{database}?host={folder}")


def books(session: Any, number: int) -> tuple[Any, Any, Any]:
    """An entity with an account for a client and one for the bank."""
    entity = Entity(name=f"Company {number}")
    session.add(entity)
    session.commit()
    currency = Currency(name="US Dollars", code="USD", entity_id=entity.id)
    session.add(currency)
    session.commit()
    kinds = {"Bank": Account.AccountType.BANK, "Client": Account.AccountType.RECEIVABLE}
    accounts = [
        Account(name=name, account_type=kind, currency_id=currency.id, entity_id=entity.id)
        for name, kind in kinds.items()
    ]
    session.add_all(accounts)
    session.commit()
    return entity, *accounts


def receive(session: Any, entity: Any, bank: Any, client: Any) -> None:
    """A payment of a client into the bank, posted to the ledger."""
    now = datetime.now()  # noqa: DTZ005 - it stores naive instants
    receipt = ClientReceipt(
        narration="Payment", transaction_date=now, account_id=client.id, entity_id=entity.id
    )
    session.add(receipt)
    session.flush()
    item = LineItem(narration="Payment", account_id=bank.id, amount=12.5, entity_id=entity.id)
    session.add(item)
    session.flush()
    receipt.line_items.add(item)
    session.add(receipt)
    receipt.post(session)
    session.commit()


def work(folder: str, database: str, number: int, seconds: float, barrier: Any, told: Any) -> None:
    """Receipts of one entity until the time is over."""
    with get_session(connect(folder, database)) as session:
        entity, bank, client = books(session, number)
        barrier.wait()
        began, done = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            receive(session, entity, bank, client)
            done += 1
        told.put(done / (time.perf_counter() - began))


def main(folder: str, database: str, processes: int, seconds: float) -> None:
    """Make tables, receive side by side, print how many a second."""
    engine = connect(folder, database)
    Base.metadata.create_all(engine)
    engine.dispose()
    spawning = multiprocessing.get_context("spawn")
    barrier, told = spawning.Barrier(processes), spawning.SimpleQueue()
    workers = [
        spawning.Process(target=work, args=(folder, database, number, seconds, barrier, told))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit(1)
    print(json.dumps({"per_second": sum(told.get() for _ in workers)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
