"""All SQL of the catalogue, over its own tables."""

from midstage.middle.catalogue.store.categories import (
    attribute_is_used,
    delete_category,
    insert_categories,
    lock_paths,
    lock_subtree,
    read_categories,
    read_categories_by_code,
    read_definitions,
    write_category,
    write_definitions,
    write_paths,
)
from midstage.middle.catalogue.store.faults import find_faults
from midstage.middle.catalogue.store.lists import SEARCH, list_products, marks_of, search
from midstage.middle.catalogue.store.offers import (
    first_not_live,
    first_unknown,
    product_of_sku,
    read_offers,
    read_sku_codes,
    scan,
)
from midstage.middle.catalogue.store.products import (
    insert_barcodes,
    insert_products,
    insert_skus,
    read_product_codes,
    read_products,
    write_product,
    write_skus,
)
from midstage.middle.catalogue.store.refresh import lock_beneath, refresh_products
from midstage.middle.catalogue.store.taxes import lock_tax_classes, read_tax_classes, write_tax_class

__all__ = [
    "SEARCH",
    "attribute_is_used",
    "delete_category",
    "find_faults",
    "first_not_live",
    "first_unknown",
    "insert_barcodes",
    "insert_categories",
    "insert_products",
    "insert_skus",
    "list_products",
    "lock_beneath",
    "lock_paths",
    "lock_subtree",
    "lock_tax_classes",
    "marks_of",
    "product_of_sku",
    "read_categories",
    "read_categories_by_code",
    "read_definitions",
    "read_offers",
    "read_product_codes",
    "read_products",
    "read_sku_codes",
    "read_tax_classes",
    "refresh_products",
    "scan",
    "search",
    "write_category",
    "write_definitions",
    "write_paths",
    "write_product",
    "write_skus",
    "write_tax_class",
]
