"""What the console shows of members: rows without personal data beyond the name, and one member whole."""

from datetime import datetime
from uuid import UUID

import msgspec

from midstage.fronts._http.staff import Staff
from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

WRITE = "members.write"


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """A member as a list shows it; the name is masked."""

    member_id: UUID
    person_id: UUID
    member_no: str
    name: str | None
    level: str
    growth: int
    state: members.MemberState
    store_id: UUID
    guide_id: UUID
    front: str
    joined_at: datetime


class IdentifierView(msgspec.Struct, frozen=True):
    """What a person is known by; the value is masked, but for those who may change members."""

    kind: identity.IdentifierKind
    namespace: str
    value: identity.PersonalText
    source: str
    attached_at: datetime


class MemberDetail(msgspec.Struct, frozen=True):
    """A member, whole."""

    member: members.Member
    labels: list[str]
    identifiers: list[IdentifierView]
    standing: loyalty.Standing | None
    consents: list[members.Consent]
    bindings: list[members.Binding]


async def identifiers_of(tx: Tx, found: members.Member, *, masking: bool) -> list[IdentifierView]:
    return [
        IdentifierView(
            one.identifier.kind,
            one.identifier.namespace,
            masked(one.identifier.value) if masking else one.identifier.value,
            one.source,
            one.attached_at,
        )
        for one in await identity.identifiers_of(tx, found.person_id)
    ]


def member_row(found: members.Member) -> MemberRow:
    return MemberRow(
        member_id=found.member_id,
        person_id=found.person_id,
        member_no=found.member_no,
        name=masked(found.name) if found.name else found.name,
        level=found.level,
        growth=found.growth,
        state=found.state,
        store_id=found.store_id,
        guide_id=found.guide_id,
        front=found.front,
        joined_at=found.joined_at,
    )


async def member_detail(tx: Tx, found: members.Member, staff: Staff) -> MemberDetail:
    home = await organisation.one_store(tx, found.store_id)
    standing = await loyalty.standing(tx, [found.member_id])
    return MemberDetail(
        found,
        sorted(await members.labels(tx, found.person_id)),
        await identifiers_of(tx, found, masking=not access.may_see_store(staff.session, home, WRITE)),
        standing.get(found.member_id),
        await members.consents(tx, found.member_id),
        await members.bindings(tx, found.member_id),
    )
