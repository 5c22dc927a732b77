"""A till in a test shop: with barcodes on the goods, a cashier, and short ways to sell."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from midstage.kit.audit import Principal
from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing
from shop import Shop

T = TypeVar("T")
FLOAT_MINOR = 50_000
KILO_MINOR = 3_980
PLU = "00042"
_numbers = itertools.count(1)
_bodies = itertools.count(690_000_000_000)


class TillShop:
    """A shop with a till at its first store, open with a float, and a cashier."""

    shop: Shop
    till: orders.Till
    shift: payments.Shift
    cashier: Principal
    barcodes: list[str]
    """Of the first, second, … sku."""
    apples: catalogue.SkuId
    """Sold by the kilogram, with labels of the store's own scale."""

    async def do(self, work: Callable[[Tx], Awaitable[T]], *, now: datetime | None = None) -> T:
        """Do something as the cashier, in a transaction of its own."""
        return await self.shop.database.attempt(self.shop.tenant, work, now=now, by=self.cashier)

    async def sell(
        self,
        *quantities: int,
        tenders: list[payments.TenderWish] | None = None,
        now: datetime | None = None,
        **changes: object,
    ) -> orders.Sold:
        """Sell so many pieces of the first, second, … sku, for cash if not said."""
        lines = [
            orders.TillLine(barcode=barcode, quantity_milli=quantity * 1000)
            for barcode, quantity in zip(self.barcodes, quantities, strict=False)
            if quantity
        ]
        return await self.sell_lines(lines, tenders=tenders, now=now, **changes)

    async def sell_lines(
        self,
        lines: list[orders.TillLine],
        *,
        tenders: list[payments.TenderWish] | None = None,
        now: datetime | None = None,
        **changes: object,
    ) -> orders.Sold:
        wishes = [payments.TenderWish("cash")] if tenders is None else tenders
        named: dict[str, object] = {"lines": lines, "tenders": wishes, **changes}
        selling = orders.Selling(**named)  # type: ignore[arg-type]  # names are checked by the struct

        async def work(tx: Tx) -> orders.Sold:
            return await orders.sell(tx, self.till, selling)

        return await self.do(work, now=now)

    async def figures(self, shift: payments.Shift | None = None) -> payments.ShiftFigures:
        async with self.shop.database.reading(self.shop.tenant) as tx:
            found = await payments.shift(tx, (shift or self.shift).shift_id)
            (figures,) = await payments.shift_figures(tx, [found])
            return figures

    async def stock(self, sku_id: catalogue.SkuId) -> int:
        """What is on hand by the books, in thousandths."""
        async with self.shop.database.reading(self.shop.tenant) as tx:
            found = await inventory.stock(tx, self.shop.location, [sku_id])
        return found[sku_id].on_hand_milli

    async def balance(self, kind: str, owner: object, currency: str = "CNY") -> int:
        """What the ledger has on an account."""
        async with self.shop.database.reading(self.shop.tenant) as tx:
            account = ledger.account_id(tx.brand, kind, owner, currency)  # type: ignore[arg-type]  # any id will do
            return (await ledger.balance(tx, account)).amount

    async def close(self, counted_minor: int, *, blind: bool = True, now: datetime | None = None) -> payments.Shift:
        async def work(tx: Tx) -> payments.Shift:
            return await payments.close_shift(tx, self.shift.shift_id, counted_minor=counted_minor, blind=blind)

        return await self.do(work, now=now)

    async def open(self, *, float_minor: int = FLOAT_MINOR, now: datetime | None = None) -> payments.Shift:
        """Open the next shift; it is the one that is sold in from now on."""

        async def work(tx: Tx) -> payments.Shift:
            return await payments.open_shift(tx, self.till.till_id, self.till.at, float_minor=float_minor, pieces=[])

        self.shift = await self.do(work, now=now)
        return self.shift


def ean13(body: str) -> str:
    """A code with its check digit."""
    return body + catalogue.check_digit(body)


async def new_till(tx: Tx, store_id: organisation.StoreId) -> organisation.TouchpointId:
    """One more till of a store."""
    code = f"TILL-{next(_numbers)}-{new_id().hex[-6:]}"
    new = organisation.NewTouchpoint(code=code, name="收银台", kind=organisation.TouchpointKind.TILL, store_id=store_id)
    return (await organisation.create_touchpoint(tx, new)).touchpoint_id


