"""What may be in the catalogue: pure checks, values in, values or a refusal out."""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from midstage.middle.catalogue import barcodes, lexemes
from midstage.middle.catalogue.refusals import (
    AttributeWrong,
    BarcodeTaken,
    BundleWrong,
    CatalogueTextWrong,
    CategoryMisplaced,
    MediaWrong,
    NotPublishable,
    OptionsTaken,
    OptionsWrong,
    QuantityUnsellable,
    SkuCodeTaken,
    StateWrong,
    TaxRateWrong,
    TooManyOf,
    UnitStepWrong,
)
from midstage.middle.catalogue.types import (
    AttributeDefinition,
    AttributeKind,
    Category,
    CategoryId,
    Media,
    Name,
    Offer,
    Option,
    Product,
    Sku,
    State,
    TaxClass,
    Unit,
    Value,
)

MAX_CODE = 64
MAX_NAME = 200
MAX_DESCRIPTION = 20_000
MAX_ADDRESS = 500
MAX_VALUE = 300
MAX_LEVELS = 8
# One product is read, shown and indexed whole; beyond this it is several products.
MAX_SKUS = 500
MAX_BARCODES = 20
MAX_OPTIONS = 5
MAX_OPTION_VALUES = 200
MAX_MEDIA = 50
MAX_TAGS = 50
MAX_ATTRIBUTES = 100
MAX_STEP = 1_000_000_000
MAX_PARTS = 50
_PIECE = 1000


def check_text(field: str, value: str, limit: int, *, empty: bool = False) -> None:
    """Raises CatalogueTextWrong where a text is blank, too long, or has control characters."""
    hidden = not value.isprintable() and _has_control(value, lines=limit > MAX_NAME)
    if hidden or len(value) > limit or not (empty or value.strip()) or value != value.strip():
        raise CatalogueTextWrong(field, limit)


def _has_control(value: str, *, lines: bool) -> bool:
    """Control characters and lone surrogates; the longest texts may have lines."""
    return any(unicodedata.category(char) in {"Cc", "Cs"} for char in value if not (lines and char == "\n"))


def check_code(field: str, code: str) -> None:
    check_text(field, code, MAX_CODE)


def check_name(field: str, name: Name, limit: int = MAX_NAME, *, empty: bool = False) -> None:
    """A name has one language at least."""
    check_text(field, name.in_zh(), limit, empty=empty)
    check_text(field, name.in_en(), limit, empty=empty)


def check_count(field: str, items: Sequence[object] | Mapping[str, object], limit: int) -> None:
    if len(items) > limit:
        raise TooManyOf(field, limit)


def check_tax_class(tax: TaxClass) -> None:
    check_code("tax_class", tax.code)
    check_name("name", tax.name)
    if not 0 <= tax.rate_millionths <= 1_000_000:
        raise TaxRateWrong(tax.rate_millionths)


def check_product(product: Product, definitions: Mapping[str, AttributeDefinition]) -> None:
    """Everything that can be known of a product without looking at others. Raises the refusal that fits."""
    check_code("code", product.code)
    check_name("name", product.name)
    check_name("description", product.description, MAX_DESCRIPTION, empty=True)
    check_text("trademark", product.trademark, MAX_NAME, empty=True)
    check_count("tags", product.tags, MAX_TAGS)
    for tag in product.tags:
        check_code("tag", tag)
    check_count("media", product.media, MAX_MEDIA)
    for media in product.media:
        _check_media(media)
    check_attributes(product.attributes, definitions)
    _check_options(product.options)
    check_count("skus", product.skus, MAX_SKUS)
    _check_skus(product)


def _check_media(media: Media) -> None:
    address = media.address
    local = address.startswith("/") and not address.startswith("//")
    if not (local or address.startswith("https://")) or any(char.isspace() or char in "\\<>\"'" for char in address):
        raise MediaWrong(address[:MAX_CODE])
    check_text("media", address, MAX_ADDRESS)
    check_code("media", media.kind)
    check_name("media", media.alt, empty=True)


