"""The words of changes by file: what a file would do, row by row, kept until somebody applies it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, NotFound, Text
from midstage.middle.catalogue.listing_types import ListingDraft, ListingId
from midstage.middle.catalogue.types import Barcode, CategoryId, Product, State, Unit

ChangeId = NewType("ChangeId", UUID)
KEPT = timedelta(days=7)


class ChangeKind(StrEnum):
    """What the rows of a file change."""

    PRODUCTS = "products"
    PRICES = "prices"
    LISTINGS = "listings"
    CATEGORIES = "categories"
    TAX_CLASSES = "tax_classes"


class ChangeState(StrEnum):
    PREVIEWED = "previewed"
    APPLIED = "applied"


class Outcome(StrEnum):
    """What a row would do: make something, change something, nothing, or it is wrong."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    FAULT = "fault"


class FieldChange(msgspec.Struct, frozen=True):
    """One field, as people read it; before is null of what is new."""

    field: str
    before: str | None
    after: str | None


class RowFault(msgspec.Struct, frozen=True):
    """What is wrong with a row, and in which column; none where it is the row as a whole."""

    column: str
    code: str
    reason_zh: str
    reason_en: str


class ChangeRow(msgspec.Struct, frozen=True):
    """One row: its line in the file, what it would do, and what is wrong. `seen` is the version it was compared to."""

    line: int
    outcome: Outcome
    cells: dict[str, Any] = {}
    seen: int = 0
    fields: Sequence[FieldChange] = ()
    faults: Sequence[RowFault] = ()

    def same_as(self, other: "ChangeRow") -> bool:
        """Whether it would still do what the other said it would."""
        return (self.outcome, self.seen, list(self.fields)) == (other.outcome, other.seen, list(other.fields))


class ChangeSet(msgspec.Struct, frozen=True):
    """A file as it was previewed, with its totals by row; `written` counts the rows that were applied."""

    change_id: ChangeId
    kind: ChangeKind
    state: ChangeState
    file_name: str
    created: int
    changed: int
    same: int
    faulty: int
    by_id: UUID
    at: datetime
    expires_at: datetime
    applied_at: datetime | None = None
    applied_by: UUID | None = None
    written: int = 0


class SkuPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of a sku; what it does not say stays. `options` are names and values, as people write them."""

    line: int
    code: str
    options: list[tuple[str, str]] | msgspec.UnsetType = msgspec.UNSET
    barcodes: list[Barcode] | msgspec.UnsetType = msgspec.UNSET
    unit: Unit | msgspec.UnsetType = msgspec.UNSET
    milli_step: int | msgspec.UnsetType = msgspec.UNSET
    rank: int | msgspec.UnsetType = msgspec.UNSET
    state: State | msgspec.UnsetType = msgspec.UNSET


class ProductPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of one product say; what they do not say stays. A product that there is not is made."""

    lines: list[int]
    code: str
    zh: str | msgspec.UnsetType = msgspec.UNSET
    en: str | msgspec.UnsetType = msgspec.UNSET
    category_id: CategoryId | msgspec.UnsetType = msgspec.UNSET
    tax_class: str | msgspec.UnsetType = msgspec.UNSET
    trademark: str | msgspec.UnsetType = msgspec.UNSET
    description_zh: str | msgspec.UnsetType = msgspec.UNSET
    description_en: str | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, str] = {}
    state: State | msgspec.UnsetType = msgspec.UNSET
    skus: list[SkuPatch] = []


class PlannedProduct(msgspec.Struct, frozen=True):
    """What the rows of one product would do: as it is, as it would be (None: it is wrong), and that row by row."""

    before: Product | None
    after: Product | None
    rows: list[ChangeRow]


class ListingPatch(msgspec.Struct, frozen=True):
    """What a row says of where a product is listed: that there is such a row of listing, or that there is none."""

    line: int
    draft: ListingDraft
    present: bool = True


class PlannedListing(msgspec.Struct, frozen=True):
    """What it would do: write a row, take one out, or nothing."""

    row: ChangeRow
    draft: ListingDraft | None = None
    removed: ListingId | None = None


class CategoryPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of a category; what it does not say stays. An empty parent puts it at the top."""

    line: int
    code: str
    zh: str | msgspec.UnsetType = msgspec.UNSET
    en: str | msgspec.UnsetType = msgspec.UNSET
    parent: str | msgspec.UnsetType = msgspec.UNSET
    rank: int | msgspec.UnsetType = msgspec.UNSET


class TaxPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a row says of a tax class; what it does not say stays."""

    line: int
    code: str
    zh: str | msgspec.UnsetType = msgspec.UNSET
    en: str | msgspec.UnsetType = msgspec.UNSET
    rate_millionths: int | msgspec.UnsetType = msgspec.UNSET
    inclusive: bool | msgspec.UnsetType = msgspec.UNSET


class NoSuchChange(NotFound):
    """There is no such change by file; a preview is kept for seven days."""

    text = Text(
        zh="没有这次批量变更，预览保留七天", en="There is no such change by file; a preview is kept for seven days."
    )
    change: str


class ChangeAppliedBefore(Conflict):
    """A change by file is applied once."""

    text = Text(zh="该批量变更已应用，不能重复应用", en="This change by file was applied before; it is applied once.")
    change: str


class ChangeHasFaults(Conflict):
    """Some rows are wrong and all were wanted: mend the file, or apply the good rows alone."""

    text = Text(
        zh="有 {faulty} 行错误：请修正文件，或选择只应用正确的行",
        en="{faulty} rows are wrong: mend the file, or apply the good rows alone.",
    )
    faulty: int


class ChangeMoved(Conflict):
    """What the file was compared to has changed since; nothing is applied. Look at the preview anew."""

    text = Text(
        zh="第 {line} 行对应的数据在预览后已被修改，未应用任何变更，请重新预览",
        en="What line {line} was compared to has changed since the preview; nothing is applied. Preview it again.",
    )
    line: int
