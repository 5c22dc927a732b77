"""Tax classes, and the copies that products hold of them."""

from collections.abc import Sequence

from midstage.kit.database import Record, Tx
from midstage.middle.catalogue.types import (
    Name,
    TaxClass,
)

REFRESH_TAX = """
update product
   set tax_rate_millionths = $3, tax_inclusive = $4, changed_at = $5, version = version + 1
 where brand_id = $1 and tax_class = $2
"""
TAX_CLASSES = """
select code, name_zh, name_en, rate_millionths, inclusive from tax_class
 where brand_id = $1 order by code
"""
LOCKED_TAX_CLASSES = """
select code, name_zh, name_en, rate_millionths, inclusive from tax_class
 where brand_id = $1 and code = any($2::text[]) order by code for share
"""
WRITE_TAX_CLASS = """
insert into tax_class (brand_id, code, name_zh, name_en, rate_millionths, inclusive) values ($1, $2, $3, $4, $5, $6)
    on conflict (brand_id, code) do update
   set name_zh = excluded.name_zh, name_en = excluded.name_en, rate_millionths = excluded.rate_millionths,
       inclusive = excluded.inclusive
"""


def _tax_class(row: Record) -> TaxClass:
    return TaxClass(row["code"], Name(row["name_zh"], row["name_en"]), row["rate_millionths"], row["inclusive"])


async def read_tax_classes(tx: Tx) -> dict[str, TaxClass]:
    return {row["code"]: _tax_class(row) for row in await tx.rows(TAX_CLASSES, tx.brand)}


async def lock_tax_classes(tx: Tx, codes: Sequence[str]) -> dict[str, TaxClass]:
    """These tax classes, held still until the end of the transaction."""
    return {row["code"]: _tax_class(row) for row in await tx.rows(LOCKED_TAX_CLASSES, tx.brand, codes)}


async def write_tax_class(tx: Tx, tax: TaxClass) -> int:
    """Write a tax class and the copies that products hold of it; returns how many products."""
    rate, inclusive = tax.rate_millionths, tax.inclusive
    await tx.run(WRITE_TAX_CLASS, tx.brand, tax.code, tax.name.zh, tax.name.en, rate, inclusive)
    return await tx.run(REFRESH_TAX, tx.brand, tax.code, rate, inclusive, tx.now)
