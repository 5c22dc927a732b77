"""Change by file: read a batch of rows, see what it would do, keep that, and do it later if nothing has moved."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

from midstage.fronts._http.files import BadRow, FileUnreadable, Row, rows_of
from midstage.fronts._http.rows import planners
from midstage.fronts._http.rows.patches import COLUMNS
from midstage.fronts._http.rows.planners import Around, Group
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue

BATCH = 250  # groups of rows that are read, compared and written together
WHOLE = 5_000  # rows of a kind whose rows build on each other, all compared at once


async def preview(tx: Tx, kind: catalogue.ChangeKind, body: bytes, name: str = "") -> catalogue.ChangeSet:
    """Keep what a file would do. Raises FileMissing, FileUnreadable."""
    columns, rows = rows_of(body, name)
    _check_columns(kind, columns)
    change_id = await catalogue.open_change(tx, kind, file_name=name)
    planner = planners.PLANNERS[kind]
    around = Around()
    seen: dict[str, int] = {}
    for batch, bad in _batches(kind, rows):
        fresh, faults = _distinct(planner, batch, seen)
        planned = await planner.plan(tx, fresh, around, hold=False)
        found = [*bad, *faults, *(row for one in planned for row in one.rows)]
        await catalogue.add_change_rows(tx, change_id, sorted(found, key=_line))
    return await catalogue.change_set(tx, change_id)


async def apply(
    tx: Tx, change_id: catalogue.ChangeId, kinds: Sequence[catalogue.ChangeKind], *, all_or_nothing: bool
) -> catalogue.ChangeSet:
    """Do what a preview said, once, in one transaction, if every row would still do what it said.

    Raises NoSuchChange, ChangeAppliedBefore, ChangeHasFaults, ChangeMoved, and what the doors refuse.
    """
    change = await catalogue.begin_apply(tx, change_id, kinds, all_or_nothing=all_or_nothing)
    planner = planners.PLANNERS[change.kind]
    around = Around()
    written = 0
    async for part in _stored(planner, catalogue.rows_to_apply(tx, change_id)):
        groups = [[Row(row.line, row.cells) for row in group] for group in part]
        planned = await planner.plan(tx, groups, around, hold=True)
        before = {row.line: row for group in part for row in group}
        for one in planned:
            for row in one.rows:
                if not row.same_as(before[row.line]):
                    raise catalogue.ChangeMoved(row.line)
        await planner.write(tx, planned)
        await tx.flush()  # what was told and noted of this part need not wait in memory for the last
        written += len(before)
    return await catalogue.end_apply(tx, change_id, written=written)


def _check_columns(kind: catalogue.ChangeKind, columns: Sequence[str]) -> None:
    """Of a file with a header. Raises FileUnreadable."""
    known = COLUMNS[kind]
    if not columns:
        return
    missing = next((name for name in known.needed if name not in columns), None)
    if missing is not None:
        raise FileUnreadable(1, f"缺少列 {missing}", f"the column {missing} is missing")
    unknown = next((name for name in columns if not known.knows(name)), None)
    if unknown is not None:
        raise FileUnreadable(1, f"没有列 {_shown(unknown)}", f"there is no column {_shown(unknown)}")


def _batches(
    kind: catalogue.ChangeKind, rows: Iterable[Row | BadRow]
) -> Iterator[tuple[list[Group], list[catalogue.ChangeRow]]]:
    """Groups of rows that belong together, some hundred at a time, and the rows beside them that could not be read."""
    most = WHOLE if kind is catalogue.ChangeKind.CATEGORIES else BATCH
    groups: list[Group] = []
    bad: list[catalogue.ChangeRow] = []
    planner = planners.PLANNERS[kind]
    known = COLUMNS[kind]
    for row in rows:
        wrong = row if isinstance(row, BadRow) else _unknown_column(row, known.knows)
        if wrong is not None:
            bad.append(_faulty(wrong))
        elif isinstance(row, Row):
            if groups and planner.together(groups[-1][-1], row) and len(groups[-1]) < planners.MOST_OF_ONE:
                groups[-1].append(row)
                continue
            if len(groups) + len(bad) >= most:
                if kind is catalogue.ChangeKind.CATEGORIES:
                    raise FileUnreadable(row.line, f"超过 {WHOLE} 行", f"it has more than {WHOLE} rows")
                yield groups, bad
                groups, bad = [], []
            groups.append([row])
    yield groups, bad


def _unknown_column(row: Row, knows: Callable[[str], bool]) -> BadRow | None:
    """Of JSON lines, where each row names its columns."""
    unknown = next((name for name in row.cells if not knows(name) or not name.isprintable()), None)
    return (
        None
        if unknown is None
        else BadRow(row.line, _shown(unknown), "column_unknown", "没有此列", "there is no such column")
    )


def _shown(name: str) -> str:
    """The name of a column as it may be repeated."""
    return "".join(char if char.isprintable() else "?" for char in name[:60])


def _distinct(
    planner: planners.Planner, groups: Sequence[Group], seen: dict[str, int]
) -> tuple[list[Group], list[catalogue.ChangeRow]]:
    """The groups whose names no earlier one has, and what is wrong with the others."""
    fresh: list[Group] = []
    faults: list[catalogue.ChangeRow] = []
    for group in groups:
        names = planner.names(group)
        before = next((seen[name] for name in names if name in seen), None)
        if before is None and len(set(names)) == len(names):
            seen.update(dict.fromkeys(names, group[0].line))
            fresh.append(group)
            continue
        line = before or group[0].line
        twice = "twice", f"与第 {line} 行重复，或与其不相邻", f"line {line} has the same already, or is not next to it"
        faults += [_faulty(BadRow(row.line, "", *twice)) for row in group]
    return fresh, faults


def _faulty(bad: BadRow) -> catalogue.ChangeRow:
    fault = catalogue.RowFault(bad.column, bad.code, bad.reason_zh, bad.reason_en)
    return catalogue.ChangeRow(bad.line, catalogue.Outcome.FAULT, faults=[fault])


async def _stored(
    planner: planners.Planner, pages: AsyncIterator[list[catalogue.ChangeRow]]
) -> AsyncIterator[list[list[catalogue.ChangeRow]]]:
    """Groups of stored rows, none of them cut in two."""
    groups: list[list[catalogue.ChangeRow]] = []
    async for page in pages:
        for row in page:
            last = groups[-1][-1] if groups else None
            if last is not None and planner.together(Row(last.line, last.cells), Row(row.line, row.cells)):
                groups[-1].append(row)
            else:
                groups.append([row])
        if len(groups) > 1:
            yield groups[:-1]
            groups = groups[-1:]
    if groups:
        yield groups


def _line(row: catalogue.ChangeRow) -> int:
    return row.line
