"""What the blocks of a page define, for tests that need a real server to try it."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def shown(page: str, *names: str) -> list[Any]:
    """These names as a page defines them; its blocks run until they are all there."""
    document = Sybil([PythonCodeBlockParser()], patterns=["*.md"]).parse(HOW_TO / page)
    examples = iter(document.examples())
    while not document.namespace.keys() >= set(names):
        next(examples).evaluate()
    document.namespace["__builtins__"] = builtins  # removed after each block
    return [document.namespace[name] for name in names]