def check_definition(definition: AttributeDefinition) -> None:
    """The code of an attribute is part of a lexeme, so it has no '='."""
    check_code("attribute", definition.code)
    check_name("attribute", definition.name)
    check_count("choices", definition.choices, MAX_OPTION_VALUES)
    for choice in definition.choices:
        check_code("choice", choice)
    if "=" in definition.code or (definition.kind is AttributeKind.CHOICE) != bool(definition.choices):
        raise AttributeWrong(definition.code)


def check_attributes(values: Mapping[str, Value], definitions: Mapping[str, AttributeDefinition]) -> None:
    """Every value is of its attribute's kind, none is undefined, none required is missing."""
    check_count("attributes", values, MAX_ATTRIBUTES)
    for code, value in values.items():
        definition = definitions.get(code)
        if definition is None or not _fits(value, definition):
            raise AttributeWrong(code)
    for code, definition in definitions.items():
        if definition.required and code not in values:
            raise AttributeWrong(code)


def _fits(value: Value, definition: AttributeDefinition) -> bool:
    match definition.kind:
        case AttributeKind.BOOLEAN:
            return isinstance(value, bool)
        case AttributeKind.NUMBER:
            # Beyond 2**53 a number would come back from JSON as another one.
            return not isinstance(value, bool | str) and math.isfinite(value) and abs(value) <= 2**53
        case AttributeKind.CHOICE:
            return value in definition.choices
        case AttributeKind.TEXT:
            if not isinstance(value, str):
                return False
            check_text(definition.code, value, MAX_VALUE)
            return True


def _check_options(options: Sequence[Option]) -> None:
    check_count("options", options, MAX_OPTIONS)
    for option in options:
        check_code("option", option.code)
        check_name("option", option.name)
        check_count("values", option.values, MAX_OPTION_VALUES)
        for value in option.values:
            check_code("option", value.code)
            check_name("option", value.name)


def _check_skus(product: Product) -> None:
    codes: set[str] = set()
    chosen: set[tuple[tuple[str, str], ...]] = set()
    printed: set[tuple[str, str]] = set()
    known = {option.code: {value.code for value in option.values} for option in product.options}
    for sku in product.skus:
        check_code("sku", sku.code)
        if sku.code in codes:
            raise SkuCodeTaken(sku.code)
        codes.add(sku.code)
        check_step(sku.code, sku.unit, sku.milli_step)
        _check_parts(sku)
        check_count("barcodes", sku.barcodes, MAX_BARCODES)
        for barcode in sku.barcodes:
            key = barcodes.place(barcode)
            if key in printed:
                raise BarcodeTaken(barcode.code)
            printed.add(key)
        if sku.state is State.RETIRED:
            continue  # it keeps the options that it was sold with, whatever the product has now
        _check_choice(sku, known)
        choice = tuple(sorted(sku.options.items()))
        if choice in chosen:
            raise OptionsTaken(sku.code)
        chosen.add(choice)


def _check_parts(sku: Sku) -> None:
    """What can be known of a bundle without looking at its parts."""
    if not sku.parts:
        return
    check_count("parts", sku.parts, MAX_PARTS)
    if sku.unit is not Unit.PIECE:
        raise BundleWrong(sku.code, "组合商品须按件销售", "a bundle is sold by the piece")
    parts = {part.sku_id for part in sku.parts}
    if len(parts) < len(sku.parts) or sku.sku_id in parts:
        raise BundleWrong(sku.code, "组成规格重复或包含自身", "a part stands in it twice, or it is a part of itself")
    if not all(0 < part.quantity_milli <= MAX_STEP for part in sku.parts):
        raise BundleWrong(sku.code, "组成数量须为正数", "the quantity of a part is not positive, or too large")


def _check_choice(sku: Sku, known: Mapping[str, set[str]]) -> None:
    for option in sorted(known.keys() | sku.options.keys()):
        if sku.options.get(option) not in known.get(option, set[str]()):
            raise OptionsWrong(sku.code, option)


