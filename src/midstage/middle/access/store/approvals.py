"""The SQL of approvals and of the numbers that approvers type."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.access.approval_words import Approval, ApprovalId, ApprovalState, ApprovalWay
from midstage.middle.access.types import PasswordHash

APPROVAL = """
select approval_id, action, subject, store_id, amount_minor, currency, reason, asked_by, asked_at, state, way,
       answered_by, answered_at, answer, expires_at, used_at
  from approval
 where brand_id = $1
"""
ONE = APPROVAL + " and approval_id = $2"

INSERT = """
insert into approval (brand_id, approval_id, action, subject, store_id, amount_minor, currency, reason, asked_by,
                      asked_at, state, way, answered_by, answered_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""

WAITING_OF = """
select count(*) as waiting, min(expires_at) as until from approval
 where brand_id = $1 and asked_by = $2 and state = 'asked' and expires_at > $3
"""

# In the order of their ids, which is that of asking; `$3` null is every store and the brand as a whole.
WAITING = (
    APPROVAL
    + """
   and state = 'asked' and expires_at > $2 and asked_by <> $5
   and ($3::uuid[] is null or store_id = any($3)) and ($4::uuid is null or approval_id > $4)
 order by approval_id limit $6
"""
)

OF_ASKER = APPROVAL + " and asked_by = $2 and ($3::uuid is null or approval_id < $3) order by approval_id desc limit $4"

ANSWER = """
update approval
   set state = $3, answered_by = $4, answered_at = $5, answer = $6, expires_at = $7
 where brand_id = $1 and approval_id = $2 and state = 'asked' and expires_at > $5 and asked_by <> $4
"""

# Everything that an approval is bound to stands in the one write that uses it up.
USE = """
update approval set state = 'used', used_at = $7
 where brand_id = $1 and approval_id = $2 and action = $3 and subject = $4 and amount_minor >= $5 and asked_by = $6
   and state = 'given' and expires_at > $7 and store_id is not distinct from $8
returning answered_by
"""

FORGET = "delete from approval where brand_id = $1 and state <> 'used' and expires_at <= $2"

SET_PIN = """
insert into approver_pin (brand_id, staff_id, pin_hash, wrong, set_at) values ($1, $2, $3, 0, $4)
on conflict (brand_id, staff_id) do update set pin_hash = excluded.pin_hash, wrong = 0, set_at = excluded.set_at
"""
DROP_PIN = "delete from approver_pin where brand_id = $1 and staff_id = $2"

# A guess is counted before it is looked at; after so many wrong ones in a row the number is good for nothing.
TAKE_PIN = """
update approver_pin set wrong = wrong + 1 where brand_id = $1 and staff_id = $2 and wrong < $3 returning pin_hash
"""
PIN_RIGHT = "update approver_pin set wrong = 0 where brand_id = $1 and staff_id = $2 and pin_hash = $3"


def approval_in(row: Record) -> Approval:
    """A row as the door shows it."""
    return msgspec.structs.replace(Approval(**row), state=ApprovalState(row["state"]), way=ApprovalWay(row["way"]))


async def read(tx: Tx, approval_id: UUID) -> Approval | None:
    row = await tx.row(ONE, tx.brand, approval_id)
    return None if row is None else approval_in(row)


async def insert(tx: Tx, made: Approval) -> None:
    await tx.run(
        INSERT,
        tx.brand,
        made.approval_id,
        made.action,
        made.subject,
        made.store_id,
        made.amount_minor,
        made.currency,
        made.reason,
        made.asked_by,
        made.asked_at,
        made.state.value,
        made.way.value,
        made.answered_by,
        made.answered_at,
        made.expires_at,
    )


async def waiting_of(tx: Tx, asker: UUID) -> tuple[int, datetime | None]:
    """How many requests of somebody wait, and when the first of them is over."""
    row = cast("Record", await tx.row(WAITING_OF, tx.brand, asker, tx.now))
    return row["waiting"], row["until"]


async def waiting(
    tx: Tx, stores: Collection[UUID] | None, after: UUID | None, limit: int, *, not_of: UUID
) -> list[Approval]:
    given = None if stores is None else list(stores)
    return [approval_in(row) for row in await tx.rows(WAITING, tx.brand, tx.now, given, after, not_of, limit)]


async def of_asker(tx: Tx, asker: UUID, before: UUID | None, limit: int) -> list[Approval]:
    return [approval_in(row) for row in await tx.rows(OF_ASKER, tx.brand, asker, before, limit)]


async def answer(tx: Tx, approval_id: UUID, state: ApprovalState, by: UUID, said: str, expires_at: datetime) -> bool:
    """False if it was answered meanwhile, is over, or the asker's own."""
    return await tx.run(ANSWER, tx.brand, approval_id, state.value, by, tx.now, said, expires_at) == 1


async def use(
    tx: Tx,
    approval_id: ApprovalId,
    *,
    action: str,
    subject: str,
    amount_minor: int,
    asker: UUID,
    store_id: UUID | None,
) -> UUID | None:
    """Use an approval up, and say who gave it; None if it is not one for this."""
    found = await tx.value(USE, tx.brand, approval_id, action, subject, amount_minor, asker, tx.now, store_id)
    return cast("UUID | None", found)


async def forget(tx: Tx, kept: timedelta) -> None:
    await tx.run(FORGET, tx.brand, tx.now - kept)


async def set_pin(tx: Tx, staff_id: UUID, pin: PasswordHash) -> None:
    await tx.run(SET_PIN, tx.brand, staff_id, pin, tx.now)


async def drop_pin(tx: Tx, staff_id: UUID) -> bool:
    return await tx.run(DROP_PIN, tx.brand, staff_id) == 1


async def take_pin(tx: Tx, staff_id: UUID, most: int) -> PasswordHash | None:
    """Count a guess at somebody's number, and read what it is to be compared with."""
    return cast("PasswordHash | None", await tx.value(TAKE_PIN, tx.brand, staff_id, most))


async def pin_right(tx: Tx, staff_id: UUID, pin: PasswordHash) -> bool:
    """Forget the wrong guesses; False if the number was changed meanwhile."""
    return await tx.run(PIN_RIGHT, tx.brand, staff_id, pin) == 1
