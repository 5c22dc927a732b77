"""The SQL of second factors and recovery codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Record, Tx

FACTOR = """
select secret, pending, last_step, pending_at, confirmed_at from second_factor where brand_id = $1 and staff_id = $2
"""

BEGIN = """
insert into second_factor (brand_id, staff_id, pending, pending_at) values ($1, $2, $3, $4)
on conflict (brand_id, staff_id) do update set pending = excluded.pending, pending_at = excluded.pending_at
"""

# The code that confirms it is used up with it.
CONFIRM = """
update second_factor
   set secret = pending, confirmed_at = $5, last_step = $4, pending = null, pending_at = null
 where brand_id = $1 and staff_id = $2 and pending = $3 and pending_at > $6
"""

# A code is good once: of two that arrive together one finds its step taken.
TAKE_STEP = """
update second_factor set last_step = $4 where brand_id = $1 and staff_id = $2 and secret = $3 and last_step < $4
"""

DROP = "delete from second_factor where brand_id = $1 and staff_id = $2 and secret is not null"

DROP_CODES = "delete from recovery_code where brand_id = $1 and staff_id = $2"
INSERT_CODES = """
insert into recovery_code (brand_id, staff_id, code_hash) select $1, $2, code from unnest($3::bytea[]) as c (code)
"""
TAKE_CODE = """
update recovery_code set used_at = $4 where brand_id = $1 and staff_id = $2 and code_hash = $3 and used_at is null
"""
CODES_LEFT = "select count(*) from recovery_code where brand_id = $1 and staff_id = $2 and used_at is null"


async def read(tx: Tx, staff_id: UUID) -> Record | None:
    return await tx.row(FACTOR, tx.brand, staff_id)


async def begin(tx: Tx, staff_id: UUID, pending: bytes) -> None:
    await tx.run(BEGIN, tx.brand, staff_id, pending, tx.now)


async def confirm(tx: Tx, staff_id: UUID, pending: bytes, step: int, since: datetime) -> bool:
    """False where another was begun meanwhile, or this one too long ago."""
    return await tx.run(CONFIRM, tx.brand, staff_id, pending, step, tx.now, since) == 1


async def take_step(tx: Tx, staff_id: UUID, secret: bytes, step: int) -> bool:
    """False if a code of this step or a later one was used."""
    return await tx.run(TAKE_STEP, tx.brand, staff_id, secret, step) == 1


async def drop(tx: Tx, staff_id: UUID) -> bool:
    return await tx.run(DROP, tx.brand, staff_id) == 1


async def put_codes(tx: Tx, staff_id: UUID, hashes: Sequence[bytes]) -> None:
    """These recovery codes, and no earlier ones."""
    await tx.run(DROP_CODES, tx.brand, staff_id)
    await tx.run(INSERT_CODES, tx.brand, staff_id, hashes)


async def take_code(tx: Tx, staff_id: UUID, code_hash: bytes) -> bool:
    return await tx.run(TAKE_CODE, tx.brand, staff_id, code_hash, tx.now) == 1


async def codes_left(tx: Tx, staff_id: UUID) -> int:
    return await tx.value(CODES_LEFT, tx.brand, staff_id)
