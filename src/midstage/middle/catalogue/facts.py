"""What the catalogue tells the world. Bulk loads tell one fact for a few hundred products, with their ids."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class ProductsLoaded(Fact, frozen=True, kw_only=True):
    """Products were created by one call, all in this state."""

    subject: ClassVar[str] = "load_id"
    load_id: UUID
    state: str
    product_ids: list[UUID]
    sku_count: int


class ProductChanged(Fact, frozen=True, kw_only=True):
    """A product or one of its skus is not as it was; `fields` names what."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    product_version: int
    fields: list[str]


class ProductPublished(Fact, frozen=True, kw_only=True):
    """Shoppers can see the product and these skus."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    product_version: int
    sku_ids: list[UUID]


class ProductRetired(Fact, frozen=True, kw_only=True):
    """Shoppers no longer see the product."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    product_version: int


class SkuAdded(Fact, frozen=True, kw_only=True):
    """A product has one sku more."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    sku_id: UUID
    product_version: int
    state: str


class SkuPublished(Fact, frozen=True, kw_only=True):
    """Shoppers can see the sku, if its product is live."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    sku_id: UUID
    product_version: int


class SkuRetired(Fact, frozen=True, kw_only=True):
    """Shoppers no longer see the sku."""

    subject: ClassVar[str] = "product_id"
    product_id: UUID
    sku_id: UUID
    product_version: int


class CategoriesLoaded(Fact, frozen=True, kw_only=True):
    """Categories were created by one call."""

    subject: ClassVar[str] = "load_id"
    load_id: UUID
    category_ids: list[UUID]


class CategoryChanged(Fact, frozen=True, kw_only=True):
    """A category has another name, rank, place or other attributes; `path` is where it lies now."""

    subject: ClassVar[str] = "category_id"
    category_id: UUID
    path: list[UUID]


class CategoryRemoved(Fact, frozen=True, kw_only=True):
    """An empty category is gone."""

    subject: ClassVar[str] = "category_id"
    category_id: UUID


class ListingsChanged(Fact, frozen=True, kw_only=True):
    """Where these products are sold may be other than before: rows of listing were written, or taken out."""

    subject: ClassVar[str] = "change_id"
    change_id: UUID
    product_ids: list[UUID]
    removed: bool


class ProductsChanged(Fact, frozen=True, kw_only=True):
    """Products or their skus are not as they were, changed by one call."""

    subject: ClassVar[str] = "change_id"
    change_id: UUID
    product_ids: list[UUID]
