"""Keeps exported files in one directory: by opaque names, over no other file, for the owner alone (S-22)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from invoicepay.errors import ConfigurationError, InvalidInput

OWNER_ALONE = 0o600

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}\.[a-z0-9]{1,10}")


class ExportFolder:
    """A directory that exports are saved in.

    Args:
        path: an existing directory; where it leads is settled now.

    Raises:
        ConfigurationError: there is no such directory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._path = Path(path).resolve(strict=True)
        except (OSError, ValueError) as error:
            raise ConfigurationError("the folder of exports does not exist") from error
        if not self._path.is_dir():
            raise ConfigurationError("the folder of exports is no directory")

    def save(self, name: str, content: str) -> Path:
        """Write a new file that only its owner may read; a link or file of that name is left as it is.

        Args:
            name: an id and an ending, such as `inv_01k….csv`: small letters, digits, `_` and `-`.

        Raises:
            InvalidInput: another kind of name, or one that is taken.

        Examples:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     ExportFolder(folder).save("journal-2026.csv", "id,note").name
            'journal-2026.csv'
        """
        if not isinstance(name, str) or len(name) > 120 or not _NAME.fullmatch(name):
            raise InvalidInput("the name of an export has small letters, digits, _ and -, and an ending")
        path = self._path / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            opened = os.open(path, flags, OWNER_ALONE)
        except FileExistsError as error:
            raise InvalidInput("an export of that name is there already") from error
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        return path
