"""云织 Yunzhi: a small Chinese clothing brand, all of it made up from one seed, so it is the same each time.

24 stores in 4 regions, run by the brand and by 5 agents and franchisees; 70 guides; 240 products in colours and sizes;
3,000 members with their store and guide; 6,000 orders of the year to 31 October 2026; price lists by level, region,
channel, operator and period. Tax is 13 %, within the price. Barcodes and phones: see names.py. Figures are drawn in
figures.py, words stand in wardrobe.py, and tailor.py puts them together.
"""

from collections.abc import AsyncIterator, Iterator

from midstage.demo import names, tailor, wardrobe
from midstage.demo.figures import MEMBERS, ORDERS, Figures, Piece, Receipt
from midstage.demo.story import NewLogin, Step, begin_brand, collect_at_the_sandbox, make_keys, open_doors, place_all
from midstage.demo.tailor import CODE, CURRENCY, PERCENT, TAX
from midstage.kit import money
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

SUPPLY_PERCENT = 45
_PIECE = 1_000


class Yunzhi:
    """The brand `yunzhi`, as the loader wants it."""

    code = CODE

    def __init__(self, sandbox_url: str) -> None:
        self._sandbox_url = sandbox_url
        self._figures = Figures()

    async def begin(self, database: Database) -> Tenant:
        """The brand, made if it is not there."""
        return await begin_brand(
            database,
            code=CODE,
            name="云织 Yunzhi（虚构品牌 made up）",
            currency=CURRENCY,
            zone="Asia/Shanghai",
            phone_prefix="+86",
        )

    def stages(self) -> list[list[Step]]:
        """Small enough that every step is one part."""
        return [
            [Step("organisation", 1, len(wardrobe.SHOPS))],
            [Step("products", 1, len(self.drafts_of({}))), Step("members", 1, MEMBERS)],
            [Step("stock", 1, len(self._figures.openings)), Step("orders", 1, ORDERS)],
            [Step("logins", 1, len(LOGINS))],
        ]

    async def prepare(self, step: str) -> None:
        """Hash the password, which takes a while and holds no transaction up."""
        if step == "logins":
            self._keys = await make_keys(LOGINS.values())

    async def do(self, tx: Tx, step: str, part: int) -> int:  # noqa: ARG002  # every step is one part
        """Do a step, unless it is done; returns its rows."""
        work = {
            "organisation": self._organise,
            "products": self._products,
            "members": self._members,
            "stock": self._stock,
            "orders": self._orders,
            "logins": self._logins,
        }
        return await work[step](tx)

    # --- the steps

    async def _organise(self, tx: Tx) -> int:
        if await organisation.unit_by_code(tx, "east") is not None:
            return len(wardrobe.SHOPS)
        await organisation.create_units(tx, tailor.units())
        await organisation.create_operators(tx, tailor.operators())
        await organisation.create_stores(tx, [tailor.store(shop) for shop in wardrobe.SHOPS])
        await place_all(tx)
        await organisation.create_touchpoints(tx, [tailor.touchpoint(shop) for shop in wardrobe.SHOPS])
        staff = [tailor.guide_staff(n, shop, name) for n, (shop, name) in enumerate(self._figures.guides)]
        await organisation.hire_many(tx, [*tailor.STAFF, *staff])
        await organisation.place_guides(
            tx,
            [
                organisation.NewGuide(
                    code=f"guide-{n:02d}",
                    name=name,
                    store_id=tailor.store_id(shop),
                    staff_id=tailor.staff_id("guide", n),
                    guide_id=tailor.guide_id(n),
                )
                for n, (shop, name) in enumerate(self._figures.guides)
            ],
        )
        await catalogue.set_tax_class(tx, TAX)
        await members.default_levels(tx)
        await collect_at_the_sandbox(tx, self._sandbox_url)
        return len(wardrobe.SHOPS)

    async def _products(self, tx: Tx) -> int:
        if await catalogue.sku_ids(tx, [self._figures.pieces[0].code]):
            return len(wardrobe.GARMENTS) * 20
        ids = await catalogue.load_categories(tx, tailor.categories())
        drafts = self.drafts_of(ids)
        loaded = await catalogue.load_products(tx, drafts)
        await pricing.set_base_prices(
            tx,
            [
                pricing.BasePrice(
                    loaded.skus[piece.code], piece.list_minor, CURRENCY, piece.list_minor * SUPPLY_PERCENT // 100
                )
                for piece in self._figures.pieces
            ],
        )
        await self._price_lists(tx, loaded.skus)
        return len(drafts)

    def drafts_of(self, ids: dict[str, catalogue.CategoryId]) -> list[catalogue.ProductDraft]:
        """The 240 products; `ids` are the categories by code (none while they are only counted)."""
        by_product: dict[str, list[Piece]] = {}
        for piece in self._figures.pieces:
            by_product.setdefault(piece.product, []).append(piece)
        serials = {piece.code: serial for serial, piece in enumerate(self._figures.pieces)}
        nowhere = catalogue.CategoryId(names.made_id(CODE, "no category"))
        return [tailor.draft(code, pieces, serials, ids.get(code[:-3], nowhere)) for code, pieces in by_product.items()]

    async def _price_lists(self, tx: Tx, skus: dict[str, catalogue.SkuId]) -> None:
        """One list for each thing that a price can depend on."""
        for draft, percent, garments in tailor.price_lists():
            made = await pricing.create_price_list(tx, draft)
            entries = [
                pricing.Entry(skus[piece.code], piece.list_minor * percent // 100)
                for piece in self._figures.pieces
                if not garments or piece.product[:-3] in garments
            ]
            await pricing.set_entries(tx, made.price_list_id, entries)
            await pricing.publish_price_list(tx, made.price_list_id)

    async def _members(self, tx: Tx) -> int:
        first = identity.Identifier(identity.IdentifierKind.PHONE, names.phone(0))
        if await identity.resolve(tx, first) is not None:
            return MEMBERS
        await identity.bulk_create(
            tx,
            [
                identity.NewPerson(
                    tailor.person_id(one.serial),
                    [
                        identity.Identifier(identity.IdentifierKind.PHONE, names.phone(one.serial)),
                        identity.Identifier(identity.IdentifierKind.CARD, f"YZ{one.serial:06d}"),
                    ],
                    one.joined_at,
                )
                for one in self._figures.customers
            ],
            source="made up",
        )
        await members.bulk_join(tx, [tailor.joiner(one) for one in self._figures.customers], reason="made up")
        return MEMBERS

    async def _stock(self, tx: Tx) -> int:
        skus = await catalogue.sku_ids(tx, [piece.code for piece in self._figures.pieces])
        rows = [
            inventory.Opening(
                inventory.location_of(tailor.store_id(shop)),
                skus[self._figures.pieces[piece].code],
                count * _PIECE,
                safety_milli=_PIECE,
            )
            for shop, piece, count in self._figures.openings
        ]
        if not await inventory.stock(tx, rows[0].location_id, [rows[0].sku_id]):
            await inventory.open_stock(tx, rows, reason="made up: opening stock")
        return len(rows)

    async def _orders(self, tx: Tx) -> int:
        first = self._figures.receipts[0]
        try:
            await orders.order(tx, tailor.order_id(first))
        except orders.NoSuchOrder:
            await orders.import_orders(tx, [order async for order in self._past_orders(tx)])
        return ORDERS

    async def _past_orders(self, tx: Tx) -> AsyncIterator[orders.PastOrder]:
        skus = await catalogue.sku_ids(tx, [piece.code for piece in self._figures.pieces])
        offers = await catalogue.offers(tx, list(skus.values()))
        of_piece = [offers[skus[piece.code]] for piece in self._figures.pieces]
        operators = {one: found.operator_id for one, found in (await organisation.stores(tx)).items()}
        virtual = await organisation.virtual(tx)
        for receipt in self._figures.receipts:
            customer = self._figures.customers[receipt.customer]
            store = tailor.store_id(receipt.shop)
            at_home = receipt.shop is customer.shop
            yield orders.PastOrder(
                order_id=tailor.order_id(receipt),
                store_id=store,
                operator_id=operators[store],
                member_id=tailor.member_id(customer.serial),
                person_id=tailor.person_id(customer.serial),
                crediting=orders.Crediting(
                    store,
                    tailor.guide_id(customer.guide) if at_home else virtual.guide_id,
                    tailor.touchpoint_id(receipt.shop),
                    None if customer.referrer is None else tailor.member_id(customer.referrer),
                ),
                sales_channel="till",
                currency=CURRENCY,
                placed_at=receipt.at,
                lines=list(self._lines(receipt, PERCENT[customer.level], of_piece)),
                note=f"made up {receipt.serial}",
            )

    def _lines(self, receipt: Receipt, percent: int, of_piece: list[catalogue.Offer]) -> Iterator[orders.Line]:
        for line_no, (place, count) in enumerate(receipt.bought, start=1):
            offer, list_minor = of_piece[place], self._figures.pieces[place].list_minor
            goods = list_minor * count
            discount = goods * (100 - percent) // 100
            yield orders.Line(
                line_no=line_no,
                part_no=1,
                sku_id=offer.sku_id,
                product_id=offer.product_id,
                sku_code=offer.sku_code,
                title_zh=offer.title_zh,
                title_en=offer.title_en,
                options=offer.options_text,
                unit=offer.unit,
                quantity_milli=count * _PIECE,
                unit_minor=list_minor,
                list_minor=list_minor,
                price_rule="imported",
                goods_minor=goods,
                discount_minor=discount,
                total_minor=goods - discount,
                tax_class=offer.tax_class,
                tax_rate_millionths=offer.tax_rate_millionths,
                tax_inclusive=True,
                tax_minor=money.tax_inside(goods - discount, offer.tax_rate_millionths),
                discounts=[orders.Discount("level", discount, "brand")] if discount else (),
            )

    async def _logins(self, tx: Tx) -> int:
        first = wardrobe.SHOPS[0]
        only = organisation.Scope(stores=frozenset({tailor.store_id(first)}))
        scopes = {
            "brand_admin": organisation.EVERYTHING,
            "region_manager": organisation.Scope(units=frozenset({tailor.unit_id("east")})),
            "store_manager": only,
            "franchisee": organisation.Scope(operators=frozenset({tailor.operator_id("franchise-lin")})),
            "guide": only,
        }
        staff = {role: tailor.staff_id(role) for role in scopes} | {"guide": tailor.staff_id("guide", 0)}
        return await open_doors(
            tx, [NewLogin(login, staff[role], role, scopes[role]) for role, login in LOGINS.items()], self._keys
        )


LOGINS = {
    "brand_admin": "yunzhi-admin",
    "region_manager": "yunzhi-region",
    "store_manager": "yunzhi-store",
    "franchisee": "yunzhi-franchisee",
    "guide": "yunzhi-guide",
}
SHOPPER_PHONE = names.phone(0)
