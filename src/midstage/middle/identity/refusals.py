"""What identity refuses of merges, blocks and quarantine; the older refusals stand with the words they are about."""

from midstage.kit.refusals import Conflict, NotFound, Text
from midstage.middle.identity.types import BlockId, CaseId, LinkId, PersonId


class IdentifiersBlocked(Conflict):
    """Every identifier given is on the block list, or a placeholder like a device of zeros: nobody is meant."""

    text = Text(
        zh="提供的身份标识不能用于识别个人（已列入屏蔽名单或为占位值）：{kinds}",
        en="What was given cannot tell who somebody is (it is blocked, or a placeholder): {kinds}.",
    )
    kinds: str


class IdentifierLimit(Conflict):
    """The person has as many of this kind as the brand allows."""

    text = Text(zh="此人的 {kind} 已达到品牌允许的数量", en="The person has as many of {kind} as the brand allows.")
    kind: str


class AlreadyOnePerson(Conflict):
    """Both are one person already."""

    text = Text(zh="两者已是同一个人", en="They are one person already.")
    person_id: PersonId


class TooManyPersons(Conflict):
    """So many persons as one are never right, not even by hand."""

    text = Text(
        zh="合并后将包含 {persons} 个人，最多允许 {limit} 个",
        en="It would be {persons} persons as one; {limit} is the most.",
    )
    persons: int
    limit: int


class MergeUndoneAlready(Conflict):
    """This merge was undone before."""

    text = Text(zh="该合并已被撤销", en="This merge was undone already.")
    link_id: LinkId


class CaseClosed(Conflict):
    """Somebody has decided it by now."""

    text = Text(zh="该待定事项已处理", en="This was decided already.")
    case_id: CaseId


class NoSuchLink(NotFound):
    """There is no such merge in this brand."""

    text = Text(zh="没有这条合并记录", en="There is no such merge.")
    link_id: LinkId


class NoSuchCase(NotFound):
    """There is nothing in quarantine under this id."""

    text = Text(zh="没有这条待定事项", en="There is no such case.")
    case_id: CaseId


class NoSuchBlock(NotFound):
    """The block list has no such entry."""

    text = Text(zh="屏蔽名单中没有此项", en="The block list has no such entry.")
    block_id: BlockId
