"""Files of rows, as CSV or JSON lines: read line by line, so that what is wrong can be pointed at; written as a stream."""

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, cast

import msgspec
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.response import Stream

from midstage.kit.refusals import Invalid, Text

MAX_ROWS = 200_000
MAX_CELL = 10_000
CSV, JSON_LINES = "text/csv", "application/x-ndjson"
_LINES = ("jsonl", "ndjson", "json")
# What a spreadsheet takes for the beginning of a formula; East Asian ones take the wide forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Zip(Stream):
    """An answer that is a zip file."""

    kind: ClassVar[str] = "application/zip"


class Row(msgspec.Struct, frozen=True):
    """One row: where its line begins in the file, counted from 1, and its cells by the name of their column."""

    line: int
    cells: dict[str, Any]


class BadRow(msgspec.Struct, frozen=True):
    """What is wrong with a row, in which line and column; no column where it is the row as a whole."""

    line: int
    column: str
    code: str
    reason_zh: str
    reason_en: str


class Table(msgspec.Struct, frozen=True):
    """The rows that could be read, and the lines that could not."""

    columns: list[str]
    rows: list[Row]
    bad: list[BadRow]


class FileMissing(Invalid):
    """The body is the file itself (CSV with a header, or JSON lines), or a form whose field `file` holds it."""

    text = Text(
        zh="请上传文件：请求体为 CSV（含表头）或 JSON Lines，或表单字段 file",
        en="Send a file: a body of CSV with a header or of JSON lines, or a form with a field called file.",
    )


class FileUnreadable(Invalid):
    """The file is neither UTF-8 nor GB18030 text, or has more rows than one call takes."""

    text = Text(zh="文件无法读取：{reason_zh}", en="The file cannot be read: {reason_en}.")
    line: int
    reason_zh: str
    reason_en: str


async def received(request: Request[Any, Any, Any]) -> tuple[bytes, str]:
    """The file of a request, and its name or type. Raises FileMissing, FileUnreadable."""
    kind = request.headers.get("content-type") or ""
    if not kind.startswith("multipart/form-data"):
        body, name = await request.body(), kind.partition(";")[0].strip()
    else:
        try:
            form = await request.form()
        except HTTPException as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
            raise FileUnreadable(1, "表单格式错误", "the form is malformed") from None
        file: object = form.get("file")
        if not isinstance(file, UploadFile):
            raise FileMissing
        await file.seek(0)
        body, name = await file.read(), file.filename
    if not body.strip():
        raise FileMissing
    return body, name


async def file_hash(request: Request[Any, Any, Any]) -> bytes:
    """What tells one upload from another: the address with its query, and the bytes of the file."""
    body, _ = await received(request)
    return hashlib.sha256(f"{request.url.path}?{request.url.query}\0".encode() + body).digest()


def read_table(body: bytes, name: str = "") -> Table:
    """Read a file. JSON lines where the name or the first character says so, else CSV. Raises FileUnreadable."""
    columns, found = rows_of(body, name)
    rows: list[Row] = []
    bad: list[BadRow] = []
    for one in found:
        if isinstance(one, Row):
            rows.append(one)
        else:
            bad.append(one)
    named = columns or list(dict.fromkeys(column for row in rows for column in row.cells))
    return Table(named, rows, bad)


def rows_of(body: bytes, name: str = "") -> tuple[list[str], Iterator[Row | BadRow]]:
    """The columns of a file, and its rows one by one, so that nobody need hold them all.

    JSON lines (where the name or the first character says so) have no columns but those that their rows name.
    Raises FileUnreadable, at the latest where the rows end.
    """
    text = _text(body)
    lines = name.rpartition(".")[2].lower() in _LINES or name.endswith(("ndjson", "jsonl", "/json"))
    if lines or text.lstrip()[:1] == "{":
        return [], _counted_rows(_json_lines(text))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader)]
    except csv.Error as error:
        raise _not_csv(reader, error) from None
    except StopIteration:
        raise FileMissing from None
    return columns, _counted_rows(_csv(reader, columns))


def _counted_rows(rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
    count = 0
    for one in rows:
        count += isinstance(one, Row)
        if count > MAX_ROWS:
            raise FileUnreadable(MAX_ROWS, f"超过 {MAX_ROWS} 行", f"it has more than {MAX_ROWS} rows")
        yield one


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[object]], *, header: bool) -> bytes:
    """Some rows as CSV. The first part begins with a mark, by which spreadsheets know that it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        out.write("\ufeff")
        writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def csv_answer(name: str, parts: AsyncIterator[bytes]) -> Stream:
    """A CSV that is sent while it is read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Stream(parts, media_type="text/csv; charset=utf-8", headers=headers)


def zip_answer(name: str, body: bytes) -> Zip:
    """A zip file that is sent as a whole, and kept by nobody in between."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"', "Cache-Control": "no-store"}
    return Zip(iter([body]), media_type=Zip.kind, headers=headers)


def _cell(value: object) -> str:
    """A cell that a spreadsheet shows and does not run: text that looks like a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdecimal()


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            line = text[: text.index("\0")].count("\n") + 1
            raise FileUnreadable(line, "含有空字符", "it has a NUL character")
        return text
    raise FileUnreadable(1, "不是 UTF-8 或 GB18030 文本", "it is neither UTF-8 nor GB18030 text")


def _csv(reader: Iterator[list[str]], columns: Sequence[str]) -> Iterator[Row | BadRow]:
    try:
        for line, cells in _counted(reader):
            if len(cells) > len(columns):
                zh, en = (
                    f"有 {len(cells)} 列，表头只有 {len(columns)} 列",
                    f"it has {len(cells)} cells, the header {len(columns)}",
                )
                yield BadRow(line, "", "too_many_cells", zh, en)
            elif any(cell.strip() for cell in cells):
                yield Row(line, {name: _plain(cell) for name, cell in zip(columns, cells, strict=False)})
    except csv.Error as error:
        raise _not_csv(reader, error) from None


def _not_csv(reader: Iterator[list[str]], error: csv.Error) -> FileUnreadable:
    line = cast("Any", reader).line_num
    return FileUnreadable(line, f"CSV 格式错误（{error}）", f"this is not CSV ({error})")


def _plain(cell: str) -> str:
    """Undo the apostrophe that write_csv put before what looks like a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell


def _counted(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line that each begins in: a quoted cell may hold line breaks."""
    numbered = cast("Any", reader)
    before = numbered.line_num
    for cells in reader:
        yield before + 1, cells
        before = numbered.line_num


def _json_lines(text: str) -> Iterator[Row | BadRow]:
    for line, part in enumerate(text.split("\n"), 1):
        if not part.strip():
            continue
        try:
            cells = json.loads(part, parse_float=str, parse_constant=_no_number)
        except (ValueError, RecursionError):
            cells = None
        if isinstance(cells, dict):
            yield Row(line, {str(name).strip().lower(): value for name, value in cast("dict[str, Any]", cells).items()})
        else:
            yield BadRow(line, "", "not_an_object", "不是一个 JSON 对象", "this is not a JSON object")


def _no_number(name: str) -> Any:
    raise ValueError(name)
