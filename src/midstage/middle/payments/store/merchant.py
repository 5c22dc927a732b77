"""SQL of merchants."""

from uuid import UUID

import msgspec

from midstage.kit.database import Record, Tx
from midstage.middle.payments.types import (
    Merchant,
    MerchantId,
    MerchantState,
)

PUT_MERCHANT = """
insert into merchant (brand_id, merchant_id, payee, provider, settings, secrets, changed_at, fee_millionths)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (brand_id, payee, provider)
  do update set settings = excluded.settings, secrets = excluded.secrets, state = 'active', changed_at = $7,
                fee_millionths = excluded.fee_millionths
  where merchant.brand_id = $1
returning merchant_id, payee, provider, settings, secrets, state, fee_millionths
"""
PAUSE_MERCHANT = """
update merchant set state = 'paused', changed_at = $3 where brand_id = $1 and merchant_id = $2 returning merchant_id, payee, provider, settings, secrets, state, fee_millionths
"""
READ_MERCHANT = "select merchant_id, payee, provider, settings, secrets, state, fee_millionths from merchant where brand_id = $1 and merchant_id = $2"
# Whoever compares or settles a day of a merchant, one after the other.
LOCK_MERCHANT = """
select merchant_id, payee, provider, settings, secrets, state, fee_millionths from merchant
 where brand_id = $1 and merchant_id = $2 for no key update
"""
MERCHANTS = "select merchant_id, payee, provider, settings, secrets, state, fee_millionths from merchant where brand_id = $1 order by provider, payee nulls first"
# A payee's own accounts alone: who collects was decided when the payment was opened.
MERCHANTS_FOR = """
select merchant_id, payee, provider, settings, secrets, state, fee_millionths from merchant
 where brand_id = $1 and state = 'active' and payee is not distinct from $2::uuid and ($3::text is null or provider = $3)
 order by provider
"""


async def put_merchant(tx: Tx, merchant: Merchant) -> Merchant:
    json = msgspec.json.encode
    row = await tx.row(
        PUT_MERCHANT,
        tx.brand,
        merchant.merchant_id,
        merchant.payee,
        merchant.provider,
        json(merchant.settings).decode(),
        json(merchant.secrets).decode(),
        tx.now,
        merchant.fee_millionths,
    )
    return to_merchant(row)


async def pause_merchant(tx: Tx, merchant_id: MerchantId) -> Merchant | None:
    row = await tx.row(PAUSE_MERCHANT, tx.brand, merchant_id, tx.now)
    return None if row is None else to_merchant(row)


async def read_merchant(tx: Tx, merchant_id: MerchantId) -> Merchant | None:
    row = await tx.row(READ_MERCHANT, tx.brand, merchant_id)
    return None if row is None else to_merchant(row)


async def lock_merchant(tx: Tx, merchant_id: MerchantId) -> Merchant | None:
    row = await tx.row(LOCK_MERCHANT, tx.brand, merchant_id)
    return None if row is None else to_merchant(row)


async def merchants(tx: Tx) -> list[Merchant]:
    return [to_merchant(row) for row in await tx.rows(MERCHANTS, tx.brand)]


async def merchants_for(tx: Tx, payee: UUID | None, provider: str | None) -> list[Merchant]:
    return [to_merchant(row) for row in await tx.rows(MERCHANTS_FOR, tx.brand, payee, provider)]


def to_merchant(row: Record | None) -> Merchant:
    if row is None:
        raise AssertionError("unreachable: an upsert returns its row")
    return Merchant(
        merchant_id=row["merchant_id"],
        payee=row["payee"],
        provider=row["provider"],
        settings=msgspec.json.decode(row["settings"], type=dict[str, str]),
        secrets=msgspec.json.decode(row["secrets"], type=dict[str, str]),
        state=MerchantState(row["state"]),
        fee_millionths=row["fee_millionths"],
    )
