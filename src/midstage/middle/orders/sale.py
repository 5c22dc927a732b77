"""What a completed sale moves in the ledger, forth and back."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.ledger import api as ledger
from midstage.middle.orders.types import Kind, Order
from midstage.middle.payments import api as payments


async def book_sale(tx: Tx, order: Order, amount_minor: int) -> None:
    """The order is completed: what was kept of its deposit is earned by the operator of its store."""
    await _transfer(tx, f"sale:{order.order_id}", order, amount_minor, reason="order completed")


async def take_back_sale(tx: Tx, order: Order, amount_minor: int, refund_id: UUID) -> None:
    """What was booked as sold becomes a deposit again; the refund is paid out of that."""
    await _transfer(tx, f"unsale:{refund_id}", order, amount_minor, reason="sale taken back", back=True)


async def book_sale_again(tx: Tx, order: Order, amount_minor: int, payment_refund_id: UUID) -> None:
    """A refund of a completed order did not go through: what was kept for it is earned after all."""
    await _transfer(tx, f"resale:{payment_refund_id}", order, amount_minor, reason="refund failed")


async def _transfer(tx: Tx, key: str, order: Order, amount_minor: int, *, reason: str, back: bool = False) -> None:
    if amount_minor <= 0 or order.kind is Kind.IMPORTED:  # the ledger never saw what was paid elsewhere
        return
    deposits = payments.deposits_account(tx.brand, order.currency)
    sales = ledger.account_id(tx.brand, "sales", order.operator_id, order.currency)
    source, destination = (sales, deposits) if back else (deposits, sales)
    posting = ledger.Posting(source=source, destination=destination, asset=order.currency, amount=amount_minor)
    await ledger.transfer(tx, key, [posting], reason=reason, reference=order.order_id)
