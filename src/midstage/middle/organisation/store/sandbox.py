"""The SQL of emptying a brand, in the order in which its rows refer to each other."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.organisation.types import StaffId

STEPS = (
    "delete from policy where brand_id = $1",
    "delete from platform_account where brand_id = $1",
    "delete from touchpoint where brand_id = $1 and kind <> 'virtual'",
    """delete from guide_stay s where s.brand_id = $1
        and s.guide_id <> (select b.virtual_guide_id from brand b where b.brand_id = $1)""",
    """delete from guide g where g.brand_id = $1
        and g.guide_id <> (select b.virtual_guide_id from brand b where b.brand_id = $1)""",
    "delete from store where brand_id = $1 and kind <> 'virtual'",
    "delete from payee where brand_id = $1",
    "update operator set payee_id = null where brand_id = $1 and payee_id is not null",
)
MOVE_STAFF = """
update staff s set operator_id = b.own_operator_id from brand b
 where s.brand_id = $1 and b.brand_id = $1 and s.operator_id <> b.own_operator_id and s.staff_id = any ($2::uuid[])
"""
DELETE_STAFF = "delete from staff where brand_id = $1 and staff_id <> all ($2::uuid[])"
LAST_STEPS = (
    "delete from operator where brand_id = $1 and kind <> 'brand'",
    "delete from unit where brand_id = $1 and kind <> 'brand'",
)


async def empty(tx: Tx, keep_staff: Sequence[StaffId]) -> int:
    gone = 0
    for step in STEPS:
        gone += await tx.run(step, tx.brand)
    for step in (MOVE_STAFF, DELETE_STAFF):
        gone += await tx.run(step, tx.brand, keep_staff)
    for step in LAST_STEPS:
        gone += await tx.run(step, tx.brand)
    return gone
