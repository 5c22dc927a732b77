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

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

from midstage.demo import grocer, names, places
from midstage.demo.data import MILLI, ZONE, Journey
from midstage.demo.goods import TAX, Goods
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

CODE = grocer.CODE
CURRENCY = "USD"
# So many take half a second to a second, and some 50 MB.
PRODUCTS_A_PART = 2_500
SHELVES_A_PART = 20_000
ORDERS_A_PART = 2_500
_CODES_A_LOOK = 10_000
A_GUIDE_FROM_VISITS = 200
_LABELS = {
    "age": ("年龄段", "Age"),
    "income": ("收入段", "Income"),
    "household_size": ("家庭人数", "Household size"),
    "household_comp": ("家庭构成", "Household"),
    "kids_count": ("子女数", "Children"),
}


class JourneyMarket:
    """The brand `journey`, as the loader wants it."""

    code = CODE

    def __init__(self, sandbox_url: str, data: Journey | None = None) -> None:
        self._sandbox_url = sandbox_url
        self._data = data or Journey()
        self._goods = Goods(self._data)
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
        await organisation.create_units(tx, grocer.units())
        await organisation.create_operators(tx, grocer.operators())
        await organisation.create_stores(tx, stores)
        await place_all(tx)
        await organisation.create_touchpoints(tx, [grocer.till(one) for one in stores])
        await organisation.hire_many(tx, [*grocer.STAFF, *(grocer.guide_staff(number) for number in self._guided)])
        await organisation.place_guides(tx, [grocer.guide(number) for number in self._guided])
        await catalogue.set_tax_class(
            tx, catalogue.TaxClass(TAX, catalogue.Name("不计税", "No tax in the data"), 0, inclusive=True)
        )
        await self._goods.load_categories(tx)
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
        return [grocer.store(number) for number in sorted(self._data.visits)]

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

    async def _products(self, tx: Tx, part: int) -> int:
        rows = range(*_slice(part, PRODUCTS_A_PART, len(self._data.products.number)))
        codes = [str(self._data.products.number[row]) for row in rows]
        if await catalogue.sku_ids(tx, codes[:1]):
            return len(rows)
        ids = {one.code: one.category_id for one in await catalogue.categories(tx)}
        loaded = await catalogue.load_products(tx, [self._goods.draft(row, ids) for row in rows])
        prices = {code: self._goods.price_of(row) for code, row in zip(codes, rows, strict=True)}
        await pricing.set_base_prices(
            tx,
            [pricing.BasePrice(loaded.skus[code], cents, CURRENCY) for code, cents in prices.items() if cents],
        )
        return len(rows)

    # --- members

    async def _members(self, tx: Tx, _: int) -> int:
        households = sorted(self._data.households.items())
        first = identity.Identifier(identity.IdentifierKind.CARD, grocer.card(households[0][0]))
        if await identity.resolve(tx, first) is not None:
            return len(households)
        await identity.bulk_create(
            tx,
            [
                identity.NewPerson(
                    grocer.person_id(number),
                    [
                        identity.Identifier(identity.IdentifierKind.CARD, grocer.card(number)),
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
            person_id=grocer.person_id(number),
            member_id=grocer.member_id(number),
            front="import",
            joined_at=_at(since_ms),
            store_id=grocer.store_id(home),
            guide_id=grocer.guide_id(home) if home in self._guided_homes else None,
            touchpoint_id=grocer.till_id(home),
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
        on_hand = grocer.opening_milli(store, product, sold_milli) if sold_milli else 0
        return inventory.Opening(
            inventory.location_of(grocer.store_id(store)), offer.sku_id, on_hand - on_hand % offer.milli_step
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
            await orders.order(tx, grocer.order_id(int(lines.at_ms[begins]), int(lines.basket[begins])))
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
                order_id=grocer.order_id(at_ms, basket),
                store_id=grocer.store_id(store),
                operator_id=self._operator_of[grocer.store_id(store)],
                member_id=grocer.member_id(household),
                person_id=grocer.person_id(household),
                crediting=orders.Crediting(
                    grocer.store_id(store),
                    grocer.guide_id(store) if served else self._virtual.guide_id,
                    grocer.till_id(store),
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
            discounts=grocer.discounts(retail, match, coupon) if taken else (),
        )

    # --- who may sign in

    async def _logins(self, tx: Tx, _: int) -> int:
        region = await organisation.unit_by_code(tx, "valley")
        if region is None:
            raise organisation.NoSuchUnit(organisation.UnitId(names.made_id(CODE, "unit", "valley")))
        busiest = max(self._data.visits, key=lambda number: (self._data.visits[number], number))
        only = organisation.Scope(stores=frozenset({grocer.store_id(busiest)}))
        scopes = {
            "brand_admin": organisation.EVERYTHING,
            "region_manager": organisation.Scope(units=frozenset({region.unit_id})),
            "store_manager": only,
            "franchisee": organisation.Scope(operators=frozenset({grocer.operator_id("franchise-carter")})),
            "guide": only,
        }
        staff = {role: grocer.staff_id(role) for role in scopes} | {"guide": grocer.staff_id("guide", busiest)}
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


def _step(name: str, rows: int, a_part: int) -> Step:
    return Step(name, -(-rows // a_part), rows)


def _slice(part: int, a_part: int, rows: int) -> tuple[int, int]:
    return part * a_part, min((part + 1) * a_part, rows)


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // MILLI, tz=UTC) + timedelta(milliseconds=at_ms % MILLI)
