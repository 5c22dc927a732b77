"""Sessions: opened by a sign-in, found by every call, ended at once."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import chance, permissions, rules, store
from midstage.middle.access.roles import check_may_give
from midstage.middle.access.store import approvals, reads
from midstage.middle.access.types import (
    Device,
    Next,
    Session,
    SessionId,
    SessionKind,
    SessionUnknown,
    SignInUnfinished,
    Token,
)
from midstage.middle.organisation import api as organisation


class OpenSession(msgspec.Struct, frozen=True):
    """A session as its owner sees it."""

    session_id: SessionId
    kind: SessionKind
    opened_at: datetime
    expires_at: datetime
    device: str = ""
    ip: str = ""
    seen_at: datetime | None = None
    """To a quarter of an hour."""
    factors: int = 1


async def open_session(
    tx: Tx, kind: SessionKind, subject_id: UUID, *, member_id: UUID | None = None, lasts: timedelta
) -> Token:
    """Let somebody in for so long. The token is told once and not kept. Raises BadLasting."""
    token, _ = await open_known(tx, kind, subject_id, member_id=member_id, lasts=lasts)
    return token


async def open_known(
    tx: Tx,
    kind: SessionKind,
    subject_id: UUID,
    *,
    member_id: UUID | None = None,
    lasts: timedelta,
    left: Next = Next.NOTHING,
    factors: int = 1,
    device: Device | None = None,
) -> tuple[Token, SessionId]:
    """As open_session, with the id of the session; one with something left to do opens nothing but that."""
    rules.check_lasting(lasts)
    token, session_id = chance.new_token(tx.brand), SessionId(new_id())
    await store.insert_session(
        tx,
        rules.hash_of(token),
        session_id,
        kind,
        subject_id,
        member_id,
        tx.now + lasts,
        store.Manner(left, factors, device or Device()),
    )
    return token, session_id


async def find_session(tx: Tx, token: str, *, unfinished: frozenset[Next] = frozenset()) -> Session:
    """Who a token lets in, with what their roles give at this moment. ONE statement.

    One who has not finished signing in holds nothing, and is let in only by who asks for such. Raises SessionUnknown
    or SignInUnfinished.
    """
    rows = await store.find_session(tx, rules.hash_of(token))
    if not rows:
        raise SessionUnknown
    row = rows[0]
    left = Next(row["limited"])
    if left is not Next.NOTHING and left not in unfinished:
        raise SignInUnfinished(left)
    held = () if left is not Next.NOTHING else permissions.held_by(store.grants_in(rows))
    return Session(
        kind=SessionKind(row["kind"]),
        session_id=row["session_id"],
        brand=tx.brand,
        subject_id=row["subject_id"],
        member_id=row["member_id"],
        permissions=frozenset[str]().union(*(one.permissions for one in held)),
        scope=organisation.union([one.scope for one in held]) if held else organisation.NOTHING,
        expires_at=row["expires_at"],
        held=held,
        next=left,
        factors=row["factors"],
        seen_at=row["seen_at"],
    )


async def revoke_session(tx: Tx, session_id: UUID) -> bool:
    """End a session; False if it was over."""
    return await store.delete_session(tx, session_id)


async def revoke_own(tx: Tx, subject_id: UUID, session_id: UUID) -> bool:
    """End a session of somebody; False if it was over, or is not theirs."""
    return await store.delete_session(tx, session_id, of=subject_id)


async def revoke_of(tx: Tx, staff_id: organisation.StaffId, session_id: UUID | None, *, by: Session) -> int:
    """End a session of somebody else, or all of them. Raises BeyondOwn."""
    await check_may_give(tx, by, permissions.held_by(await store.read_grants(tx, staff_id)))
    if session_id is None:
        ended = await store.delete_sessions_of(tx, staff_id, None)
    else:
        ended = int(await store.delete_session(tx, session_id, of=staff_id))
    if ended:
        tx.note("access.revoke_sessions", "staff", staff_id, after={"sessions": ended})
    return ended


async def revoke_all(tx: Tx, subject_id: UUID, *, keep: UUID | None = None) -> int:
    """End every session of somebody, but for one they keep. Returns how many."""
    return await store.delete_sessions_of(tx, subject_id, keep)


async def sessions(tx: Tx, subject_id: UUID) -> list[OpenSession]:
    """The open sessions of somebody, the newest first, at most 200."""
    return [
        OpenSession(
            row["session_id"],
            SessionKind(row["kind"]),
            row["opened_at"],
            row["expires_at"],
            row["device"],
            row["ip"],
            row["seen_at"],
            row["factors"],
        )
        for row in await store.sessions_of(tx, subject_id)
        if row["limited"] == Next.NOTHING
    ]


async def forget_old(tx: Tx) -> int:
    """Delete sessions, tries, codes, quotas, unused approvals and reads that are over. Returns how many sessions."""
    await approvals.forget(tx, rules.APPROVALS_KEPT)
    await reads.forget(tx, rules.READS_KEPT, rules.READS_AT_ONCE)
    return await store.forget(tx, try_window=rules.LOCK_WINDOW, quota_window=rules.DAY)
