"""The words of approvals: what may be approved, what an approval is, and why one is not given."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text, TooMany
from midstage.middle.organisation import api as organisation

ApprovalId = NewType("ApprovalId", UUID)

# Long enough to fetch somebody, or for somebody to look at their telephone; too short to be put by for later.
APPROVAL_LASTS = timedelta(minutes=10)
MOST_WAITING = 20
GIVE = "approvals.give"


class ApprovalAction(msgspec.Struct, frozen=True):
    """Something that may need somebody else's approval, as the module that does it declares it.

    `store_of` finds the store that a subject belongs to (None: the brand as a whole), and raises the module's own
    refusal where there is none: so nobody can ask the manager of one store for what is done in another.
    """

    code: str
    name: Text
    store_of: Callable[[Tx, str], Awaitable[organisation.StoreId | None]]


class ApprovalState(StrEnum):
    """How far an approval has come; one that is over keeps its state."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"
    USED = "used"


class ApprovalWay(StrEnum):
    """Where it is given: out of the approvers' list, or by an approver who stands beside the asker."""

    LIST = "list"
    HERE = "here"


class Approval(msgspec.Struct, frozen=True):
    """That somebody may go beyond their limit once: this action, on this subject, up to this amount."""

    approval_id: ApprovalId
    action: str
    subject: str
    store_id: organisation.StoreId | None
    amount_minor: int
    currency: str
    reason: str
    asked_by: organisation.StaffId
    asked_at: datetime
    state: ApprovalState
    way: ApprovalWay
    answered_by: organisation.StaffId | None
    answered_at: datetime | None
    answer: str
    expires_at: datetime
    used_at: datetime | None


class ApprovalNeeded(Forbidden):
    """This goes beyond what the asker may do alone, and the approval that came with it, if one did, is not for it."""

    text = Text(
        zh="此操作超出您的权限，需要他人审批（{action}）；所附审批不存在、已使用、已过期或不适用",
        en="This needs the approval of somebody else ({action}); one that came with it is used, over or for another.",
    )
    action: str
    subject: str
    amount_minor: int


class NoSuchApproval(NotFound):
    """There is no such approval, or it is neither the asker's own nor theirs to give."""

    text = Text(zh="没有这个审批", en="There is no such approval.")


class ApprovalAnswered(Conflict):
    """It was given, refused or used meanwhile, or nobody answered in ten minutes."""

    text = Text(zh="该审批已处理或已过期", en="This approval was answered already, or its ten minutes are over.")


class OwnApproval(Forbidden):
    """Nobody approves what they ask for themselves."""

    text = Text(zh="不能审批自己的申请", en="Nobody approves what they ask for themselves.")


class ApproverWrong(Forbidden):
    """The approver's login, or its password or PIN, is wrong; we do not say which. The asker's session is as it was."""

    text = Text(zh="审批人的账号、密码或 PIN 不正确", en="The approver's login, or its password or PIN, is wrong.")


class NoSuchApprovalAction(Invalid):
    """Nothing of this name needs an approval."""

    text = Text(zh="没有需要审批的操作 {action}", en="Nothing is called {action} that could be approved.")
    action: str


class NoApprovalSubject(Invalid):
    """What is to be approved is not named as its action names things."""

    text = Text(zh="{action} 的审批对象无效", en="This is not what {action} can be about.")
    action: str


class TooManyApprovals(TooMany):
    """So many requests of one person wait for an answer already."""

    text = Text(
        zh="您待审批的申请过多，请 {retry_after_s} 秒后再试",
        en="Too many of your requests wait for an answer; try again in {retry_after_s} s.",
    )
    retry_after_s: int


_ACTIONS: dict[str, ApprovalAction] = {}


def declare_approval(action: ApprovalAction) -> ApprovalAction:
    """Make known what may need an approval; a module does so once, where it is imported."""
    if action.code in _ACTIONS:
        raise ValueError(f"the action {action.code} is declared twice")
    _ACTIONS[action.code] = action
    return action


def approval_actions() -> list[ApprovalAction]:
    """Everything that may need an approval, by code."""
    return [_ACTIONS[code] for code in sorted(_ACTIONS)]


def approval_action(code: str) -> ApprovalAction:
    """Raises NoSuchApprovalAction."""
    action = _ACTIONS.get(code)
    if action is None:
        raise NoSuchApprovalAction(code[:80])
    return action
