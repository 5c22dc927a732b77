"""Ask a provider what became of a payment: lost callbacks, captures, and closing at the provider."""

from collections.abc import Sequence
from datetime import datetime

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.money import Money
from midstage.middle.payments import merchants, rules, store
from midstage.middle.payments.opening import payment_of
from midstage.middle.payments.provider import Standing, StandingState, provider
from midstage.middle.payments.refusals import (
    NoSuchPayment,
    ProviderRefused,
    ProviderUnavailable,
    WrongNotice,
)
from midstage.middle.payments.types import (
    Attempt,
    AttemptState,
    Merchant,
    Notice,
    NoticeKind,
    PaymentId,
)

# ISO 4217 keeps XXX for "no currency": a provider that says `paid` and not how much never equals what is due, so that
# its word becomes a discrepancy for a person and books nothing.
NO_AMOUNT = Money(0, "XXX")
_LIVE = (AttemptState.STARTING, AttemptState.STARTED, AttemptState.AUTHORISED)


async def repair(
    database: Database, tenant: Tenant, payment_id: PaymentId, *, by: Principal = SYSTEM, now: datetime | None = None
) -> list[Notice]:
    """Ask every provider that a payment was taken to; what was paid comes back as notices to be booked.

    Safe to repeat: book_paid knows what it has booked. A provider that does not answer stays due.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at, by=by) as tx:
        attempts = await store.attempts_of(tx, payment_id)
        asked = [(attempt, await merchants.merchant_of(tx, attempt.merchant_id)) for attempt in attempts]
    notices: list[Notice] = []
    for attempt, merchant in asked:
        if attempt.state not in _LIVE:
            continue
        try:
            standing = await provider(merchant.provider).query(merchant, payment_id)
        except (ProviderUnavailable, ProviderRefused):
            standing = None
        await _note(database, tenant, attempt, standing, at=at, by=by)
        if standing is not None and standing.state is StandingState.PAID:
            notices.append(notice_of(merchant, payment_id, standing, at=at))
    return notices


async def payments_to_repair(tx: Tx, *, limit: int = 100) -> list[PaymentId]:
    """The payments whose providers are due to be asked, the longest due first."""
    return await store.payments_to_query(tx, limit)


async def end_answered(tx: Tx) -> int:
    """Ask no more where a merchant's provider has told of the money by itself, so that the doubtful are asked in time."""
    return await store.end_answered(tx)


async def call_off(
    database: Database, tenant: Tenant, payment_id: PaymentId, *, by: Principal = SYSTEM, now: datetime | None = None
) -> list[Notice]:
    """Let nobody pay any more at any provider; where it had been paid before, that comes back to be booked.

    Raises ProviderUnavailable where one did not answer: call again.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at, by=by) as tx:
        attempts = await store.attempts_of(tx, payment_id)
        asked = [(attempt, await merchants.merchant_of(tx, attempt.merchant_id)) for attempt in attempts]
    notices: list[Notice] = []
    for attempt, merchant in asked:
        if attempt.state not in _LIVE:
            continue
        standing = await provider(merchant.provider).close(merchant, payment_id)
        await _note(database, tenant, attempt, standing, at=at, by=by)
        if standing.state is StandingState.PAID:
            notices.append(notice_of(merchant, payment_id, standing, at=at))
    return notices


async def book_authorised(tx: Tx, notice: Notice) -> None:
    """Note that a shopper has agreed and the provider holds the money; `capture` collects it."""
    if notice.kind is not NoticeKind.AUTHORISED:
        raise WrongNotice(notice.kind.value)
    if not await store.move_attempt(tx, notice.payment_id, notice.merchant_id, AttemptState.AUTHORISED):
        raise NoSuchPayment(notice.payment_id)


async def capture(
    database: Database, tenant: Tenant, payment_id: PaymentId, *, by: Principal = SYSTEM, now: datetime | None = None
) -> Notice:
    """Collect what was authorised, all that is due; the answer is to be booked like any payment.

    Raises NoSuchPayment where nothing is authorised, ProviderUnavailable, ProviderRefused.
    """
    at = now or utc_now()
    async with database.reading(tenant, now=at, by=by) as tx:
        payment = await payment_of(tx, payment_id)
        attempts = await store.attempts_of(tx, payment_id)
        held = next((one for one in attempts if one.state is AttemptState.AUTHORISED), None)
        if held is None:
            raise NoSuchPayment(payment_id)
        merchant = await merchants.merchant_of(tx, held.merchant_id)
    standing = await provider(merchant.provider).capture(merchant, payment_id, payment.due)
    await _note(database, tenant, held, standing, at=at, by=by)
    return notice_of(merchant, payment_id, standing, at=at)


async def attempts_of(tx: Tx, payment_id: PaymentId) -> Sequence[Attempt]:
    """Where a payment was taken to, oldest first."""
    return await store.attempts_of(tx, payment_id)


def notice_of(merchant: Merchant, payment_id: PaymentId, standing: Standing, *, at: datetime) -> Notice:
    """What a provider answered, as if it had called back."""
    return Notice(
        kind=NoticeKind.PAID,
        merchant_id=merchant.merchant_id,
        payee=merchant.payee,
        provider=merchant.provider,
        payment_id=payment_id,
        transaction_no=standing.transaction_no,
        amount=standing.amount or NO_AMOUNT,
        at=standing.at or at,
    )


async def _note(
    database: Database, tenant: Tenant, attempt: Attempt, standing: Standing | None, *, at: datetime, by: Principal
) -> None:
    """Note what was answered and when to ask again. A payment once paid there has nothing more to say."""
    again = rules.next_query_at(attempt.queries + 1, at=at)
    state = attempt.state
    if again is None:
        state = AttemptState.ENDED
    if standing is not None:
        state = {
            StandingState.AUTHORISED: AttemptState.AUTHORISED,
            StandingState.CLOSED: AttemptState.CLOSED,
        }.get(standing.state, state)
    async with database.writing(tenant, now=at, by=by) as tx:
        await store.queried_attempt(tx, attempt, next_query_at=again or at, state=state)
