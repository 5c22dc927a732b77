"""Change by file: a preview of what a file would do, row by row, and applying it."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest
from midstage.fronts._http.files import FileMissing, FileUnreadable, received
from midstage.fronts._http.rows import changes
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts.console.catalogue import PRODUCT_FAULTS
from midstage.fronts.console.categories import READ, WRITE
from midstage.fronts.console.listing import LISTING_FAULTS
from midstage.fronts.console.pricing import WRITE as WRITE_PRICES
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.pricing import api as pricing

TAGS = ["console: changes by file"]
OF_CATALOGUE = [kind for kind in catalogue.ChangeKind if kind is not catalogue.ChangeKind.PRICES]
OF_PRICES = [catalogue.ChangeKind.PRICES]
FILE_FAULTS = (access.OutOfScope, NeedsWholeBrand, FileMissing, FileUnreadable)
APPLY_FAULTS = (
    access.OutOfScope,
    NeedsWholeBrand,
    catalogue.NoSuchChange,
    catalogue.ChangeAppliedBefore,
    catalogue.ChangeHasFaults,
    catalogue.ChangeMoved,
)
WithOutcome = Annotated[catalogue.Outcome | None, QueryParameter(name="outcome", description="Only rows that do this")]


class HowMuch(StrEnum):
    """What happens to the good rows of a file with wrong ones."""

    ALL_OR_NOTHING = "all_or_nothing"
    KEEP_GOOD = "keep_good"


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the good rows are to be applied although others are wrong."""

    mode: HowMuch = HowMuch.ALL_OR_NOTHING


async def _preview(
    kind: catalogue.ChangeKind, permission: str, tx: Tx, staff: Staff, request: AnyRequest
) -> catalogue.ChangeSet:
    whole_brand(staff, permission)
    body, name = await received(request)
    return await changes.preview(tx, kind, body, name)


@changing(
    "POST", "/bulk-changes/products", status=201, once=True, file=True, tags=TAGS, needs=WRITE, refuses=FILE_FAULTS
)
async def preview_products(tx: Tx, staff: Staff, request: AnyRequest) -> catalogue.ChangeSet:
    """Preview products with their skus: a row a sku, the rows of one product next to each other.

    Columns: code; name, name_en, category, tax_class, trademark, description, description_en, tags, state,
    attribute.<code>; sku_code, barcode, unit, step, rank, sku_state, option1_name, option1_value (to option3). An empty
    cell leaves what is, a hyphen empties it.
    """
    return await _preview(catalogue.ChangeKind.PRODUCTS, WRITE, tx, staff, request)


@changing(
    "POST", "/bulk-changes/listings", status=201, once=True, file=True, tags=TAGS, needs=WRITE, refuses=FILE_FAULTS
)
async def preview_listings(tx: Tx, staff: Staff, request: AnyRequest) -> catalogue.ChangeSet:
    """Preview where products are listed, withheld or opted out of.

    Columns: product_code, kind (listed, withheld, opted_out); sales_channel, store_code, operator_code, unit_code,
    reason, action (add, remove).
    """
    return await _preview(catalogue.ChangeKind.LISTINGS, WRITE, tx, staff, request)


@changing(
    "POST", "/bulk-changes/categories", status=201, once=True, file=True, tags=TAGS, needs=WRITE, refuses=FILE_FAULTS
)
async def preview_categories(tx: Tx, staff: Staff, request: AnyRequest) -> catalogue.ChangeSet:
    """Preview categories, parents before their children.

    Columns: code; name, name_en, parent (its code; a hyphen for the top), rank.
    """
    return await _preview(catalogue.ChangeKind.CATEGORIES, WRITE, tx, staff, request)


@changing(
    "POST", "/bulk-changes/tax-classes", status=201, once=True, file=True, tags=TAGS, needs=WRITE, refuses=FILE_FAULTS
)
async def preview_tax_classes(tx: Tx, staff: Staff, request: AnyRequest) -> catalogue.ChangeSet:
    """Preview tax classes.

    Columns: code; name, name_en, rate (percent, as 13), inclusive (true, false).
    """
    return await _preview(catalogue.ChangeKind.TAX_CLASSES, WRITE, tx, staff, request)


