"""Approvals: somebody else says yes to what goes beyond one's own limit, once, within ten minutes.

An approval is bound to the action, its subject, an amount at most, and to who asked. It is used up by one conditional
update in the transaction of what it was given for: if that is called off, the approval is as it was.
"""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import NotFound
from midstage.middle.access import permissions, rules
from midstage.middle.access.approval_words import (
    APPROVAL_LASTS,
    GIVE,
    MOST_WAITING,
    Approval,
    ApprovalAnswered,
    ApprovalId,
    ApprovalNeeded,
    ApprovalState,
    ApprovalWay,
    NoApprovalSubject,
    NoSuchApproval,
    OwnApproval,
    TooManyApprovals,
    approval_action,
)
from midstage.middle.access.facts import ApprovalAsked, ApprovalGiven, ApprovalRefused, ApprovalUsed
from midstage.middle.access.store import approvals as store
from midstage.middle.access.types import OutOfScope, Session
from midstage.middle.organisation import api as organisation

STAFF = "staff"
WORKING = frozenset({STAFF, "guide"})


async def ask_approval(
    tx: Tx, *, action: str, subject: str, amount_minor: int = 0, reason: str = "", by: Session
) -> Approval:
    """Ask for an approval; it shows in the list of those who may give it, for ten minutes.

    Raises NoSuchApprovalAction, OutOfScope, TooManyApprovals, or what the action's module raises for a subject that
    is not there.
    """
    made = await new_approval(tx, action=action, subject=subject, amount_minor=amount_minor, reason=reason, by=by)
    waiting, until = await store.waiting_of(tx, by.subject_id)
    if waiting >= MOST_WAITING and until is not None:
        raise TooManyApprovals(rules.seconds_until(until, tx.now))
    await store.insert(tx, made)
    tx.note("access.ask_approval", "approval", made.approval_id, after=_shown(made))
    tx.tell(
        ApprovalAsked(
            approval_id=made.approval_id,
            action_code=action,
            store_id=made.store_id,
            asked_by=made.asked_by,
            amount_minor=made.amount_minor,
        )
    )
    return made


async def give_approval(tx: Tx, approval_id: UUID, *, by: Session) -> Approval:
    """Say yes. Raises NotPermitted, NoSuchApproval, OwnApproval or ApprovalAnswered."""
    return await _answer(tx, approval_id, ApprovalState.GIVEN, "", by)


async def refuse_approval(tx: Tx, approval_id: UUID, *, reason: str, by: Session) -> Approval:
    """Say no, and why. Raises NotPermitted, NoSuchApproval, OwnApproval or ApprovalAnswered."""
    return await _answer(tx, approval_id, ApprovalState.REFUSED, reason, by)


async def use_approval(
    tx: Tx, approval: ApprovalId | None, *, action: str, subject: str, amount_minor: int = 0
) -> organisation.StaffId:
    """Use an approval up for what is done in this transaction by who asked for it, and say who gave it.

    Raises ApprovalNeeded without one, and for one that was used, is over, was not given, or is for another action,
    subject, smaller amount or somebody else.
    """
    store_id = await _store_of(tx, action, subject)
    needed = ApprovalNeeded(action, subject, amount_minor)
    if approval is None or tx.by.kind not in WORKING or amount_minor < 0:
        raise needed
    given_by = await store.use(
        tx,
        approval,
        action=action,
        subject=subject,
        amount_minor=amount_minor,
        asker=tx.by.id,
        store_id=store_id,
    )
    if given_by is None:
        raise needed
    tx.note("access.use_approval", "approval", approval, after={"action": action, "given_by": given_by})
    tx.tell(
        ApprovalUsed(
            approval_id=approval,
            action_code=action,
            store_id=store_id,
            asked_by=tx.by.id,
            given_by=given_by,
            amount_minor=amount_minor,
        )
    )
    return organisation.StaffId(given_by)


async def approval(tx: Tx, approval_id: UUID, *, by: Session) -> Approval:
    """An approval as who asked for it, or who may give it, sees it. Raises NoSuchApproval."""
    found = await store.read(tx, approval_id)
    if found is None or not (found.asked_by == by.subject_id or await _covers(tx, by, found)):
        raise NoSuchApproval
    return found


