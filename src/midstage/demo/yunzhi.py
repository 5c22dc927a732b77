"""云织 Yunzhi: a small Chinese clothing brand, all of it made up from one seed, so it is the same each time.

24 stores in 4 regions, run by the brand and by 5 agents and franchisees; 70 guides; 240 products in colours and sizes;
3,000 members with their store and guide; 6,000 orders of the year to 31 October 2026; price lists by level, region,
channel, operator and period. Tax is 13 %, within the price. Barcodes and phones: see names.py.
"""

import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import msgspec

from midstage.demo import names, wardrobe
from midstage.demo.story import NewLogin, Step, begin_brand, collect_at_the_sandbox, make_keys, open_doors, place_all
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

CODE = "yunzhi"
CURRENCY = "CNY"
SEED = "云织 2026"
GUIDES = 70
MEMBERS = 3_000
ORDERS = 6_000
TAX = catalogue.TaxClass("standard", catalogue.Name("增值税 13%", "VAT 13 %"), 130_000, inclusive=True)
FIRST_DAY = datetime(2025, 10, 31, 16, tzinfo=UTC)  # midnight of 1 November in Shanghai
DAYS = 365
SUPPLY_PERCENT = 45
LEVELS = (("basic", 70, 0), ("silver", 20, 1_000), ("gold", 8, 5_000), ("black", 2, 20_000))
# What past orders of a level cost, in percent; the price lists below give the same from now on.
PERCENT = {"basic": 100, "silver": 98, "gold": 95, "black": 90}
_COLOURS_A_PRODUCT = (2, 3, 4)
_PIECE = 1_000
_EVERY = timedelta(minutes=1)
_WEEK = tuple((organisation.Span(10 * 60, 22 * 60),) for _ in range(7))
_LISTED_FROM = datetime(2026, 11, 1, tzinfo=UTC)


class Piece(msgspec.Struct, frozen=True):
    """A sku as it is made up: its code, what it belongs to, and its list price."""

    code: str
    product: str
    title_zh: str
    title_en: str
    colour: str
    size: str
    list_minor: int


class Customer(msgspec.Struct, frozen=True):
    """A member as she is made up."""

    serial: int
    name: str
    gender: members.Gender
    birthday: date
    joined_at: datetime
    shop: wardrobe.Shop
    guide: int
    level: str
    growth: int
    referrer: int | None


class Receipt(msgspec.Struct, frozen=True):
    """A past order as it is made up: what was bought (place in the list of pieces) and how many of it."""

    serial: int
    at: datetime
    customer: int
    shop: wardrobe.Shop
    bought: tuple[tuple[int, int], ...]


