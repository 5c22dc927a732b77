"""Journey Market: the Complete Journey data as a brand. What the data says stands in data.py; here is what it lacks.

Made up, by hashes of the data's own numbers (names.py), and marked with "made up" or `made_up` wherever it shows:
- regions, cities and places: each store is put within 9 km of one of 24 cities (places.py); its area and hours;
- operators: 6 in 10 stores are the brand's own, the others belong to two agents and four franchisees;
- a till as the touchpoint of every store, and a guide in every store of 200 baskets or more;
- of each household a phone (of the fictional range); it is bound to the store where it shopped most often, and to a
  guide there. Its card number is the household's number, and it joined when it shopped first;
- barcodes with the prefix 2, which stores may give out themselves;
- opening stock, for the 631,479 pairs of a store and a product that were sold there: a month's sale, and 1 to 6 units;
- list prices of products that were never sold (tag `made_up_price`): the middle price of their category, or else of
  their department. All others cost what was last on the shelf. Coupons and the like have no price and are drafts;
- staff and logins.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache
from itertools import pairwise

from midstage.demo import chinese, names, places
from midstage.demo.data import MILLI, NOT_LISTED, ZONE, Journey
from midstage.demo.story import NewLogin, Step, begin_brand, collect_at_the_sandbox, make_keys, open_doors, place_all
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing

CODE = "journey"
CURRENCY = "USD"
TAX = "none"
# So many take half a second to a second, and some 50 MB.
PRODUCTS_A_PART = 2_500
SHELVES_A_PART = 20_000
ORDERS_A_PART = 2_500
_CODES_A_LOOK = 10_000
A_GUIDE_FROM_VISITS = 200
COUPON_DEPARTMENTS = {"COUPON", NOT_LISTED}
OPEN_FROM = datetime(2017, 1, 1, 5, tzinfo=UTC)
_NEAR_DEGREES = 0.08
_LABELS = {
    "age": ("年龄段", "Age"),
    "income": ("收入段", "Income"),
    "household_size": ("家庭人数", "Household size"),
    "household_comp": ("家庭构成", "Household"),
    "kids_count": ("子女数", "Children"),
}
_OPERATORS = (
    ("agent-lakes", "Lakeside Retail Agency", organisation.OperatorKind.AGENT),
    ("agent-south", "Piedmont Agency", organisation.OperatorKind.AGENT),
    ("franchise-carter", "Carter Family Stores", organisation.OperatorKind.FRANCHISEE),
    ("franchise-nguyen", "Nguyen Grocers", organisation.OperatorKind.FRANCHISEE),
    ("franchise-patel", "Patel & Daughters", organisation.OperatorKind.FRANCHISEE),
    ("franchise-rossi", "Rossi Markets", organisation.OperatorKind.FRANCHISEE),
)
_OWN_OF_TEN = 6
_FIRST_NAMES = (
    "Alice", "Ben", "Carla", "Dan", "Elena", "Frank", "Grace", "Hugo", "Irene", "Jack", "Kate", "Leo", "Maya", "Nora",
    "Oscar", "Paula", "Quinn", "Rosa", "Sam", "Tess", "Uma", "Victor", "Wendy", "Xavier", "Yara", "Zoe",
)  # fmt: skip
_WEEK = tuple((organisation.Span(6 * 60, 24 * 60),) for _ in range(7))


class JourneyMarket:
    """The brand `journey`, as the loader wants it."""

    code = CODE

    def __init__(self, sandbox_url: str, data: Journey | None = None) -> None:
        self._sandbox_url = sandbox_url
        self._data = data or Journey()
        self._offers: dict[int, catalogue.Offer] = {}

    async def begin(self, database: Database) -> Tenant:
        """The brand, made if it is not there."""
        return await begin_brand(
            database, code=CODE, name="Journey Market 旅程超市", currency=CURRENCY, zone=ZONE, phone_prefix="+1"
        )

    def stages(self) -> list[list[Step]]:
        """First the organisation, then goods and members, then stock and orders; the doors open last."""
        data = self._data
        return [
            [Step("organisation", 1, len(data.visits))],
            [_step("products", len(data.products.number), PRODUCTS_A_PART), Step("members", 1, len(data.households))],
            [
                _step("stock", len(data.shelves.store), SHELVES_A_PART),
                _step("orders", len(data.baskets) - 1, ORDERS_A_PART),
            ],
            [Step("logins", 1, len(LOGINS))],
        ]

    async def prepare(self, step: str) -> None:
        """Hash the password, which takes a while and holds no transaction up."""
        if step == "logins":
            self._keys = await make_keys(LOGINS.values())

    async def do(self, tx: Tx, step: str, part: int) -> int:
        """Do a part, unless it is done; returns its rows."""
        work = {
            "organisation": self._organise,
            "products": self._products,
            "members": self._members,
            "stock": self._stock,
            "orders": self._orders,
            "logins": self._logins,
        }
        return await work[step](tx, part)

    # --- the organisation

    async def _organise(self, tx: Tx, _: int) -> int:
        stores = self._stores
        if await organisation.unit_by_code(tx, places.CITIES[0].code) is not None:
            return len(stores)
        await organisation.create_units(tx, _units())
        await organisation.create_operators(tx, _operators())
        await organisation.create_stores(tx, stores)
        await place_all(tx)
        await organisation.create_touchpoints(tx, [_till(one) for one in stores])
        await organisation.hire_many(tx, [*_STAFF, *(_guide_staff(number) for number in self._guided)])
        await organisation.place_guides(tx, [_guide(number) for number in self._guided])
        await catalogue.set_tax_class(
            tx, catalogue.TaxClass(TAX, catalogue.Name("不计税", "No tax in the data"), 0, inclusive=True)
        )
        await self._categories(tx)
        for code, (zh, en) in _LABELS.items():
            await members.define_field(tx, members.ProfileField(code, members.FieldKind.TEXT, zh, en))
        await members.define_field(
            tx,
            members.ProfileField(names.MADE_UP, members.FieldKind.TEXT, "虚构内容", "Made up", personal=False),
        )
        await members.default_levels(tx)
        await collect_at_the_sandbox(tx, self._sandbox_url)
        return len(stores)

    @cached_property
    def _stores(self) -> list[organisation.NewStore]:
        return [_store(number) for number in sorted(self._data.visits)]

    @cached_property
    def _guided(self) -> list[int]:
        """The stores that have a guide: those that sell enough, and the busiest in any case."""
        visits = self._data.visits
        enough = min(A_GUIDE_FROM_VISITS, max(visits.values()))
        return sorted(number for number, baskets in visits.items() if baskets >= enough)

    @cached_property
    def _guided_homes(self) -> frozenset[int]:
        return frozenset(self._guided)

    # --- goods

    async def _categories(self, tx: Tx) -> None:
        products = self._data.products
        pairs = set(zip(products.department, products.category, strict=True))
        departments = sorted({department for department, _ in pairs})
        drafts = [
            catalogue.CategoryDraft(
                _code(department),
                catalogue.Name(chinese.DEPARTMENTS.get(department, "数据未列明的商品"), names.readable(department)),
                rank=rank,
            )
            for rank, department in enumerate(departments)
        ]
        drafts += [
            catalogue.CategoryDraft(
                _code(department, category),
                catalogue.Name(chinese.CATEGORIES[category], names.readable(category)),
                _code(department),
                rank,
            )
            for rank, (department, category) in enumerate(sorted((d, c) for d, c in pairs if c is not None))
        ]
        ids = await catalogue.load_categories(tx, drafts)
        for department in departments:
            await catalogue.define_attributes(tx, ids[_code(department)], _ATTRIBUTES)

    async def _products(self, tx: Tx, part: int) -> int:
        rows = range(*_slice(part, PRODUCTS_A_PART, len(self._data.products.number)))
        codes = [str(self._data.products.number[row]) for row in rows]
        if await catalogue.sku_ids(tx, codes[:1]):
            return len(rows)
        ids = {one.code: one.category_id for one in await catalogue.categories(tx)}
        loaded = await catalogue.load_products(tx, [self._product(row, ids) for row in rows])
        prices = {code: self._price_of(row) for code, row in zip(codes, rows, strict=True)}
        await pricing.set_base_prices(
            tx,
            [pricing.BasePrice(loaded.skus[code], cents, CURRENCY) for code, cents in prices.items() if cents],
        )
        return len(rows)

    def _product(self, row: int, ids: dict[str, catalogue.CategoryId]) -> catalogue.ProductDraft:
        products = self._data.products
        number, department, category = products.number[row], products.department[row], products.category[row]
        kind, package = products.kind[row], products.package[row]
        zh, en = product_name(department, category, kind, package)
        body = names.barcode_body(number)
        gallons = number in self._data.by_volume
        never_sold = number not in self._data.newest_prices
        tags = ["own_label" if products.own_label[row] else "national_brand", f"{names.MADE_UP}_barcode"]
        tags += [f"{names.MADE_UP}_price"] * (never_sold and self._price_of(row) is not None)
        tags += ["not_listed"] * (department == NOT_LISTED)
        return catalogue.ProductDraft(
            code=str(number),
            name=catalogue.Name(zh, en),
            category_id=ids[_code(department, category)],
            tax_class=TAX,
            trademark=f"Manufacturer {products.manufacturer[row]}",
            attributes={code: value for code, value in (("type", kind), ("package", package)) if value},
            tags=tags,
            state=catalogue.State.LIVE if self._price_of(row) else catalogue.State.DRAFT,
            skus=[
                catalogue.SkuDraft(
                    code=str(number),
                    barcodes=[
                        catalogue.Barcode(
                            catalogue.BarcodeKind.STORE, names.store_barcode(number, catalogue.check_digit(body))
                        )
                    ],
                    unit=catalogue.Unit.GALLON if gallons else catalogue.Unit.PIECE,
                )
            ],
        )

    def _price_of(self, row: int) -> int | None:
        """In cents: what was last on the shelf, or a made-up price; None for what is not for sale by itself."""
        products = self._data.products
        if products.department[row] in COUPON_DEPARTMENTS:
            return None
        known = self._data.newest_prices.get(products.number[row])
        by_category, by_department = self._middle_prices
        department, category = products.department[row], products.category[row]
        return known or by_category.get((department, category)) or by_department.get(department)

    @cached_property
    def _middle_prices(self) -> tuple[dict[tuple[str, str | None], int], dict[str, int]]:
        products, newest = self._data.products, self._data.newest_prices
        by_category: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
        by_department: defaultdict[str, list[int]] = defaultdict(list)
        for number, department, category in zip(products.number, products.department, products.category, strict=True):
            if number in newest:
                by_category[department, category].append(newest[number])
                by_department[department].append(newest[number])
        return (
            {key: statistics.median_low(prices) for key, prices in by_category.items()},
            {key: statistics.median_low(prices) for key, prices in by_department.items()},
        )

    # --- members

    async def _members(self, tx: Tx, _: int) -> int:
        households = sorted(self._data.households.items())
        first = identity.Identifier(identity.IdentifierKind.CARD, card(households[0][0]))
        if await identity.resolve(tx, first) is not None:
            return len(households)
        await identity.bulk_create(
            tx,
            [
                identity.NewPerson(
                    person_id(number),
                    [
                        identity.Identifier(identity.IdentifierKind.CARD, card(number)),
                        identity.Identifier(identity.IdentifierKind.PHONE, names.phone(serial)),
                    ],
                    _at(since_ms),
                )
                for serial, (number, (_, since_ms)) in enumerate(households)
            ],
            source="complete journey",
        )
        await members.bulk_join(tx, [self._joiner(number, *of) for number, of in households])
        return len(households)

    def _joiner(self, number: int, home: int, since_ms: int) -> members.Joiner:
        known = self._data.demographics.get(number, {})
        return members.Joiner(
            person_id=person_id(number),
            member_id=member_id(number),
            front="import",
            joined_at=_at(since_ms),
            store_id=store_id(home),
            guide_id=guide_id(home) if home in self._guided_homes else None,
            touchpoint_id=till_id(home),
            profile=members.Profile(
                name=f"Household {number}", extra={**known, names.MADE_UP: "phone, store, guide, touchpoint"}
            ),
        )

    # --- stock and orders

    async def _stock(self, tx: Tx, part: int) -> int:
        await self._learn_offers(tx)
        shelves = self._data.shelves
        start, stop = _slice(part, SHELVES_A_PART, len(shelves.store))
        columns = [column[start:stop].tolist() for column in (shelves.store, shelves.product, shelves.sold_milli)]
        rows = [self._opening(*shelf) for shelf in zip(*columns, strict=True)]
        if not await inventory.stock(tx, rows[0].location_id, [rows[0].sku_id]):
            await inventory.open_stock(tx, rows, reason="made up: a month's sale and a little more")
        return len(rows)

    def _opening(self, store: int, product: int, sold_milli: int) -> inventory.Opening:
        """The opening stock of a pair, in whole steps of its sku."""
        offer = self._offers[product]
        on_hand = opening_milli(store, product, sold_milli) if sold_milli else 0
        return inventory.Opening(
            inventory.location_of(store_id(store)), offer.sku_id, on_hand - on_hand % offer.milli_step
        )

    async def _orders(self, tx: Tx, part: int) -> int:
        await self._learn_offers(tx)
        await self._learn_brand(tx)
        start, stop = _slice(part, ORDERS_A_PART, len(self._data.baskets) - 1)
        if not await self._is_there(tx, start):
            await orders.import_orders(tx, list(self._past_orders(start, stop)))
        return stop - start

    async def _is_there(self, tx: Tx, basket: int) -> bool:
        begins = self._data.baskets[basket]
        lines = self._data.lines
        try:
            await orders.order(tx, order_id(int(lines.at_ms[begins]), int(lines.basket[begins])))
        except orders.NoSuchOrder:
            return False
        return True

    async def _learn_offers(self, tx: Tx) -> None:
        """What the catalogue says of every product that was sold, read once."""
        if self._offers:
            return
        codes = [str(number) for number in sorted(set(self._data.shelves.product.tolist()))]
        for start in range(0, len(codes), _CODES_A_LOOK):
            ids = await catalogue.sku_ids(tx, codes[start : start + _CODES_A_LOOK])
            offers = await catalogue.offers(tx, list(ids.values()))
            self._offers |= {int(code): offers[sku] for code, sku in ids.items()}

    async def _learn_brand(self, tx: Tx) -> None:
        self._virtual = await organisation.virtual(tx)
        self._operator_of = {one: found.operator_id for one, found in (await organisation.stores(tx)).items()}

    def _past_orders(self, start: int, stop: int) -> Iterator[orders.PastOrder]:
        """The baskets from `start` to before `stop`, with everything that names them."""
        data, lines = self._data, self._data.lines
        begins = data.baskets[start : stop + 1].tolist()
        first, last = begins[0], begins[-1]
        columns = [
            column[first:last].tolist()
            for column in (
                lines.product, lines.milli, lines.unit, lines.goods, lines.retail, lines.match, lines.coupon,
            )
        ]  # fmt: skip
        homes = data.households
        for begin, end in pairwise(begins):
            basket, at_ms = int(lines.basket[begin]), int(lines.at_ms[begin])
            store, household = int(lines.store[begin]), int(lines.household[begin])
            # The household's own guide is credited where she works; elsewhere nobody is.
            served = store in self._guided_homes and homes[household][0] == store
            rows = zip(*(column[begin - first : end - first] for column in columns), strict=True)
            yield orders.PastOrder(
                order_id=order_id(at_ms, basket),
                store_id=store_id(store),
                operator_id=self._operator_of[store_id(store)],
                member_id=member_id(household),
                person_id=person_id(household),
                crediting=orders.Crediting(
                    store_id(store),
                    guide_id(store) if served else self._virtual.guide_id,
                    till_id(store),
                    None,
                ),
                sales_channel="till",
                currency=CURRENCY,
                placed_at=_at(at_ms),
                lines=[self._line(n, *row) for n, row in enumerate(rows, start=1)],
                note=f"basket {basket}",
            )

    def _line(
        self, line_no: int, product: int, milli: int, unit: int, goods: int, retail: int, match: int, coupon: int
    ) -> orders.Line:
        offer = self._offers[product]
        taken = retail + match + coupon
        return orders.Line(
            line_no=line_no,
            part_no=1,
            sku_id=offer.sku_id,
            product_id=offer.product_id,
            sku_code=offer.sku_code,
            title_zh=offer.title_zh,
            title_en=offer.title_en,
            options="",
            unit=offer.unit,
            quantity_milli=milli,
            unit_minor=unit,
            list_minor=unit,
            price_rule="imported",
            goods_minor=goods,
            discount_minor=taken,
            total_minor=goods - taken,
            tax_class=offer.tax_class,
            tax_rate_millionths=0,
            tax_inclusive=True,
            tax_minor=0,
            discounts=discounts(retail, match, coupon) if taken else (),
        )

    # --- who may sign in

    async def _logins(self, tx: Tx, _: int) -> int:
        region = await organisation.unit_by_code(tx, "valley")
        if region is None:
            raise organisation.NoSuchUnit(organisation.UnitId(names.made_id(CODE, "unit", "valley")))
        busiest = max(self._data.visits, key=lambda number: (self._data.visits[number], number))
        only = organisation.Scope(stores=frozenset({store_id(busiest)}))
        scopes = {
            "brand_admin": organisation.EVERYTHING,
            "region_manager": organisation.Scope(units=frozenset({region.unit_id})),
            "store_manager": only,
            "franchisee": organisation.Scope(operators=frozenset({_operator_id("franchise-carter")})),
            "guide": only,
        }
        staff = {role: _staff_id(role) for role in scopes} | {"guide": _staff_id("guide", busiest)}
        return await open_doors(
            tx, [NewLogin(login, staff[role], role, scopes[role]) for role, login in LOGINS.items()], self._keys
        )


LOGINS = {
    "brand_admin": "journey-admin",
    "region_manager": "journey-region",
    "store_manager": "journey-store",
    "franchisee": "journey-franchisee",
    "guide": "journey-guide",
}
SHOPPER_PHONE = names.phone(0)

_ATTRIBUTES = [
    catalogue.AttributeDefinition("type", catalogue.AttributeKind.TEXT, catalogue.Name("品种", "Type")),
    catalogue.AttributeDefinition("package", catalogue.AttributeKind.TEXT, catalogue.Name("规格", "Package")),
]


@cache
def store_id(number: int) -> organisation.StoreId:
    return organisation.StoreId(names.made_id(CODE, "store", number))


@cache
def guide_id(store: int) -> organisation.GuideId:
    return organisation.GuideId(names.made_id(CODE, "guide", store))


@cache
def till_id(store: int) -> organisation.TouchpointId:
    return organisation.TouchpointId(names.made_id(CODE, "till", store))


@cache
def person_id(household: int) -> identity.PersonId:
    return identity.PersonId(names.made_id(CODE, "person", household))


@cache
def member_id(household: int) -> members.MemberId:
    return members.MemberId(names.made_id(CODE, "member", household))


def order_id(at_ms: int, basket: int) -> orders.OrderId:
    return orders.OrderId(names.past_id_ms(at_ms, CODE, basket))


def card(household: int) -> str:
    """The number on the household's card."""
    return f"JM{household:06d}"


