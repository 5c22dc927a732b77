"""Goods of one's own: a store's, or an operator's with all of its stores, where the goods policy allows them."""

from collections.abc import Iterable

from midstage.kit.database import Tx
from midstage.kit.paging import MAX_LIMIT, PageRequest
from midstage.middle.catalogue.listing_types import Owner
from midstage.middle.catalogue.policy import GOODS, GoodsMode
from midstage.middle.catalogue.refusals import NotOwnGoods, OwnGoodsNotAllowed
from midstage.middle.catalogue.types import Product
from midstage.middle.organisation import api as organisation


async def check_allowed(tx: Tx, owners: Iterable[Owner]) -> None:
    """Raises OwnGoodsNotAllowed, NoSuchStore, NoSuchOperator. An operator may where one of its stores may."""
    for owner in owners:
        stores = await _stores(tx, owner)
        standings = await organisation.standings_of(tx, GOODS, stores)
        if not any(one.settings.mode is GoodsMode.CENTRAL_PLUS_OWN for one in standings.values()):
            raise OwnGoodsNotAllowed(str(owner.store_id or owner.operator_id))


def check_own(product: Product) -> Owner:
    """Whose own a product is. Raises NotOwnGoods for headquarters'."""
    if product.owner is None:
        raise NotOwnGoods(product.code)
    return product.owner


async def _stores(tx: Tx, owner: Owner) -> list[organisation.Store]:
    """Where somebody would sell goods of their own; nowhere, unless it is either a store or an operator."""
    if owner.store_id is not None:
        return [] if owner.operator_id is not None else [await organisation.one_store(tx, owner.store_id)]
    if owner.operator_id is None:
        return []
    await organisation.operator(tx, owner.operator_id)
    wanted = organisation.Filter(operator_id=owner.operator_id)
    return (await organisation.list_stores(tx, wanted, PageRequest(None, MAX_LIMIT))).items