def check_step(sku: str, unit: Unit, milli_step: int) -> None:
    """A step is positive; a piece is not divided."""
    if not 0 < milli_step <= MAX_STEP or (unit is Unit.PIECE and milli_step % _PIECE):
        raise UnitStepWrong(sku, unit.value, milli_step)


def default_step(unit: Unit) -> int:
    """Whole pieces, or thousandths of whatever is weighed or measured."""
    return _PIECE if unit is Unit.PIECE else 1


def check_quantity(offer: Offer, quantity_milli: int) -> None:
    """Raises QuantityUnsellable unless the quantity is a positive multiple of the step: no half of a piece."""
    if quantity_milli <= 0 or quantity_milli % offer.milli_step:
        raise QuantityUnsellable(offer.sku_code, quantity_milli, offer.milli_step)


def options_text(product: Product, sku: Sku) -> Name:
    """The chosen values in the order of the product's options: "红 / M"."""
    names = {(option.code, value.code): value.name for option in product.options for value in option.values}
    chosen = [names.get((code, value), Name(value)) for code, value in _in_order(product, sku)]
    return Name(" / ".join(name.in_zh() for name in chosen), " / ".join(name.in_en() for name in chosen))


def _in_order(product: Product, sku: Sku) -> list[tuple[str, str]]:
    order = {option.code: place for place, option in enumerate(product.options)}
    return sorted(sku.options.items(), key=lambda choice: (order.get(choice[0], MAX_OPTIONS), choice[0]))


def document(brand_mark: str, product: Product, categories: Sequence[Category]) -> lexemes.Document:
    """What a product is found by. `categories` is its path; retired skus no longer lead to it."""
    skus = [sku for sku in product.skus if sku.state is not State.RETIRED]
    printed = [(barcode, barcodes.place(barcode)) for sku in skus for barcode in sku.barcodes]
    values = {value for sku in skus for value in sku.options.items()}
    options = [
        name
        for option in product.options
        for value in option.values
        if (option.code, value.code) in values
        for name in (value.name.zh, value.name.en)
    ]
    around = [
        product.trademark,
        *(name for c in categories for name in (c.name.zh, c.name.en)),
        *product.tags,
        *options,
    ]
    return lexemes.Document(
        names=(product.name.zh, product.name.en),
        around=around,
        codes=[product.code, *(sku.code for sku in skus), *(barcode.code for barcode, _ in printed)],
        gtins=[key for _, (space, key) in printed if space == "gtin"],
        marks=[
            brand_mark,
            *(lexemes.category_mark(category) for category in product.category_path),
            *([lexemes.trademark_mark(product.trademark)] if product.trademark else []),
            *(lexemes.tag_mark(tag) for tag in product.tags),
            *lexemes.attribute_marks(product.attributes),
        ],
    )


def publish(product: Product) -> tuple[State, list[Sku]]:
    """The state of a product that goes live, and the skus that go live with it: all that are drafts."""
    if product.state is State.LIVE:
        raise StateWrong(product.code, product.state.value)
    if all(sku.state is State.RETIRED for sku in product.skus):
        raise NotPublishable(product.code)
    return State.LIVE, [sku for sku in product.skus if sku.state is State.DRAFT]


def retire(product: Product) -> State:
    """The skus keep their state, so that the product can come back as it was."""
    if product.state is State.RETIRED:
        raise StateWrong(product.code, product.state.value)
    return State.RETIRED


def move(
    category: Category, parent: Category | None, subtree: Iterable[Category]
) -> dict[CategoryId, list[CategoryId]]:
    """The new paths of a category and of all beneath it. Raises CategoryMisplaced for a loop or beyond the depth."""
    above = parent.path if parent else []
    if category.category_id in above:
        raise CategoryMisplaced(category.code, MAX_LEVELS)
    at = len(category.path) - 1
    paths = {node.category_id: [*above, *node.path[at:]] for node in subtree}
    if any(len(path) > MAX_LEVELS for path in paths.values()):
        raise CategoryMisplaced(category.code, MAX_LEVELS)
    return paths
