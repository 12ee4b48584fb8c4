"""Other ledgers, each in an environment of its own and used as its own documentation says."""
