"""What rules may ask about a member: the fields, and their values for the one-person evaluator."""

from typing import Any

from midstage.kit import rules
from midstage.kit.refusals import Text
from midstage.kit.rules import FieldType, Live, Option
from midstage.middle.members.types import Gender, Member, MemberState

_STATES = {
    MemberState.ACTIVE: Text(zh="正常", en="Active"),
    MemberState.FROZEN: Text(zh="冻结", en="Frozen"),
    MemberState.CLOSED: Text(zh="已关闭", en="Closed"),
}
_GENDERS = {
    Gender.FEMALE: Text(zh="女", en="Female"),
    Gender.MALE: Text(zh="男", en="Male"),
    Gender.OTHER: Text(zh="其他", en="Other"),
}


def _options(names: dict[Any, Text]) -> list[Option]:
    return [Option(each.value, label) for each, label in names.items()]


FIELDS = (
    rules.register_field("member.level", FieldType.TEXT, live=Live.EVENT, zh="会员等级", en="Member level"),
    rules.register_field("member.growth", FieldType.INTEGER, live=Live.EVENT, zh="成长值", en="Growth"),
    rules.register_field(
        "member.state", FieldType.CHOICE, live=Live.EVENT, zh="会员状态", en="Member state", options=_options(_STATES)
    ),
    rules.register_field("member.store", FieldType.ID, live=Live.EVENT, zh="所属门店", en="Store"),
    rules.register_field("member.guide", FieldType.ID, live=Live.EVENT, zh="专属导购", en="Guide"),
    rules.register_field("member.front", FieldType.TEXT, live=Live.EVENT, zh="入会前台", en="Joined through"),
    rules.register_field("member.joined_at", FieldType.MOMENT, live=Live.EVENT, zh="入会时间", en="Joined at"),
    rules.register_field("member.birthday", FieldType.DAY, live=Live.EVENT, zh="生日", en="Birthday"),
    rules.register_field(
        "member.gender", FieldType.CHOICE, live=Live.EVENT, zh="性别", en="Gender", options=_options(_GENDERS)
    ),
    rules.register_field("member.labels", FieldType.LABELS, live=Live.BATCH, zh="标签", en="Labels"),
)


def rule_values(member: Member, labels: frozenset[str]) -> dict[str, Any]:
    """The value of each field for one member; None where it is not known."""
    return {
        "member.level": member.level,
        "member.growth": member.growth,
        "member.state": member.state.value,
        "member.store": member.store_id,
        "member.guide": member.guide_id,
        "member.front": member.front,
        "member.joined_at": member.joined_at,
        "member.birthday": member.birthday,
        "member.gender": member.gender and member.gender.value,
        "member.labels": labels,
    }
