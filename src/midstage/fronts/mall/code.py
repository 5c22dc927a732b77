"""The code that a member shows at a till."""

from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts.mall.callers import Shopper
from midstage.kit.database import Tx
from midstage.middle.members import api as members

TAGS = ["mall: me"]


@reading("/me/code", tags=TAGS)
async def my_code(tx: Tx, shopper: Shopper) -> members.MemberCode:
    """The code that says at a till who I am; it moves every minute, and is no good after the next."""
    return members.code_of(tx.brand, shopper.member_id, at=tx.now)


HANDLERS: list[HTTPRouteHandler] = [my_code]
