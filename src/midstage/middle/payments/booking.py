"""What every tender does in the ledger: which accounts, under which key."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.middle.ledger import api as ledger
from midstage.middle.payments.types import (
    MerchantId,
    Tender,
    TenderId,
)

# What shoppers have paid and their orders have not yet earned.
DEPOSITS = "order_deposits"
# What a provider has collected for a merchant and not yet paid out; the owner is the merchant.
CLEARING = "provider_clearing"
# The brand itself.
OWN = UUID(int=0)


def deposits_account(brand: BrandId, currency: str) -> ledger.AccountId:
    """The account of what was paid for orders and is not yet earned. Pure."""
    return ledger.account_id(brand, DEPOSITS, OWN, currency)


def source_account(brand: BrandId, currency: str, *, method: str, merchant_id: MerchantId | None) -> ledger.AccountId:
    """Where money stands outside: at the provider for a merchant, or what was taken by hand (tender_cash, …). Pure."""
    if merchant_id is None:
        return ledger.account_id(brand, f"tender_{method}", OWN, currency)
    return ledger.account_id(brand, CLEARING, merchant_id, currency)


async def paid(
    tx: Tx,
    tender_id: TenderId,
    order_id: UUID,
    *,
    amount_minor: int,
    currency: str,
    method: str,
    merchant_id: MerchantId | None,
) -> None:
    """Book money that came: from its source to the deposits."""
    posting = ledger.Posting(
        source_account(tx.brand, currency, method=method, merchant_id=merchant_id),
        deposits_account(tx.brand, currency),
        currency,
        amount_minor,
    )
    await ledger.transfer(tx, f"tender/{tender_id}", [posting], reason="payment", reference=order_id)


async def refunded(tx: Tx, tender_id: TenderId, order_id: UUID, *, amount_minor: int, of: Tender) -> None:
    """Book money that went back: from the deposits to where it had come from."""
    currency = of.amount.currency
    posting = ledger.Posting(
        deposits_account(tx.brand, currency),
        source_account(tx.brand, currency, method=of.method, merchant_id=of.merchant_id),
        currency,
        amount_minor,
    )
    await ledger.transfer(tx, f"tender/{tender_id}", [posting], reason="refund", reference=order_id)
