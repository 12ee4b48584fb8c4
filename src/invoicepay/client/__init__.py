"""The awaiting client: one group of calls per stem, keyword arguments to commands."""
