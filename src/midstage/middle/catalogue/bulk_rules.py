"""Changes by file, the pure part: what a product becomes by what a file says of it, and what that changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from midstage.kit.ids import new_id
from midstage.kit.refusals import Refusal
from midstage.middle.catalogue import rules
from midstage.middle.catalogue.change_types import (
    ChangeRow,
    FieldChange,
    Outcome,
    ProductPatch,
    RowFault,
    SkuPatch,
)
from midstage.middle.catalogue.refusals import AttributeWrong, CatalogueTextWrong, StateWrong
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    AttributeKind,
    CategoryId,
    Name,
    Option,
    OptionValue,
    Product,
    ProductId,
    Sku,
    SkuId,
    State,
    Unit,
    Value,
)

T = TypeVar("T")
_TRUE, _FALSE = {"true", "yes", "1", "是"}, {"false", "no", "0", "否"}


def patched(
    before: Product | None, patch: ProductPatch, definitions: Mapping[str, AttributeDefinition], at: datetime
) -> Product:
    """What a product becomes; one that there was not is begun. Raises the refusal of what is wrong.

    Its category path is the caller's to set.
    """
    base = before or _blank(patch, at)
    options = _options(base.options, patch.skus)
    skus = _skus(base, patch, options)
    after = msgspec.structs.replace(
        base,
        name=Name(given_or(patch.zh, base.name.zh), given_or(patch.en, base.name.en)),
        category_id=given_or(patch.category_id, base.category_id),
        tax_class=given_or(patch.tax_class, base.tax_class),
        trademark=given_or(patch.trademark, base.trademark),
        description=Name(
            given_or(patch.description_zh, base.description.zh), given_or(patch.description_en, base.description.en)
        ),
        tags=given_or(patch.tags, base.tags),
        attributes={**base.attributes, **_attributes(patch.attributes, definitions)},
        options=options,
        skus=skus,
    )
    return _moved(after, given_or(patch.state, base.state), at)


def _blank(patch: ProductPatch, at: datetime) -> Product:
    if isinstance(patch.category_id, msgspec.UnsetType):
        raise CatalogueTextWrong("category", rules.MAX_CODE)
    if isinstance(patch.tax_class, msgspec.UnsetType):
        raise CatalogueTextWrong("tax_class", rules.MAX_CODE)
    return Product(
        product_id=ProductId(new_id()),
        code=patch.code,
        name=Name(),
        category_id=patch.category_id,
        category_path=[],
        tax_class=patch.tax_class,
        state=State.DRAFT,
        version=0,
        changed_at=at,
    )


def _moved(product: Product, state: State, at: datetime) -> Product:
    """A product in another state; its drafts go live with it."""
    if state is product.state:
        return product
    if state is State.RETIRED:
        return msgspec.structs.replace(product, state=rules.retire(product))
    if state is State.DRAFT:
        raise StateWrong(product.code, product.state.value)
    live, drafts = rules.publish(product)
    ready = {sku.sku_id for sku in drafts}
    skus = [msgspec.structs.replace(sku, state=State.LIVE) if sku.sku_id in ready else sku for sku in product.skus]
    return msgspec.structs.replace(product, state=live, skus=skus, published_at=at)


def _attributes(given: Mapping[str, str], definitions: Mapping[str, AttributeDefinition]) -> dict[str, Value]:
    return {code: _value(text, definitions.get(code), code) for code, text in given.items()}


def _value(text: str, definition: AttributeDefinition | None, code: str) -> Value:
    if definition is None:
        raise AttributeWrong(code)
    if definition.kind is AttributeKind.BOOLEAN:
        if text.lower() not in _TRUE | _FALSE:
            raise AttributeWrong(code)
        return text.lower() in _TRUE
    if definition.kind is AttributeKind.NUMBER:
        try:
            return int(text) if text.removeprefix("-").isdecimal() else float(text)
        except ValueError:
            raise AttributeWrong(code) from None
    return text


def _options(options: Sequence[Option], patches: Sequence[SkuPatch]) -> list[Option]:
    """The options of a product, with those names and values that its skus bring along."""
    found = {option.code: option for option in options}
    for patch in patches:
        for name, value in given_or(patch.options, []):
            option = _named(found.values(), name) or Option(name, Name(name), [])
            if _named(option.values, value) is None:
                option = msgspec.structs.replace(option, values=[*option.values, OptionValue(value, Name(value))])
            found[option.code] = option
    return list(found.values())


def _named(among: Any, name: str) -> Any:
    """The option or value that has this code, or is called so."""
    return next((one for one in among if name in (one.code, one.name.zh, one.name.en)), None)


def _skus(base: Product, patch: ProductPatch, options: Sequence[Option]) -> list[Sku]:
    found = {sku.code: sku for sku in base.skus}
    for one in patch.skus:
        old = found.get(one.code)
        unit = given_or(one.unit, old.unit if old else Unit.PIECE)
        step = given_or(one.milli_step, old.milli_step if old else rules.default_step(unit))
        wanted = given_or(one.state, old.state if old else State.DRAFT)
        if old is not None and wanted is State.DRAFT and old.state is not State.DRAFT:
            raise StateWrong(one.code, old.state.value)
        found[one.code] = Sku(
            old.sku_id if old else SkuId(new_id()),
            one.code,
            _chosen(one, options, old),
            given_or(one.barcodes, old.barcodes if old else []),
            unit,
            step,
            wanted,
            given_or(one.rank, old.rank if old else 0),
            old.parts if old else [],
        )
    return list(found.values())


def _chosen(patch: SkuPatch, options: Sequence[Option], old: Sku | None) -> dict[str, str]:
    if isinstance(patch.options, msgspec.UnsetType):
        return old.options if old else {}
    chosen: dict[str, str] = {}
    for name, value in patch.options:
        option: Option = _named(options, name)
        chosen[option.code] = _named(option.values, value).code
    return dict(sorted(chosen.items()))


def rows_of(
    before: Product | None, after: Product, patch: ProductPatch, categories: Mapping[CategoryId, str]
) -> list[ChangeRow]:
    """What the rows of a product would do; what changes of the product itself is told with its first row."""
    of_product = differences(_fields(before, categories), _fields(after, categories))
    old = {sku.code: sku for sku in before.skus} if before else {}
    new = {sku.code: sku for sku in after.skus}
    by_line = {one.line: one for one in patch.skus}
    seen = before.version if before else 0
    rows: list[ChangeRow] = []
    for place, line in enumerate(patch.lines):
        fields = of_product if place == 0 else []
        sku = by_line.get(line)
        made = before is None
        if sku is not None:
            was = old.get(sku.code)
            made = made or was is None
            shown = _sku_fields(before, was) if before and was else {}
            fields = [*fields, *differences(shown, _sku_fields(after, new[sku.code]))]
        outcome = Outcome.NEW if made else Outcome.CHANGED if fields else Outcome.SAME
        rows.append(ChangeRow(line, outcome, seen=seen, fields=fields))
    return rows


def faulty_rows(patch: ProductPatch, refusal: Refusal) -> list[ChangeRow]:
    """A product is changed whole or not at all: the row that is meant says why, the others that it is one of them."""
    named = refusal.figures().get("sku", refusal.figures().get("thing"))
    line = next((sku.line for sku in patch.skus if sku.code == named), patch.lines[0])
    other = RowFault("", "product_faulty", "同一商品的其他行有误", "another row of this product is wrong")
    return [ChangeRow(one, Outcome.FAULT, faults=[fault_of(refusal) if one == line else other]) for one in patch.lines]


def fault_of(refusal: Refusal, column: str = "") -> RowFault:
    return RowFault(column, refusal.code, refusal.say("zh"), refusal.say("en"))


def _fields(product: Product | None, categories: Mapping[CategoryId, str]) -> dict[str, str]:
    if product is None:
        return {}
    return {
        "name": product.name.zh,
        "name_en": product.name.en,
        "category": categories.get(product.category_id, str(product.category_id)),
        "tax_class": product.tax_class,
        "trademark": product.trademark,
        "description": product.description.zh,
        "description_en": product.description.en,
        "tags": " ".join(product.tags),
        "state": product.state.value,
        **{f"attribute.{code}": str(value) for code, value in sorted(product.attributes.items())},
    }


def _sku_fields(product: Product, sku: Sku) -> dict[str, str]:
    return {
        "options": rules.options_text(product, sku).zh,
        "barcode": " ".join(sorted(barcode.code for barcode in sku.barcodes)),
        "unit": sku.unit.value,
        "step": decimal(sku.milli_step, 3),
        "rank": str(sku.rank),
        "sku_state": sku.state.value,
    }


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[FieldChange]:
    """What is other than before; of what is new, what says anything."""
    return [
        FieldChange(field, before.get(field), value)
        for field, value in after.items()
        if (before[field] != value if field in before else bool(value))
    ]


def decimal(whole: int, places: int) -> str:
    """An integer of thousandths (or of other smallest parts) as people write it."""
    return f"{Decimal(whole).scaleb(-places).normalize():f}"


def given_or(given: T | msgspec.UnsetType, old: T) -> T:
    return old if isinstance(given, msgspec.UnsetType) else given