def opening_milli(store: int, product: int, sold_milli: int) -> int:
    """What lies there when the books begin: a month's sale, rounded up to a unit, and 1 to 6 units more."""
    month = -(-sold_milli // (12 * MILLI))
    return (month + 1 + names.quick_pick(6, store, product)) * MILLI


def product_name(department: str, category: str | None, kind: str | None, package: str | None) -> tuple[str, str]:
    """What a product is called: the data has no names, so its kind and package stand in.

    In Chinese its category stands in for its kind, of which there are 2,378.
    """
    zh = chinese.CATEGORIES[category] if category else chinese.DEPARTMENTS.get(department, "数据未列明的商品")
    en = names.readable(kind or category or department)
    size = " ".join(package.split()) if package else ""
    return (f"{zh} {size}", f"{en}, {size}") if size else (zh, en)


@lru_cache(maxsize=1 << 16)  # the same few cents are taken off again and again
def discounts(retail: int, match: int, coupon: int) -> tuple[orders.Discount, ...]:
    """What was taken off a line, and who bears it: a maker pays its own coupons, the brand all else."""
    given = (("retail", retail, "brand"), ("coupon_match", match, "brand"), ("coupon", coupon, "manufacturer"))
    return tuple(orders.Discount(kind, minor, bearer) for kind, minor, bearer in given if minor)


def city_of(store: int) -> places.City:
    return places.CITIES[names.pick(len(places.CITIES), "city", store)]


def operator_of(store: int) -> str | None:
    """The code of the operator of a store; None is the brand itself."""
    drawn = names.pick(10, "own", store)
    return None if drawn < _OWN_OF_TEN else _OPERATORS[names.pick(len(_OPERATORS), "operator", store)][0]


def _units() -> list[organisation.NewUnit]:
    regions = [
        organisation.NewUnit(code=code, name=name, kind=organisation.UnitKind.REGION, unit_id=_unit_id(code))
        for code, name in places.REGIONS.items()
    ]
    return regions + [
        organisation.NewUnit(
            code=city.code,
            name=city.name,
            kind=organisation.UnitKind.CITY,
            parent_id=_unit_id(city.region),
            unit_id=_unit_id(city.code),
        )
        for city in places.CITIES
    ]


def _operators() -> list[organisation.NewOperator]:
    return [
        organisation.NewOperator(
            code=code,
            name=f"{name} (made up)",
            kind=kind,
            contract=organisation.Contract(f"MADE-UP-{place:02d}", OPEN_FROM.date()),
            invoice=organisation.InvoiceTitle(f"{name} (made up)", f"MADE-UP-{place:09d}"),
            payee=organisation.Payee(f"{name} (made up)", "sandbox", f"made-up-{code}"),
            operator_id=_operator_id(code),
        )
        for place, (code, name, kind) in enumerate(_OPERATORS, start=1)
    ]


def _store(number: int) -> organisation.NewStore:
    city = city_of(number)
    operator = operator_of(number)
    return organisation.NewStore(
        code=str(number),
        name=f"Journey Market {number}, {city.name}",
        kind=organisation.StoreKind.FRANCHISE if operator else organisation.StoreKind.DIRECT,
        unit_id=_unit_id(city.code),
        operator_id=_operator_id(operator) if operator else None,
        area_m2=1_500 + names.pick(45, "area", number) * 100,
        place=organisation.Place(
            round(city.lat + _offset("lat", number), 5), round(city.lng + _offset("lng", number), 5)
        ),
        address=f"made up, as are place, area, hours and operator: the data knows store {number} by its number only",
        hours=organisation.Hours(_WEEK),
        store_id=store_id(number),
    )


def _offset(which: str, number: int) -> float:
    return (names.pick(2_001, which, number) / 1_000 - 1) * _NEAR_DEGREES


def _till(store: organisation.NewStore) -> organisation.NewTouchpoint:
    return organisation.NewTouchpoint(
        code=f"till-{store.code}",
        name=f"Till of store {store.code} (made up)",
        kind=organisation.TouchpointKind.TILL,
        store_id=store.store_id,
        touchpoint_id=till_id(int(store.code)),
    )


def _guide_staff(store: int) -> organisation.NewStaff:
    operator = operator_of(store)
    return organisation.NewStaff(
        code=f"guide-{store}",
        name=_guide_name(store),
        operator_id=_operator_id(operator) if operator else None,
        staff_id=_staff_id("guide", store),
    )


def _guide(store: int) -> organisation.NewGuide:
    return organisation.NewGuide(
        code=f"guide-{store}",
        name=_guide_name(store),
        store_id=store_id(store),
        staff_id=_staff_id("guide", store),
        guide_id=guide_id(store),
    )


def _guide_name(store: int) -> str:
    return f"{_FIRST_NAMES[names.pick(len(_FIRST_NAMES), 'guide', store)]} (made up)"


def _staff_id(*of: object) -> organisation.StaffId:
    return organisation.StaffId(names.made_id(CODE, "staff", *of))


def _unit_id(code: str) -> organisation.UnitId:
    return organisation.UnitId(names.made_id(CODE, "unit", code))


def _operator_id(code: str) -> organisation.OperatorId:
    return organisation.OperatorId(names.made_id(CODE, "operator", code))


_STAFF = tuple(
    organisation.NewStaff(
        code=role,
        name=f"{name} (made up)",
        operator_id=_operator_id("franchise-carter") if role == "franchisee" else None,
        staff_id=_staff_id(role),
    )
    for role, name in (
        ("brand_admin", "Ada Admin"),
        ("region_manager", "Rhea Region"),
        ("store_manager", "Stan Store"),
        ("franchisee", "Fay Carter"),
    )
)


def _code(department: str, category: str | None = None) -> str:
    """The code of a category: the data's own words, without blanks."""
    return "_".join((department if category is None else f"{department}/{category}").split())


def _step(name: str, rows: int, a_part: int) -> Step:
    return Step(name, -(-rows // a_part), rows)


def _slice(part: int, a_part: int, rows: int) -> tuple[int, int]:
    return part * a_part, min((part + 1) * a_part, rows)


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // MILLI, tz=UTC) + timedelta(milliseconds=at_ms % MILLI)
