"""SQL of leave passes."""

from datetime import datetime

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.orders.leave_types import LeavePass, PassState
from midstage.middle.orders.types import OrderId
from midstage.middle.organisation import api as organisation

# Whether it is looked at was decided with the first code; a new one replaces the old, until it opened.
ISSUE = """
insert into leave_pass as p (brand_id, order_id, store_id, code_hash, issued_at, expires_at, to_check)
values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (brand_id, order_id) do update
   set code_hash = excluded.code_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at
 where p.state = 'shown'
returning 1 as issued
"""
OF_CODE = """
select p.order_id, p.store_id, p.state, p.to_check, p.opened_at, p.check_ok, p.expires_at
  from leave_pass p where p.brand_id = $1 and p.code_hash = $2
"""
OF_ORDER = """
select p.order_id, p.store_id, p.state, p.to_check, p.opened_at, p.check_ok, p.expires_at
  from leave_pass p where p.brand_id = $1 and p.order_id = $2
"""
# Two doors at once: one opens.
OPEN = """
update leave_pass p
   set state = case when p.to_check then 'checking' else 'left' end, opened_at = $3, opened_by = $4
 where p.brand_id = $1 and p.code_hash = $2 and p.state = 'shown' and p.expires_at > $3
returning p.state
"""
CHECKED = """
update leave_pass p set state = 'left', checked_at = $3, checked_by = $4, check_ok = $5, note = $6
 where p.brand_id = $1 and p.order_id = $2 and p.state = 'checking'
"""
CHECKING = """
select p.order_id, p.store_id, p.opened_at from leave_pass p
 where p.brand_id = $1 and p.state = 'checking' and p.opened_at < $2
 order by p.opened_at limit $3
"""


class Found(msgspec.Struct, frozen=True):
    """A pass, and until when its code opens."""

    leave_pass: LeavePass
    expires_at: datetime


async def issue(
    tx: Tx, order_id: OrderId, store_id: organisation.StoreId, code_hash: bytes, expires_at: datetime, *, to_check: bool
) -> bool:
    """False where somebody has left with this order, or is being looked at."""
    row = await tx.value(ISSUE, tx.brand, order_id, store_id, code_hash, tx.now, expires_at, to_check)
    return row is not None


async def of_code(tx: Tx, code_hash: bytes) -> Found | None:
    return _found(await tx.row(OF_CODE, tx.brand, code_hash))


async def of_order(tx: Tx, order_id: OrderId) -> Found | None:
    return _found(await tx.row(OF_ORDER, tx.brand, order_id))


async def open_door(tx: Tx, code_hash: bytes) -> PassState | None:
    """None where it did not open for this code just now."""
    state = await tx.value(OPEN, tx.brand, code_hash, tx.now, tx.by.id)
    return None if state is None else PassState(state)


async def checked(tx: Tx, order_id: OrderId, *, ok: bool, note: str) -> bool:
    return await tx.run(CHECKED, tx.brand, order_id, tx.now, tx.by.id, ok, note) == 1


async def checking_since(tx: Tx, before: datetime, most: int) -> list[Record]:
    """Order, store and since when somebody waits at the door."""
    return await tx.rows(CHECKING, tx.brand, before, most)


def _found(row: Record | None) -> Found | None:
    if row is None:
        return None
    return Found(
        LeavePass(
            order_id=row["order_id"],
            store_id=row["store_id"],
            state=PassState(row["state"]),
            to_check=row["to_check"],
            opened_at=row["opened_at"],
            check_ok=row["check_ok"],
        ),
        row["expires_at"],
    )