async def open_till_shop(shop: Shop, *, now: datetime | None = None, open_shift: bool = True) -> TillShop:
    """Put a till into the first store of a shop, and barcodes on its goods."""
    made = TillShop()
    made.shop = shop
    made.cashier = Principal("staff", new_id())

    async def furnish(tx: Tx) -> None:
        made.till = await orders.till_of(tx, await new_till(tx, shop.store.store_id))
        made.barcodes = []
        for product in shop.products:
            code = ean13(f"{next(_bodies)}")
            change = catalogue.SkuChange(barcodes=[catalogue.Barcode(catalogue.BarcodeKind.EAN13, code)])
            await catalogue.change_sku(tx, product.skus[0].sku_id, change)
            made.barcodes.append(code)
        made.apples = await _apples(tx, shop)

    await made.do(furnish)
    if open_shift:
        await made.open(now=now)
    return made


async def _apples(tx: Tx, shop: Shop) -> catalogue.SkuId:
    sku = catalogue.SkuDraft(
        "APPLES", barcodes=[catalogue.Barcode(catalogue.BarcodeKind.STORE, PLU)], unit=catalogue.Unit.KILOGRAM
    )
    draft = catalogue.ProductDraft(
        "APPLES", catalogue.Name("苹果", "Apples"), shop.category, "standard", [sku], state=catalogue.State.LIVE
    )
    sku_id = (await catalogue.load_products(tx, [draft])).skus["APPLES"]
    await pricing.set_base_prices(tx, [pricing.BasePrice(sku_id, KILO_MINOR, "CNY")])
    await inventory.open_stock(tx, [inventory.Opening(shop.location, sku_id, 20_000)])
    return sku_id


async def furnish_till(shop: Shop, store_id: organisation.StoreId) -> dict[str, UUID | str]:
    """A till of a store with an open shift, a held sale and one that was refused: by the names that addresses give them."""
    by = Principal("staff", new_id())

    async def work(tx: Tx) -> dict[str, UUID | str]:
        till_id = await new_till(tx, store_id)
        till = await orders.till_of(tx, till_id)
        shift = await payments.open_shift(tx, till_id, till.at, float_minor=FLOAT_MINOR, pieces=[])
        line = orders.TillLine(sku_id=shop.skus[0])
        held = await orders.hold_sale(tx, till, orders.HeldCart(lines=[line]))
        code = catalogue.Barcode(catalogue.BarcodeKind.STORE, f"SKU{shop.skus[0].hex[-12:]}")
        await catalogue.change_sku(tx, shop.skus[0], catalogue.SkuChange(barcodes=[code]))
        wish = payments.TenderWish("sandbox")
        sold = await orders.sell(tx, till, orders.Selling(lines=[line], tenders=[wish]))
        ids = {"till_id": till_id, "shift_id": shift.shift_id, "held_id": held.held_id, "sale_id": sold.order.order_id}
        return {**ids, "barcode": code.code}

    ids = await shop.database.attempt(shop.tenant, work, by=by)
    till_id = organisation.TouchpointId(UUID(str(ids["till_id"])))
    [told] = await orders.upload(shop.database, shop.tenant, till_id, [offline_sale("NO-SUCH-CODE")], by=by)
    assert told.refused_id is not None
    return {**ids, "refused_id": told.refused_id}


def offline_sale(
    barcode: str,
    *,
    minor: int = 12_800,
    at: datetime | None = None,
    number: str = "",
    quantity: int = 1,
    **changes: Any,
) -> orders.OfflineSale:
    """A sale of one line that a till made while it was offline, for cash."""
    plain = orders.OfflineSale(
        device_sale_id=number or new_id().hex,
        sequence=next(_numbers),
        device_at=at or utc_now(),
        lines=[orders.OfflineLine(barcode=barcode, quantity_milli=quantity * 1000, total_minor=minor)],
        tenders=[payments.TenderWish("cash", minor)],
    )
    return msgspec.structs.replace(plain, **changes)
