"""The adapter that the documentation shows keeps the promises of its port."""

from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-rails-adapter.md"


def shown() -> dict[str, Any]:
    """What the page's blocks define, up to the suite."""
    document = Sybil([PythonCodeBlockParser()], patterns=["*.md"]).parse(PAGE)
    for example in document.examples():
        example.evaluate()
        if "TestAcmeBank" in document.namespace:
            break
    return document.namespace


TestAcmeBank = shown()["TestAcmeBank"]
