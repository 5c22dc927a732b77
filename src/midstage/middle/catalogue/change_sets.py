"""Changes by file: previewed, looked at for seven days, applied once."""

from collections.abc import AsyncIterator, Sequence

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.catalogue import store
from midstage.middle.catalogue.change_types import (
    KEPT,
    ChangeAppliedBefore,
    ChangeHasFaults,
    ChangeId,
    ChangeKind,
    ChangeRow,
    ChangeSet,
    ChangeState,
    NoSuchChange,
    Outcome,
)

MAX_FILE_NAME = 200
PAGE = 500
WRITES = (Outcome.NEW, Outcome.CHANGED)
_FIRST = PageRequest()


async def open_change(tx: Tx, kind: ChangeKind, *, file_name: str = "") -> ChangeId:
    """Begin a preview; `add_change_rows` fills it."""
    change_id = ChangeId(new_id())
    name = "".join(char for char in file_name if char.isprintable())[:MAX_FILE_NAME]
    await store.insert_change_set(tx, change_id, kind, name, tx.now + KEPT)
    return change_id


async def add_change_rows(tx: Tx, change_id: ChangeId, rows: Sequence[ChangeRow]) -> None:
    """Append rows, in the order of their lines; many at once."""
    if rows:
        await store.copy_change_rows(tx, change_id, rows)


async def change_set(tx: Tx, change_id: ChangeId) -> ChangeSet:
    """One change by file with its totals. Raises NoSuchChange, also where its time is over."""
    found = await store.read_change_set(tx, change_id)
    if found is None:
        raise NoSuchChange(str(change_id))
    return found


async def change_sets(tx: Tx, kinds: Sequence[ChangeKind], page: PageRequest = _FIRST) -> Page[ChangeSet]:
    """Changes by file, the newest first."""
    return page.page(await store.list_change_sets(tx, kinds, page), _place_of_set)


async def change_rows(
    tx: Tx, change_id: ChangeId, outcome: Outcome | None = None, page: PageRequest = _FIRST
) -> Page[ChangeRow]:
    """Rows of a change by file in the order of the file, of one outcome or all. Raises NoSuchChange."""
    await change_set(tx, change_id)
    place = page.place(tuple[int]) or (0,)
    outcomes = [outcome] if outcome else list(Outcome)
    rows = await store.read_change_rows(tx, change_id, outcomes, after=place[0], limit=page.fetch)
    return page.page(rows, _place_of_row)


async def begin_apply(tx: Tx, change_id: ChangeId, kinds: Sequence[ChangeKind], *, all_or_nothing: bool) -> ChangeSet:
    """Hold a change by file to apply it. Raises NoSuchChange, ChangeAppliedBefore, ChangeHasFaults."""
    found = await store.read_change_set(tx, change_id, lock=True)
    if found is None or found.kind not in kinds:
        raise NoSuchChange(str(change_id))
    if found.state is ChangeState.APPLIED:
        raise ChangeAppliedBefore(str(change_id))
    if all_or_nothing and found.faulty:
        raise ChangeHasFaults(found.faulty)
    return found


async def rows_to_apply(tx: Tx, change_id: ChangeId) -> AsyncIterator[list[ChangeRow]]:
    """The rows that write something, a page at a time."""
    after = 0
    while rows := await store.read_change_rows(tx, change_id, WRITES, after=after, limit=PAGE):
        yield rows
        after = rows[-1].line


async def end_apply(tx: Tx, change_id: ChangeId, *, written: int) -> ChangeSet:
    """So many rows of a change that is held were written; it is not applied again. Raises ChangeAppliedBefore."""
    if not await store.mark_applied(tx, change_id, written):
        raise ChangeAppliedBefore(str(change_id))
    found = await change_set(tx, change_id)
    tx.note("catalogue.apply_change", "change_set", change_id, after=found)
    return found


async def forget_changes(tx: Tx) -> int:
    """Delete the changes by file whose time is over; returns how many."""
    return await store.forget_change_sets(tx)


def _place_of_set(found: ChangeSet) -> tuple[ChangeId]:
    return (found.change_id,)


def _place_of_row(row: ChangeRow) -> tuple[int]:
    return (row.line,)
