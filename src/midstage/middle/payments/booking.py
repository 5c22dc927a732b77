"""What every tender does in the ledger: which accounts, under which key."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.ledger import api as ledger
from midstage.middle.payments.types import (
    Merchant,
    MerchantId,
    Taken,
    Tender,
    TenderId,
)

# What shoppers have paid and their orders have not yet earned; the owner is the payee who holds it.
DEPOSITS = "order_deposits"
# What a provider has collected for a merchant and not yet paid out; the owner is the merchant.
CLEARING = "provider_clearing"
# What providers charge, and what reconciliation gave up; the owner is the payee whose money it was.
FEES = "provider_fees"
WRITE_OFFS = "reconciliation_write_offs"
# The brand itself.
OWN = UUID(int=0)


def deposits_account(brand: BrandId, currency: str, payee: UUID | None = None) -> ledger.AccountId:
    """The account of what a payee (None: the brand) holds for orders and has not yet earned. Pure."""
    return ledger.account_id(brand, DEPOSITS, payee or OWN, currency)


def source_account(
    brand: BrandId, currency: str, *, method: str, merchant_id: MerchantId | None, payee: UUID | None = None
) -> ledger.AccountId:
    """Where money stands outside: at the provider for a merchant, or what a payee took by hand (tender_cash, …). Pure."""
    if merchant_id is None:
        return ledger.account_id(brand, f"tender_{method}", payee or OWN, currency)
    return ledger.account_id(brand, CLEARING, merchant_id, currency)


async def fees_charged(tx: Tx, merchant: Merchant, currency: str, minor: int) -> None:
    """Book what a provider kept of what it collected; below zero it let go of some."""
    await _from_clearing(
        tx, merchant, currency, -minor, other=FEES, reason="provider fee", reference=merchant.merchant_id
    )


async def adjusted(tx: Tx, merchant: Merchant, currency: str, minor: int, *, resolution: str, reference: UUID) -> None:
    """Let what a provider owes us be so much more or less, against its fees or what is written off."""
    other = FEES if resolution == "fee" else WRITE_OFFS
    await _from_clearing(
        tx, merchant, currency, minor, other=other, reason=f"difference: {resolution}", reference=reference
    )


async def _from_clearing(
    tx: Tx, merchant: Merchant, currency: str, minor: int, *, other: str, reason: str, reference: UUID
) -> None:
    """From the clearing account to the other one, or (below zero) back: a provider that owes us less is credited."""
    clearing = ledger.account_id(tx.brand, CLEARING, merchant.merchant_id, currency)
    against = ledger.account_id(tx.brand, other, merchant.payee or OWN, currency)
    source, destination = (clearing, against) if minor > 0 else (against, clearing)
    posting = ledger.Posting(source, destination, currency, abs(minor))
    await ledger.transfer(tx, f"{other}/{new_id()}", [posting], reason=reason, reference=reference)


async def paid(
    tx: Tx,
    tender_id: TenderId,
    order_id: UUID,
    *,
    amount_minor: int,
    currency: str,
    method: str,
    merchant_id: MerchantId | None,
    payee: UUID | None,
) -> None:
    """Book money that came: from its source to the payee's deposits."""
    posting = ledger.Posting(
        source_account(tx.brand, currency, method=method, merchant_id=merchant_id, payee=payee),
        deposits_account(tx.brand, currency, payee),
        currency,
        amount_minor,
    )
    await ledger.transfer(tx, f"tender/{tender_id}", [posting], reason="payment", reference=order_id)


async def all_taken(tx: Tx, order_id: UUID, taken: Sequence[Taken]) -> None:
    """Book all that was taken by hand for an order in one moment, as one transfer."""
    postings = [
        ledger.Posting(
            source_account(tx.brand, one.amount.currency, method=one.method, merchant_id=None, payee=one.payee),
            deposits_account(tx.brand, one.amount.currency, one.payee),
            one.amount.currency,
            one.amount.minor,
        )
        for one in taken
    ]
    await ledger.transfer(tx, f"tender/{taken[0].tender_id}", postings, reason="payment", reference=order_id)


async def refunded(
    tx: Tx, tender_id: TenderId, order_id: UUID, *, amount_minor: int, of: Tender, payee: UUID | None
) -> None:
    """Book money that went back: from the payee's deposits to where it had come from."""
    currency = of.amount.currency
    posting = ledger.Posting(
        deposits_account(tx.brand, currency, payee),
        source_account(tx.brand, currency, method=of.method, merchant_id=of.merchant_id, payee=payee),
        currency,
        amount_minor,
    )
    await ledger.transfer(tx, f"tender/{tender_id}", [posting], reason="refund", reference=order_id)
