"""Of what 云织 Yunzhi is made: its ids, products, price lists, stores, operators, guides and staff."""

from datetime import UTC, datetime

from midstage.demo import names, wardrobe
from midstage.demo.figures import FIRST_DAY, Customer, Piece, Receipt
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

CODE = "yunzhi"
CURRENCY = "CNY"
TAX = catalogue.TaxClass("standard", catalogue.Name("增值税 13%", "VAT 13 %"), 130_000, inclusive=True)
# What past orders of a level cost, in percent; the price lists below give the same from now on.
PERCENT = {"basic": 100, "silver": 98, "gold": 95, "black": 90}
_WEEK = tuple((organisation.Span(10 * 60, 22 * 60),) for _ in range(7))
_LISTED_FROM = datetime(2026, 11, 1, tzinfo=UTC)


def draft(
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


def categories() -> list[catalogue.CategoryDraft]:
    departments = [
        catalogue.CategoryDraft(code, catalogue.Name(zh, en), rank=rank)
        for rank, (code, (zh, en)) in enumerate(wardrobe.DEPARTMENTS.items())
    ]
    return departments + [
        catalogue.CategoryDraft(one.code, catalogue.Name(one.zh, one.en), one.department, rank)
        for rank, one in enumerate(wardrobe.GARMENTS)
    ]


def price_lists() -> list[tuple[pricing.PriceListDraft, int, frozenset[str]]]:
    """Each list with the percentage of the list price that it gives, and the garments in it (none: all)."""
    everything = frozenset[str]()

    def list_of(
        code: str, zh: str, en: str, scope: pricing.Scope, ends_at: datetime | None = None
    ) -> pricing.PriceListDraft:
        return pricing.PriceListDraft(code, catalogue.Name(zh, en), CURRENCY, _LISTED_FROM, ends_at, scope)

    return [
        (
            list_of("level-silver", "银卡价", "Silver price", pricing.Scope(level="silver")),
            PERCENT["silver"],
            everything,
        ),
        (list_of("level-gold", "金卡价", "Gold price", pricing.Scope(level="gold")), PERCENT["gold"], everything),
        (list_of("level-black", "黑卡价", "Black price", pricing.Scope(level="black")), PERCENT["black"], everything),
        (
            list_of("mall-tees", "商城T恤价", "T-shirts in the mall", pricing.Scope(sales_channel="mall")),
            88,
            frozenset({"tee"}),
        ),
        (
            list_of(
                "south-winter",
                "华南暖冬价",
                "Warm winter in the south",
                pricing.Scope(unit_id=unit_id("south")),
                datetime(2027, 3, 1, tzinfo=UTC),
            ),
            80,
            frozenset({"coat", "down"}),
        ),
        (
            list_of(
                "lin-scarves",
                "林氏围巾价",
                "Scarves at Lin's",
                pricing.Scope(operator_id=operator_id("franchise-lin")),
            ),
            85,
            frozenset({"scarf"}),
        ),
        (
            list_of(
                "xujiahui-opening",
                "徐家汇店庆价",
                "Xujiahui anniversary",
                pricing.Scope(store_id=store_id(wardrobe.SHOPS[1])),
                datetime(2027, 1, 1, tzinfo=UTC),
            ),
            75,
            frozenset({"dress", "skirt"}),
        ),
    ]


def units() -> list[organisation.NewUnit]:
    regions = [
        organisation.NewUnit(code=code, name=name, kind=organisation.UnitKind.REGION, unit_id=unit_id(code))
        for code, name in wardrobe.REGIONS.items()
    ]
    return regions + [
        organisation.NewUnit(
            code=code,
            name=name,
            kind=organisation.UnitKind.CITY,
            parent_id=unit_id(region),
            unit_id=unit_id(code),
        )
        for code, (region, name) in wardrobe.CITIES.items()
    ]


def operators() -> list[organisation.NewOperator]:
    return [
        organisation.NewOperator(
            code=code,
            name=f"{name}（虚构）",
            kind=organisation.OperatorKind(kind),
            contract=organisation.Contract(f"YZ-MADE-UP-{place:02d}", FIRST_DAY.date()),
            invoice=organisation.InvoiceTitle(f"{name}（虚构）", f"MADE-UP-{place:09d}"),
            payee=organisation.Payee(f"{name}（虚构）", "sandbox", f"made-up-{code}"),
            operator_id=operator_id(code),
        )
        for place, (code, name, kind) in enumerate(wardrobe.OPERATORS, start=1)
    ]


def store(shop: wardrobe.Shop) -> organisation.NewStore:
    return organisation.NewStore(
        code=shop.code,
        name=f"云织 {shop.name}",
        kind=organisation.StoreKind.FRANCHISE if shop.operator else organisation.StoreKind.DIRECT,
        unit_id=unit_id(shop.city),
        operator_id=operator_id(shop.operator) if shop.operator else None,
        area_m2=80 + names.pick(22, CODE, "area", shop.code) * 10,
        place=organisation.Place(shop.lat, shop.lng),
        address="虚构门店 made up",
        hours=organisation.Hours(_WEEK),
        store_id=store_id(shop),
    )


def touchpoint(shop: wardrobe.Shop) -> organisation.NewTouchpoint:
    return organisation.NewTouchpoint(
        code=f"store-{shop.code}",
        name=f"{shop.name}门店码",
        kind=organisation.TouchpointKind.STORE_CODE,
        store_id=store_id(shop),
        touchpoint_id=touchpoint_id(shop),
    )


def guide_staff(n: int, shop: wardrobe.Shop, name: str) -> organisation.NewStaff:
    return organisation.NewStaff(
        code=f"guide-{n:02d}",
        name=name,
        operator_id=operator_id(shop.operator) if shop.operator else None,
        staff_id=staff_id("guide", n),
    )


def joiner(one: Customer) -> members.Joiner:
    return members.Joiner(
        person_id=person_id(one.serial),
        member_id=member_id(one.serial),
        front="import",
        joined_at=one.joined_at,
        store_id=store_id(one.shop),
        guide_id=guide_id(one.guide),
        touchpoint_id=touchpoint_id(one.shop),
        referrer_id=None if one.referrer is None else member_id(one.referrer),
        level=one.level,
        growth=one.growth,
        profile=members.Profile(name=one.name, birthday=one.birthday, gender=one.gender),
    )


def order_id(receipt: Receipt) -> orders.OrderId:
    return orders.OrderId(names.past_id(receipt.at, CODE, receipt.serial))


def person_id(serial: int) -> identity.PersonId:
    return identity.PersonId(names.made_id(CODE, "person", serial))


def member_id(serial: int) -> members.MemberId:
    return members.MemberId(names.made_id(CODE, "member", serial))


def store_id(shop: wardrobe.Shop) -> organisation.StoreId:
    return organisation.StoreId(names.made_id(CODE, "store", shop.code))


def touchpoint_id(shop: wardrobe.Shop) -> organisation.TouchpointId:
    return organisation.TouchpointId(names.made_id(CODE, "touchpoint", shop.code))


def guide_id(n: int) -> organisation.GuideId:
    return organisation.GuideId(names.made_id(CODE, "guide", n))


def staff_id(*of: object) -> organisation.StaffId:
    return organisation.StaffId(names.made_id(CODE, "staff", *of))


def unit_id(code: str) -> organisation.UnitId:
    return organisation.UnitId(names.made_id(CODE, "unit", code))


def operator_id(code: str) -> organisation.OperatorId:
    return organisation.OperatorId(names.made_id(CODE, "operator", code))


STAFF = tuple(
    organisation.NewStaff(
        code=role,
        name=f"{name}（虚构）",
        operator_id=operator_id("franchise-lin") if role == "franchisee" else None,
        staff_id=staff_id(role),
    )
    for role, name in (
        ("brand_admin", "云总"),
        ("region_manager", "沈东来"),
        ("store_manager", "顾南西"),
        ("franchisee", "林加盟"),
    )
)
