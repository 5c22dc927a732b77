"""List and supply prices, one or a hundred thousand."""

from collections.abc import Container, Mapping, Sequence
from typing import TypeVar

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import api as catalogue
from midstage.middle.pricing import rules, store
from midstage.middle.pricing.facts import BaseChange, BasePricesChanged
from midstage.middle.pricing.types import BasePrice

T = TypeVar("T")
CHUNK = 5_000
FACT = 500  # changes in one fact: under 100 KB
_SHOWN = 20  # prices that the audit shows one by one


async def base_prices(tx: Tx, sku_ids: Sequence[catalogue.SkuId]) -> dict[catalogue.SkuId, BasePrice]:
    """List and supply prices of these skus; those without are left out."""
    return await store.read_base(tx, sku_ids)


async def plan_base_prices(
    tx: Tx, prices: Sequence[BasePrice], *, keep_supply: Container[catalogue.SkuId] = (), hold: bool = False
) -> list[tuple[BasePrice | None, BasePrice]]:
    """Each of these prices beside the one that holds; nothing is written. Raises PriceWrong, PriceCurrencyWrong.

    Of the skus in `keep_supply` the supply price stays what it is. With `hold` nobody else changes prices until the end of the transaction.
    """
    for price in prices:
        rules.check_base(price)
    if hold:
        await store.move_version(tx)
    there = await store.read_base(tx, [price.sku_id for price in prices])
    return [(there.get(price.sku_id), _kept(price, there, keep_supply)) for price in prices]


def _kept(
    price: BasePrice, there: Mapping[catalogue.SkuId, BasePrice], keep_supply: Container[catalogue.SkuId]
) -> BasePrice:
    old = there.get(price.sku_id)
    if old is None or old.currency != price.currency or price.sku_id not in keep_supply:
        return price
    return msgspec.structs.replace(price, supply_minor=old.supply_minor)


async def set_base_prices(tx: Tx, prices: Sequence[BasePrice]) -> int:
    """Set list and supply prices of skus that exist; returns how many are other than before.

    Raises PriceWrong, PriceCurrencyWrong, PricedTwice, NoSuchSku; then none of them is set.
    """
    for price in prices:
        rules.check_base(price)
    rules.check_distinct([price.sku_id for price in prices])
    for part in parts(prices, CHUNK):
        await catalogue.require_skus(tx, [price.sku_id for price in part])
    if not prices:
        return 0
    price_version = await store.move_version(tx)
    changes = [change for part in parts(prices, CHUNK) for change in await store.write_base(tx, part)]
    _tell(tx, changes, price_version)
    return len(changes)


def _tell(tx: Tx, changes: Sequence[BaseChange], price_version: int) -> None:
    if not changes:
        return
    for part in parts(changes, FACT):
        tx.tell(BasePricesChanged(change_id=new_id(), price_version=price_version, changes=list(part)))
    shown = {"count": len(changes), "prices": changes[:_SHOWN]}
    tx.note("pricing.set_base_prices", "price_version", price_version, after=shown)


def parts(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
