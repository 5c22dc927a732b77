"""Supply prices out of pricing, for the books of value that inventory keeps: neither of the two knows the other."""

from collections.abc import Mapping, Sequence

from midstage.kit.database import Tx
from midstage.kit.money import Money
from midstage.middle.inventory import api as inventory
from midstage.middle.pricing import api as pricing


async def supply_prices(tx: Tx, skus: Sequence[inventory.SkuId]) -> Mapping[inventory.SkuId, Money]:
    """The supply prices of today, by the unit; skus without one are left out. It is an inventory.SupplyPrices."""
    found = await pricing.base_prices(tx, skus)
    return {
        sku: Money(price.supply_minor, price.currency) for sku, price in found.items() if price.supply_minor is not None
    }
