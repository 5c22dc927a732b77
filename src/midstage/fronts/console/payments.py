"""Merchants, what providers say differently, and refunds: of the brand as a whole, but for the refund of one order."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import BadDate, Code, Reason, Short, day_begins
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments

TAGS = ["console: payments"]
READ, WRITE, REFUND = "payments.read", "payments.write", "orders.refund"
DiscrepancyInState = Annotated[payments.DiscrepancyState | None, QueryParameter(name="state")]
DiscrepancyOfKind = Annotated[payments.DiscrepancyKind | None, QueryParameter(name="kind")]
RefundInState = Annotated[payments.RefundState | None, QueryParameter(name="state")]
Settings = Annotated[dict[Code, Short], msgspec.Meta(max_length=20)]
References = Annotated[
    dict[Code, Short],
    msgspec.Meta(max_length=20, description="References, never values: env:SECRET_NAME or file:name"),
]


class PutMerchant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account at a provider, of a payee or (without one) of the brand itself; it replaces an earlier one there."""

    provider: Code
    payee: UUID | None = None
    settings: Settings
    secrets: References
    fee_millionths: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    """What the provider keeps of a payment, as agreed (6000 is 0.6 %); null: whatever it says."""


class AcceptAmount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payment whose amount differs, as the list says, and what was seen."""

    payment_id: UUID
    note: Reason


class Dismiss(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing is to be done."""

    note: Reason


class ReconcileDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A day as the provider counts it, which should be over."""

    day: date


class Providers(msgspec.Struct, frozen=True):
    """The payment providers that are installed here."""

    names: list[str]


@reading("/payments/providers", tags=TAGS, needs=READ)
async def payment_providers(_tx: Tx, _staff: Staff) -> Providers:
    """The payment providers that a merchant can be of."""
    return Providers(payments.providers())


@reading("/payments/merchants", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def merchants(tx: Tx, staff: Staff) -> list[payments.Merchant]:
    """Where the money is collected, the brand's own accounts first. Secrets are references."""
    whole_brand(staff, READ)
    return await payments.merchants(tx)


@changing(
    "PUT",
    "/payments/merchants",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        NeedsWholeBrand,
        payments.UnknownProvider,
        payments.RealMoney,
        payments.BadMerchant,
        payments.NotCollecting,
    ),
)
async def put_merchant(data: PutMerchant, tx: Tx, staff: Staff) -> payments.Merchant:
    """Give a payee its account at a provider, or open a paused one again."""
    whole_brand(staff, WRITE)
    return await payments.put_merchant(
        tx,
        provider=data.provider,
        payee=data.payee,
        settings=data.settings,
        secrets=data.secrets,
        fee_millionths=data.fee_millionths,
    )


@changing(
    "POST",
    "/payments/merchants/{merchant_id:uuid}/pause",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, payments.NoSuchMerchant),
)
async def pause_merchant(merchant_id: UUID, tx: Tx, staff: Staff) -> payments.Merchant:
    """Start nothing new there; what is under way ends."""
    whole_brand(staff, WRITE)
    return await payments.pause_merchant(tx, payments.MerchantId(merchant_id))


@changing(
    "POST",
    "/payments/merchants/{merchant_id:uuid}/reconcile",
    tags=TAGS,
    needs=WRITE,
    refuses=(
        NeedsWholeBrand,
        BadDate,
        payments.NoSuchMerchant,
        payments.UnknownProvider,
        payments.ProviderUnavailable,
        payments.ProviderRefused,
        payments.StatementNotReady,
        payments.StatementIncomplete,
        payments.BadMerchant,
        payments.SecretMissing,
    ),
)
async def reconcile(merchant_id: UUID, data: ReconcileDay, request: AnyRequest, staff: Staff) -> payments.Reconciled:
    """Read a merchant's day and compare it with our book, in place of an earlier reading; differences are listed once."""
    whole_brand(staff, WRITE)
    day_begins(staff.tenant, data.day)
    database = desk_of(request).database
    merchant = payments.MerchantId(merchant_id)
    compared = await payments.reconcile(database, staff.tenant, merchant, data.day, by=staff.by)

    async def note(tx: Tx) -> None:
        after = {"day": data.day, "matched": compared.matched, "found": compared.found}
        tx.note("payments.reconcile", "merchant", merchant, after=after)

    await database.attempt(staff.tenant, note, by=staff.by)
    return compared


