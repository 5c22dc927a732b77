"""Take payments to their providers: note the attempts, call, note the answers. No call is made in a transaction."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID, uuid5

import msgspec

from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.money import Money
from midstage.middle.payments import merchants, rules, store
from midstage.middle.payments.callbacks import callback_url
from midstage.middle.payments.provider import CombinedOrder, PaymentOrder, combining, provider
from midstage.middle.payments.refusals import NoSuchPayment, PaymentNotOpen, ProviderRefused
from midstage.middle.payments.types import (
    AttemptState,
    Cashier,
    CashierTo,
    Merchant,
    Payment,
    PaymentId,
    PaymentState,
    Started,
)

# A combined payment is named by what it combines: the same payments again are the same cashier.
_SPACE = UUID("6f0d9c5e-6b1c-5a52-9a53-3d1f1a3f9a10")


class _Part(msgspec.Struct, frozen=True):
    """One payment on its way to a provider."""

    payment: Payment
    merchant: Merchant
    order: PaymentOrder


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
        part = await _part(tx, payment, cashier, via=via, callback_base=callback_base)
        part = await _begin(tx, part, None)
    return (await _create(database, tenant, part, at=at, by=by))[0]


async def start_payments(
    database: Database,
    tenant: Tenant,
    order_id: UUID,
    cashier: Cashier,
    *,
    callback_base: str,
    via: str | None = None,
    by: Principal = SYSTEM,
    now: datetime | None = None,
) -> list[CashierTo]:
    """Make all that an order still owes ready to be paid: the cashiers to go to, one after the other.

    Payments to several payees come to one cashier where their provider combines, else each has its own. Started again
    they are the same. Raises as start_payment; PaymentNotOpen where nothing is open. What a provider has made ready
    before another one refused stays so.
    """
    at = now or utc_now()
    async with database.writing(tenant, now=at, by=by) as tx:
        payments = await store.lock_payments_of(tx, order_id)
        if not payments:
            raise NoSuchPayment(order_id)
        waiting = [payment for payment in payments if payment.state is PaymentState.OPEN]
        for payment in waiting or payments[:1]:
            rules.check_startable(payment, at=at)
        if not waiting:
            raise PaymentNotOpen(payments[0].payment_id, state=payments[0].state.value)
        parts = [await _part(tx, one, cashier, via=via, callback_base=callback_base) for one in waiting]
        groups = [[await _begin(tx, part, _combined_id(group)) for part in group] for group in _together(parts)]
    found: list[CashierTo] = []
    for group in groups:
        if len(group) > 1:
            started = await _create_combined(database, tenant, group, at=at, by=by)
        else:
            started = await _create(database, tenant, group[0], at=at, by=by)
        found.append(_cashier_to(group, started))
    return found


def _together(parts: Sequence[_Part]) -> list[list[_Part]]:
    """The payments of each cashier: those of a provider that combines, unless they are captured later; else one."""
    groups: list[list[_Part]] = []
    for name, of_provider in groupby(sorted(parts, key=_provider_name), key=_provider_name):
        same = list(of_provider)
        if combining(name) is None or any(part.order.capture_later for part in same):
            groups += [[part] for part in same]
        else:
            groups.append(same)
    return groups


def _provider_name(part: _Part) -> str:
    return part.merchant.provider


def _combined_id(group: Sequence[_Part]) -> UUID | None:
    if len(group) == 1:
        return None
    return uuid5(_SPACE, "/".join(sorted(part.payment.payment_id.hex for part in group)))


def _cashier_to(group: Sequence[_Part], started: Sequence[Started]) -> CashierTo:
    return CashierTo(
        provider=started[0].provider,
        cashier_url=started[0].cashier_url,
        amount=Money(sum(part.payment.due_minor for part in group), group[0].payment.currency),
        payment_ids=[part.payment.payment_id for part in group],
        payees=[part.payment.payee for part in group],
        due_at=min(one.due_at for one in started),
    )


async def _part(tx: Tx, payment: Payment, cashier: Cashier, *, via: str | None, callback_base: str) -> _Part:
    merchant = await merchants.merchant_for(tx, payment.payee, provider=via)
    provider(merchant.provider)  # it is installed
    order = PaymentOrder(
        payment_id=payment.payment_id,
        amount=payment.due,
        title=cashier.title,
        expires_at=payment.due_at,
        callback_url=callback_url(callback_base, tx.tenant, merchant.merchant_id),
        return_url=cashier.return_url,
        language=cashier.language,
        capture_later=cashier.capture_later,
    )
    return _Part(payment, merchant, order)


async def _begin(tx: Tx, part: _Part, combined_id: UUID | None) -> _Part:
    """Note the attempt; one that was begun before keeps how it is captured."""
    attempt = await store.begin_attempt(
        tx,
        part.payment.payment_id,
        part.merchant,
        capture_later=part.order.capture_later,
        next_query_at=rules.next_query_at(0, at=tx.now) or tx.now,
        combined_id=combined_id,
    )
    order = msgspec.structs.replace(part.order, capture_later=attempt.capture_later)
    return msgspec.structs.replace(part, order=order)


async def _create(database: Database, tenant: Tenant, part: _Part, *, at: datetime, by: Principal) -> list[Started]:
    try:
        created = await provider(part.merchant.provider).create(part.merchant, part.order)
    except ProviderRefused:
        await _refused(database, tenant, [part], at=at, by=by)
        raise
    return await _started(database, tenant, [part], [created.provider_no], created.cashier_url, at=at, by=by)


async def _create_combined(
    database: Database, tenant: Tenant, group: Sequence[_Part], *, at: datetime, by: Principal
) -> list[Started]:
    adapter, combined_id = combining(group[0].merchant.provider), _combined_id(group)
    if adapter is None or combined_id is None:
        raise AssertionError("unreachable: only those of a provider that combines are put together")
    try:
        combined = await adapter.create_combined(
            CombinedOrder(combined_id, [(part.merchant, part.order) for part in group])
        )
    except ProviderRefused:
        await _refused(database, tenant, group, at=at, by=by)
        raise
    return await _started(database, tenant, group, combined.provider_nos, combined.cashier_url, at=at, by=by)


async def _refused(database: Database, tenant: Tenant, group: Sequence[_Part], *, at: datetime, by: Principal) -> None:
    async with database.writing(tenant, now=at, by=by) as tx:
        for part in group:
            await store.move_attempt(tx, part.payment.payment_id, part.merchant.merchant_id, AttemptState.REFUSED)


async def _started(
    database: Database,
    tenant: Tenant,
    group: Sequence[_Part],
    provider_nos: Sequence[str],
    cashier_url: str,
    *,
    at: datetime,
    by: Principal,
) -> list[Started]:
    async with database.writing(tenant, now=at, by=by) as tx:
        for part, provider_no in zip(group, provider_nos, strict=True):
            await store.end_attempt_start(
                tx,
                part.payment.payment_id,
                part.merchant.merchant_id,
                provider_no=provider_no,
                cashier_url=cashier_url,
            )
    return [
        Started(part.payment.payment_id, part.merchant.provider, provider_no, cashier_url, part.payment.due_at)
        for part, provider_no in zip(group, provider_nos, strict=True)
    ]
