"""In which store, and for which level, the mall shows its prices."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing


class Here(msgspec.Struct, frozen=True):
    """Where and for whom prices are shown."""

    store: organisation.Store
    channel: str
    level: str | None

    @property
    def selling(self) -> catalogue.Selling:
        """The place of the sale, as the catalogue asks for it."""
        return catalogue.Selling(self.store, self.channel)


async def here(tx: Tx, member_id: members.MemberId | None, store_id: UUID | None, *, channel: str) -> Here:
    """The store that was named, else the member's own, else the virtual one; with the member's level."""
    shopper = await members.shopper(tx, member_id) if member_id else None
    wanted = organisation.StoreId(store_id) if store_id else shopper.store_id if shopper else None
    if wanted is None:
        wanted = (await organisation.virtual(tx)).store_id
    found = (await organisation.stores(tx, [wanted])).get(wanted)
    if found is None:
        raise organisation.NoSuchStore(str(wanted))
    return Here(found, channel, shopper.level if shopper else None)


async def quotes(tx: Tx, at: Here, sku_ids: Sequence[catalogue.SkuId]) -> dict[catalogue.SkuId, pricing.Quote]:
    """The prices that hold there at this moment; a sku without one is left out."""
    context = pricing.PriceContext(
        sales_channel=at.channel,
        store_id=at.store.store_id,
        unit_path=at.store.unit_path,
        operator_id=at.store.operator_id,
        level=at.level,
    )
    return await pricing.quote(tx, context, sku_ids, at=tx.now)
