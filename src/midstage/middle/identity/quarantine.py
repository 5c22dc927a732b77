"""What the rules would not do by themselves: listed, accepted, dismissed."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.identity import store
from midstage.middle.identity.facts import IdentifiersAttached
from midstage.middle.identity.look_up import person
from midstage.middle.identity.merge import merge, merge_case
from midstage.middle.identity.plan import Plan, Root
from midstage.middle.identity.refusals import AlreadyOnePerson, CaseClosed, IdentifiersBlocked, NoSuchCase
from midstage.middle.identity.store import Behind
from midstage.middle.identity.types import (
    Case,
    CaseId,
    CaseState,
    Cause,
    IdentityContended,
    Link,
    LinkId,
    PersonId,
)


async def case(tx: Tx, case_id: CaseId) -> Case:
    """One case. Raises NoSuchCase."""
    found = await store.case(tx, case_id)
    if found is None:
        raise NoSuchCase(case_id)
    return found


async def cases(tx: Tx, page: PageRequest, *, state: CaseState = CaseState.OPEN) -> Page[Case]:
    """Cases of a state, those that wait longest first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID]) or store.FIRST
    return page.page(await store.cases(tx, state, after, page.fetch), lambda row: (row.opened_at, row.case_id))


async def cases_of(tx: Tx, person_id: PersonId) -> list[Case]:
    """All cases of a person and all its ids. Raises NoSuchPerson."""
    return await store.cases_of(tx, (await person(tx, person_id)).ids)


async def accept(tx: Tx, case_id: CaseId, *, reason: str) -> tuple[Case, LinkId | None]:
    """Do what a case proposes, over the limits: merge the two, or attach the identifier.

    Says the merge that came of it; an identifier that has become another person's by now merges the two.
    Raises NoSuchCase, CaseClosed, TooManyPersons, IdentifiersBlocked, IdentityContended.
    """
    found = await case(tx, case_id)
    if found.state is not CaseState.OPEN:
        raise CaseClosed(case_id)
    # The persons are locked before the case, as by whoever opens it.
    made = await merge_case(tx, found, reason=reason) if found.other_id else await _attach(tx, found, reason)
    if made is None or made.case_id is None:  # a merge closes the cases between the two itself
        await _close(tx, found, CaseState.ACCEPTED, reason)
    return await case(tx, case_id), made.link_id if made else None


async def dismiss(tx: Tx, case_id: CaseId, *, reason: str) -> Case:
    """Leave it as it is, for good: the same is not asked again. Raises NoSuchCase, CaseClosed."""
    await _close(tx, await case(tx, case_id), CaseState.DISMISSED, reason)
    return await case(tx, case_id)


async def _close(tx: Tx, found: Case, state: CaseState, reason: str) -> None:
    if not await store.close_case(tx, found.case_id, state, reason):
        raise CaseClosed(found.case_id)
    before, after = {"case": str(found.case_id)}, {"state": state.value, "reason": reason}
    tx.note("identity.decide_case", "person", found.person_id, before=before, after=after)


async def _attach(tx: Tx, found: Case, reason: str) -> Link | None:
    one = found.identifier
    if await store.which_blocked(tx, [one]):
        raise IdentifiersBlocked(one.kind.value)
    owner = await store.holder(tx, one)
    if owner is None:
        root = await _root(tx, found.person_id)
        planned = Plan(found.person_id, root, [root], [one], [], [], [])
        written = await store.write(tx, planned, Behind(Cause.CASE, found.source, reason), waiting=True)
        if not written.sure or written.lost:
            raise IdentityContended
        tx.tell(IdentifiersAttached(person_id=root.root_id, kinds=[one.kind.value], source=found.source))
        return None
    try:
        return await merge(tx, found.person_id, owner, reason=reason, source=found.source)
    except AlreadyOnePerson:
        return None


async def _root(tx: Tx, person_id: PersonId) -> Root:
    shape = await store.shape(tx, [person_id])
    return shape.root(shape.persons[0].root_id)
