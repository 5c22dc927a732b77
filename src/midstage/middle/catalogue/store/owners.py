"""Whose own goods products are."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.catalogue.listing_types import Owner
from midstage.middle.catalogue.types import ProductId

OWNERS = """
select p.product_id, p.owner_store_id, p.owner_operator_id from product p
 where p.brand_id = $1 and p.product_id = any($2::uuid[])
   and (p.owner_store_id is not null or p.owner_operator_id is not null)
"""


async def owners(tx: Tx, product_ids: Sequence[ProductId]) -> dict[ProductId, Owner]:
    """Of those that are somebody's own."""
    rows = await tx.rows(OWNERS, tx.brand, product_ids)
    return {ProductId(row["product_id"]): Owner(row["owner_store_id"], row["owner_operator_id"]) for row in rows}
