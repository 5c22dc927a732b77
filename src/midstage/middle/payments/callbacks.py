"""A provider calls back: where it finds us, and what it says, verified before anything is believed."""

from collections.abc import Mapping

from midstage.kit.clock import Tenant
from midstage.kit.database import Tx
from midstage.middle.payments import merchants
from midstage.middle.payments.provider import provider
from midstage.middle.payments.refusals import (
    NoticeOfAnother,
    SignatureWrong,
)
from midstage.middle.payments.types import (
    MerchantId,
    Notice,
)


def callback_url(base: str, tenant: Tenant, merchant_id: MerchantId) -> str:
    """Where a provider reaches us for a merchant: `<base>/<brand code>/<merchant id>`; empty without a base."""
    return f"{base.rstrip('/')}/{tenant.code}/{merchant_id}" if base else ""


async def read_notice(tx: Tx, merchant_id: MerchantId, headers: Mapping[str, str], body: bytes) -> Notice:
    """Verify a callback and read it; header names in small letters. A reading Tx is enough, mostly unused.

    Raises NoSuchMerchant, SignatureWrong, NoticeUnreadable.
    """
    merchant = await merchants.merchant_of(tx, merchant_id)
    try:
        notice = provider(merchant.provider).verify(merchant, headers, body, now=tx.now)
    except SignatureWrong:
        # The secret or the merchant may have been changed within the time that they are kept.
        merchants.forget(tx, merchant)
        merchant = await merchants.merchant_of(tx, merchant_id)
        notice = provider(merchant.provider).verify(merchant, headers, body, now=tx.now)
    if notice.merchant_id != merchant_id:
        raise NoticeOfAnother(notice.payment_id)
    return notice
