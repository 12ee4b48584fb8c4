"""One local node for all tests of a process in this folder."""

from tests.support.tempo import tempo_node

__all__ = ["tempo_node"]
