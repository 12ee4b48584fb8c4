"""What the things of the money loop are and how they alone may change; no I/O, no clock, no ids."""
