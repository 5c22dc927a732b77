"""What the kit keeps of somebody besides facts, which hold ids alone: stored answers, and values in the audit trail.

Rows stay, as they say that something was done: an answer so that it is not done twice, an entry of the trail so that it
is known who did it and when. What stood in them is gone.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx

ANSWERS_BATCH = 2_000
NOTHING = b"null"

# One part of the key at a time, so that no statement reads for long; `place` is where the part before ended.
LOOK = """
select idem.principal, idem.operation, idem.key,
       idem.principal = any ($6::uuid[])
       or exists (select 1 from unnest($7::bytea[]) as needle (value) where position(needle.value in idem.answer) > 0)
       as theirs
  from idempotency idem
 where idem.brand_id = $1 and (idem.principal, idem.operation, idem.key) > ($2, $3, $4)
 order by idem.principal, idem.operation, idem.key limit $5
"""

WIPE = """
update idempotency set answer = $5
  from unnest($2::uuid[], $3::text[], $4::text[]) as gone (principal, operation, key)
 where idempotency.brand_id = $1 and idempotency.principal = gone.principal
   and idempotency.operation = gone.operation and idempotency.key = gone.key and idempotency.answer is not null
"""

WIPE_SINCE = """
update idempotency set answer = $5
 where idempotency.brand_id = $1 and idempotency.recorded_at >= $2 and idempotency.answer is not null
   and idempotency.answer <> $5
   and (idempotency.principal = any ($3::uuid[])
        or exists (select 1 from unnest($4::bytea[]) as needle (value)
                    where position(needle.value in idempotency.answer) > 0))
"""

WIPE_AUDIT = """
update audit set before = 'null', after = 'null'
 where audit.brand_id = $1 and audit.subject_type = any ($2::text[]) and audit.subject_id = any ($3::text[])
   and (audit.before <> 'null' or audit.after <> 'null')
"""

# Of what they bought the trail keeps its figures, and loses what somebody wrote.
WIPE_WORDS = """
update audit
   set before = case jsonb_typeof(audit.before) when 'object' then audit.before - $4::text[] else audit.before end,
       after = case jsonb_typeof(audit.after) when 'object' then audit.after - $4::text[] else audit.after end
 where audit.brand_id = $1 and audit.subject_type = $2 and audit.subject_id = any ($3::text[])
   and (audit.before ?| $4::text[] or audit.after ?| $4::text[])
"""


class Place(msgspec.Struct, frozen=True):
    """Up to where the stored answers have been looked through."""

    principal: UUID = UUID(int=0)
    operation: str = ""
    key: str = ""


class Wiped(msgspec.Struct, frozen=True):
    """What one batch found, and where the next begins; None: that was all."""

    answers: int
    next: Place | None


async def wipe_answers(tx: Tx, principals: Sequence[UUID], needles: Sequence[str], place: Place) -> Wiped:
    """Wipe a batch of stored answers: those given to these principals, and those that hold one of the needles."""
    sought = [needle.encode() for needle in needles]
    rows = await tx.rows(
        LOOK, tx.brand, place.principal, place.operation, place.key, ANSWERS_BATCH, list(principals), sought
    )
    theirs = [row for row in rows if row["theirs"]]
    wiped = 0
    if theirs:
        columns = ([row[name] for row in theirs] for name in ("principal", "operation", "key"))
        wiped = await tx.run(WIPE, tx.brand, *columns, NOTHING)
    if len(rows) < ANSWERS_BATCH:
        return Wiped(wiped, None)
    return Wiped(wiped, Place(rows[-1]["principal"], rows[-1]["operation"], rows[-1]["key"]))


async def wipe_answers_since(tx: Tx, since: datetime, principals: Sequence[UUID], needles: Sequence[str]) -> int:
    """Wipe those that were stored from a moment on: the last of them, while the others were looked through."""
    sought = [needle.encode() for needle in needles]
    return await tx.run(WIPE_SINCE, tx.brand, since, list(principals), sought, NOTHING)


async def wipe_audit(tx: Tx, subject_types: Sequence[str], ids: Sequence[UUID]) -> int:
    """Take the values out of the trail of these subjects; who did what and when stays."""
    return await tx.run(WIPE_AUDIT, tx.brand, list(subject_types), [str(each) for each in ids])


async def wipe_audit_words(tx: Tx, subject_type: str, ids: Sequence[UUID], fields: Sequence[str]) -> int:
    """Take these fields alone out of the trail of these subjects."""
    return await tx.run(WIPE_WORDS, tx.brand, subject_type, [str(each) for each in ids], list(fields))
