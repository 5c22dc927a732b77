"""At which till somebody stands, and what that till is to them."""

from uuid import UUID

from midstage.fronts._http.staff import Person, Staff
from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.kit.kept import Kept
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

READ, SELL, REFUND, MANAGE = "till.read", "till.sell", "till.refund", "till.manage"
_guides: Kept[tuple[BrandId, organisation.StaffId], tuple[organisation.Guide | None]] = Kept(ttl_s=5.0, most=50_000)
AT_TILL = (access.OutOfScope, orders.NoSuchTill)
SHIFT = (access.OutOfScope, payments.NoSuchShift)


async def my_till(tx: Tx, staff: Person, permission: str, till_id: UUID) -> orders.Till:
    """A till of a store over which somebody holds the permission. Raises orders.NoSuchTill, access.OutOfScope."""
    till = await orders.till_of(tx, till_id)
    access.need_store(staff.session, permission, till.at)
    return till


async def my_store(tx: Tx, staff: Staff, permission: str, store_id: UUID) -> organisation.Store:
    """A store over which somebody holds the permission. Raises access.OutOfScope."""
    key = organisation.StoreId(store_id)
    found = (await organisation.stores(tx, [key])).get(key)
    if found is None:
        raise access.OutOfScope
    access.need_store(staff.session, permission, found)
    return found


async def my_shift(tx: Tx, staff: Person, permission: str, shift_id: UUID) -> payments.Shift:
    """A shift of such a store. Raises payments.NoSuchShift, access.OutOfScope."""
    found = await payments.shift(tx, payments.ShiftId(shift_id))
    await my_store(tx, staff, permission, found.store_id)
    return found


async def serving(tx: Tx, staff: Person, till: orders.Till, guide_id: UUID | None) -> organisation.GuideId | None:
    """Whose sale it is: of the guide who is named and works here, else mine if I am a guide.

    Raises organisation.NoSuchGuide, organisation.GuideGone.
    """
    if guide_id is None:
        mine = await _mine(tx, staff)
        return mine.guide_id if mine is not None and mine.store_id == till.at.store_id else None
    named = await organisation.guide(tx, organisation.GuideId(guide_id))
    if named.state is not organisation.PersonState.ACTIVE:
        raise organisation.GuideGone(named.guide_id)
    access.need_store(staff.session, SELL, (await organisation.stores(tx, [named.store_id]))[named.store_id])
    return named.guide_id


async def _mine(tx: Tx, staff: Person) -> organisation.Guide | None:
    """The guide that somebody is; kept for a few seconds, as every sale asks."""
    key = (tx.brand, staff.staff_id)
    found = _guides.get(key)
    if found is None:
        found = (await organisation.guide_of_staff(tx, staff.staff_id),)
        _guides.put(key, found)
    return found[0]
