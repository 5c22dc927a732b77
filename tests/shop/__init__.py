"""A small shop to test in: one brand with stores, goods, stock, a member and a merchant, made through the doors."""

import itertools
import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

T = TypeVar("T")
SECRET_VARIABLE = "SECRET_OF_THE_TESTS"
SECRET = "a secret that only the tests have"
MERCHANT_NO = "M0001"
STOCK_MILLI = 100_000
PRICE_MINOR = 12_800
_numbers = itertools.count(1)
_phones = itertools.count(13_812_340_001)  # 13800000000 fills forms, and is nobody's


class Shop:
    """The things of one brand, and short ways to do what shoppers do."""

    database: Database
    tenant: Tenant
    stores: list[organisation.Store]
    virtual: organisation.Virtual
    category: catalogue.CategoryId
    products: list[catalogue.Product]
    member: members.Member
    token: access.Token
    merchant: payments.Merchant

    @property
    def store(self) -> organisation.Store:
        return self.stores[0]

    @property
    def skus(self) -> list[catalogue.SkuId]:
        return [product.skus[0].sku_id for product in self.products]

    @property
    def location(self) -> inventory.LocationId:
        return inventory.location_of(self.store.store_id)

    async def do(self, work: Callable[[Tx], Awaitable[T]], *, now: datetime | None = None) -> T:
        """Do something in a transaction of its own."""
        return await self.database.attempt(self.tenant, work, now=now, by=Principal("shopper", self.member.member_id))

    def placing(self, *quantities: int, **changes: object) -> orders.Placing:
        """A wish for so many pieces of the first, second, … sku."""
        wishes = [
            orders.LineWish(sku_id, quantity * 1000)
            for sku_id, quantity in zip(self.skus, quantities, strict=False)
            if quantity
        ]
        plain = orders.Placing(
            kind=orders.Kind.MALL,
            front="mall",
            sales_channel="mall",
            lines=wishes,
            delivery=orders.Delivery(orders.Method.PICK_UP),
            store_id=self.store.store_id,
            member_id=self.member.member_id,
        )
        return msgspec.structs.replace(plain, **changes)

    async def place(self, *quantities: int, now: datetime | None = None, **changes: object) -> orders.PlacedOrder:
        """Place an order of so many pieces of the first, second, … sku."""
        placing = self.placing(*quantities, **changes)

        async def work(tx: Tx) -> orders.PlacedOrder:
            return await orders.place_order(tx, placing)

        return await self.do(work, now=now)

    def notice(
        self, placed: orders.PlacedOrder, *, amount: int | None = None, transaction: str = ""
    ) -> payments.Notice:
        """What the provider would tell of a payment of this order."""
        assert placed.payment_id is not None, "nothing is to be paid"
        return payments.Notice(
            kind=payments.NoticeKind.PAID,
            merchant_id=self.merchant.merchant_id,
            payee=None,
            provider="sandbox",
            payment_id=placed.payment_id,
            transaction_no=transaction or f"T{placed.payment_id.hex}",
            amount=Money(placed.order.total_minor if amount is None else amount, placed.order.currency),
            at=utc_now(),
        )

    async def pay(self, placed: orders.PlacedOrder, *, now: datetime | None = None) -> orders.Order:
        """Let the money for an order arrive, and look at the order."""
        told = self.notice(placed)

        async def work(tx: Tx) -> None:
            await orders.notice_arrived(tx, told)

        await self.do(work, now=now)
        return await self.order(placed.order.order_id)

    async def order(self, order_id: orders.OrderId) -> orders.Order:
        async with self.database.reading(self.tenant) as tx:
            return await orders.order(tx, order_id)

    async def detail(self, order_id: orders.OrderId) -> orders.OrderDetail:
        async with self.database.reading(self.tenant) as tx:
            return await orders.order_detail(tx, order_id)

    async def free(self, sku_id: catalogue.SkuId) -> int:
        """How much of a sku can be promised at the first store, in thousandths."""
        async with self.database.reading(self.tenant) as tx:
            return (await inventory.available(tx, self.location, [sku_id]))[sku_id]

    async def new_member(
        self, phone: str | None = None, *, store_id: organisation.StoreId | None = None
    ) -> members.Member:
        """Somebody else, who joins."""
        told = phone or f"+86{next(_phones)}"

        async def work(tx: Tx) -> members.Member:
            found = await identity.attach_and_resolve(
                tx, [identity.identifier(identity.IdentifierKind.PHONE, told)], source="test"
            )
            return await members.join(tx, found.person_id, front="mall", store_id=store_id or self.store.store_id)

        return await self.database.attempt(self.tenant, work)

    async def token_of(self, member: members.Member) -> access.Token:
        async def work(tx: Tx) -> access.Token:
            return await access.open_session(
                tx,
                access.SessionKind.SHOPPER,
                member.person_id,
                member_id=member.member_id,
                lasts=timedelta(days=1),
            )

        return await self.database.attempt(self.tenant, work)


