"""Sessions: opened by a sign-in, found by every call, ended at once."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import chance, permissions, rules, store
from midstage.middle.access.store import approvals
from midstage.middle.access.types import Session, SessionId, SessionKind, SessionUnknown, Token
from midstage.middle.organisation import api as organisation


class OpenSession(msgspec.Struct, frozen=True):
    """A session as its owner sees it."""

    session_id: SessionId
    kind: SessionKind
    opened_at: datetime
    expires_at: datetime


async def open_session(
    tx: Tx, kind: SessionKind, subject_id: UUID, *, member_id: UUID | None = None, lasts: timedelta
) -> Token:
    """Let somebody in for so long. The token is told once and not kept. Raises BadLasting."""
    token, _ = await open_known(tx, kind, subject_id, member_id=member_id, lasts=lasts)
    return token


async def open_known(
    tx: Tx, kind: SessionKind, subject_id: UUID, *, member_id: UUID | None = None, lasts: timedelta
) -> tuple[Token, SessionId]:
    """As open_session, with the id of the session."""
    rules.check_lasting(lasts)
    token, session_id = chance.new_token(tx.brand), SessionId(new_id())
    await store.insert_session(tx, rules.hash_of(token), session_id, kind, subject_id, member_id, tx.now + lasts)
    return token, session_id


async def find_session(tx: Tx, token: str) -> Session:
    """Who a token lets in, with what their roles give at this moment. ONE statement. Raises SessionUnknown."""
    rows = await store.find_session(tx, rules.hash_of(token))
    if not rows:
        raise SessionUnknown
    row = rows[0]
    held = permissions.held_by(store.grants_in(rows))
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
    )


async def revoke_session(tx: Tx, session_id: UUID) -> bool:
    """End a session; False if it was over."""
    return await store.delete_session(tx, session_id)


async def revoke_all(tx: Tx, subject_id: UUID, *, keep: UUID | None = None) -> int:
    """End every session of somebody, but for one they keep. Returns how many."""
    return await store.delete_sessions_of(tx, subject_id, keep)


async def sessions(tx: Tx, subject_id: UUID) -> list[OpenSession]:
    """The open sessions of somebody, the newest first, at most 200."""
    return [
        OpenSession(row["session_id"], SessionKind(row["kind"]), row["opened_at"], row["expires_at"])
        for row in await store.sessions_of(tx, subject_id)
    ]


async def forget_old(tx: Tx) -> int:
    """Delete sessions, tries, codes, quotas and unused approvals that are over. Returns how many sessions."""
    await approvals.forget(tx, rules.APPROVALS_KEPT)
    return await store.forget(tx, try_window=rules.LOCK_WINDOW, quota_window=rules.DAY)
