"""The levels of a brand, and the level of a member."""

from midstage.kit.database import Tx
from midstage.middle.members import rules, store
from midstage.middle.members.facts import MemberLevelChanged
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.types import BadGrowth, Level, Member, MemberChanged, MemberId, NoSuchLevel


async def default_levels(tx: Tx) -> list[Level]:
    """Make basic, silver, gold and black, unless the brand has levels; return those it has now."""
    await store.default_levels(tx, rules.DEFAULT_LEVELS)
    return await store.levels(tx)


async def put_level(tx: Tx, level: Level) -> None:
    """Add a level or change the one of this code. Raises BadLevel, LevelRankTaken."""
    rules.checked_level(level)
    before = next((each for each in await store.levels(tx) if each.code == level.code), None)
    await store.put_level(tx, level)
    tx.note("members.put_level", "level", level.code, before=before, after=level)


async def change_level(tx: Tx, member_id: MemberId, *, level: str, growth: int, reason: str = "") -> Member:
    """Write the level and the growth value of a member. The same again changes and tells nothing.

    Raises NoSuchMember, NoSuchLevel, BadGrowth, MemberChanged.
    """
    if growth < 0:
        raise BadGrowth(growth)
    member = await read_member(tx, member_id)
    if (member.level, member.growth) == (level, growth):
        return member
    if not await store.write_level(tx, member, level, growth):
        if level not in {each.code for each in await store.levels(tx)}:
            raise NoSuchLevel(level)
        raise MemberChanged(member.version, (await read_member(tx, member_id)).version)
    before = {"level": member.level, "growth": member.growth}
    after = {"level": level, "growth": growth, "reason": reason}
    tx.note("members.change_level", "member", member_id, before=before, after=after)
    tx.tell(
        MemberLevelChanged(
            person_id=member.person_id,
            member_id=member_id,
            level_before=member.level,
            level=level,
            growth_before=member.growth,
            growth=growth,
        )
    )
    return await read_member(tx, member_id)
