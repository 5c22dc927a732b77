"""The share policy: how much of an operator's or location's stock others may sell."""

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory import store
from midstage.middle.inventory.facts import StockShareChanged
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.types import LocationId, Share, ShareId, ShareInvalid
from midstage.middle.organisation import api as organisation


async def set_share(
    tx: Tx,
    percent: int,
    *,
    location_id: LocationId | None = None,
    operator_id: organisation.OperatorId | None = None,
    sales_channel: str | None = None,
) -> Share:
    """Set what percentage others may sell, of a location, an operator's or all stock, in one channel or all.

    At any time others hold at most this share of what lies there; what they hold already stays promised.
    Raises ShareInvalid, NoSuchLocation.
    """
    both = location_id is not None and operator_id is not None
    if not 0 <= percent <= 100 or both or sales_channel == "":
        raise ShareInvalid
    if location_id is not None:
        await check_known(tx, [location_id])
    wanted = Share(ShareId(new_id()), percent, location_id, operator_id, sales_channel)
    share_id, before = await store.set_share(tx, wanted)
    share = Share(share_id, percent, location_id, operator_id, sales_channel)
    if before != percent:
        tx.note("inventory.set_share", "share", share_id, before={"percent": before}, after=share)
        _tell(tx, share, percent)
    return share


async def drop_share(tx: Tx, share: ShareId) -> bool:
    """Let the next less exact share hold again. False if there was no such share."""
    dropped = await store.drop_share(tx, share)
    if dropped is None:
        return False
    tx.note("inventory.drop_share", "share", share, before=dropped)
    _tell(tx, dropped, None)
    return True


async def shares(tx: Tx) -> list[Share]:
    """All shares of the brand, the most exact first."""
    return await store.shares(tx)


def _tell(tx: Tx, share: Share, percent: int | None) -> None:
    tx.tell(
        StockShareChanged(
            share_id=share.share_id,
            location_id=share.location_id,
            operator_id=share.operator_id,
            sales_channel=share.sales_channel,
            percent=percent,
        )
    )
