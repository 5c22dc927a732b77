"""Keep and answer what members have bought so far."""

from collections.abc import Sequence
from typing import Any

from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.middle.loyalty import rules, store
from midstage.middle.loyalty.types import Standing
from midstage.middle.members import api as members


async def note_purchase(tx: Tx, delivered: Delivered[Any]) -> None:
    """Listen to OrderPaid, OrderImported, OrderRefunded and OrderRefundUndone: one statement a fact.

    It adds, so it counts once only because the cursor of its subscriber commits with it.
    """
    more = rules.purchase(delivered.fact)
    if more is not None:
        await store.add(tx, more)


async def standing(tx: Tx, member_ids: Sequence[members.MemberId]) -> dict[members.MemberId, Standing]:
    """What each of these members has bought so far, in one statement; nothing yet is a standing of zero."""
    found = await store.standing(tx, list(member_ids))
    return {member_id: found.get(member_id, Standing()) for member_id in member_ids}


async def forget_standing(tx: Tx) -> None:
    """Empty the projection of this brand, for a rebuild by replay."""
    await store.forget(tx)
