"""One function per command: needs, decision, call; the only callers of ports."""
