"""The measures; importing this package registers them."""

from bench.measures import batches as batches
