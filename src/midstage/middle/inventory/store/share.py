"""Shares: how much of a location's stock others may sell."""

from midstage.kit.database import Tx
from midstage.middle.inventory.types import Share, ShareId

SET_SHARE = """
insert into stock_share as p (brand_id, share_id, location_id, operator_id, sales_channel, percent)
values ($1, $2, $3, $4, $5, $6)
    on conflict (brand_id, location_id, operator_id, sales_channel) do update set percent = excluded.percent
returning p.share_id, old.percent as before
"""

DROP_SHARE = """
delete from stock_share p where p.brand_id = $1 and p.share_id = $2
returning p.share_id, p.percent, p.location_id, p.operator_id, p.sales_channel
"""

SHARES = """
select p.share_id, p.percent, p.location_id, p.operator_id, p.sales_channel
  from stock_share p where p.brand_id = $1
 order by p.location_id nulls last, p.operator_id nulls last, p.sales_channel nulls last
"""


async def set_share(tx: Tx, share: Share) -> tuple[ShareId, int | None]:
    """Write it; returns the id it has, and the percentage that was there."""
    row = await tx.row(
        SET_SHARE, tx.brand, share.share_id, share.location_id, share.operator_id, share.sales_channel, share.percent
    )
    return (share.share_id, None) if row is None else (row["share_id"], row["before"])


async def drop_share(tx: Tx, share: ShareId) -> Share | None:
    row = await tx.row(DROP_SHARE, tx.brand, share)
    return None if row is None else Share(*row.values())


async def shares(tx: Tx) -> list[Share]:
    return [Share(*row.values()) for row in await tx.rows(SHARES, tx.brand)]
