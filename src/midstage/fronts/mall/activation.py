"""One-tap activation (一键激活): what the old system has of a member becomes hers with one tap."""

from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.mall.callers import Shopper
from midstage.kit.database import Tx
from midstage.middle.members import api as members

TAGS = ["mall: me"]


@reading("/me/activate", tags=TAGS)
async def preview_activation(tx: Tx, shopper: Shopper) -> members.ActivationPreview:
    """What of the old system would become mine: cards, the level, the points."""
    return await members.preview_activation(tx, shopper.member_id)


@changing("POST", "/me/activate", once=True, tags=TAGS, refuses=(members.AlreadyErased,))
async def activate(tx: Tx, shopper: Shopper) -> members.Activation:
    """Take over what the old system has of me, by my phone. Each card gives its points once, on whatever device."""
    return await members.activate(tx, shopper.member_id)


HANDLERS: list[HTTPRouteHandler] = [preview_activation, activate]
