"""How far somebody has followed the movements, though their numbers do not appear in order.

What was seen is done with once everything that ran at that moment is over: then no smaller number can appear.
"""

import msgspec

from midstage.kit.database import Tx

OPEN_FOLLOW = "insert into stock_follow (brand_id, follower) values ($1, $2) on conflict do nothing"

FOLLOW = """
select f.through_id, f.seen_id, f.seen_xmax,
       (select coalesce(max(m.movement_id), 0) from stock_movement m where m.brand_id = $1) as last_id,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax
  from stock_follow f
 where f.brand_id = $1 and f.follower = $2
   for no key update of f skip locked
"""

MOVE_FOLLOW = """
update stock_follow set through_id = $3, seen_id = $4, seen_xmax = $5 where brand_id = $1 and follower = $2
"""


class Follow(msgspec.Struct, frozen=True):
    """Up to which number everything is done (`through`), and up to which it may be by now (`safe`)."""

    through_id: int
    safe_id: int
    last_id: int
    seen_id: int
    seen_xmax: int


async def follow(tx: Tx, follower: str) -> Follow | None:
    """Where a follower stands; None while another process works for it."""
    await tx.run(OPEN_FOLLOW, tx.brand, follower)
    row = await tx.row(FOLLOW, tx.brand, follower)
    if row is None:
        return None
    through, seen, seen_xmax, last, xmin, xmax = row
    # After a restore into another cluster the transactions that were seen may lie in its future.
    known = 0 < seen_xmax <= xmax
    safe = seen if known and seen_xmax <= xmin else through
    fresh = safe == seen or not known
    return Follow(through, safe, last, last if fresh else seen, xmax if fresh else seen_xmax)


async def move_follow(tx: Tx, follower: str, at: Follow, through_id: int) -> None:
    await tx.run(MOVE_FOLLOW, tx.brand, follower, through_id, at.seen_id, at.seen_xmax)