@reading("/payments/discrepancies", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def payment_discrepancies(
    tx: Tx,
    staff: Staff,
    in_state: DiscrepancyInState = None,
    of_kind: DiscrepancyOfKind = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[payments.Discrepancy]:
    """What our book and a provider say differently, the latest first."""
    whole_brand(staff, READ)
    return await payments.discrepancies(tx, payments.DiscrepancyFilters(in_state, of_kind), PageRequest(after, limit))


@changing(
    "POST",
    "/payments/discrepancies/{discrepancy_id:uuid}/accept",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(
        NeedsWholeBrand,
        orders.NoSuchOrder,
        payments.NoSuchPayment,
        payments.NoSuchPaymentDiscrepancy,
        payments.NoSuchMerchant,
        payments.TransactionTaken,
    ),
)
async def accept_amount(discrepancy_id: UUID, data: AcceptAmount, tx: Tx, staff: Staff) -> payments.Discrepancy:
    """The other amount did arrive: book it, so that it can be given back. The order is not paid by it."""
    whole_brand(staff, WRITE)
    return await orders.accept_amount(
        tx, payments.PaymentId(data.payment_id), payments.DiscrepancyId(discrepancy_id), note=data.note
    )


@changing(
    "POST",
    "/payments/discrepancies/{discrepancy_id:uuid}/dismiss",
    once=True,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, payments.NoSuchPaymentDiscrepancy),
)
async def dismiss_discrepancy(discrepancy_id: UUID, data: Dismiss, tx: Tx, staff: Staff) -> payments.Discrepancy:
    """Nothing is to be done; a payment that was flagged for it alone is open again."""
    whole_brand(staff, WRITE)
    return await payments.dismiss(tx, payments.DiscrepancyId(discrepancy_id), note=data.note)


@reading(
    "/payments/refunds",
    tags=TAGS,
    needs=READ,
    refuses=(NeedsWholeBrand, access.OutOfScope, orders.NoSuchOrder),
)
async def refunds(
    tx: Tx,
    staff: Staff,
    in_state: RefundInState = None,
    order_id: UUID | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[payments.Refund]:
    """Refunds, the latest first: of an order that I see, or (over the whole brand) of all."""
    if order_id is None:
        whole_brand(staff, READ)
    else:
        await _my_order(tx, staff, READ, order_id)
    return await payments.refunds(tx, payments.RefundFilters(in_state, order_id), PageRequest(after, limit))


@changing(
    "POST",
    "/payments/refunds/{refund_id:uuid}/give-back",
    once=True,
    tags=TAGS,
    needs=REFUND,
    refuses=(
        access.OutOfScope,
        orders.NoSuchOrder,
        payments.NoSuchRefund,
        payments.NoSuchPayment,
        payments.RefundNotWaiting,
    ),
)
async def give_back(refund_id: UUID, tx: Tx, staff: Staff) -> payments.Refund:
    """The money of a refund was given back by hand: out of the drawer of the order's store, or by the bank."""
    found = await payments.refund_of(tx, payments.RefundId(refund_id))
    await _my_order(tx, staff, REFUND, found.order_id)
    return await payments.give_back_by_hand(tx, found.refund_id)


async def _my_order(tx: Tx, staff: Staff, permission: str, order_id: UUID) -> None:
    """Raises orders.NoSuchOrder, or access.OutOfScope where the order's store lies outside."""
    found = await orders.order(tx, orders.OrderId(order_id))
    (await reach(tx, staff, permission)).need(found.store_id)


HANDLERS: list[HTTPRouteHandler] = [
    payment_providers, merchants, put_merchant, pause_merchant, reconcile, payment_discrepancies, accept_amount,
    dismiss_discrepancy, refunds, give_back,
]  # fmt: skip
