"""A sale is a touch: whoever made it served the member, and may win her by the brand's rule."""

from typing import Any

from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation


async def note_touch(tx: Tx, delivered: Delivered[Any]) -> None:
    """Listen to OrderPaid and OrderImported. An order counts once, however often it is heard of.

    A sale of the past, brought in by a file, takes nobody from anybody: it only says when she bought.
    """
    fact = delivered.fact
    if not isinstance(fact, orders.OrderPaid | orders.OrderImported) or fact.member_id is None:
        return
    member_id = members.MemberId(fact.member_id)
    if isinstance(fact, orders.OrderImported):
        await members.note_bought(tx, member_id, fact.placed_at)
        return
    await members.touched(
        tx,
        member_id,
        members.Touch(
            touch_id=fact.order_id,
            kind=members.TouchKind.PURCHASE,
            store_id=organisation.StoreId(fact.store_id),
            guide_id=organisation.GuideId(fact.guide_id),
            touchpoint_id=organisation.TouchpointId(fact.touchpoint_id),
            at=fact.placed_at,
        ),
    )
