"""Who is asked about at a provider: the doubtful, and no more those of whom it told by itself."""

from datetime import timedelta

from middle.payments.till import MERCHANT, opened, said_paid
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.middle.payments import api as payments
from midstage.middle.payments import store


async def test_what_a_provider_told_of_is_asked_no_more(db: Database, tenant: Tenant) -> None:
    here = payments.Merchant(MERCHANT, None, "sandbox", {}, {})
    other = payments.Merchant(payments.MerchantId(new_id()), None, "sandbox", {}, {})
    told, silent, elsewhere = [await opened(db, tenant) for _ in range(3)]
    async with db.writing(tenant) as tx:
        for merchant in (here, other):
            await store.put_merchant(tx, merchant if merchant is here else _of(merchant))
        due = utc_now() - timedelta(seconds=1)
        for payment, merchant in ((told, here), (silent, here), (elsewhere, other)):
            await store.begin_attempt(tx, payment.payment_id, merchant, capture_later=False, next_query_at=due)
        await payments.book_paid(tx, said_paid(told))
        await payments.book_paid(tx, said_paid(elsewhere))  # at another merchant than it was taken to
    async with db.writing(tenant) as tx:
        assert await payments.end_answered(tx) == 1
        assert await payments.end_answered(tx) == 0
        assert set(await payments.payments_to_repair(tx)) == {silent.payment_id, elsewhere.payment_id}


def _of(merchant: payments.Merchant) -> payments.Merchant:
    """The same for another payee: a payee has one merchant at a provider."""
    return payments.Merchant(merchant.merchant_id, new_id(), merchant.provider, {}, {})