class Yunzhi:
    """The brand `yunzhi`, as the loader wants it."""

    code = CODE

    def __init__(self, sandbox_url: str) -> None:
        self._sandbox_url = sandbox_url

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
            [Step("stock", 1, len(self.openings)), Step("orders", 1, ORDERS)],
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

    # --- what is made up

    @cached_property
    def pieces(self) -> list[Piece]:
        """Every sku: each product in two to four colours, and each of these in its sizes."""
        chance = _chance("pieces")
        made: list[Piece] = []
        for garment in wardrobe.GARMENTS:
            for style in range(len(garment.fabrics) * len(garment.cuts)):
                (fabric_zh, fabric_en), (cut_zh, cut_en) = _style(garment, style)
                colours = chance.sample(wardrobe.COLOURS, chance.choice(_COLOURS_A_PRODUCT))
                minor = (garment.yuan + 20 * chance.randrange(-5, 11)) * 100
                made += [
                    Piece(
                        code=f"{_product_code(garment, style)}-{colour}-{size}",
                        product=_product_code(garment, style),
                        title_zh=f"{fabric_zh}{cut_zh}{garment.zh}",
                        title_en=f"{cut_en} {fabric_en} {garment.en}",
                        colour=colour,
                        size=size,
                        list_minor=minor,
                    )
                    for colour, _, _ in colours
                    for size, _ in (wardrobe.SIZES if garment.sized else (wardrobe.ONE_SIZE,))
                ]
        return made

    @cached_property
    def guides(self) -> list[tuple[wardrobe.Shop, str]]:
        """Where each guide works, and her name: two or three in every store."""
        chance = _chance("guides")
        return [(wardrobe.SHOPS[n % len(wardrobe.SHOPS)], _person_name(chance)) for n in range(GUIDES)]

    @cached_property
    def customers(self) -> list[Customer]:
        """Every member, the earliest first; one in eight was brought by an earlier one."""
        chance = _chance("customers")
        minutes = sorted(chance.randrange(DAYS * 24 * 60) for _ in range(MEMBERS))
        made: list[Customer] = []
        for serial, minute in enumerate(minutes):
            shop = chance.choice(wardrobe.SHOPS)
            (level, _, growth) = chance.choices(LEVELS, weights=[share for _, share, _ in LEVELS])[0]
            made.append(
                Customer(
                    serial=serial,
                    name=_person_name(chance),
                    gender=chance.choices([members.Gender.FEMALE, members.Gender.MALE], weights=[4, 1])[0],
                    birthday=date(1965, 1, 1) + timedelta(days=chance.randrange(40 * 365)),
                    joined_at=FIRST_DAY + minute * _EVERY,
                    shop=shop,
                    guide=chance.choice([n for n, (where, _) in enumerate(self.guides) if where is shop]),
                    level=level,
                    growth=growth + chance.randrange(900),
                    referrer=chance.randrange(serial) if serial and not chance.randrange(8) else None,
                )
            )
        return made

    @cached_property
    def receipts(self) -> list[Receipt]:
        """Every past order, the earliest first; four in five at the store that the member is bound to."""
        chance = _chance("receipts")
        last = FIRST_DAY + timedelta(days=DAYS)
        made: list[Receipt] = []
        for _ in range(ORDERS):
            customer = self.customers[chance.randrange(MEMBERS)]
            left = (last - customer.joined_at) // _EVERY
            bought = chance.sample(range(len(self.pieces)), chance.choice((1, 1, 2, 2, 3)))
            made.append(
                Receipt(
                    serial=0,
                    at=customer.joined_at + chance.randrange(max(left, 1)) * _EVERY,
                    customer=customer.serial,
                    shop=customer.shop if chance.randrange(5) else chance.choice(wardrobe.SHOPS),
                    bought=tuple((piece, chance.choice((1, 1, 1, 2))) for piece in bought),
                )
            )
        made.sort(key=lambda one: (one.at, one.customer))
        return [msgspec.structs.replace(one, serial=serial) for serial, one in enumerate(made)]

    @cached_property
    def openings(self) -> list[tuple[wardrobe.Shop, int, int]]:
        """What lies where: every store keeps about two in five skus, up to a dozen of each."""
        chance = _chance("openings")
        return [
            (shop, piece, chance.randrange(2, 13))
            for shop in wardrobe.SHOPS
            for piece in range(len(self.pieces))
            if chance.randrange(5) < 2
        ]

    # --- the steps

    async def _organise(self, tx: Tx) -> int:
        if await organisation.unit_by_code(tx, "east") is not None:
            return len(wardrobe.SHOPS)
        await organisation.create_units(tx, _units())
        await organisation.create_operators(tx, _operators())
        await organisation.create_stores(tx, [_store(shop) for shop in wardrobe.SHOPS])
        await place_all(tx)
        await organisation.create_touchpoints(tx, [_touchpoint(shop) for shop in wardrobe.SHOPS])
        staff = [_guide_staff(n, shop, name) for n, (shop, name) in enumerate(self.guides)]
        await organisation.hire_many(tx, [*_STAFF, *staff])
        await organisation.place_guides(
            tx,
            [
                organisation.NewGuide(
                    code=f"guide-{n:02d}",
                    name=name,
                    store_id=_store_id(shop),
                    staff_id=_staff_id("guide", n),
                    guide_id=_guide_id(n),
                )
                for n, (shop, name) in enumerate(self.guides)
            ],
        )
        await catalogue.set_tax_class(tx, TAX)
        await members.default_levels(tx)
        await collect_at_the_sandbox(tx, self._sandbox_url)
        return len(wardrobe.SHOPS)

    async def _products(self, tx: Tx) -> int:
        if await catalogue.sku_ids(tx, [self.pieces[0].code]):
            return len(wardrobe.GARMENTS) * 20
        ids = await catalogue.load_categories(tx, _categories())
        drafts = self.drafts_of(ids)
        loaded = await catalogue.load_products(tx, drafts)
        await pricing.set_base_prices(
            tx,
            [
                pricing.BasePrice(
                    loaded.skus[piece.code], piece.list_minor, CURRENCY, piece.list_minor * SUPPLY_PERCENT // 100
                )
                for piece in self.pieces
            ],
        )
        await self._price_lists(tx, loaded.skus)
        return len(drafts)

    def drafts_of(self, ids: dict[str, catalogue.CategoryId]) -> list[catalogue.ProductDraft]:
        """The 240 products; `ids` are the categories by code (none while they are only counted)."""
        by_product: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            by_product.setdefault(piece.product, []).append(piece)
        serials = {piece.code: serial for serial, piece in enumerate(self.pieces)}
        nowhere = catalogue.CategoryId(names.made_id(CODE, "no category"))
        return [_draft(code, pieces, serials, ids.get(code[:-3], nowhere)) for code, pieces in by_product.items()]

    async def _price_lists(self, tx: Tx, skus: dict[str, catalogue.SkuId]) -> None:
        """One list for each thing that a price can depend on."""
        for draft, percent, garments in _price_lists():
            made = await pricing.create_price_list(tx, draft)
            entries = [
                pricing.Entry(skus[piece.code], piece.list_minor * percent // 100)
                for piece in self.pieces
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
                    _person_id(one.serial),
                    [
                        identity.Identifier(identity.IdentifierKind.PHONE, names.phone(one.serial)),
                        identity.Identifier(identity.IdentifierKind.CARD, f"YZ{one.serial:06d}"),
                    ],
                    one.joined_at,
                )
                for one in self.customers
            ],
            source="made up",
        )
        await members.bulk_join(tx, [_joiner(one) for one in self.customers], reason="made up")
        return MEMBERS

    async def _stock(self, tx: Tx) -> int:
        skus = await catalogue.sku_ids(tx, [piece.code for piece in self.pieces])
        rows = [
            inventory.Opening(
                inventory.location_of(_store_id(shop)),
                skus[self.pieces[piece].code],
                count * _PIECE,
                safety_milli=_PIECE,
            )
            for shop, piece, count in self.openings
        ]
        if not await inventory.stock(tx, rows[0].location_id, [rows[0].sku_id]):
            await inventory.open_stock(tx, rows, reason="made up: opening stock")
        return len(rows)

    async def _orders(self, tx: Tx) -> int:
        first = self.receipts[0]
        try:
            await orders.order(tx, _order_id(first))
        except orders.NoSuchOrder:
            await orders.import_orders(tx, [order async for order in self._past_orders(tx)])
        return ORDERS

    async def _past_orders(self, tx: Tx) -> AsyncIterator[orders.PastOrder]:
        skus = await catalogue.sku_ids(tx, [piece.code for piece in self.pieces])
        offers = await catalogue.offers(tx, list(skus.values()))
        of_piece = [offers[skus[piece.code]] for piece in self.pieces]
        operators = {one: found.operator_id for one, found in (await organisation.stores(tx)).items()}
        virtual = await organisation.virtual(tx)
        for receipt in self.receipts:
            customer = self.customers[receipt.customer]
            store = _store_id(receipt.shop)
            at_home = receipt.shop is customer.shop
            yield orders.PastOrder(
                order_id=_order_id(receipt),
                store_id=store,
                operator_id=operators[store],
                member_id=_member_id(customer.serial),
                person_id=_person_id(customer.serial),
                crediting=orders.Crediting(
                    store,
                    _guide_id(customer.guide) if at_home else virtual.guide_id,
                    _touchpoint_id(receipt.shop),
                    None if customer.referrer is None else _member_id(customer.referrer),
                ),
                sales_channel="till",
                currency=CURRENCY,
                placed_at=receipt.at,
                lines=list(self._lines(receipt, PERCENT[customer.level], of_piece)),
                note=f"made up {receipt.serial}",
            )

    def _lines(self, receipt: Receipt, percent: int, of_piece: list[catalogue.Offer]) -> Iterator[orders.Line]:
        for line_no, (place, count) in enumerate(receipt.bought, start=1):
            offer, list_minor = of_piece[place], self.pieces[place].list_minor
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
        only = organisation.Scope(stores=frozenset({_store_id(first)}))
        scopes = {
            "brand_admin": organisation.EVERYTHING,
            "region_manager": organisation.Scope(units=frozenset({_unit_id("east")})),
            "store_manager": only,
            "franchisee": organisation.Scope(operators=frozenset({_operator_id("franchise-lin")})),
            "guide": only,
        }
        staff = {role: _staff_id(role) for role in scopes} | {"guide": _staff_id("guide", 0)}
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


