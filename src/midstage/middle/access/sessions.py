"""Sessions: opened by a sign-in, found by every call, ended at once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.access import permissions, rules, store
from midstage.middle.access.types import RoleGrant, Session, SessionId, SessionKind, SessionUnknown, Token
from midstage.middle.organisation import api as organisation

NOTHING = organisation.Scope(everything=False, units=frozenset(), operators=frozenset())


class OpenSession(msgspec.Struct, frozen=True):
    """A session as its owner sees it."""

    session_id: SessionId
    kind: SessionKind
    opened_at: datetime
    expires_at: datetime


async def open_session(
    tx: Tx, kind: SessionKind, subject_id: UUID, *, member_id: UUID | None = None, lasts: timedelta
) -> Token:
    """Let somebody in for so long. The token is told once and not kept."""
    token = rules.new_token(tx.brand)
    await store.open_session(tx, rules.hash_of(token), SessionId(new_id()), kind, subject_id, member_id, tx.now + lasts)
    return token


async def find_session(tx: Tx, token: str) -> Session:
    """Who a token lets in: one statement for a shopper, a second for the roles of staff. Raises SessionUnknown."""
    row = await store.find_session(tx, rules.hash_of(token))
    if row is None:
        raise SessionUnknown
    kind = SessionKind(row["kind"])
    held, scope = frozenset[str](), NOTHING
    if kind is not SessionKind.SHOPPER:
        held, scope = combine(await store.grants(tx, row["subject_id"]))
    return Session(
        kind, row["session_id"], tx.brand, row["subject_id"], row["member_id"], held, scope, row["expires_at"]
    )


async def revoke_session(tx: Tx, session_id: UUID) -> bool:
    """End a session; False if it was over."""
    return await store.revoke_session(tx, session_id)


async def revoke_all(tx: Tx, subject_id: UUID, *, keep: UUID | None = None) -> int:
    """End every session of somebody, but for one they keep. Returns how many."""
    return await store.revoke_all(tx, subject_id, keep)


async def sessions(tx: Tx, subject_id: UUID) -> list[OpenSession]:
    """The open sessions of somebody, the newest first."""
    return [
        OpenSession(row["session_id"], SessionKind(row["kind"]), row["opened_at"], row["expires_at"])
        for row in await store.sessions(tx, subject_id)
    ]


async def forget_old(tx: Tx) -> int:
    """Delete sessions that are over. Returns how many."""
    return await store.sweep_sessions(tx)


def combine(grants: Iterable[tuple[RoleGrant, frozenset[str] | None]]) -> tuple[frozenset[str], organisation.Scope]:
    """What several roles allow together, and the union of what they see."""
    held: set[str] = set()
    units: set[organisation.UnitId] = set()
    operators: set[organisation.OperatorId] = set()
    everything = False
    for grant, own in grants:
        built_in = permissions.BUILT_IN.get(grant.role)
        held |= own if own is not None else built_in.permissions if built_in else frozenset()
        everything = everything or grant.scope.everything
        units |= grant.scope.units
        operators |= grant.scope.operators
    return frozenset(held), organisation.Scope(
        everything=everything, units=frozenset(units), operators=frozenset(operators)
    )
