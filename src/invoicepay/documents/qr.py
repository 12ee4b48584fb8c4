"""Draws a payload as a QR code: SVG for pages and notebooks, text for a terminal, PNG for mail and print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import groupby
from typing import TYPE_CHECKING

from invoicepay.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

Matrix = Sequence[Sequence[bool]]
"""Rows of modules, true is dark."""

QUIET_ZONE = 4
"""Light modules around the symbol; ISO/IEC 18004 asks for four."""
CAPACITY_BYTES = 2331
"""What the largest symbol holds at level M."""

_SVG_PIXELS_PER_MODULE = 4
_MAX_SCALE = 64
_HALF_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


@dataclass(frozen=True, slots=True)
class QrCode:
    """A payload that can be drawn; the last value of a notebook cell shows itself.

    Every drawing is a function of the payload alone (spec 4.6): store the payload, never the image.
    Error correction is level M, the quiet zone four modules.

    Raises:
        InvalidInput: the payload is empty, no valid text, or longer than the largest symbol holds.
    """

    payload: str

    def __post_init__(self) -> None:
        try:
            size = len(self.payload.encode())
        except UnicodeEncodeError as error:
            raise InvalidInput("a QR code holds text without lone surrogates") from error
        if not 0 < size <= CAPACITY_BYTES:
            raise InvalidInput(f"a QR code holds 1 to {CAPACITY_BYTES} bytes, not {size}", size=size)

    def svg(self, *, title: str = "QR code") -> str:
        """An SVG element without scripts, styles or references, for a page, a mail or a file.

        Args:
            title: what a screen reader says; the place to name the amount and the payee.
        """
        rows = _with_quiet_zone(_matrix(self.payload))
        side = len(rows)
        pixels = side * _SVG_PIXELS_PER_MODULE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"'
            f' width="{pixels}" height="{pixels}" role="img" shape-rendering="crispEdges">'
            f"<title>{escape(_printable(title))}</title>"
            f'<rect width="{side}" height="{side}" fill="#fff"/>'
            f'<path fill="#000" d="{_path(rows)}"/></svg>'
        )

    def _repr_svg_(self) -> str:
        return self.svg()

    def text(self, *, invert: bool = False) -> str:
        """Two rows of modules per line of half blocks, for a terminal with light text on a dark background.

        Args:
            invert: draw for dark text on a light background.
        """
        rows = _with_quiet_zone(_matrix(self.payload))
        rows.append([False] * len(rows))  # a symbol has an odd number of rows, a line shows two
        inked = [[dark is invert for dark in row] for row in rows]
        lines = zip(inked[::2], inked[1::2], strict=True)
        return "\n".join("".join(map(_half_block, upper, lower)) for upper, lower in lines)

    def png(self, *, scale: int = 8) -> bytes:
        """A black and white PNG file.

        Args:
            scale: pixels per module, 1 to 64.

        Raises:
            MissingExtra: Pillow is not installed.
            InvalidInput: the scale is out of range.
        """
        if not 1 <= scale <= _MAX_SCALE:
            raise InvalidInput(f"scale is 1 to {_MAX_SCALE} pixels per module, not {scale}", scale=scale)
        image = _image(_with_quiet_zone(_matrix(self.payload)))
        file = BytesIO()
        image.resize((image.width * scale, image.height * scale)).save(file, "PNG")
        return file.getvalue()


def _matrix(payload: str) -> Matrix:
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.main import QRCode

    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(payload.encode(), optimize=0)
    code.make()
    return code.get_matrix()


def _with_quiet_zone(matrix: Matrix) -> list[Sequence[bool]]:
    side = [False] * QUIET_ZONE
    band = [[False] * (len(matrix) + 2 * QUIET_ZONE)] * QUIET_ZONE
    return [*band, *([*side, *row, *side] for row in matrix), *band]


def _path(rows: Matrix) -> str:
    return "".join(
        f"M{start} {y}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _dark_runs(row)
    )


def _dark_runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    x = 0
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            runs.append((x, length))
        x += length
    return runs


def _half_block(upper: bool, lower: bool) -> str:
    return _HALF_BLOCKS[upper, lower]


def _image(rows: Matrix) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra("png", needed_for="QrCode.png()") from error
    image = Image.new("1", (len(rows), len(rows)), 1)
    image.putdata([not dark for row in rows for dark in row])
    return image


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
