"""How much is still to be done in a store: effects under way, webhooks to apply, events to tell."""

from __future__ import annotations

from tests.support.sql import execute

UNDER_WAY = """
SELECT (SELECT count(*) FROM effects WHERE status IN ('planned', 'sending', 'unknown', 'accepted', 'settled'))
     + (SELECT count(*) FROM webhook_inbox WHERE status = 'received')
"""
UNTOLD = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


def under_way(url: str) -> int:
    """Effects that have not ended and webhooks that are not applied."""
    ((count,),) = execute(url, UNDER_WAY)
    return int(count)


def untold(url: str) -> int:
    """Events that were not told."""
    ((count,),) = execute(url, UNTOLD)
    return int(count)


def left(url: str) -> str:
    """Effects by kind and status, for a report."""
    rows = execute(url, "SELECT kind, status, count(*) FROM effects GROUP BY kind, status ORDER BY 1, 2")
    return ", ".join(f"{count} {kind} {status}" for kind, status, count in rows)
