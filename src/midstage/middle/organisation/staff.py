"""Staff: the people who work for the brand and its operators."""

from collections.abc import Sequence

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.facts import StaffChanged, StaffJoined, StaffLeft
from midstage.middle.organisation.forms import Filter, NewStaff, StaffChange
from midstage.middle.organisation.operators import operators
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    NoSuchOperator,
    NoSuchStaff,
    OperatorClosed,
    StaffBound,
    StaffCodeTaken,
    StaffGone,
)
from midstage.middle.organisation.types import OperatorId, PersonState, Staff, StaffId, State


async def hire_many(tx: Tx, new: Sequence[NewStaff]) -> list[StaffId]:
    """Take people on, all or none. Raises StaffCodeTaken, NoSuchOperator, OperatorClosed, BadCode, NameMissing."""
    for person in new:
        rules.check_code(person.code)
        rules.check_name(person.name)
    made = await store.insert_staff(tx, new)
    for person in new:
        if person.staff_id not in made:
            await _explain(tx, person.operator_id)
            raise StaffCodeTaken(person.code)
    for person in await store.read_staff(tx, [person.staff_id for person in new]):
        tx.note("hire", "staff", person.staff_id, after=_shown(person))
        tx.tell(StaffJoined(staff_id=person.staff_id, operator_id=person.operator_id))
    return [person.staff_id for person in new]


async def hire(tx: Tx, new: NewStaff) -> Staff:
    """Take one person on; see hire_many."""
    (staff_id,) = await hire_many(tx, [new])
    return await staff(tx, staff_id)


async def staff(tx: Tx, staff_id: StaffId) -> Staff:
    """One person. Raises NoSuchStaff."""
    found = await store.read_staff(tx, [staff_id])
    if not found:
        raise NoSuchStaff(staff_id)
    return found[0]


async def employed(tx: Tx, staff_id: StaffId) -> Staff:
    """Somebody who works here, and will to the end of this transaction. Raises NoSuchStaff or StaffGone."""
    found = await store.hold_staff(tx, staff_id)
    if found is None:
        raise NoSuchStaff(staff_id)
    if found.state != PersonState.ACTIVE:
        raise StaffGone(staff_id)
    return found


async def list_staff(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Staff]:
    """People by code: those of operators in the scope, and the guides of stores in it; `operator_id`, `state`, `text`."""
    place = page.place(tuple[str])
    rows = await store.list_staff(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def change_staff(tx: Tx, staff_id: StaffId, change: StaffChange, *, seen: int | None = None) -> Staff:
    """Change name, phone or employer. Raises StaffGone, NoSuchStaff, NoSuchOperator, OperatorClosed, NameMissing."""
    before = await _locked(tx, staff_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    if not await store.write_staff(tx, after):
        await _explain(tx, after.operator_id)
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "staff", staff_id, before=_shown(before), after=_shown(after))
    tx.tell(StaffChanged(staff_id=staff_id, fields=fields, operator_id=after.operator_id))
    return after


async def dismiss(tx: Tx, staff_id: StaffId) -> Staff:
    """Let somebody go. Raises StaffBound while they are a guide or answer for platform accounts, StaffGone."""
    before = await _locked(tx, staff_id)
    guides, accounts = await store.count_under_staff(tx, staff_id)
    if guides or accounts:
        raise StaffBound(staff_id, guides, accounts)
    if not await store.end_staff(tx, staff_id):
        raise StaffGone(staff_id)
    after = await staff(tx, staff_id)
    tx.note("dismiss", "staff", staff_id, before=_shown(before), after=_shown(after))
    tx.tell(StaffLeft(staff_id=staff_id))
    return after


async def _locked(tx: Tx, staff_id: StaffId) -> Staff:
    found = await store.lock_staff(tx, staff_id)
    if found is None:
        raise NoSuchStaff(staff_id)
    if found.state != PersonState.ACTIVE:
        raise StaffGone(staff_id)
    return found


async def _explain(tx: Tx, operator_id: OperatorId | None) -> None:
    if operator_id is None:
        return
    operator = (await operators(tx, [operator_id])).get(operator_id)
    if operator is None:
        raise NoSuchOperator(operator_id)
    if operator.state != State.OPEN:
        raise OperatorClosed(operator_id)


def _shown(person: Staff) -> dict[str, object]:
    """As the audit trail shows it: name and phone as masked references."""
    return {
        "code": person.code,
        "name": masked(person.name),
        "phone": masked(person.phone),
        "operator_id": person.operator_id,
        "state": person.state,
    }
