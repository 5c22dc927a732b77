"""Load the payments of orders that were paid elsewhere, in bulk. They are on record; the ledger did not see them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.money import Money
from midstage.middle.payments import rules, store
from midstage.middle.payments.types import (
    PaymentState,
    TenderKind,
)


async def import_paid(tx: Tx, history: Sequence[tuple[UUID, Money, datetime]], *, method: str = "imported") -> int:
    """Load a payment and its tender for each (order, amount, paid at) by COPY; an order of nothing has none.

    Returns how many were loaded. Raises NothingToPay for a negative amount, before anything is written.
    """
    rules.check_method(method)
    paid = [(order_id, amount, at, new_id()) for order_id, amount, at in history if amount.minor]
    for _, amount, _, _ in paid:
        rules.check_amount(amount)
    state, kind = PaymentState.PAID.value, TenderKind.PAYMENT.value
    await store.copy_payments(
        tx,
        (
            (tx.brand, payment_id, order_id, None, amount.currency, amount.minor, amount.minor, state, at, at, at)
            for order_id, amount, at, payment_id in paid
        ),
    )
    await store.copy_tenders(
        tx,
        (
            (tx.brand, payment_id, new_id(), kind, method, amount.minor, amount.currency, at, tx.now, False)
            for _, amount, at, payment_id in paid
        ),
    )
    return len(paid)
