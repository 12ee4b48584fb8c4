"""Everything in SQLite or PostgreSQL: one schema and one set of statements, blocking or awaiting."""

from invoicepay.adapters.sql.repository import SqlRepository, connect_store, migrate_url

__all__ = ["SqlRepository", "connect_store", "migrate_url"]
