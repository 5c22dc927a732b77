"""The three ways to print the rows of a receipt."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
import segno
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from midstage.fronts.counter.receipt.rows import Code, Line, Pair, Row, Rule, clean, texts, wrapped

# ESC/POS, as the printers of Epson and those that follow them read it (Epson, "ESC/POS Command Reference").
_RESET = b"\x1b@"
_STRONG, _PLAIN = b"\x1bE\x01", b"\x1bE\x00"
_LEFT, _CENTRE = b"\x1ba\x00", b"\x1ba\x01"
_CHINESE = b"\x1c&"  # FS &: two bytes are one character, by the code page of the printer: GB 18030
_FEED_AND_CUT = b"\x1dV\x42\x03"
_DRAWER = b"\x1bp\x00\x19\xfa"
_QR_DOTS = 6  # of 203 an inch: a code of 25 modules is 19 mm wide

_FONT = "STSong-Light"  # one of the fonts that PDF readers have themselves, so none is packed in
_SIZE, _STRONG_SIZE, _LEADING = 8.5, 10.5, 12
_PAPER_MM, _MARGIN_MM = 80, 5
_QR_MM = 26


def as_text(rows: Sequence[Row], columns: int) -> str:
    """Lines of text, each of at most so many columns."""
    return "\n".join(line.rstrip() for line, _ in texts(rows, columns)) + "\n"


def as_escpos(rows: Sequence[Row], columns: int, *, open_drawer: bool = False) -> bytes:
    """What a thermal printer takes; what GB 18030 writes with four bytes (emoji) becomes □, as printers know two."""
    out = bytearray(_RESET + _CHINESE)
    rows = [msgspec.structs.replace(row, **{name: _wide_yen(value) for name, value in _texts_of(row)}) for row in rows]
    if open_drawer:
        out += _DRAWER
    for line, row in texts(rows, columns):
        if isinstance(row, Code):
            out += _CENTRE + _qr(row.says) + b"\n" + _LEFT
        strong = isinstance(row, Line | Pair) and row.strong
        out += (_STRONG if strong else b"") + _bytes(line) + b"\n" + (_PLAIN if strong else b"")
    return bytes(out + _FEED_AND_CUT)


def as_pdf(rows: Sequence[Row], *, title: str) -> bytes:
    """One page as wide as the paper of a till and as long as the receipt."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        cast("Any", pdfmetrics).registerFont(UnicodeCIDFont(_FONT))
    height = sum(_height(row) for row in _split(rows)) + 2 * _MARGIN_MM * mm
    out = io.BytesIO()
    # Without the moment of its making, the same receipt is the same file.
    canvas = Canvas(out, pagesize=(_PAPER_MM * mm, height), invariant=True)
    canvas.setTitle(clean(title))
    y = height - _MARGIN_MM * mm
    for row in _split(rows):
        y -= _height(row)
        _draw(canvas, row, y)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _split(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows of one line each."""
    for row in rows:
        if isinstance(row, Line):
            for piece in wrapped(row.text, 34 if row.strong else 42):
                yield Line(piece, row.align, row.strong)
        else:
            yield row


def _height(row: Row) -> float:
    match row:
        case Code():
            return _QR_MM * mm + _LEADING
        case Rule():
            return _LEADING * 0.6
        case Line() | Pair():
            return _LEADING * (1.25 if row.strong else 1)


def _draw(canvas: Canvas, row: Row, y: float) -> None:
    left, right, centre = _MARGIN_MM * mm, (_PAPER_MM - _MARGIN_MM) * mm, _PAPER_MM * mm / 2
    match row:
        case Rule():
            canvas.setLineWidth(0.4)
            canvas.line(left, y + 2, right, y + 2)
        case Line():
            canvas.setFont(_FONT, _STRONG_SIZE if row.strong else _SIZE)
            draw = canvas.drawCentredString if row.align == "centre" else canvas.drawString
            draw(centre if row.align == "centre" else left, y + 3, _known(row.text))
        case Pair():
            size = _STRONG_SIZE if row.strong else _SIZE
            canvas.setFont(_FONT, size)
            canvas.drawRightString(right, y + 3, _known(row.right))
            room = right - left - pdfmetrics.stringWidth(_known(row.right), _FONT, size) - 4
            canvas.drawString(left, y + 3, _shortened(_known(row.left), room, size))
        case Code():
            _draw_qr(canvas, row.says, centre - _QR_MM * mm / 2, y + _LEADING)
            canvas.setFont(_FONT, _SIZE)
            canvas.drawCentredString(centre, y + 3, _known(row.says))


def _draw_qr(canvas: Canvas, says: str, x: float, y: float) -> None:
    matrix = [list(line) for line in segno.make(says, micro=False, error="m").matrix]
    module = _QR_MM * mm / (len(matrix) + 2)
    for down, line in enumerate(matrix):
        for across, dark in enumerate(line):
            if dark:
                top = y + _QR_MM * mm - (down + 2) * module
                canvas.rect(x + (across + 1) * module, top, module, module, stroke=0, fill=1)


def _shortened(text: str, room: float, size: float) -> str:
    while text and pdfmetrics.stringWidth(text, _FONT, size) > room:
        text = text[:-1]
    return text


def _known(text: str) -> str:
    """A text in the characters that the font has a place for: those of the basic plane."""
    return "".join(char if ord(char) <= 0xFFFF else "□" for char in clean(text))


def _texts_of(row: Row) -> list[tuple[str, str]]:
    return [(name, value) for name, value in msgspec.structs.asdict(row).items() if type(value) is str]


def _wide_yen(text: str) -> str:
    """The code page has the sign of the yuan in its wide form alone."""
    return text.replace("¥", "￥")


def _bytes(line: str) -> bytes:
    """A line in the code page of the printer."""
    return b"".join(_character(char) for char in line)


def _character(char: str) -> bytes:
    coded = char.encode("gb18030")
    return coded if len(coded) <= 2 else "□".encode("gb18030")


def _qr(says: str) -> bytes:
    """The printer draws the code itself: model 2, module size, error correction M, store, print."""
    data = says.encode()
    store = len(data) + 3

    def command(function: bytes) -> bytes:
        return b"\x1d(k" + len(function).to_bytes(2, "little") + function

    return (
        command(b"\x31\x41\x32\x00")
        + command(b"\x31\x43" + bytes([_QR_DOTS]))
        + command(b"\x31\x45\x31")
        + b"\x1d(k" + store.to_bytes(2, "little") + b"\x31\x50\x30" + data
        + command(b"\x31\x51\x30")
    )  # fmt: skip
