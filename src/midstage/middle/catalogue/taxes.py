"""Tax classes: a code that products carry, and the rate behind it."""

from midstage.kit.database import Tx
from midstage.middle.catalogue import rules, store
from midstage.middle.catalogue.types import TaxClass


async def tax_classes(tx: Tx) -> dict[str, TaxClass]:
    """All tax classes of the brand, by code."""
    return await store.read_tax_classes(tx)


async def set_tax_class(tx: Tx, tax: TaxClass) -> None:
    """Create a tax class or change it for all of its products; orders keep the rate they were sold at."""
    rules.check_tax_class(tax)
    before = (await store.lock_tax_classes(tx, [tax.code])).get(tax.code)
    touched = await store.write_tax_class(tx, tax)
    tx.note("catalogue.set_tax_class", "tax_class", tax.code, before=before, after={"class": tax, "products": touched})