async def waiting_approvals(tx: Tx, page: PageRequest, *, by: Session) -> Page[Approval]:
    """What waits for an answer that this person may give, the oldest first. Raises NotPermitted."""
    stores = await organisation.stores_in(tx, permissions.need(by, GIVE))
    place = page.place(tuple[UUID])
    rows = await store.waiting(tx, stores, place[0] if place else None, page.fetch, not_of=by.subject_id)
    return page.page(rows, _place)


async def own_approvals(tx: Tx, page: PageRequest, *, by: Session) -> Page[Approval]:
    """What somebody asked for, the newest first."""
    place = page.place(tuple[UUID])
    rows = await store.of_asker(tx, by.subject_id, place[0] if place else None, page.fetch)
    return page.page(rows, _place)


async def new_approval(tx: Tx, *, action: str, subject: str, amount_minor: int, reason: str, by: Session) -> Approval:
    """A request as it will be written. Raises NoSuchApprovalAction, NoApprovalSubject or OutOfScope."""
    try:
        store_id = await _store_of(tx, action, subject)
        place = None if store_id is None else await organisation.one_store(tx, store_id)
    except NotFound:
        if by.scope.everything:
            raise
        raise OutOfScope from None  # as for what is there and lies elsewhere
    if place is not None and not permissions.may_see_store(by, place):
        raise OutOfScope
    currency = place.currency if place else (await organisation.brand(tx)).currency
    return Approval(
        approval_id=ApprovalId(new_id()),
        action=action,
        subject=subject,
        store_id=store_id,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        asked_by=organisation.StaffId(by.subject_id),
        asked_at=tx.now,
        state=ApprovalState.ASKED,
        way=ApprovalWay.LIST,
        answered_by=None,
        answered_at=None,
        answer="",
        expires_at=tx.now + APPROVAL_LASTS,
        used_at=None,
    )


def tell_given(tx: Tx, given: Approval, by: organisation.StaffId) -> None:
    """Put into the trail, and tell the world, that somebody said yes."""
    tx.note("access.give_approval", "approval", given.approval_id, after=_shown(given))
    tx.tell(
        ApprovalGiven(
            approval_id=given.approval_id,
            action_code=given.action,
            store_id=given.store_id,
            asked_by=given.asked_by,
            given_by=by,
            amount_minor=given.amount_minor,
            way=given.way,
        )
    )


async def _store_of(tx: Tx, action: str, subject: str) -> organisation.StoreId | None:
    """Raises NoSuchApprovalAction, NoApprovalSubject, or what the action's module raises for what is not there."""
    declared = approval_action(action)
    try:
        return await declared.store_of(tx, subject)
    except ValueError:  # an id that is none
        raise NoApprovalSubject(action) from None


async def _answer(tx: Tx, approval_id: UUID, state: ApprovalState, said: str, by: Session) -> Approval:
    permissions.need(by, GIVE)
    found = await store.read(tx, approval_id)
    if found is None or not await _covers(tx, by, found):
        raise NoSuchApproval
    if found.asked_by == by.subject_id:
        raise OwnApproval
    if not await store.answer(tx, approval_id, state, by.subject_id, said, tx.now + APPROVAL_LASTS):
        raise ApprovalAnswered
    answered = await store.read(tx, approval_id)
    if answered is None:
        raise NoSuchApproval
    if state == ApprovalState.GIVEN:
        tell_given(tx, answered, organisation.StaffId(by.subject_id))
    else:
        tx.note("access.refuse_approval", "approval", approval_id, after=_shown(answered))
        tx.tell(
            ApprovalRefused(
                approval_id=approval_id,
                action_code=answered.action,
                asked_by=answered.asked_by,
                refused_by=by.subject_id,
            )
        )
    return answered


async def _covers(tx: Tx, by: Session, found: Approval) -> bool:
    """Whether somebody may give this one: they hold the permission over its store, or over the brand."""
    scope = permissions.scope_of(by, GIVE)
    if scope.everything:
        return True
    if found.store_id is None:
        return False
    return organisation.covers(scope, await organisation.one_store(tx, found.store_id))


def _shown(one: Approval) -> dict[str, object]:
    """What the trail keeps; free text stays in the approval."""
    return {
        "action": one.action,
        "subject": one.subject,
        "store_id": one.store_id,
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "asked_by": one.asked_by,
        "way": one.way,
        "state": one.state,
    }


def _place(row: Approval) -> tuple[UUID]:
    return (row.approval_id,)