async def open_shop(database: Database, *, products: int = 6, stores: int = 2, zone: str = "Asia/Shanghai") -> Shop:
    """A brand of its own with everything that a sale takes."""
    shop = Shop()
    number = f"{os.getpid()}-{next(_numbers)}-{new_id().hex[-6:]}"
    shop.database = database
    shop.tenant = await organisation.create_brand(
        database, code=f"shop-{number}", name="测试店", currency="CNY", zone=zone
    )
    os.environ[SECRET_VARIABLE] = SECRET
    payments.register(SandboxPay())

    async def furnish(tx: Tx) -> None:
        ids = await organisation.create_stores(
            tx,
            [
                organisation.NewStore(code=f"S{n}", name=f"门店 {n}", place=organisation.Place(31.2 + n / 100, 121.4))
                for n in range(stores)
            ],
        )
        found = await organisation.stores(tx, ids)
        shop.stores = [found[store_id] for store_id in ids]
        shop.virtual = await organisation.virtual(tx)
        await inventory.place_locations(tx, [_location(store) for store in shop.stores])
        await _stock_goods(tx, shop, products)
        shop.merchant = await payments.put_merchant(
            tx,
            provider="sandbox",
            payee=None,
            settings={"merchant_no": MERCHANT_NO, "base_url": "http://127.0.0.1:9"},
            secrets={"secret": f"env:{SECRET_VARIABLE}"},
        )

    await database.attempt(shop.tenant, furnish)
    shop.member = await shop.new_member()
    shop.token = await shop.token_of(shop.member)
    return shop


async def _stock_goods(tx: Tx, shop: Shop, count: int) -> None:
    await catalogue.set_tax_class(tx, catalogue.TaxClass("standard", catalogue.Name("标准", "Standard"), 130_000, True))
    await catalogue.create_category(tx, catalogue.CategoryDraft("coats", catalogue.Name("外套", "Coats")))
    shop.category = (await catalogue.category_ids(tx, ["coats"]))["coats"]
    drafts = [
        catalogue.ProductDraft(
            f"P{n}",
            catalogue.Name(f"羊毛大衣{n}", f"Wool coat {n}"),
            shop.category,
            "standard",
            [catalogue.SkuDraft(f"P{n}-M")],
            state=catalogue.State.LIVE,
        )
        for n in range(count)
    ]
    loaded = await catalogue.load_products(tx, drafts)
    found = await catalogue.products_by_id(tx, list(loaded.products.values()))
    shop.products = [found[loaded.products[draft.code]] for draft in drafts]
    await pricing.set_base_prices(
        tx, [pricing.BasePrice(sku_id, PRICE_MINOR + 100 * n, "CNY") for n, sku_id in enumerate(shop.skus)]
    )
    await inventory.open_stock(
        tx,
        [
            inventory.Opening(inventory.location_of(store.store_id), sku_id, STOCK_MILLI)
            for store in shop.stores
            for sku_id in shop.skus
        ],
    )


def _location(store: organisation.Store) -> inventory.Location:
    return inventory.Location(inventory.location_of(store.store_id), store.kind, store.operator_id, store.place)
