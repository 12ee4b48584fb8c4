"""The host's table, and ours beside it."""

from typing import Any

from django.db import migrations, models

from invoicepay import migrations as invoicepay_migrations
from invoicepay.integrations.django import sqlalchemy_connection


def upgrade(_apps: Any, schema_editor: Any) -> None:
    with sqlalchemy_connection(schema_editor.connection.alias) as connection:
        invoicepay_migrations.upgrade(connection, to=invoicepay_migrations.LATEST)


class Migration(migrations.Migration):  # type: ignore[misc] # Django comes without types
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("item", models.CharField(max_length=40)),
            ],
        ),
        migrations.RunPython(upgrade, migrations.RunPython.noop),
    )
