"""Changes by file, as they were previewed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.catalogue.change_types import (
    ChangeId,
    ChangeKind,
    ChangeRow,
    ChangeSet,
    FieldChange,
    Outcome,
    RowFault,
)

_COLUMNS = """
change_id, kind, state, file_name, created, changed, same, faulty, by_id, at, expires_at, applied_at, applied_by, written
"""
INSERT_SET = """
insert into change_set (brand_id, change_id, kind, state, file_name, by_id, at, expires_at)
values ($1, $2, $3, 'previewed', $4, $5, $6, $7)
"""
COUNT_ROWS = """
update change_set
   set created = created + $3, changed = changed + $4, same = same + $5, faulty = faulty + $6
 where brand_id = $1 and change_id = $2 and state = 'previewed'
"""
READ_SET = f"""
select {_COLUMNS} from change_set where brand_id = $1 and change_id = $2 and expires_at > $3
"""  # noqa: S608  # fragments of this file only
LOCK_SET = f"{READ_SET} for no key update"
SETS = f"""
select {_COLUMNS} from change_set
 where brand_id = $1 and expires_at > $2 and kind = any($3::text[]) and change_id < $4 order by change_id desc limit $5
"""  # noqa: S608  # fragments of this file only
APPLIED = """
update change_set set state = 'applied', applied_at = $3, applied_by = $4, written = $5
 where brand_id = $1 and change_id = $2 and state = 'previewed'
"""
ROWS = """
select line, outcome, cells, seen, fields, faults from change_row
 where brand_id = $1 and change_id = $2 and outcome = any($3::text[]) and line > $4 order by line limit $5
"""
FORGET_ROWS = """
delete from change_row r using change_set c
 where c.brand_id = $1 and c.expires_at <= $2 and r.brand_id = c.brand_id and r.change_id = c.change_id
"""
FORGET_SETS = "delete from change_set where brand_id = $1 and expires_at <= $2"
_ROW = ("brand_id", "change_id", "line", "outcome", "cells", "seen", "fields", "faults")
_LAST = UUID(int=2**128 - 1)
_json = msgspec.json.encode


async def insert_change_set(
    tx: Tx, change_id: ChangeId, kind: ChangeKind, file_name: str, expires_at: datetime
) -> None:
    await tx.run(INSERT_SET, tx.brand, change_id, kind.value, file_name, tx.by.id, tx.now, expires_at)


async def copy_change_rows(tx: Tx, change_id: ChangeId, rows: Sequence[ChangeRow]) -> None:
    """Append rows by COPY, and count them."""
    await tx.copy(
        "change_row",
        _ROW,
        [
            (
                tx.brand,
                change_id,
                row.line,
                row.outcome.value,
                _json(row.cells).decode(),
                row.seen,
                _json(row.fields).decode(),
                _json(row.faults).decode(),
            )
            for row in rows
        ],
    )
    counts = [sum(row.outcome is outcome for row in rows) for outcome in Outcome]
    await tx.run(COUNT_ROWS, tx.brand, change_id, *counts)


async def read_change_set(tx: Tx, change_id: ChangeId, *, lock: bool = False) -> ChangeSet | None:
    row = await tx.row(LOCK_SET if lock else READ_SET, tx.brand, change_id, tx.now)
    return _set(row) if row else None


async def list_change_sets(tx: Tx, kinds: Sequence[ChangeKind], page: PageRequest) -> list[ChangeSet]:
    place = page.place(tuple[UUID]) or (_LAST,)
    rows = await tx.rows(SETS, tx.brand, tx.now, [kind.value for kind in kinds], *place, page.fetch)
    return [_set(row) for row in rows]


async def mark_applied(tx: Tx, change_id: ChangeId, written: int) -> bool:
    return await tx.run(APPLIED, tx.brand, change_id, tx.now, tx.by.id, written) == 1


async def read_change_rows(
    tx: Tx, change_id: ChangeId, outcomes: Sequence[Outcome], *, after: int, limit: int
) -> list[ChangeRow]:
    rows = await tx.rows(ROWS, tx.brand, change_id, [one.value for one in outcomes], after, limit)
    return [_row(row) for row in rows]


async def forget_change_sets(tx: Tx) -> int:
    """Delete what is past its time; returns how many sets."""
    await tx.run(FORGET_ROWS, tx.brand, tx.now)
    return await tx.run(FORGET_SETS, tx.brand, tx.now)


def _set(row: Record) -> ChangeSet:
    return msgspec.convert(dict(row.items()), ChangeSet)


def _row(row: Record) -> ChangeRow:
    decode = msgspec.json.decode
    return ChangeRow(
        line=row["line"],
        outcome=Outcome(row["outcome"]),
        cells=decode(row["cells"]),
        seen=row["seen"],
        fields=decode(row["fields"], type=list[FieldChange]),
        faults=decode(row["faults"], type=list[RowFault]),
    )
