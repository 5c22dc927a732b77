"""What of stock work may need the approval of somebody else, and whose store it is about."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.inventory import store
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.types import LocationId
from midstage.middle.inventory.work import CountId
from midstage.middle.inventory.work_refusals import NoSuchCount
from midstage.middle.organisation import api as organisation

ADJUST, COUNT = "inventory.adjust", "inventory.count"


def _id(subject: str) -> UUID:
    try:
        return UUID(subject)
    except ValueError:
        return UUID(int=0)


async def _adjusted_at(tx: Tx, subject: str) -> organisation.StoreId:
    location = LocationId(_id(subject))
    await check_known(tx, [location])
    return organisation.StoreId(location)


async def _counted_at(tx: Tx, subject: str) -> organisation.StoreId:
    found = await store.count(tx, CountId(_id(subject)))
    if found is None:
        raise NoSuchCount(_id(subject))
    return organisation.StoreId(found.location_id)


access.declare_approval(
    access.ApprovalAction(ADJUST, Text("库存调整超出金额上限", "Adjust stock beyond a value"), _adjusted_at)
)
access.declare_approval(
    access.ApprovalAction(COUNT, Text("盘点差异超出金额上限", "Approve a count beyond a value"), _counted_at)
)
