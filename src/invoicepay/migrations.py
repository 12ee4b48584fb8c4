"""The tables in numbered steps, for a host's own migrations: Alembic's, Django's, or a script for a DBA.

Examples:
    >>> from invoicepay import migrations
    >>> "CREATE TABLE invoices" in migrations.sql("postgresql")
    True
"""

from invoicepay.adapters.sql.migrate import LATEST, include_name, sql, upgrade, version
from invoicepay.adapters.sql.roles import restrict, restriction_sql

__all__ = ["LATEST", "include_name", "restrict", "restriction_sql", "sql", "upgrade", "version"]