@changing(
    "POST", "/bulk-changes/prices", status=201, once=True, file=True, tags=TAGS, needs=WRITE_PRICES, refuses=FILE_FAULTS
)
async def preview_prices(tx: Tx, staff: Staff, request: AnyRequest) -> catalogue.ChangeSet:
    """Preview list and supply prices.

    Columns: sku_code, list_price (as 12.80); supply_price, currency.
    """
    return await _preview(catalogue.ChangeKind.PRICES, WRITE_PRICES, tx, staff, request)


@reading("/bulk-changes", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def bulk_changes(
    tx: Tx, staff: Staff, kind: catalogue.ChangeKind | None = None, after: str | None = None, limit: Limit = 50
) -> Page[catalogue.ChangeSet]:
    """Changes by file of the last seven days, the newest first."""
    whole_brand(staff, READ)
    kinds = [kind] if kind else list(catalogue.ChangeKind)
    return await catalogue.change_sets(tx, kinds, PageRequest(after, limit))


@reading(
    "/bulk-changes/{change_id:uuid}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, NeedsWholeBrand, catalogue.NoSuchChange),
)
async def bulk_change(change_id: UUID, tx: Tx, staff: Staff) -> catalogue.ChangeSet:
    """One change by file with its totals."""
    whole_brand(staff, READ)
    return await catalogue.change_set(tx, catalogue.ChangeId(change_id))


@reading(
    "/bulk-changes/{change_id:uuid}/rows",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, NeedsWholeBrand, catalogue.NoSuchChange),
)
async def bulk_change_rows(
    change_id: UUID, tx: Tx, staff: Staff, outcome: WithOutcome = None, after: str | None = None, limit: Limit = 50
) -> Page[catalogue.ChangeRow]:
    """What each row would do, in the order of the file: before and after of each field, or what is wrong."""
    whole_brand(staff, READ)
    return await catalogue.change_rows(tx, catalogue.ChangeId(change_id), outcome, PageRequest(after, limit))


@changing(
    "POST",
    "/bulk-changes/{change_id:uuid}/apply",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(*APPLY_FAULTS, *PRODUCT_FAULTS, *LISTING_FAULTS),
)
async def apply_bulk_change(change_id: UUID, data: Apply, tx: Tx, staff: Staff) -> catalogue.ChangeSet:
    """Apply a change of the catalogue, once; refused where something has moved since the preview."""
    whole_brand(staff, WRITE)
    return await _apply(tx, change_id, OF_CATALOGUE, data)


@changing(
    "POST",
    "/bulk-changes/{change_id:uuid}/apply-prices",
    once=True,
    tags=TAGS,
    needs=WRITE_PRICES,
    refuses=(*APPLY_FAULTS, pricing.PriceWrong, pricing.PriceCurrencyWrong, catalogue.NoSuchSku),
)
async def apply_price_change(change_id: UUID, data: Apply, tx: Tx, staff: Staff) -> catalogue.ChangeSet:
    """Apply a change of prices, once; refused where something has moved since the preview."""
    whole_brand(staff, WRITE_PRICES)
    return await _apply(tx, change_id, OF_PRICES, data)


async def _apply(tx: Tx, change_id: UUID, kinds: list[catalogue.ChangeKind], data: Apply) -> catalogue.ChangeSet:
    return await changes.apply(
        tx, catalogue.ChangeId(change_id), kinds, all_or_nothing=data.mode is HowMuch.ALL_OR_NOTHING
    )


HANDLERS: list[HTTPRouteHandler] = [
    preview_products, preview_listings, preview_categories, preview_tax_classes, preview_prices,
    bulk_changes, bulk_change, bulk_change_rows, apply_bulk_change, apply_price_change,
]  # fmt: skip
