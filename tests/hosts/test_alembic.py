"""A host with an Alembic history of its own: a revision of it makes our tables, autogenerate keeps them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect

from invoicepay import InvoicePay, migrations
from invoicepay.errors import ConfigurationError
from tests.hosts.shop import SETTINGS, bought

ENV = """
from alembic import context
from sqlalchemy import NullPool, create_engine

from invoicepay import migrations
from tests.hosts.shop import Base

config = context.config
place = config.attributes["place"]
options = {
    "target_metadata": Base.metadata,
    "include_name": migrations.include_name(**place),
    "include_schemas": "schema" in place,
}
if context.is_offline_mode():
    context.configure(url=config.attributes["url"], **options)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(config.attributes["url"], poolclass=NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()
"""
REVISION = '''
"""Our tables: "{name}"."""

from alembic import context, op

from invoicepay import migrations

revision, down_revision = "{revision}", {before!r}


def upgrade() -> None:
    migrations.upgrade(op.get_bind(), to={to}, **context.config.attributes["place"])


def downgrade() -> None:
    raise NotImplementedError
'''
TEMPLATE = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
revision, down_revision = ${repr(up_revision)}, ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
'''


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A folder as `alembic init` makes it, with two revisions of the host's that call ours."""
    folder = tmp_path / "alembic"
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "script.py.mako").write_text(TEMPLATE)
    (versions / "one.py").write_text(REVISION.format(name="first", revision="one", before=None, to=1))
    last = REVISION.format(name="the rest", revision="two", before="one", to=migrations.LATEST)
    (versions / "two.py").write_text(last)
    return versions


def alembic(versions: Path, url: str, place: dict[str, Any], **options: Any) -> Config:
    config = Config(**options)
    config.set_main_option("script_location", str(versions.parent))
    config.set_main_option("path_separator", "os")
    config.attributes.update(url=url, place=place)
    return config


@pytest.fixture(params=["sqlite with a prefix", "postgresql in a schema"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """A database, and where in it our tables are."""
    place = {"with a prefix": {"table_prefix": "pay_"}, "in a schema": {"schema": "billing"}}
    backend, _, rest = request.param.partition(" ")
    url = (
        f"sqlite:///{tmp_path / 'shop.db'}"
        if backend == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    return url, dict(place.get(rest, {}))


def test_a_revision_of_the_hosts_makes_our_tables_and_autogenerate_leaves_them_alone(
    case: tuple[str, dict[str, Any]], versions: Path
) -> None:
    url, place = case
    config = alembic(versions, url, place)

    command.upgrade(config, "one")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert migrations.version(connection, **place) == 1
    command.upgrade(config, "head")
    with engine.connect() as connection:
        assert migrations.version(connection, **place) == migrations.LATEST
    command.revision(config, message="orders", autogenerate=True, rev_id="three")
    written = (versions / "three_orders.py").read_text()
    assert "create_table('shop_orders'" in written
    assert "drop" not in written
    command.upgrade(config, "head")

    with InvoicePay(engine, **SETTINGS, **place) as pay:
        pay.sim.settle(pay.deposits.initiate("ann", "50.00 USD"))
        assert pay.invoices.get(bought(pay)).status == "paid"
    assert "shop_orders" in inspect(engine).get_table_names()
    engine.dispose()


def test_offline_the_revision_says_where_the_script_is(versions: Path) -> None:
    config = alembic(versions, "postgresql+psycopg://", {}, output_buffer=StringIO())

    with pytest.raises(ConfigurationError, match="not MockConnection") as refused:
        command.upgrade(config, "head", sql=True)

    assert "migrations.sql(dialect)" in refused.value.hint
