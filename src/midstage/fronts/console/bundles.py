"""Bundles: of which skus a sku consists, and how many can be made of what is free."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Version
from midstage.fronts.console.catalogue import SKU_FAULTS, PartBody
from midstage.fronts.console.categories import TAGS, WRITE, as_of
from midstage.kit.database import Tx
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

STOCK = "inventory.read"


class SetParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of what the sku consists; of nothing, it is a plain one again."""

    parts: Annotated[list[PartBody], msgspec.Meta(max_length=50)]


class PartFree(msgspec.Struct, frozen=True):
    """A part of a bundle: how much of it is in one piece, and how much is free there."""

    sku_id: UUID
    quantity_milli: int
    free_milli: int


class Sellable(msgspec.Struct, frozen=True):
    """How much can be promised in a store; of a bundle, as many whole ones as its parts make."""

    free_milli: int
    parts: list[PartFree]


@changing(
    "PUT",
    "/skus/{sku_id:uuid}/parts",
    tags=TAGS,
    needs=WRITE,
    refuses=(access.OutOfScope, *SKU_FAULTS),
)
async def set_parts(sku_id: UUID, data: SetParts, tx: Tx, staff: Staff, seen: Version | None = None) -> catalogue.Sku:
    """Say of what a sku consists: it is sold as one, and its parts are taken from stock. `seen` is of its product."""
    whole_brand(staff, WRITE)
    parts = as_of(list[catalogue.BundlePart], data.parts)
    return await catalogue.set_parts(tx, catalogue.SkuId(sku_id), parts, seen=seen)


@reading(
    "/stores/{store_id:uuid}/sellable",
    tags=TAGS,
    needs=STOCK,
    refuses=(access.OutOfScope, organisation.NoSuchStore, catalogue.NoSuchSku),
)
async def sellable(store_id: UUID, sku_id: UUID, tx: Tx, staff: Staff) -> Sellable:
    """How much of a sku, or of a bundle, can be sold from a store's stock at this moment."""
    (await reach(tx, staff, STOCK)).need(store_id)
    at = await organisation.one_store(tx, organisation.StoreId(store_id))
    wanted = catalogue.SkuId(sku_id)
    await catalogue.require_skus(tx, [wanted])
    parts = (await catalogue.bundle_parts(tx, [wanted])).get(wanted)
    skus = [part.sku_id for part in parts] if parts else [wanted]
    free = await inventory.available(tx, inventory.location_of(at.store_id), skus)
    return Sellable(
        orders.in_stock(wanted, parts, free),
        [PartFree(part.sku_id, part.quantity_milli, free.get(part.sku_id, 0)) for part in parts or []],
    )


HANDLERS: list[HTTPRouteHandler] = [set_parts, sellable]
