"""What care refuses: the pool, activation, and requests about personal data."""

from datetime import datetime
from uuid import UUID

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text


class GuideFull(Conflict):
    """The guide would have more customers than the pool gives to one."""

    text = Text(
        zh="导购最多可分配 {cap} 位客户，还可分配 {free} 位，本次选择了 {wanted} 位",
        en="A guide is given {cap} customers at most; this one has room for {free}, not for {wanted}.",
    )
    guide_id: UUID
    cap: int
    free: int
    wanted: int


class TooManyToAssign(Invalid):
    """So many members are not assigned by one call."""

    text = Text(zh="一次最多分配 {most} 位会员", en="One call assigns {most} members at most.")
    most: int


class BadAssigning(Invalid):
    """By hand needs one guide; the other rules take guides or stores, or neither for all within reach."""

    text = Text(
        zh="手动分配须指定一位导购；按规则分配须有在职导购",
        en="By hand takes exactly one guide; a rule takes guides or stores that have active guides.",
    )


class BadDormant(Invalid):
    """A member of an old system has a number of 1 to 100 characters, a phone, a level of the brand, and points."""

    text = Text(
        zh="老会员数据无效（{field}）：须有 1–100 位旧会员号、手机号、已有等级与非负积分",
        en="A dormant member needs a number of 1 to 100 characters, a phone, a known level and points of 0 or more "
        "({field}).",
    )
    field: str


class AlreadyErased(Conflict):
    """The personal data of this member is gone, and stays so."""

    text = Text(zh="该会员的个人信息已删除", en="The personal data of this member was erased.")
    member_id: UUID


class RequestOpen(Conflict):
    """The same was asked for already and is not done yet."""

    text = Text(zh="相同的申请正在处理中", en="The same was asked for already and is being worked on.")
    request_id: UUID


class NoSuchRequest(NotFound):
    """There is no such request about personal data, or not for the asker."""

    text = Text(zh="没有这个申请", en="There is no such request.")


class NotCooling(Conflict):
    """It was done already, called off, or can no longer be called off."""

    text = Text(zh="该申请已不能撤回", en="This can no longer be called off.")
    state: str


class FileNotReady(Conflict):
    """The file is not made yet."""

    text = Text(zh="文件尚未生成，请稍后再试", en="The file is not ready; come back in a moment.")


class FileGone(NotFound):
    """The file was kept for some days and is gone."""

    text = Text(zh="文件已过期删除，请重新申请", en="The file was kept until {expires_at} and is gone; ask again.")
    expires_at: datetime
