"""What Journey Market sells: categories, products and prices out of the data, and what is made up for them."""

import statistics
from collections import defaultdict
from functools import cached_property

from midstage.demo import chinese, grocer, names
from midstage.demo.data import NOT_LISTED, Journey
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue

TAX = "none"
COUPON_DEPARTMENTS = {"COUPON", NOT_LISTED}
_ATTRIBUTES = [
    catalogue.AttributeDefinition("type", catalogue.AttributeKind.TEXT, catalogue.Name("品种", "Type")),
    catalogue.AttributeDefinition("package", catalogue.AttributeKind.TEXT, catalogue.Name("规格", "Package")),
]


class Goods:
    """The products of the data, by their row."""

    def __init__(self, data: Journey) -> None:
        self._data = data

    async def load_categories(self, tx: Tx) -> None:
        """Departments, and beneath them the categories of the data; both have names in two languages."""
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

    def draft(self, row: int, ids: dict[str, catalogue.CategoryId]) -> catalogue.ProductDraft:
        """The product in this row of the data; `ids` are the categories by code."""
        products = self._data.products
        number, department, category = products.number[row], products.department[row], products.category[row]
        kind, package = products.kind[row], products.package[row]
        zh, en = grocer.product_name(department, category, kind, package)
        body = names.barcode_body(number)
        gallons = number in self._data.by_volume
        never_sold = number not in self._data.newest_prices
        tags = ["own_label" if products.own_label[row] else "national_brand", f"{names.MADE_UP}_barcode"]
        tags += [f"{names.MADE_UP}_price"] * (never_sold and self.price_of(row) is not None)
        tags += ["not_listed"] * (department == NOT_LISTED)
        return catalogue.ProductDraft(
            code=str(number),
            name=catalogue.Name(zh, en),
            category_id=ids[_code(department, category)],
            tax_class=TAX,
            trademark=f"Manufacturer {products.manufacturer[row]}",
            attributes={code: value for code, value in (("type", kind), ("package", package)) if value},
            tags=tags,
            state=catalogue.State.LIVE if self.price_of(row) else catalogue.State.DRAFT,
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

    def price_of(self, row: int) -> int | None:
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


def _code(department: str, category: str | None = None) -> str:
    """The code of a category: the data's own words, without blanks."""
    return "_".join((department if category is None else f"{department}/{category}").split())
