"""Take a payment to a provider: note the attempt, call, note the answer. No call is made in a transaction."""

from datetime import datetime

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.middle.payments import merchants, rules, store
from midstage.middle.payments.callbacks import callback_url
from midstage.middle.payments.provider import PaymentOrder, provider
from midstage.middle.payments.refusals import NoSuchPayment, ProviderRefused
from midstage.middle.payments.types import (
    AttemptState,
    Cashier,
    PaymentId,
    Started,
)


async def start_payment(
    database: Database,
    tenant: Tenant,
    payment_id: PaymentId,
    cashier: Cashier,
    *,
    callback_base: str,
    via: str | None = None,
    by: Principal = SYSTEM,
    now: datetime | None = None,
) -> Started:
    """Make a payment ready at a provider (`via` its name; None: whoever collects for the payee).

    Started again it is the same payment at the provider. Killed between the call and the note, the attempt
    stands as `starting` and repair asks the provider for it.
    Raises NoSuchPayment, PaymentNotOpen, PaymentOverdue, NoSuchMerchant, UnknownProvider, ProviderUnavailable,
    ProviderRefused.
    """
    at = now or utc_now()
    async with database.writing(tenant, now=at, by=by) as tx:
        # Held, so that nobody cuts a part off while the provider is asked for the whole.
        payment = await store.lock_payment(tx, payment_id)
        if payment is None:
            raise NoSuchPayment(payment_id)
        rules.check_startable(payment, at=at)
        merchant = await merchants.merchant_for(tx, payment.payee, provider=via)
        adapter = provider(merchant.provider)
        first_query_at = rules.next_query_at(0, at=at) or at
        attempt = await store.begin_attempt(
            tx, payment_id, merchant, capture_later=cashier.capture_later, next_query_at=first_query_at
        )
    order = PaymentOrder(
        payment_id=payment_id,
        amount=payment.due,
        title=cashier.title,
        expires_at=payment.due_at,
        callback_url=callback_url(callback_base, tenant, merchant.merchant_id),
        return_url=cashier.return_url,
        language=cashier.language,
        capture_later=attempt.capture_later,
    )
    try:
        created = await adapter.create(merchant, order)
    except ProviderRefused:
        async with database.writing(tenant, now=at, by=by) as tx:
            await store.move_attempt(tx, payment_id, merchant.merchant_id, AttemptState.REFUSED)
        raise
    async with database.writing(tenant, now=at, by=by) as tx:
        await store.end_attempt_start(
            tx,
            payment_id,
            merchant.merchant_id,
            provider_no=created.provider_no,
            cashier_url=created.cashier_url,
        )
    return Started(payment_id, merchant.provider, created.provider_no, created.cashier_url, payment.due_at)
