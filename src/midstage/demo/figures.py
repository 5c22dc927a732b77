"""The figures of 云织 Yunzhi, drawn from one seed: its skus, guides, members, past orders and stock."""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import msgspec

from midstage.demo import wardrobe
from midstage.middle.members import api as members

SEED = "云织 2026"
GUIDES = 70
MEMBERS = 3_000
ORDERS = 6_000
FIRST_DAY = datetime(2025, 10, 31, 16, tzinfo=UTC)  # midnight of 1 November in Shanghai
DAYS = 365
# Code, share in percent, and the growth value it begins at.
LEVELS = (("basic", 70, 0), ("silver", 20, 1_000), ("gold", 8, 5_000), ("black", 2, 20_000))
_COLOURS_A_PRODUCT = (2, 3, 4)
_EVERY = timedelta(minutes=1)


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


class Figures:
    """Everything that is drawn, each part when it is first asked for."""

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
