"""What waits in pricing for a person: stores' own prices that no longer hold."""

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Text
from midstage.middle.pricing import own

_OUT_OF_BAND = stuck.declare(
    "pricing.out_of_band",
    name=Text(zh="门店自定价超出价格带，未生效", en="A store's own price is out of its band, and does not hold"),
    mend=Text(zh="重新定价或取消自定价", en="Set it anew, or let the price lists hold."),
)


async def late(tx: Tx) -> list[stuck.Stuck]:
    """The own prices that the list price or the goods policy has left outside of their band."""
    found = (await own.out_of_band(tx, page=PageRequest(None, stuck.MOST_OF_A_KIND))).items
    return [
        stuck.Stuck(
            _OUT_OF_BAND,
            f"{one.own.store_id}/{one.own.sku_id}",
            one.since,
            one.own.store_id,
            {"minor": one.own.unit_minor, "list_minor": one.list_minor},
        )
        for one in found
    ]
