"""Of what Journey Market is made: its ids, stores, operators, guides and staff, by hashes of the data's numbers."""

from datetime import UTC, datetime
from functools import cache, lru_cache

from midstage.demo import chinese, names, places
from midstage.demo.data import MILLI
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation

CODE = "journey"
OPEN_FROM = datetime(2017, 1, 1, 5, tzinfo=UTC)
_NEAR_DEGREES = 0.08
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


def units() -> list[organisation.NewUnit]:
    regions = [
        organisation.NewUnit(code=code, name=name, kind=organisation.UnitKind.REGION, unit_id=unit_id(code))
        for code, name in places.REGIONS.items()
    ]
    return regions + [
        organisation.NewUnit(
            code=city.code,
            name=city.name,
            kind=organisation.UnitKind.CITY,
            parent_id=unit_id(city.region),
            unit_id=unit_id(city.code),
        )
        for city in places.CITIES
    ]


def operators() -> list[organisation.NewOperator]:
    return [
        organisation.NewOperator(
            code=code,
            name=f"{name} (made up)",
            kind=kind,
            contract=organisation.Contract(f"MADE-UP-{place:02d}", OPEN_FROM.date()),
            invoice=organisation.InvoiceTitle(f"{name} (made up)", f"MADE-UP-{place:09d}"),
            payee=organisation.Payee(f"{name} (made up)", "sandbox", f"made-up-{code}"),
            operator_id=operator_id(code),
        )
        for place, (code, name, kind) in enumerate(_OPERATORS, start=1)
    ]


def store(number: int) -> organisation.NewStore:
    city = city_of(number)
    operator = operator_of(number)
    return organisation.NewStore(
        code=str(number),
        name=f"Journey Market {number}, {city.name}",
        kind=organisation.StoreKind.FRANCHISE if operator else organisation.StoreKind.DIRECT,
        unit_id=unit_id(city.code),
        operator_id=operator_id(operator) if operator else None,
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


def till(store: organisation.NewStore) -> organisation.NewTouchpoint:
    return organisation.NewTouchpoint(
        code=f"till-{store.code}",
        name=f"Till of store {store.code} (made up)",
        kind=organisation.TouchpointKind.TILL,
        store_id=store.store_id,
        touchpoint_id=till_id(int(store.code)),
    )


def guide_staff(store: int) -> organisation.NewStaff:
    operator = operator_of(store)
    return organisation.NewStaff(
        code=f"guide-{store}",
        name=_guide_name(store),
        operator_id=operator_id(operator) if operator else None,
        staff_id=staff_id("guide", store),
    )


def guide(store: int) -> organisation.NewGuide:
    return organisation.NewGuide(
        code=f"guide-{store}",
        name=_guide_name(store),
        store_id=store_id(store),
        staff_id=staff_id("guide", store),
        guide_id=guide_id(store),
    )


def _guide_name(store: int) -> str:
    return f"{_FIRST_NAMES[names.pick(len(_FIRST_NAMES), 'guide', store)]} (made up)"


def staff_id(*of: object) -> organisation.StaffId:
    return organisation.StaffId(names.made_id(CODE, "staff", *of))


def unit_id(code: str) -> organisation.UnitId:
    return organisation.UnitId(names.made_id(CODE, "unit", code))


def operator_id(code: str) -> organisation.OperatorId:
    return organisation.OperatorId(names.made_id(CODE, "operator", code))


STAFF = tuple(
    organisation.NewStaff(
        code=role,
        name=f"{name} (made up)",
        operator_id=operator_id("franchise-carter") if role == "franchisee" else None,
        staff_id=staff_id(role),
    )
    for role, name in (
        ("brand_admin", "Ada Admin"),
        ("region_manager", "Rhea Region"),
        ("store_manager", "Stan Store"),
        ("franchisee", "Fay Carter"),
    )
)