def _chance(what: str) -> random.Random:
    """Draws of its own for each thing, so that more of one changes no other."""
    return random.Random(f"{SEED} {what}")  # noqa: S311  # a made-up brand is no secret


def _person_name(chance: random.Random) -> str:
    return chance.choice(wardrobe.SURNAMES) + chance.choice(wardrobe.GIVEN)


def _style(garment: wardrobe.Garment, style: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """Each fabric in each cut."""
    fabric, cut = divmod(style, len(garment.cuts))
    return garment.fabrics[fabric], garment.cuts[cut]


def _product_code(garment: wardrobe.Garment, style: int) -> str:
    return f"{garment.code}-{style + 1:02d}"


def _draft(
    code: str, pieces: list[Piece], serials: dict[str, int], category_id: catalogue.CategoryId
) -> catalogue.ProductDraft:
    first = pieces[0]
    colours = {piece.colour for piece in pieces}
    sizes = {piece.size for piece in pieces}
    return catalogue.ProductDraft(
        code=code,
        name=catalogue.Name(first.title_zh, first.title_en),
        description=catalogue.Name(
            f"云织{first.title_zh}。本商品与品牌均为虚构。",
            f"{first.title_en} by Yunzhi. Product and brand are made up.",
        ),
        category_id=category_id,
        tax_class=TAX.code,
        trademark="云织",
        tags=[names.MADE_UP],
        options=[
            catalogue.Option(
                "colour",
                catalogue.Name("颜色", "Colour"),
                [catalogue.OptionValue(c, catalogue.Name(zh, en)) for c, zh, en in wardrobe.COLOURS if c in colours],
            ),
            catalogue.Option(
                "size",
                catalogue.Name("尺码", "Size"),
                [
                    catalogue.OptionValue(s, catalogue.Name(zh, "One Size" if s == "one" else zh))
                    for s, zh in (*wardrobe.SIZES, wardrobe.ONE_SIZE)
                    if s in sizes
                ],
            ),
        ],
        state=catalogue.State.LIVE,
        skus=[
            catalogue.SkuDraft(
                code=piece.code,
                options={"colour": piece.colour, "size": piece.size},
                barcodes=[_barcode(serials[piece.code])],
                rank=rank,
            )
            for rank, piece in enumerate(pieces)
        ],
    )


def _barcode(serial: int) -> catalogue.Barcode:
    check_digit = catalogue.check_digit(names.barcode_body(serial))
    return catalogue.Barcode(catalogue.BarcodeKind.STORE, names.store_barcode(serial, check_digit))


def _categories() -> list[catalogue.CategoryDraft]:
    departments = [
        catalogue.CategoryDraft(code, catalogue.Name(zh, en), rank=rank)
        for rank, (code, (zh, en)) in enumerate(wardrobe.DEPARTMENTS.items())
    ]
    return departments + [
        catalogue.CategoryDraft(one.code, catalogue.Name(one.zh, one.en), one.department, rank)
        for rank, one in enumerate(wardrobe.GARMENTS)
    ]


def _price_lists() -> list[tuple[pricing.PriceListDraft, int, frozenset[str]]]:
    """Each list with the percentage of the list price that it gives, and the garments in it (none: all)."""
    everything = frozenset[str]()

    def draft(
        code: str, zh: str, en: str, scope: pricing.Scope, ends_at: datetime | None = None
    ) -> pricing.PriceListDraft:
        return pricing.PriceListDraft(code, catalogue.Name(zh, en), CURRENCY, _LISTED_FROM, ends_at, scope)

    return [
        (draft("level-silver", "银卡价", "Silver price", pricing.Scope(level="silver")), PERCENT["silver"], everything),
        (draft("level-gold", "金卡价", "Gold price", pricing.Scope(level="gold")), PERCENT["gold"], everything),
        (draft("level-black", "黑卡价", "Black price", pricing.Scope(level="black")), PERCENT["black"], everything),
        (
            draft("mall-tees", "商城T恤价", "T-shirts in the mall", pricing.Scope(sales_channel="mall")),
            88,
            frozenset({"tee"}),
        ),
        (
            draft(
                "south-winter",
                "华南暖冬价",
                "Warm winter in the south",
                pricing.Scope(unit_id=_unit_id("south")),
                datetime(2027, 3, 1, tzinfo=UTC),
            ),
            80,
            frozenset({"coat", "down"}),
        ),
        (
            draft(
                "lin-scarves",
                "林氏围巾价",
                "Scarves at Lin's",
                pricing.Scope(operator_id=_operator_id("franchise-lin")),
            ),
            85,
            frozenset({"scarf"}),
        ),
        (
            draft(
                "xujiahui-opening",
                "徐家汇店庆价",
                "Xujiahui anniversary",
                pricing.Scope(store_id=_store_id(wardrobe.SHOPS[1])),
                datetime(2027, 1, 1, tzinfo=UTC),
            ),
            75,
            frozenset({"dress", "skirt"}),
        ),
    ]


def _units() -> list[organisation.NewUnit]:
    regions = [
        organisation.NewUnit(code=code, name=name, kind=organisation.UnitKind.REGION, unit_id=_unit_id(code))
        for code, name in wardrobe.REGIONS.items()
    ]
    return regions + [
        organisation.NewUnit(
            code=code,
            name=name,
            kind=organisation.UnitKind.CITY,
            parent_id=_unit_id(region),
            unit_id=_unit_id(code),
        )
        for code, (region, name) in wardrobe.CITIES.items()
    ]


def _operators() -> list[organisation.NewOperator]:
    return [
        organisation.NewOperator(
            code=code,
            name=f"{name}（虚构）",
            kind=organisation.OperatorKind(kind),
            contract=organisation.Contract(f"YZ-MADE-UP-{place:02d}", FIRST_DAY.date()),
            invoice=organisation.InvoiceTitle(f"{name}（虚构）", f"MADE-UP-{place:09d}"),
            payee=organisation.Payee(f"{name}（虚构）", "sandbox", f"made-up-{code}"),
            operator_id=_operator_id(code),
        )
        for place, (code, name, kind) in enumerate(wardrobe.OPERATORS, start=1)
    ]


def _store(shop: wardrobe.Shop) -> organisation.NewStore:
    return organisation.NewStore(
        code=shop.code,
        name=f"云织 {shop.name}",
        kind=organisation.StoreKind.FRANCHISE if shop.operator else organisation.StoreKind.DIRECT,
        unit_id=_unit_id(shop.city),
        operator_id=_operator_id(shop.operator) if shop.operator else None,
        area_m2=80 + names.pick(22, CODE, "area", shop.code) * 10,
        place=organisation.Place(shop.lat, shop.lng),
        address="虚构门店 made up",
        hours=organisation.Hours(_WEEK),
        store_id=_store_id(shop),
    )


def _touchpoint(shop: wardrobe.Shop) -> organisation.NewTouchpoint:
    return organisation.NewTouchpoint(
        code=f"store-{shop.code}",
        name=f"{shop.name}门店码",
        kind=organisation.TouchpointKind.STORE_CODE,
        store_id=_store_id(shop),
        touchpoint_id=_touchpoint_id(shop),
    )


def _guide_staff(n: int, shop: wardrobe.Shop, name: str) -> organisation.NewStaff:
    return organisation.NewStaff(
        code=f"guide-{n:02d}",
        name=name,
        operator_id=_operator_id(shop.operator) if shop.operator else None,
        staff_id=_staff_id("guide", n),
    )


def _joiner(one: Customer) -> members.Joiner:
    return members.Joiner(
        person_id=_person_id(one.serial),
        member_id=_member_id(one.serial),
        front="import",
        joined_at=one.joined_at,
        store_id=_store_id(one.shop),
        guide_id=_guide_id(one.guide),
        touchpoint_id=_touchpoint_id(one.shop),
        referrer_id=None if one.referrer is None else _member_id(one.referrer),
        level=one.level,
        growth=one.growth,
        profile=members.Profile(name=one.name, birthday=one.birthday, gender=one.gender),
    )


def _order_id(receipt: Receipt) -> orders.OrderId:
    return orders.OrderId(names.past_id(receipt.at, CODE, receipt.serial))


def _person_id(serial: int) -> identity.PersonId:
    return identity.PersonId(names.made_id(CODE, "person", serial))


def _member_id(serial: int) -> members.MemberId:
    return members.MemberId(names.made_id(CODE, "member", serial))


def _store_id(shop: wardrobe.Shop) -> organisation.StoreId:
    return organisation.StoreId(names.made_id(CODE, "store", shop.code))


def _touchpoint_id(shop: wardrobe.Shop) -> organisation.TouchpointId:
    return organisation.TouchpointId(names.made_id(CODE, "touchpoint", shop.code))


def _guide_id(n: int) -> organisation.GuideId:
    return organisation.GuideId(names.made_id(CODE, "guide", n))


def _staff_id(*of: object) -> organisation.StaffId:
    return organisation.StaffId(names.made_id(CODE, "staff", *of))


def _unit_id(code: str) -> organisation.UnitId:
    return organisation.UnitId(names.made_id(CODE, "unit", code))


def _operator_id(code: str) -> organisation.OperatorId:
    return organisation.OperatorId(names.made_id(CODE, "operator", code))


_STAFF = tuple(
    organisation.NewStaff(
        code=role,
        name=f"{name}（虚构）",
        operator_id=_operator_id("franchise-lin") if role == "franchisee" else None,
        staff_id=_staff_id(role),
    )
    for role, name in (
        ("brand_admin", "云总"),
        ("region_manager", "沈东来"),
        ("store_manager", "顾南西"),
        ("franchisee", "林加盟"),
    )
)
