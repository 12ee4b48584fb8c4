"""QR codes: whatever is drawn reads back as the payload, with readers that are not ours."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from textwrap import dedent
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from invoicepay.documents.qr import CAPACITY_BYTES, QUIET_ZONE, QrCode
from invoicepay.domain.money import Money
from invoicepay.domain.qr_payload import QrKeys, QrKind, QrPayload, link, sign
from invoicepay.errors import InvalidInput

Pixels = NDArray[np.uint8]

KEYS = QrKeys("2026-03", {"2026-03": bytes(range(32))})


def signed(kind: QrKind, *, id: str = "", amount: str | None = None, expires: bool = False) -> str:
    payload = QrPayload(
        kind=kind,
        id=id,
        tenant="acme",
        payee="user:42",
        asset="USD.tempo",
        amount=None if amount is None else Money.of(amount),
        expires_at=datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(days=7) if expires else None,
        nonce="q83vEjRWeJCrze8SNFZ4kA",
    )
    return link(sign(payload, KEYS))


EVERY_KIND = {
    "invoice": signed(
        QrKind.INVOICE, id="inv_01kjq8m3g5e8ts0w4d6x2zb9nc", amount="120.00 USD.tempo", expires=True
    ),
    "request": signed(
        QrKind.REQUEST, id="req_01kjq8m3g5e8ts0w4d6x2zb9nc", amount="18.50 USD.tempo", expires=True
    ),
    "open request": signed(QrKind.REQUEST, id="req_01kjq8m3g5e8ts0w4d6x2zb9nc"),
    "static payee": signed(QrKind.STATIC_PAYEE),
    "static amount": signed(QrKind.STATIC_AMOUNT, amount="0.000001 USD.tempo"),
}
every_kind = pytest.mark.parametrize("payload", EVERY_KIND.values(), ids=EVERY_KIND)


def decoded(pixels: Pixels) -> str:
    """The text that an independent reader sees in the picture."""
    results = zxingcpp.read_barcodes(
        pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode), try_invert=False
    )
    assert len(results) == 1
    return results[0].text


def pixels_of(picture: bytes) -> Pixels:
    return np.asarray(Image.open(BytesIO(picture)).convert("L"))


def enlarged(modules: Pixels, scale: int = 4) -> Pixels:
    return np.ascontiguousarray(modules.repeat(scale, axis=0).repeat(scale, axis=1))


def terminal(text: str, *, ink: int, paper: int) -> Pixels:
    """What a terminal shows: two pixels per character, upper and lower half."""
    halves = {" ": (paper, paper), "▀": (ink, paper), "▄": (paper, ink), "█": (ink, ink)}
    rows = [[halves[character] for character in line] for line in text.split("\n")]
    return np.array([[pair[half] for pair in row] for row in rows for half in (0, 1)], dtype=np.uint8)


def modules_of(code: QrCode) -> list[list[bool]]:
    """The symbol as the PNG shows it, without its quiet zone."""
    pixels = pixels_of(code.png(scale=1))[QUIET_ZONE:-QUIET_ZONE, QUIET_ZONE:-QUIET_ZONE]
    return [[bool(pixel == 0) for pixel in row] for row in pixels]


@every_kind
@pytest.mark.parametrize("zoom", [1, 0.75, 2.3], ids=["as is", "smaller", "larger"])
def test_the_svg_reads_back(payload: str, zoom: float) -> None:
    svg = QrCode(payload).svg()

    picture = resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, skip_system_fonts=True)

    assert decoded(pixels_of(bytes(picture))) == payload


@every_kind
@pytest.mark.parametrize("scale", [2, 8])
def test_the_png_reads_back(payload: str, scale: int) -> None:
    assert decoded(pixels_of(QrCode(payload).png(scale=scale))) == payload


@every_kind
def test_the_text_reads_back_from_a_dark_terminal(payload: str) -> None:
    screen = terminal(QrCode(payload).text(), ink=230, paper=20)

    assert decoded(enlarged(screen)) == payload


@every_kind
def test_the_inverted_text_reads_back_from_a_light_terminal(payload: str) -> None:
    screen = terminal(QrCode(payload).text(invert=True), ink=20, paper=230)

    assert decoded(enlarged(screen)) == payload


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=600))
@settings(max_examples=40, deadline=None)
def test_any_ascii_payload_reads_back(payload: str) -> None:
    assert decoded(pixels_of(QrCode(payload).png(scale=3))) == payload


def test_a_payload_of_any_language_reads_back_as_utf_8() -> None:
    payload = "BCD\n002\n1\nSCT\n\nMüller & Söhne\nDE02120300000000202051\nEUR12.50\n\n\nŻółć 一二三"

    (result,) = zxingcpp.read_barcodes(pixels_of(QrCode(payload).png()))

    assert bytes(result.bytes).decode() == payload


def test_the_longest_payload_reads_back() -> None:
    payload = "x" * CAPACITY_BYTES

    assert decoded(pixels_of(QrCode(payload).png(scale=3))) == payload


# Full symbols only: into a partly filled one segno writes a codeword of zeros before the padding, which no
# reader sees, and the rest of the padding moves by one.
@pytest.mark.parametrize(
    ("version", "size"), [(1, 14), (7, 122), (10, 213), (11, 251), (20, 666), (40, 2331)]
)
def test_the_modules_of_a_full_symbol_are_those_of_an_independent_encoder(version: int, size: int) -> None:
    payload = (EVERY_KIND["request"] * 11)[:size]

    ours = modules_of(QrCode(payload))
    theirs = segno.make_qr(payload, error="m", mask=mask_of(ours), mode="byte", boost_error=False)

    assert theirs.version == version
    assert ours == [[bool(module) for module in row] for row in theirs.matrix]


@every_kind
def test_an_independent_encoder_needs_a_symbol_of_the_same_size_and_reads_alike(payload: str) -> None:
    theirs = segno.make_qr(payload, error="m", mode="byte", boost_error=False)
    picture = BytesIO()
    theirs.save(picture, kind="png", scale=4)

    assert theirs.symbol_size(border=0)[0] == len(modules_of(QrCode(payload)))
    assert decoded(pixels_of(picture.getvalue())) == payload


def mask_of(modules: list[list[bool]]) -> int:
    """The mask named in the format information (ISO/IEC 18004 7.9)."""
    return (
        sum(1 << bit for bit, column in zip((2, 1, 0), (2, 3, 4), strict=True) if modules[8][column]) ^ 0b101
    )


def test_a_quiet_zone_of_four_light_modules_surrounds_every_rendering() -> None:
    code = QrCode(EVERY_KIND["request"])
    side = len(modules_of(code))

    svg = ElementTree.fromstring(code.svg())
    png = pixels_of(code.png(scale=1))
    dark_screen = terminal(code.text(), ink=255, paper=0)
    light_screen = terminal(code.text(invert=True), ink=0, paper=255)

    assert svg.get("viewBox") == f"0 0 {side + 8} {side + 8}"
    for pixels, extra_rows in ((png, 0), (dark_screen, 1), (light_screen, 1)):
        dark = np.argwhere(pixels == 0)
        assert pixels.shape == (side + 8 + extra_rows, side + 8)
        assert (dark.min(axis=0) == QUIET_ZONE).all()
        assert (dark.max(axis=0) == QUIET_ZONE + side - 1).all()


def test_the_svg_is_one_path_on_white_without_scripts_styles_or_references() -> None:
    svg = ElementTree.fromstring(QrCode(EVERY_KIND["request"]).svg())

    assert [child.tag.partition("}")[2] for child in svg] == ["title", "rect", "path"]
    assert {name for element in svg.iter() for name in element.attrib} == {
        "viewBox", "width", "height", "role", "shape-rendering", "fill", "d",
    }  # fmt: skip


def test_the_svg_names_itself_to_a_screen_reader() -> None:
    svg = ElementTree.fromstring(QrCode("x").svg(title="Pay 18.50 USD to Müller & Söhne"))

    assert svg.get("role") == "img"
    assert svg[0].text == "Pay 18.50 USD to Müller & Söhne"


@pytest.mark.parametrize(
    "title", ["</title><script>alert(1)</script>", "a\0b\x1b[2J\u202e\ud800\ufffe", "\"'<&>]]>"]
)
def test_a_hostile_title_stays_text(title: str) -> None:
    svg = ElementTree.fromstring(QrCode("x").svg(title=title).encode())

    assert svg[0].text == "".join(character if character.isprintable() else " " for character in title)
    assert len(svg[0]) == 0


def test_a_hostile_payload_is_drawn_and_never_written_into_the_markup() -> None:
    payload = '"/><script>alert(1)</script>'

    assert "script" not in QrCode(payload).svg()


def test_a_notebook_draws_the_svg() -> None:
    code = QrCode("x")

    assert code._repr_svg_() == code.svg()


def test_equal_payloads_are_drawn_alike() -> None:
    one, other = QrCode(EVERY_KIND["invoice"]), QrCode(EVERY_KIND["invoice"])

    assert one == other
    assert (one.svg(), one.text(), one.png()) == (other.svg(), other.text(), other.png())


@pytest.mark.parametrize(
    "payload",
    ["", "x" * (CAPACITY_BYTES + 1), "€" * 778, "\ud800"],
    ids=["empty", "long", "wide", "surrogate"],
)
def test_a_payload_that_cannot_be_drawn_is_refused(payload: str) -> None:
    with pytest.raises(InvalidInput):
        QrCode(payload)


@pytest.mark.parametrize("scale", [0, -1, 65, 10**9])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(InvalidInput):
        QrCode("x").png(scale=scale)


def test_without_pillow_the_png_names_what_to_install_and_the_rest_is_drawn() -> None:
    script = """
        import sys
        sys.modules["PIL"] = None
        from invoicepay.documents.qr import QrCode
        from invoicepay.errors import MissingExtra
        code = QrCode("x")
        code.svg(), code.text()
        try:
            code.png()
        except MissingExtra as error:
            print(error.hint)
        """

    assert "invoicepay[png]" in run(script)


def test_importing_the_renderer_loads_neither_qrcode_nor_pillow() -> None:
    script = """
        import sys
        import invoicepay.documents.qr
        print(sorted({name.partition(".")[0] for name in sys.modules} & {"qrcode", "PIL"}))
        """

    assert run(script) == "[]"


def run(script: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-W", "error", "-c", dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
