"""What a member says of herself, which fields there are, and whether the membership is in force."""

from typing import Any

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.middle.members import rules, store
from midstage.middle.members.facts import MemberProfileChanged, MemberStateChanged
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.refusals import AlreadyErased
from midstage.middle.members.types import (
    BadProfile,
    Member,
    MemberChanged,
    MemberId,
    MemberState,
    Profile,
    ProfileChange,
    ProfileField,
)


async def change_profile(tx: Tx, member_id: MemberId, change: ProfileChange, *, seen: int | None = None) -> Member:
    """Change some fields of a profile. What stays as it was changes and tells nothing.

    `seen` is the version that the asker looked at. Raises NoSuchMember, BadProfile, MemberChanged,
    AlreadyErased.
    """
    member = await read_member(tx, member_id)
    if seen is not None and seen != member.version:
        raise MemberChanged(seen, member.version)
    if member.erased:
        raise AlreadyErased(member_id)
    fields = await store.fields(tx) if change.extra else {}
    before = Profile(name=member.name, birthday=member.birthday, gender=member.gender, extra=member.extra)
    after, changed = rules.changed(before, change, fields, today=tx.tenant.business_date(tx.now))
    if not changed:
        return member
    if not await store.write_profile(tx, member, after):
        raise MemberChanged(member.version, (await read_member(tx, member_id)).version)
    tx.note(
        "members.change_profile",
        "member",
        member_id,
        before=_masked(before, changed, fields),
        after=_masked(after, changed, fields),
    )
    tx.tell(MemberProfileChanged(person_id=member.person_id, member_id=member_id, fields=changed))
    return await read_member(tx, member_id)


async def change_state(tx: Tx, member_id: MemberId, state: MemberState, *, reason: str) -> Member:
    """Freeze, close or open a membership. Raises NoSuchMember, MemberChanged, AlreadyErased."""
    member = await read_member(tx, member_id)
    if member.state is state:
        return member
    if member.erased:
        raise AlreadyErased(member_id)
    if not await store.write_state(tx, member, state):
        raise MemberChanged(member.version, (await read_member(tx, member_id)).version)
    before, after = {"state": member.state.value}, {"state": state.value, "reason": reason}
    tx.note("members.change_state", "member", member_id, before=before, after=after)
    tx.tell(
        MemberStateChanged(
            person_id=member.person_id, member_id=member_id, state_before=member.state.value, state=state.value
        )
    )
    return await read_member(tx, member_id)


async def define_field(tx: Tx, field: ProfileField) -> None:
    """Add a profile field, or change its names and choices; its kind is for ever. Raises BadProfile."""
    rules.checked_field(field)
    before = (await store.fields(tx)).get(field.code)
    if not await store.put_field(tx, field):
        raise BadProfile(field.code, "字段类型不能更改", "the kind of a field cannot be changed")
    tx.note("members.define_field", "profile_field", field.code, before=before, after=field)


def _masked(profile: Profile, changed: list[str], fields: dict[str, ProfileField]) -> dict[str, Any]:
    """The changed fields as the audit trail may keep them."""
    values: dict[str, Any] = {"name": profile.name, "birthday": profile.birthday, "gender": profile.gender}
    values |= profile.extra
    shown: dict[str, Any] = {}
    for name in changed:
        value = values.get(name)
        field = fields.get(name)
        open_value = field is not None and not field.personal
        # A name can be recognised by its edges; of a date or a number the edges would be most of it.
        shown[name] = value if value is None or open_value else masked(value) if name == "name" else "***"
    return shown
