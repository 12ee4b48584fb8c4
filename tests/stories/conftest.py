"""Each story runs on three stores and behind both faces; afterwards the books must be right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from invoicepay import migrate
from tests.stories.stage import Stage, opened

STORES = ("memory", "sqlite", "postgresql")
FACES = ("blocking", "awaiting")


@pytest.fixture(params=[f"{store}-{face}" for store in STORES for face in FACES])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A programme with an enterprise and some people, on one store, behind one face."""
    store, face = request.param.split("-")
    if store == "memory":
        url = "memory://"
    elif store == "sqlite":
        url = f"sqlite:///{tmp_path / 'pay.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
    with opened(url, face) as stage:
        yield stage
        assert stage.pay.invariants.check() == ()
        assert stage.pay.audit.verify()
