"""Group commit: callers that come at the same time share a transaction; one way for threads, one for tasks.

`threads.py` serves blocking hosts, `tasks.py` awaiting ones; each is imported only where it is used, so that
a blocking host loads no event loop. `seats.py` has what both say about an item.
"""
