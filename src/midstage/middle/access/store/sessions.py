"""The SQL of sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.access.types import Device, Next, SessionId, SessionKind

FIND_SESSION = """
select s.kind, s.session_id, s.subject_id, s.member_id, s.expires_at, s.limited, s.factors, s.seen_at,
       g.role, g.everything, g.units, g.operators, g.stores, r.permissions
  from session s
  left join role_grant g on g.brand_id = s.brand_id and g.staff_id = s.subject_id and s.kind in ('staff', 'guide')
  left join role r on r.brand_id = g.brand_id and r.code = g.role
 where s.brand_id = $1 and s.token_hash = $2 and s.expires_at > $3
 order by g.role
"""

INSERT_SESSION = """
insert into session (brand_id, token_hash, session_id, kind, subject_id, member_id, opened_at, expires_at, limited,
                     factors, device, ip, seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $7)
"""

DELETE_SESSION = """
delete from session where brand_id = $1 and session_id = $2 and ($3::uuid is null or subject_id = $3)
"""

DELETE_SESSIONS_OF = "delete from session where brand_id = $1 and subject_id = $2 and session_id is distinct from $3"

DELETE_WEAK = """
delete from session where brand_id = $1 and subject_id = $2 and factors = 1 and kind in ('staff', 'guide')
"""

SESSIONS_OF = """
select session_id, kind, opened_at, expires_at, limited, factors, device, ip, seen_at from session
 where brand_id = $1 and subject_id = $2 and expires_at > $3 order by opened_at desc limit 200
"""

TOUCH = """
update session s set seen_at = t.seen_at, ip = case when t.ip = '' then s.ip else t.ip end
  from unnest($2::uuid[], $3::timestamptz[], $4::text[]) as t (session_id, seen_at, ip)
 where s.brand_id = $1 and s.session_id = t.session_id and (s.seen_at is null or s.seen_at < t.seen_at)
"""


class Manner(NamedTuple):
    """How somebody came in: what is left to do, with how many factors, from where."""

    left: Next
    factors: int
    device: Device


async def find_session(tx: Tx, token_hash: bytes) -> list[Record]:
    """The session, once for each grant of its owner; nothing where there is no such session."""
    return await tx.rows(FIND_SESSION, tx.brand, token_hash, tx.now)


async def insert_session(
    tx: Tx,
    token_hash: bytes,
    session_id: SessionId,
    kind: SessionKind,
    subject_id: UUID,
    member_id: UUID | None,
    expires_at: datetime,
    manner: Manner,
) -> None:
    await tx.run(
        INSERT_SESSION,
        tx.brand,
        token_hash,
        session_id,
        kind,
        subject_id,
        member_id,
        tx.now,
        expires_at,
        manner.left.value,
        manner.factors,
        manner.device.name,
        manner.device.ip,
    )


async def delete_session(tx: Tx, session_id: UUID, *, of: UUID | None = None) -> bool:
    """End a session; of somebody alone, where that is said."""
    return await tx.run(DELETE_SESSION, tx.brand, session_id, of) == 1


async def delete_sessions_of(tx: Tx, subject_id: UUID, keep: UUID | None) -> int:
    return await tx.run(DELETE_SESSIONS_OF, tx.brand, subject_id, keep)


async def delete_weak_sessions_of(tx: Tx, subject_id: UUID) -> int:
    """End the sessions that somebody opened without a second factor."""
    return await tx.run(DELETE_WEAK, tx.brand, subject_id)


async def sessions_of(tx: Tx, subject_id: UUID) -> list[Record]:
    return await tx.rows(SESSIONS_OF, tx.brand, subject_id, tx.now)


async def touch_sessions(tx: Tx, seen: Sequence[tuple[UUID, datetime, str]]) -> None:
    """Note when, and from where, sessions were used last."""
    await tx.run(TOUCH, tx.brand, [one[0] for one in seen], [one[1] for one in seen], [one[2] for one in seen])
