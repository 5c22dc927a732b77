"""Lots: what lies in an account, and what becomes of it at its date."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.ledger import store
from midstage.middle.ledger.facts import LotsExpired
from midstage.middle.ledger.names import account_id
from midstage.middle.ledger.transfer import LotTerms, book, draft
from midstage.middle.ledger.types import AccountId, Lot, Posting, Take, TransferId

ACCOUNTS_A_RUN = 500


def expiry_account(brand: BrandId, asset: str) -> AccountId:
    """Where the rests of expired lots go."""
    return account_id(brand, "expired", UUID(int=brand), asset)


async def lots(tx: Tx, account: AccountId) -> list[Lot]:
    """The lots of an account that hold anything, in order of arrival."""
    return await store.lots(tx, [account])


async def lots_taken(tx: Tx, transfer: TransferId) -> list[Take]:
    """Which lots a transfer spent, so that a return can give back what had which date."""
    return await store.lots_taken(tx, transfer)


async def expire_lots(tx: Tx, *, limit: int = ACCOUNTS_A_RUN) -> int:
    """Book what is left of lots past their date to the expiry account; returns of how many accounts.

    Frozen lots expire like any other; held parts only after their hold let them go.
    Accounts that are busy are left for the next run, so call it until it returns 0.
    """
    ids = await store.lock_due_accounts(tx, min(limit, ACCOUNTS_A_RUN))
    if not ids:
        return 0
    takes = await store.due_lots(tx, ids)
    accounts = await store.accounts(tx, ids)
    totals = {account: [take.amount for take in takes if take.account_id == account] for account in ids}
    postings = [
        Posting(account, expiry_account(tx.brand, accounts[account].asset), accounts[account].asset, sum(parts))
        for account, parts in totals.items()
        if parts
    ]
    if postings:
        drafted = draft(tx, f"expire_lots:{new_id()}", postings, reason="expired", reference=UUID(int=tx.brand))
        await book(tx, drafted, LotTerms(), takes=takes)
    for posting in postings:
        row = accounts[posting.source]
        tx.tell(
            LotsExpired(
                account_id=posting.source,
                kind=row.kind,
                owner=row.owner,
                asset=row.asset,
                amount=posting.amount,
                lots=len(totals[posting.source]),
            )
        )
    return len(postings)
